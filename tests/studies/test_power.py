"""The power study: what is injected is real and changes no answer; what is told is counted right."""

import math
import random
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from scipy import stats

from speedproof import cli
from speedproof.counters.tally import count
from speedproof.environment import current_environment
from speedproof.gate.certificate import Certificate
from speedproof.gate.gate import require_covers
from speedproof.lens.subject import find_subject
from speedproof.pairs.workload import Workload
from speedproof.records.record import Recorder
from speedproof.tensors.counters import operators
from speedproof.timing.comparison import Comparison
from speedproof.timing.launches import Launch
from speedproof.timing.plan import Plan
from speedproof_studies.kinds import Powered
from speedproof_studies.power import tools as peers
from speedproof_studies.power.rates import pooled_rows, power_rows
from speedproof_studies.power.slowed_call import PRODUCTS, save_inputs, slowed
from speedproof_studies.power.slowed_finding import pair_of, target_of
from speedproof_studies.power.study import INJECTED, OURS, ask_ours, certificates, tools
from speedproof_studies.power.tools import PEERS, Half, PeerFailed, installed
from speedproof_studies.project import PROJECT
from speedproof_studies.proportion import clopper_pearson, upper

STUDY = "speedproof_studies.power.study"
SMALL = Workload("power", "tiny", 20, n_threads=1)


def test_a_slowed_call_does_that_many_more_products_and_nothing_else() -> None:
    inputs = pair_of(0).inputs(SMALL, find_subject("tiny"), None)
    plain, burdened = (count([operators], slowed(n), inputs)["operators"] for n in (0, 30))
    assert burdened == plain + 30
    assert slowed(30)(**inputs) == slowed(0)(**inputs)


def test_a_slowed_pair_is_certified_and_planned_by_the_gate_and_runner_that_all_pairs_go_through() -> None:
    certificate = _certificate(5)
    assert isinstance(certificate, Certificate)
    plan = Plan(target_of(5), certificate)
    require_covers(plan.certificate, plan.finding, plan.pair, SMALL, plan.pair.batched)


def test_false_alarms_and_detections_are_counted_apart_with_exact_intervals() -> None:
    answers = [(0.0, False), (0.0, False), (0.0, True), (0.05, True), (0.05, True), (0.05, False)]
    common = {"tool": "one", "loaded": False, "budget_s": 1.0}
    bodies = [Powered(**common, injected=s, alarms={"rule": a, "never": False}, wall_s=2) for s, a in answers]  # type: ignore[arg-type]
    rule, never = power_rows(bodies)
    assert rule["false alarms"].startswith("1 of 3 [") and rule["sees 5%"].startswith("2 of 3 [")
    assert never["false alarms"] == never["sees 5%"] == "0 of 3 [0%, 71%]"
    loaded = [body.model_copy(update={"loaded": True}) for body in bodies]
    assert pooled_rows([*bodies, *loaded])[0] == {
        "tool, by its rule": "one, rule",
        "false alarms": "2 of 6 [4%, 78%]",
        "sees 5%": "4 of 6 [22%, 96%]",
        "wall, s": "2",
    }
    # By hand: 1 - 0.025 ** (1 / n).
    assert clopper_pearson(0, 100) == pytest.approx((0.0, 1 - 0.025**0.01))
    assert clopper_pearson(100, 100)[1] == 1.0


@pytest.mark.parametrize("n", [1, 7, 80, 3000])
def test_intervals_are_the_librarys(n: int) -> None:
    for happened in {0, 1, n // 3, n - 1, n}:
        told = stats.binomtest(happened, n).proportion_ci(0.95, "exact")
        assert clopper_pearson(happened, n) == pytest.approx((told.low, told.high), abs=1e-9)
        one_sided = stats.binomtest(happened, n, alternative="less").proportion_ci(0.95, "exact")
        assert upper(happened, n) == pytest.approx(one_sided.high, abs=1e-9)
    assert INJECTED[0] == 0


@pytest.fixture
def plain(tmp_path: Path) -> Half:
    save_inputs(tmp_path, pair_of(0).inputs(SMALL, find_subject("tiny"), None), SMALL.n_threads)
    return Half(tmp_path, 0, 0.2)


SLOWED_CALL = "from speedproof_studies.power.slowed_call import from_environment\ncall = from_environment()\n"
LIGHT_CALL = f"import os\ndef call(): return sum(range(2_000 + 20 * int(os.environ[{PRODUCTS!r}])))\n"
"""Slowed by the same word of the environment, and no torch to import first."""


@pytest.mark.parametrize("name", list(PEERS))
def test_each_peer_sees_a_call_that_takes_many_times_as_long_and_no_slowdown_in_a_speed_up(
    name: str, plain: Half, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peers, "N_PROCESSES", 1)
    # The call that the study slows is tried with the peer whose processes import torch anyway.
    if name != "torch.utils.benchmark":
        assert SLOWED_CALL in peers.IMPORT
        monkeypatch.setattr(peers, "IMPORT", peers.IMPORT.replace(SLOWED_CALL, LIGHT_CALL))
    if name not in installed():
        pytest.skip(f"{name} is not installed; it comes with the group 'studies', which the other tests do without")
    before, after = (PEERS[name].sampled(half) for half in (plain, replace(plain, n_products=5_000)))
    assert all(PEERS[name].judged(before, after).values())
    assert not any(PEERS[name].judged(after, before).values())


def test_a_peer_that_fails_is_an_error_and_no_answer(plain: Half) -> None:
    with pytest.raises(PeerFailed, match="ended with status 1"):
        plain.run(["-c", "raise SystemExit(1)"])


@cache
def _certificate(n_products: int) -> Certificate:
    """The gate's word on a small workload, which several tests go by."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(f"{STUDY}.WORKLOAD", SMALL)
        return certificates([n_products])[n_products]


def _comparison(speedup: float, seed: int) -> Comparison:
    noise = random.Random(seed)
    launches = [
        Launch(1, (1.0,), (1 / (speedup * math.exp(noise.gauss(0, 0.001))),), (True,), (1, 1)) for _ in range(4)
    ]
    return Comparison(_certificate(5), tuple(launches))


@pytest.mark.parametrize(("again", "confirmed"), [(0.95, True), (1.0, False), (1.05, False)])
def test_an_alarm_that_fresh_processes_do_not_repeat_is_not_confirmed(
    again: float, confirmed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds = iter([0.95, again])

    def measured(certified: object, products: list[int], budget_s: float, seed: int) -> object:
        speedup = next(rounds)
        return {n: _comparison(speedup if n else 1.0, seed + n) for n in products}, 1.0

    monkeypatch.setattr(f"{STUDY}._measured", measured)
    answers = ask_ours({}, [0, 1, 2, 3, 4], 1, 7)
    assert [one.alarms["interval"] for one in answers] == [False, True, True, True, True]
    assert [one.alarms["confirmed"] for one in answers] == [False, *[confirmed] * 4]


def test_only_the_tools_wanted_are_asked_and_an_unknown_one_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tools() == [OURS, *installed()]
    assert tools(["torch.utils.benchmark", OURS]) == [OURS, "torch.utils.benchmark"]
    monkeypatch.setattr(sys, "argv", ["bench", "power", "--tool", "hyperfine", "--results", str(tmp_path)])
    with pytest.raises(SystemExit) as ended:
        cli.main(PROJECT)
    assert ended.value.code == 2 and "hyperfine" in capsys.readouterr().err


def test_the_table_is_shown_from_records(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    body = Powered(tool="one", injected=0, loaded=True, budget_s=1, alarms={"rule": False}, wall_s=2)
    monkeypatch.setattr(sys, "argv", ["bench", "power", "--show", "--results", str(tmp_path), "--format", "csv"])
    told = []
    for _ in range(2):
        with pytest.raises(SystemExit) as ended:
            cli.main(PROJECT)
        assert ended.value.code == 0
        told.append(capsys.readouterr().out.strip())
        Recorder(tmp_path, current_environment(), "s").write(body)
    assert told[0] == "" and told[1].splitlines()[1] == 'one,rule,loaded,1.0,2.0,"0 of 1 [0%, 98%]"'

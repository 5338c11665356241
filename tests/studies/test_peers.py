"""What a user would pick instead: the same weights and answers, through the gate, and no time for what is wrong."""

import gc
import random
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError

from speedproof.environment import current_environment
from speedproof.errors import BadInput
from speedproof.failures import reason
from speedproof.folders import ROOT
from speedproof.gate.certificate import Certificate
from speedproof.gate.check import certify
from speedproof.lens.subject import Subject
from speedproof.machine.rates import GFLOP_S, Rate
from speedproof.machine.roofline import Work
from speedproof.pairs.question import Question
from speedproof.pairs.references import Target
from speedproof.records.kinds import Needed, Rated
from speedproof.records.record import Record, Recorder, read
from speedproof.sides.places import Place
from speedproof.sides.remote import SideFailed, worker
from speedproof.sides.side import Side
from speedproof.sides.worker import Worker
from speedproof.tensors import rates
from speedproof.timing.launches import Launch
from speedproof.timing.method import TODAYS
from speedproof_studies.kinds import KINDS, Peered
from speedproof_studies.peers import session as module
from speedproof_studies.peers.card import CARD, FINDING_WITH_PEERS, FUNCTION, PEERS, SMOKE, Peer
from speedproof_studies.peers.collectors.gpt2 import gpt2_lm, gpt2_model
from speedproof_studies.peers.collectors.passes import TOKEN_BUDGET, passes
from speedproof_studies.peers.session import Session
from speedproof_studies.peers.table import Row, of_the_last_machine, tables
from speedproof_studies.peers.verb import peers as verb

from . import wrong_peer
from .wrong_peer import RIGHT, WRONG, WRONG_LATER

HERE = [peer for peer in PEERS if peer.function and not peer.requirements]
ARMS = ("transformers_cut", "batched")
FEW = replace(SMOKE, name="few", n_items=12)
ABSENT = Peer("absent", "not there", "m:f", ("no-such-release==1",), imports="no_such_release")
UNIMPORTABLE = Peer("unimportable", "installed, and broken", "", imports="no_such_module")


class InThisProcess:
    """A worker without a process."""

    def __init__(self) -> None:
        self.worker = Worker()

    def ask(self, name: str, *arguments: Any, limit_s: float | None = None) -> Any:
        try:
            # A worker of its own lets memory be retained too, which would be this process's for good.
            return gc.freeze() if name == "settle" else getattr(self.worker, name)(*arguments)
        except Exception as error:
            raise SideFailed(f"this environment: {reason(error)} (at {name!r})") from error


def no_index(command: Sequence[str]) -> "subprocess.CompletedProcess[str]":
    """Stands in for an installer that finds nothing."""
    if "venv" in command:
        (Path(command[-1]) / "bin").mkdir(parents=True)
    status = 1 if "install" in command else 0
    return subprocess.CompletedProcess(
        list(command), status, "", "ERROR: No matching distribution found in https://index.example/simple/absent/"
    )


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> list[Peered]:
    """What a session says of right and wrong peers, and of such as cannot be had.

    Workers are this process, and sample as shortly as can be.
    """

    @contextmanager
    def no_process(place: Place, rng: random.Random) -> Iterator[InThisProcess]:
        yield InThisProcess()

    places = tmp_path_factory.mktemp("places")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "worker", no_process)
        patch.setattr(module, "STRETCH_S", 0.0)
        patch.setattr(rates, "NOW", rates.SHAPES[:1])
        chosen = [RIGHT, WRONG, WRONG_LATER, ABSENT, UNIMPORTABLE]
        session = Session(chosen, (SMOKE, FEW), 7, places, lambda words, left: None, wrong_peer.CARD, no_index)
        session.proven()
        return [body for w in (SMOKE, FEW) for body in session.timed(w, 0.0) if isinstance(body, Peered)]


def of(asked: Sequence[Peered], peer: str) -> dict[str, Peered]:
    """What was said of that peer, by workload."""
    return {body.workload.name: body for body in asked if body.peer == peer}


def test_transformers_model_of_the_same_weights_gives_the_same_stream(tiny: Subject) -> None:
    tokens = tiny.model.to_tokens("The same weights in another library.")
    with torch.no_grad():
        _, cache = tiny.model.run_with_cache(tokens)
        for layer in range(tiny.model.cfg.n_layers):
            mine = gpt2_model(tiny.model, layer)(tokens).last_hidden_state
            torch.testing.assert_close(mine, cache[f"blocks.{layer}.hook_resid_pre"], rtol=1e-4, atol=1e-5)
        every = gpt2_lm(tiny.model)(tokens, output_hidden_states=True).hidden_states
    torch.testing.assert_close(every[1], cache["blocks.1.hook_resid_pre"], rtol=1e-4, atol=1e-5)


def test_another_architecture_is_bad_input(solved: Subject) -> None:
    with pytest.raises(BadInput, match="GPT-2's architecture"):
        gpt2_model(solved.model, 1)


def test_passes_hold_every_text_once_and_no_more_than_the_budget() -> None:
    lengths = [700, 3, 90, 100, 3, 120, 90, 1]
    found = list(passes(lengths))
    assert sorted(i for chosen in found for i in chosen) == list(range(len(lengths)))
    assert all(len(chosen) == 1 or len(chosen) * max(lengths[i] for i in chosen) <= TOKEN_BUDGET for chosen in found)


@pytest.mark.usefixtures("known_definitions")
@pytest.mark.parametrize("peer", HERE, ids=lambda peer: peer.name)
def test_the_gate_passes_each_peer_of_this_environment(peer: Peer, tiny: Subject) -> None:
    pair = FINDING_WITH_PEERS.pairs[0]
    answer = certify(FINDING_WITH_PEERS, pair, SMOKE, pair.arm(peer.name), tiny)
    assert isinstance(answer, Certificate), str(answer)


def test_a_wrong_peer_is_told_with_the_gates_reason_and_gets_no_time(asked: list[Peered]) -> None:
    told = of(asked, WRONG.name)
    assert [*told] == ["smoke", "few"]
    for body in told.values():
        assert "last_but_one" in body.refused and not body.launches and body.certificate is None
        assert "the token before the last" in body.refused


def test_what_cannot_be_installed_or_imported_is_unsupported_with_the_reason(asked: list[Peered]) -> None:
    for absent, unimportable in zip(of(asked, "absent").values(), of(asked, "unimportable").values(), strict=True):
        assert "No matching distribution found in <address>" in absent.unsupported
        # No path of this machine.
        assert "places" not in absent.unsupported
        assert "no_such_module" in unimportable.unsupported
        assert not absent.launches and not unimportable.launches


def test_a_right_peer_is_timed_in_turn_with_the_twin_on_every_workload(asked: list[Peered]) -> None:
    found = of(asked, RIGHT.name)
    assert [*found] == ["smoke", "few"]
    # The twin beside itself is timed where the gate was asked.
    twin = of(asked, "batched")
    assert [*twin] == ["smoke"]
    for body in (*found.values(), *twin.values()):
        assert len(body.launches) == TODAYS.first and not body.refused and not body.failure
        assert body.certificate and body.certificate.workload == SMOKE
    assert all(body.made_s for body in found.values())


def test_beside_every_sample_the_rate_of_products_is_taken(asked: list[Peered]) -> None:
    timed = [one for peer in (RIGHT.name, "batched") for body in of(asked, peer).values() for one in body.launches]
    assert timed
    for one in timed:
        for side in one.seen:
            assert len(side[GFLOP_S]) == one.n_pairs and min(side[GFLOP_S]) > 0


def test_an_answer_that_is_wrong_on_another_workload_alone_gets_no_time_there(asked: list[Peered]) -> None:
    found = of(asked, WRONG_LATER.name)
    assert found["smoke"].launches and not found["few"].launches and "differs" in found["few"].refused


@pytest.mark.usefixtures("warm_workers")
def test_a_worker_calls_a_peer_by_name_and_says_which_releases_it_has(tmp_path: Path) -> None:
    place = Place(Side("this environment"), Path(sys.executable), ROOT)
    with worker(place, random.Random(7)) as remote:
        found = remote.ask("call", f"{module.ASKED}versions", ("pydantic", "no-such-release"), "json")
        mine, twins = (remote.ask("answer", Question(Target(CARD, FUNCTION), FEW, arm=arm)) for arm in ARMS)
        assert remote.ask("call", f"{module.ASKED}made_in_s", ARMS[0]) > 0
        with pytest.raises(SideFailed, match="no_such_module"):
            remote.ask("call", f"{module.ASKED}versions", (), "no_such_module")
    assert found["pydantic"] and found["no-such-release"] == "absent"
    torch.testing.assert_close(mine, twins, rtol=1e-4, atol=1e-4)


def launches(peer_s: float, twin_s: float) -> tuple[Launch, ...]:
    return tuple(
        Launch(n, (peer_s * (1 + n / 100),) * 2, (twin_s,) * 2, (True, False), (1, 1)) for n in range(TODAYS.first)
    )


def test_the_share_of_the_floor_goes_by_the_rate_beside_each_call(
    proven: Certificate, twin: Certificate, tmp_path: Path
) -> None:
    work = Work(flops=2 * 10**9, weight_bytes=1, n_texts=1)
    fast = Rated(
        n_threads=1, multiplied=(Rate("512 x 768 x 3072", 10**10, (1.0,)),), moved=(Rate("read", 10**10, (1.0,)),)
    )
    needed = Needed(finding="text_batching", function=FUNCTION, workload=FEW, work=work)

    def told(name: str, **beside: tuple[float, ...]) -> Row:
        recorder = Recorder(tmp_path / name, current_environment(), name)
        taken = tuple(replace(one, seen=(beside, beside)) for one in launches(2.0, 1.0))
        for body in (fast, needed, peered("saelens_idiom", proven, twin, launches=taken)):
            recorder.write(body)
        (table,) = tables(read(tmp_path / name, KINDS).records)
        return table.rows[0]

    # 2 GFLOP at 10 GFLOP/s are 0.2 s; where the machine multiplied at 4 GFLOP/s beside the call, 0.5 s.
    beside = told("beside", **{GFLOP_S: (0.25, 0.25)})
    assert beside.roofline and beside.roofline.shares[1] == pytest.approx(0.2)
    assert beside.roofline.shares_beside and beside.roofline.shares_beside[1] == pytest.approx(0.5)
    assert beside.cells[5] == "0.20 / 0.50"
    # Rates of two moments: each call by its own.
    mixed = told("mixed", **{GFLOP_S: (0.25, 0.05)})
    assert mixed.roofline and mixed.roofline.shares_beside and mixed.roofline.shares_beside[1] == pytest.approx(0.3)
    # An older record has no rate beside its calls, and none is made up.
    old = told("old")
    assert old.roofline and old.roofline.shares_beside is None and old.cells[5] == "0.20 / -"


@pytest.fixture(scope="module")
def proven() -> Certificate:
    pair = FINDING_WITH_PEERS.pairs[0]
    found = certify(FINDING_WITH_PEERS, pair, FEW, pair.arm("saelens_idiom"))
    assert isinstance(found, Certificate)
    return found


@pytest.fixture(scope="module")
def twin() -> Certificate:
    found = certify(FINDING_WITH_PEERS, FINDING_WITH_PEERS.pairs[0], FEW)
    assert isinstance(found, Certificate)
    return found


def peered(peer: str, proven: Certificate, twin: Certificate, **more: Any) -> Peered:
    about = {"finding": "text_batching", "function": "extract_features", "workload": FEW, "way": "a way"}
    held = {"certificate": proven, "twin_certificate": twin, "method": TODAYS.name}
    return Peered(**{**about, "peer": peer, **held, **more})


def test_no_samples_are_recorded_of_what_is_not_proven(proven: Certificate, twin: Certificate) -> None:
    taken = launches(2.0, 1.0)
    assert peered("saelens_idiom", proven, twin, launches=taken).launches
    for lacking in ({"certificate": None}, {"twin_certificate": None}, {"refused": "wrong"}, {"unsupported": "none"}):
        with pytest.raises(ValidationError, match="samples without a certificate"):
            peered("saelens_idiom", proven, twin, launches=taken, **lacking)


def test_the_table_says_who_is_ahead_also_where_that_is_the_peer(
    tmp_path: Path, proven: Certificate, twin: Certificate
) -> None:
    recorder = Recorder(tmp_path, current_environment(), "one")
    for body in (
        peered("saelens_idiom", proven, twin, launches=launches(2.0, 1.0)),
        peered("nnsight_trace", proven, twin, certificate=None, unsupported="no index"),
    ):
        recorder.write(body)
    (table,) = tables(read(tmp_path, KINDS).records)
    rows = {row.name: row.cells for row in table.rows}
    assert rows["saelens_idiom"][-1] == "the twin is faster" and rows["saelens_idiom"][-2].startswith("2.0")
    assert rows["nnsight_trace"] == ("nnsight_trace", "unsupported(no index)", "-", "-", "-", "-", "-", "no time")
    assert "so the twin is faster" in table.line and table.rows[0].sitting.machine in table.title

    faster = Recorder(tmp_path, current_environment(), "two")
    faster.write(peered("saelens_idiom", proven, twin, launches=launches(0.5, 1.0)))
    (table,) = tables(read(tmp_path, KINDS).records)
    # One that is asked again alone is told anew, and the others stay.
    told = {row.name: (row.told, row.sitting.name) for row in table.rows}
    assert told == {"saelens_idiom": ("the peer is faster", "two"), "nnsight_trace": ("no time", "one")}
    assert "the peer is faster" in table.line

    nobody = Recorder(tmp_path / "other", current_environment(), "three")
    nobody.write(peered("saelens_idiom", proven, twin, launches=launches(1.0, 1.0)))
    (table,) = tables(read(tmp_path / "other", KINDS).records)
    assert "so it is undecided which is faster" in table.line


def test_each_machine_has_a_table_of_its_own_and_the_one_asked_last_comes_first(
    proven: Certificate, twin: Certificate
) -> None:
    here, body = current_environment(), peered("saelens_idiom", proven, twin, launches=launches(2.0, 1.0))
    told = tables(
        [
            Record(written=name, sitting=name, environment=here.model_copy(update={"n_cores": cores}), body=body)
            for name, cores in (("one", 2), ("two", 99), ("three", 2))
        ]
    )
    assert [(table.machine.endswith("99 cores"), table.rows[0].sitting.name) for table in told] == [
        (False, "three"),
        (True, "two"),
    ]
    assert of_the_last_machine(told) == told[:1]


def test_a_figure_of_other_code_is_stale(
    proven: Certificate, twin: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = peered("saelens_idiom", proven, twin, launches=launches(2.0, 1.0))
    row = Row(body, None, 0.0)  # type: ignore[arg-type]
    assert row.told == "the twin is faster"
    monkeypatch.setattr(type(FINDING_WITH_PEERS.pairs[0]), "is_unchanged", lambda pair, name, then: name != "batched")
    assert row.told == "STALE" and row.cells[-2] == "-"


def test_a_peer_that_there_is_not_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="transformers_cut"):
        verb(None, ["no_such"], results=tmp_path)  # type: ignore[arg-type]

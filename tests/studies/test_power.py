"""The power study: what is injected is real and changes no answer; one question is asked as a user asks it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from speedproof import cli
from speedproof.cli.compare import COMPARE_BUDGET_S
from speedproof.counters.tally import count
from speedproof.gate.exact import Exactly
from speedproof.pairs.finding import TWINS
from speedproof.records.sides import AnswersCompared, Compared
from speedproof.sides.lockstep import least_s
from speedproof.tensors.counters import operators
from speedproof_studies.kinds import Powered
from speedproof_studies.power import study as studies
from speedproof_studies.power import tools as peers
from speedproof_studies.power.aims import BUDGET_S, INJECTED, MOST_WALL_S, OURS, TODAY, Kind, aims, kind_of
from speedproof_studies.power.slowed_call import PRODUCTS, code, save_inputs, slowed
from speedproof_studies.power.slowed_finding import QUESTION, WORKLOAD, inputs
from speedproof_studies.power.study import MOST_FAILURES, Bench, TrialFailed, ask_ours, read, study, tools
from speedproof_studies.power.tools import PEERS, Half, PeerFailed, installed
from speedproof_studies.project import PROJECT
from tests.made_up import side
from tests.reporting import launches

SMALL = replace(WORKLOAD, n_items=20)
SLOWED = Kind(OURS, 0.05, False)


def test_a_slowed_call_does_that_many_more_products_and_nothing_else() -> None:
    given = inputs(SMALL, None, None)
    plain, burdened = (count([operators], slowed(n), given)["operators"] for n in (0, 30))
    assert burdened == plain + 30
    assert slowed(30)(**given) == slowed(0)(**given)


def test_the_slowdown_in_a_copy_of_the_twins_is_the_peers() -> None:
    plain = slowed(0).__wrapped__  # type: ignore[attr-defined]
    names = dict(plain.__globals__)
    exec(code(30), names)
    given = inputs(SMALL, None, None)
    copied, peers_own = (count([operators], call, given)["operators"] for call in (names[plain.__name__], slowed(30)))
    assert copied == peers_own
    assert names[plain.__name__](**given) == plain(**given)


def test_a_question_of_the_study_gets_no_more_than_one_that_compare_is_asked_alone_and_takes_a_minute() -> None:
    assert BUDGET_S <= COMPARE_BUDGET_S and least_s(BUDGET_S, 1) <= MOST_WALL_S
    # The companion: with what `compare` has by default it would go on after the first look, for longer than a minute.
    assert COMPARE_BUDGET_S > 2 * least_s(COMPARE_BUDGET_S, 1) > MOST_WALL_S


def test_inputs_are_new_in_every_call_and_both_twins_agree_on_them() -> None:
    one, other = (inputs(WORKLOAD, None, None) for _ in range(2))
    assert one["texts"] == other["texts"] and one["features"] is not other["features"]
    assert all(mine is not others for mine, others in zip(one["texts"], other["texts"], strict=True))
    answers = [QUESTION.pair.twin(twin)(**one) for twin in TWINS]
    assert answers[0] == answers[1] and None not in answers[0].values()
    assert isinstance(QUESTION.pair.equivalence, Exactly)


@pytest.mark.usefixtures("warm_workers")
def test_one_question_is_asked_of_two_folders_by_workers_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole way with a budget of next to nothing. Whether so few samples alarm is up to the machine."""
    monkeypatch.setattr(studies, "BUDGET_S", 0.01)
    monkeypatch.setattr(studies, "QUESTION", replace(QUESTION, workload=SMALL))
    bench = Bench.made(tmp_path, {0.05: 200})
    told = ask_ours(bench, SLOWED, seed=3)
    assert set(told.alarms) == {"interval", "confirmed"}
    assert (told.rule, told.seed, told.n_products) == (TODAY, 3, 200)
    # A machine that is busy meanwhile may have it withheld.
    assert told.withheld or (told.slowdown is not None and told.slowdown > 1.2 and told.interval is not None)


def compared(slowdown: float, again: float | None, status: str = "same") -> Compared:
    answers = AnswersCompared.model_validate({"status": status, "n_different": 0, "largest": 0.0, "first": ""})
    return Compared(
        before=side("before"),
        after=side("after"),
        finding=QUESTION.finding,
        function=QUESTION.function,
        workload=WORKLOAD,
        twin=TWINS[1],
        answers=answers,
        launches=launches(1 / slowdown, 0.001),
        confirming=launches(1 / again, 0.001) if again else (),
    )


@pytest.mark.parametrize(
    ("first", "again", "interval", "confirmed"),
    [
        (1.05, 1.05, True, True),
        (1.05, 1.0, True, False),
        (1.05, 0.95, True, False),
        (1.05, None, True, False),
        (1.0, None, False, False),
        (0.95, 0.95, False, False),
    ],
)
def test_slower_is_what_compare_calls_slower_and_an_alarm_that_is_not_repeated_is_not_confirmed(
    first: float, again: float | None, interval: bool, confirmed: bool, tmp_path: Path
) -> None:
    told = read(compared(first, again), Bench(tmp_path, {0.05: 7}), SLOWED, 1, 2.0)
    assert told.alarms == {"interval": interval, "confirmed": confirmed}
    assert told.slowdown == pytest.approx(first, rel=0.01)


def test_a_verdict_that_is_withheld_is_an_answer_without_alarm(tmp_path: Path) -> None:
    for launched in (compared(1.05, 1.05), compared(1.05, 1.05).model_copy(update={"launches": ()})):
        body = launched.model_copy(update={"timing_failure": "the machine was disturbed"})
        told = read(body, Bench(tmp_path, {0.05: 7}), SLOWED, 1, 2.0)
        assert told.alarms == {"interval": False, "confirmed": False}
        assert told.withheld == "the machine was disturbed" and told.slowdown is None


def test_a_slowdown_that_changes_the_answer_is_no_trial(tmp_path: Path) -> None:
    for bad in (compared(1.05, 1.05, "different"), compared(1.05, 1.05).model_copy(update={"launches": ()})):
        with pytest.raises(TrialFailed, match="Expected the same answer"):
            read(bad, Bench(tmp_path, {0.05: 7}), SLOWED, 1, 2.0)


@pytest.fixture
def plain(tmp_path: Path) -> Half:
    save_inputs(tmp_path, inputs(SMALL, None, None), SMALL.n_threads)
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


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Kind]:
    """The study without clocks: each trial takes a second and alarms where the call is slowed. What was asked."""
    asked: list[Kind] = []

    @contextmanager
    def bench_at(loaded: bool) -> Iterator[Bench]:
        yield Bench(tmp_path, dict.fromkeys(INJECTED, 1))

    def answered(bench: Bench, kind: Kind, given: object) -> Powered:
        asked.append(kind)
        return trial(kind)

    monkeypatch.setattr(studies, "bench_at", bench_at)
    monkeypatch.setattr(studies, "ask_ours", answered)
    monkeypatch.setattr(studies, "ask_peer", answered)
    return asked


def trial(kind: Kind, **more: object) -> Powered:
    told = {"budget_s": 1.0, "alarms": {"r": kind.injected > 0}, "wall_s": 1.0, "rule": TODAY}
    return Powered.model_validate({**kind._asdict(), **told, **more})


def silent(*_: object) -> None:
    pass


def test_an_interrupted_study_goes_on_where_its_records_stop(quick: list[Kind]) -> None:
    aimed = aims([OURS, "asv"], 3)
    running = study(aimed, [], 7, silent, silent)
    known = [next(running) for _ in range(11)]
    running.close()
    assert len(quick) == 11, "a trial is handed over before the next is begun"
    known += study(aimed, known, 8, silent, silent)
    assert {kind: list(map(kind_of, known)).count(kind) for kind in aimed} == aimed
    assert list(study(aimed, known, 9, silent, silent)) == []


def test_trials_of_another_rule_do_not_count_for_the_aim(quick: list[Kind]) -> None:
    aimed = aims([OURS], 1)
    old = [trial(kind, rule="another") for kind in aimed for _ in range(5)]
    assert len(list(study(aimed, old, 1, silent, silent))) == sum(aimed.values()) == len(INJECTED)


def test_the_loads_take_turns_in_stretches(quick: list[Kind], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(studies, "STRETCH", 4)
    list(study(aims([OURS], 8), [], 1, silent, silent))
    loads = [kind.loaded for kind in quick]
    assert all(len(set(loads[at : at + 4])) == 1 for at in range(0, len(loads), 4))
    assert loads.count(True) == loads.count(False) and loads[:8].count(True) == 4


def test_no_trial_is_begun_once_the_time_is_over(quick: list[Kind]) -> None:
    assert list(study(aims([OURS], 1), [], 1, silent, silent, for_s=0)) == []


def test_a_tool_that_keeps_failing_is_left_out_and_told_at_the_end(
    quick: list[Kind], monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(bench: Bench, kind: Kind, budget_s: float) -> Powered:
        raise PeerFailed("no answer")

    monkeypatch.setattr(studies, "ask_peer", failing)
    warned: list[str] = []
    running = study(aims([OURS, "asv"], 2), [], 1, silent, warned.append)
    told = []
    with pytest.raises(PeerFailed):
        for one in running:
            told.append(one)
    assert len(told) == 2 * len(INJECTED) and {one.tool for one in told} == {OURS}
    assert len(warned) == MOST_FAILURES + 1 and "asked no more" in warned[-1]


def test_only_the_tools_wanted_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(studies, "installed", lambda: list(PEERS))
    assert tools() == [OURS, *PEERS]
    assert tools(["torch.utils.benchmark", OURS]) == [OURS, "torch.utils.benchmark"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--tool", "hyperfine"], "Unknown tool 'hyperfine'"),
        (["--trials", "0"], "--trials"),
        (["--for-s", "-1"], "--for-s"),
        (["--format", "xml"], "Unknown format 'xml'"),
        (["--tool", "asv"], "Not installed: asv."),
        ([], "Not installed: asv."),
    ],
    ids=" ".join,
)
def test_bad_input_is_one_clear_error_before_anything_is_asked(
    words: list[str], said: str, quick: list[Kind], monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr(studies, "installed", lambda: [name for name in PEERS if name != "asv"])
    status, told = run(monkeypatch, capsys, *words, "--results", str(tmp_path))
    assert status == 2 and said in told and "Traceback" not in told and not quick


def test_a_results_folder_that_cannot_be_written_is_told_before_anything_is_asked(
    quick: list[Kind], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    status, told = run(monkeypatch, capsys, "--results", str(tmp_path / "file"))
    assert status == 2 and "Cannot write" in told and not quick


def test_the_verb_records_trial_by_trial_and_asks_again_only_for_what_is_missing(
    quick: list[Kind], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = []

    def answered(bench: Bench, kind: Kind, given: object) -> Powered:
        path = next((tmp_path / "records").glob("*.jsonl"))
        lines.append(path.read_bytes().count(b'"powered"'))
        if len(lines) == 7:
            raise KeyboardInterrupt
        return trial(kind)

    monkeypatch.setattr(studies, "ask_ours", answered)
    words = ("--tool", OURS, "--trials", "2", "--results", str(tmp_path))
    status, told = run(monkeypatch, capsys, *words)
    assert status == 130 and lines == list(range(7)) and f"Trials missing: 10 ({OURS} 10)" in told
    status, told = run(monkeypatch, capsys, *words)
    assert status == 0 and lines[7:] == list(range(6, 10)) and f"Trials missing: 4 ({OURS} 4)" in told
    assert "No trial is missing." in run(monkeypatch, capsys, *words)[1] and len(lines) == 11


def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    """The verb's status, and what it said on standard error."""
    monkeypatch.setattr(sys, "argv", ["bench", "power", *words])
    with pytest.raises(SystemExit) as ended:
        cli.main(PROJECT)
    assert isinstance(ended.value.code, int)
    return ended.value.code, capsys.readouterr().err

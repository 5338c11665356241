"""What the verbs hand over for a pull request: rows, the status that answers and work ask for, why there is none."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bench.findings import find
from speedproof import cli
from speedproof.comment.body import body
from speedproof.comment.told import Told, read_told
from speedproof.records.sides import AnswersCompared, Compared, Hotspot, SideSeen
from speedproof.sides.comparing import Pairing
from speedproof.sides.remote import SideFailed
from speedproof.sittings.sitting import Proven
from speedproof_studies.kinds import Planted, Powered
from speedproof_studies.project import PROJECT
from speedproof_studies.published import FILE, rate_of, text
from tests.reporting import launches

ROOT = Path(__file__).parents[2]
WORKLOAD = find("text_batching").pairs[0].workload("smoke")
CLONE = Hotspot(operator="aten::clone", count=(12, 24), self_us=(10, 90), lines=("components/unembed.py:31",))
Run = Callable[..., tuple[int, Told]]


def side(name: str, commit: str = "") -> SideSeen:
    return SideSeen(text=name, commit=commit, tree="0", requirements=(), versions={})


def compared(after: float = 1.0, **more: Any) -> Compared:
    """One function on two sides, where after takes so many times as long."""
    about = {"finding": "text_batching", "function": "extract_features", "workload": WORKLOAD, "twin": "batched"}
    timed = {"launches": launches(1 / after, 0.01), "confirming": launches(1 / after, 0.012)} if after else {}
    given = {"before": side("HEAD", "8" * 40), "after": side("."), "answers": AnswersCompared(status="same")}
    return Compared.model_validate({**about, **timed, **given, **more})


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """A verb with --pull-request, told what the comparison came to. Its status, and the file."""

    def called(words: str, *found: Compared, file: str = "told.json") -> tuple[int, Told]:
        def answer(self: Pairing, budget_s: float, precision: float = 0.0) -> Iterator[Compared]:
            if not found:
                raise SideFailed("HEAD: its process ended with status 1 at 'hello'. SyntaxError: invalid syntax")
            yield from found

        monkeypatch.setattr(Pairing, "compared", answer)
        arguments = [*words.split(), "--pull-request", str(tmp_path / file), "--results", str(tmp_path)]
        monkeypatch.setattr(sys, "argv", ["bench", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main(PROJECT)
        return int(ended.value.code or 0), read_told(tmp_path / file)

    return called


GUARD = "guard text_batching --against HEAD --budget-s 9"
COMPARE = "compare HEAD . --finding text_batching"


@pytest.mark.parametrize("verb", [GUARD, COMPARE])
def test_time_is_advice_on_a_pull_request(run: Run, verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, told = run(verb, compared(2.0, hotspots=(CLONE,)))
    assert status == 0 and told.rows[0].time_says == "slower" and not told.stops
    assert "stopped" not in capsys.readouterr().out
    assert told.before == "8" * 40 and told.rows[0].spots[0].line == "components/unembed.py:31"
    assert told.rows[0].time and told.rows[0].time.low < 2.0 < told.rows[0].time.high


@pytest.mark.parametrize("verb", [GUARD, COMPARE])
@pytest.mark.parametrize(
    ("found", "status"),
    [
        ({"answers": AnswersCompared(status="different", first="row 0")}, 1),
        ({"answers": None, "failure": "it died"}, 1),
        ({"answers": AnswersCompared(status="rounding", n_different=3)}, 0),
        ({"answers": AnswersCompared(status="unstable")}, 0),
        ({"counts": {"forward_passes": (3, 4)}}, 1),
        ({"counts": {"forward_passes": (3, 2)}}, 1),
        ({"counts": {"forward_passes": (3, None)}}, 1),
        ({"counts": {"hook_fires": (None, 2)}}, 0),
        ({"tables": {"operators": {"aten::clone": (1, 2)}}}, 0),
    ],
)
def test_answers_and_work_stop_the_line(run: Run, verb: str, found: dict[str, Any], status: int) -> None:
    ended, told = run(verb, compared(0, **found))
    assert ended == status and told.stops == bool(status)


@pytest.mark.parametrize("verb", [GUARD, COMPARE])
def test_a_side_that_cannot_be_started_is_told_and_ends_with_two(run: Run, verb: str) -> None:
    status, told = run(verb)
    assert status == 2 and "SyntaxError" in told.failure
    assert "not judged" in body(told)


def test_what_a_user_asked_wrongly_is_told_too(run: Run) -> None:
    status, told = run("guard text_batching --against no-such-commit")
    assert status == 2 and "'no-such-commit' is no commit" in told.failure
    status, told = run("guard no_such_finding --against HEAD", file="other.json")
    assert status == 2 and "no_such_finding" in told.failure


def test_a_file_of_counts_is_no_side(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("speedproof.sittings.sitting.Sitting.prove", lambda *asked: Proven([], [], []))
    status, told = run(f"guard text_batching --against {ROOT}/results/counts.json")
    assert status == 2 and "needs both sides" in told.failure


def test_work_that_is_accepted_from_the_file_passes_from_then_on(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    more, accepted = compared(0, counts={"forward_passes": (3, 4)}), tmp_path / "accepted.toml"
    assert run(COMPARE, more)[0] == 1

    def accept(*words: str) -> int:
        given = ["--pull-request", str(tmp_path / "told.json"), "--accepted", str(accepted), *words]
        monkeypatch.setattr(sys, "argv", ["bench", "accept", *given])
        with pytest.raises(SystemExit) as ended:
            cli.main(PROJECT)
        return int(ended.value.code or 0)

    assert accept("--who", "ada") == 2 and not accepted.exists()
    assert accept("--who", "ada", "--why", "one hook more") == 0
    assert "extract_features.batched.forward_passes" in accepted.read_text()
    for verb in (COMPARE, GUARD):
        assert run(f"{verb} --accepted {accepted}", more, file=f"{verb.split()[0]}.json")[0] == 0
    assert (
        run(f"{COMPARE} --accepted {accepted}", compared(0, counts={"forward_passes": (3, 5)}), file="5.json")[0] == 1
    )
    run(COMPARE, compared(0, answers=AnswersCompared(status="different", first="row 0")))
    capsys.readouterr()
    assert accept("--who", "ada", "--why", "so") == 2
    assert "Other answers cannot be accepted" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        "compare HEAD . --accepted accepted.toml",
        "check slow.py:f fast.py:f --inputs data.py:make --accepted accepted.toml",
        "check text_batching --pull-request told.json",
        "accept --who ada --why so",
        "accept --against HEAD --pull-request told.json --who ada --why so",
    ],
)
def test_an_option_that_would_count_for_nothing_is_refused(
    words: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("slow", "fast"):
        (tmp_path / f"{name}.py").write_text("def f(x):\n    return x\n")
    (tmp_path / "data.py").write_text("def make(size, rng):\n    return {'x': size}\n")
    monkeypatch.setattr(sys, "argv", ["bench", *words.split()])
    with pytest.raises(SystemExit) as ended:
        cli.main(PROJECT)
    assert ended.value.code == 2 and "BadInput" in capsys.readouterr().err


def test_the_error_rate_is_that_of_the_committed_records(published: Path) -> None:
    """After new trials: python -m speedproof_studies.published."""
    assert (ROOT / FILE).read_text(encoding="utf-8") == text(published / "results")


def trials(study: str, n: int, n_false: int, n_cores: int = 2, rule: str = "") -> list[Any]:
    """Trials of identical code in one of the studies."""
    found = []
    for k in range(n):
        body: Planted | Powered
        if study == "planted":
            body = Planted(
                plant="none, timed", found=k < n_false, answers="", work=(), time="", launches=4, budget_s=60
            )
        else:
            alarms = {"confirmed": k < n_false}
            body = Powered(tool="speedproof", injected=0, loaded=False, budget_s=9, alarms=alarms, wall_s=9)
            object.__setattr__(body, "rule", rule)
        found.append(SimpleNamespace(body=body, environment=SimpleNamespace(n_cores=n_cores)))
    return found


def test_the_study_with_more_trials_is_told_and_only_todays_rule() -> None:
    planted = trials("planted", 3, 1, 4)
    assert rate_of(planted)["n_false"] == 1 and rate_of(planted)["n_cores"] == [4]
    told = rate_of([*planted, *trials("power", 9, 2, rule="old"), *trials("power", 5, 0, rule="new")])
    assert (told["study"], told["n_false"], told["n_trials"], told["n_cores"]) == ("power", 0, 5, [2])
    assert told["low"] == 0 and 0.5 < told["high"] < 0.6
    assert rate_of([*planted, *trials("power", 2, 0)])["study"] == "planted"

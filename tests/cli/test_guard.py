"""The guard of continuous integration, from the command line: what stops it, what passes, what accepting writes.

What is counted is planted, so that no model runs here; tests/sides/test_comparing.py counts for real.
"""

import json
import sys
import tomllib
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.findings import find
from speedproof import cli
from speedproof.environment import current_environment
from speedproof.gate.certificate import Refusal
from speedproof.records.kinds import Counted
from speedproof.records.sides import AnswersCompared, Compared, SideSeen
from speedproof.sides.changes import Baseline, save_baseline
from speedproof.sides.comparing import Pairing
from speedproof.sides.remote import SideFailed
from speedproof.sittings.sitting import Proven
from speedproof.timing.launches import Launch
from speedproof_studies.project import PROJECT

SAVED = {"forward_passes": 3, "encodes": 1}
WORKLOAD = find("text_batching").pairs[0].workload("smoke")
Run = Callable[..., int]


def counted(counts: dict[str, int]) -> Counted:
    return Counted(
        finding="text_batching",
        function="extract_features",
        workload=WORKLOAD,
        sources={},
        counts={"batched": counts},
    )


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command line, told what today's counts are and held against saved ones. Files go to a folder of its own."""
    versions = dict(current_environment().versions)
    rows = {f"extract_features.batched.{name}": number for name, number in SAVED.items()}
    save_baseline(tmp_path / "counts.json", Baseline(versions=versions, counts=rows))

    def called(verb: str, counts: dict[str, int], *more: str, answers: tuple[Any, ...] = ()) -> int:
        def prove(self: Any, *asked: Any, **others: Any) -> Proven:
            return Proven(list(answers), [], [counted(counts)])

        monkeypatch.setattr("speedproof.sittings.sitting.Sitting.prove", prove)
        places = ["--against", str(tmp_path / "counts.json"), "--accepted", str(tmp_path / "accepted.toml")]
        arguments = [verb, "text_batching", *places, "--results", str(tmp_path / "results"), *more]
        return status_of(monkeypatch, *arguments)

    return called


def status_of(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["bench", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main(PROJECT)
    return int(ended.value.code or 0)


@pytest.mark.parametrize(
    ("counts", "status", "words"),
    [
        (SAVED, 0, "Answers and work are what they were"),
        (SAVED | {"forward_passes": 4}, 1, "3 to 4 (more work)"),
        (SAVED | {"forward_passes": 2}, 1, "3 to 2 (less work)"),
        ({"encodes": 1}, 1, "3 to none (vanished)"),
        (SAVED | {"hook_fires": 1}, 0, "none to 1 (new)"),
    ],
)
def test_an_extra_pass_a_lacking_one_and_a_vanished_row_stop_the_line(
    run: Run, capsys: pytest.CaptureFixture[str], counts: dict[str, int], status: int, words: str
) -> None:
    assert run("guard", counts) == status
    assert words in capsys.readouterr().out


def test_a_wrong_answer_stops_the_line_and_cannot_be_accepted(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    refusal = Refusal("text_batching", "extract_features", WORKLOAD, "batched", "not equivalent", "row 0", "rows")
    assert run("guard", SAVED, answers=(refusal,)) == 1
    assert "not equivalent: row 0" in capsys.readouterr().out
    assert run("accept", SAVED, "--who", "ada", "--why", "so", answers=(refusal,)) == 2
    assert not (tmp_path / "accepted.toml").exists()


def test_what_is_accepted_says_who_and_why_and_passes_from_then_on(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = SAVED | {"forward_passes": 4}
    assert run("accept", more, "--who", "ada", "--why", "one hook more") == 0
    (entry,) = tomllib.loads((tmp_path / "accepted.toml").read_text())["accepted"]
    row = "extract_features.batched.forward_passes"
    assert entry == {"row": row, "before": 3, "after": 4, "who": "ada", "why": "one hook more"}
    assert run("guard", more) == 0
    assert "accepted by ada: one hook more" in capsys.readouterr().out
    # Another change of the same row is another one.
    assert run("guard", SAVED | {"forward_passes": 5}) == 1


def test_the_summaries_are_written_also_where_the_line_stops(run: Run, tmp_path: Path) -> None:
    markdown, junit = tmp_path / "summary.md", tmp_path / "guard.xml"
    assert run("guard", SAVED | {"forward_passes": 4}, "--markdown", str(markdown), "--junit", str(junit)) == 1
    assert markdown.read_text().startswith("### speedproof: stopped")
    assert ET.parse(junit).getroot().get("failures") == "1"


def test_counts_are_saved_for_the_next_time(run: Run, tmp_path: Path) -> None:
    assert run("guard", SAVED | {"forward_passes": 4}, "--save", str(tmp_path / "next.json")) == 1
    assert json.loads((tmp_path / "next.json").read_text())["counts"]["extract_features.batched.forward_passes"] == 4


def test_its_former_name_still_guards_and_the_help_page_names_one(
    run: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("gate", SAVED | {"forward_passes": 4}) == 1
    assert "3 to 4 (more work)" in capsys.readouterr().out
    assert status_of(monkeypatch, "--help") == 0
    verbs = [line.split()[0] for line in capsys.readouterr().out.splitlines() if line.startswith("  ")]
    assert "guard" in verbs and "gate" not in verbs


def test_counts_are_not_saved_of_a_comparison_with_a_commit(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    saved = tmp_path / "counts.json"
    assert status_of(monkeypatch, "guard", "--against", "HEAD", "--save", str(saved)) == 2
    assert "without --against a commit" in capsys.readouterr().err and not saved.exists()


def side(text: str) -> SideSeen:
    return SideSeen(text=text, commit="", tree="0", requirements=(), versions={})


@pytest.mark.parametrize(("budget_s", "after_s", "status"), [(9.0, 0.0101, 0), (9.0, 0.0202, 1), (0.0, 0.0202, 0)])
def test_a_budget_makes_clocks_count(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, budget_s: float, after_s: float, status: int
) -> None:
    """Against a commit, twice the time stops the line where there is a budget; without one nothing is timed."""
    pairs = (True, False) * 4

    def launches(wobble: float) -> tuple[Launch, ...]:
        found = []
        for n in range(8):
            samples = tuple(after_s * (1 + wobble * ((n + k) % 3 - 1)) for k in range(len(pairs)))
            found.append(Launch(n, (0.0101,) * len(pairs), samples, pairs, (1, 1)))
        return tuple(found)

    def compared(self: Pairing, budget_s: float, precision: float = 0.0) -> Iterator[Compared]:
        timed = {"launches": launches(0.02), "confirming": launches(0.03)} if budget_s else {}
        about = {"finding": "text_batching", "function": "extract_features", "workload": WORKLOAD, "twin": "batched"}
        yield Compared.model_validate(
            {"before": side("HEAD"), "after": side("."), "answers": AnswersCompared(status="same"), **about, **timed}
        )

    monkeypatch.setattr(Pairing, "compared", compared)
    results = ["--results", str(tmp_path), "--accepted", str(tmp_path / "accepted.toml")]
    arguments = ["guard", "text_batching", "--against", "HEAD", "--budget-s", str(budget_s), *results]
    assert status_of(monkeypatch, *arguments) == status


def test_a_side_that_cannot_be_started_is_told_in_the_summary_too(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def compared(self: Pairing, budget_s: float, precision: float = 0.0) -> Iterator[Compared]:
        raise SideFailed("HEAD: its process ended with status 1 at 'hello'. SyntaxError: invalid syntax")
        yield

    monkeypatch.setattr(Pairing, "compared", compared)
    markdown, junit = tmp_path / "summary.md", tmp_path / "guard.xml"
    results = ["--results", str(tmp_path), "--accepted", str(tmp_path / "accepted.toml")]
    written = ["--markdown", str(markdown), "--junit", str(junit)]
    assert status_of(monkeypatch, "guard", "text_batching", "--against", "HEAD", *results, *written) == 2
    assert "SyntaxError" in markdown.read_text() and "python -m bench accept" not in markdown.read_text()
    assert ET.parse(junit).getroot().get("failures") == "1"

"""Resumption: an interrupted run goes on where it stopped, and only what still holds is kept."""

import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.findings import find
from speedproof.cli.options import open_run
from speedproof.clock import now
from speedproof.environment import Environment, current_environment
from speedproof.folders import RESULTS
from speedproof.gate.certificate import Certificate, Refusal
from speedproof.pairs.finding import TWINS
from speedproof.records.kinds import Begun, Certified, Counted, Judged, Measured, Refused, Resumed, Sat
from speedproof.records.record import Record, Recorder, read
from speedproof.report.report import render
from speedproof.sittings.resumption import LONGEST_PAUSE_H, Earlier, interrupted, scope_of, this_process
from speedproof_studies.kinds import KINDS
from tests import warm
from tests.reporting import build, plan_of

ROOT = Path(__file__).parents[2]
HERE = current_environment()
ENDED: dict[str, Any] = {"process": 2**22 + 1, "process_began_s": 0.0}
"""A process that does not exist: the number is above the system's largest."""


def record(body: Any, sitting: str = "one", written: str = "", environment: Environment = HERE) -> Record:
    return Record(written=written or now(), sitting=sitting, environment=environment, body=body)


def begun(scope: str = "scope", **who: Any) -> Begun:
    return Begun(scope=scope, seed=7, **(who or ENDED))


def judged() -> Judged:
    return Judged(finding="text_batching", control="one", wrong=True, as_expected=True, answer="")


def sat() -> Sat:
    return Sat(wall_s=1, under_test_s=1, peak_host_bytes=1, seed=7)


def test_an_interrupted_sitting_is_taken_up_with_its_name_and_seed() -> None:
    earlier = interrupted([record(begun()), record(judged())], "scope", HERE)
    assert (earlier.sitting, earlier.seed, earlier.n_kept) == ("one", 7, 1)


@pytest.mark.parametrize(
    "records",
    [
        [],
        [record(judged())],
        [record(begun("another scope"))],
        [record(begun()), record(sat())],
        [record(begun()), record(begun(), "newer"), record(sat(), "newer")],
        [record(begun(), written="2020-01-01T00:00:00+00:00")],
        [record(begun(), written="2999-01-01T00:00:00+00:00")],
        [record(begun(), environment=HERE.model_copy(update={"python": "2.7"}))],
        [record(begun(), environment=HERE.model_copy(update={"n_cores": 99}))],
        [record(begun(**this_process()))],
        [record(begun()), record(Resumed(pause_s=1, n_kept=0, **this_process()))],
    ],
    ids=[
        "nothing recorded",
        "no run",
        "another scope",
        "complete",
        "a newer one is complete",
        "too long ago",
        "in the future",
        "another environment",
        "another machine",
        "still running",
        "resumed and still running",
    ],
)
def test_what_does_not_hold_any_more_is_not_taken_up(records: list[Record]) -> None:
    assert interrupted(records, "scope", HERE) == Earlier()


def test_another_commit_of_the_same_sources_is_taken_up() -> None:
    other = HERE.model_copy(update={"commit": "another", "dirty": not HERE.dirty})
    assert interrupted([record(begun(), environment=other)], "scope", HERE).records


def test_a_pause_of_more_than_the_stated_hours_is_too_long() -> None:
    assert 0 < LONGEST_PAUSE_H < 12


def test_the_scope_changes_with_source_workload_subject_and_options(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    finding = find("sae_cache")
    workload = finding.pairs[0].workload("smoke")
    options = {"quick": True}
    scope = scope_of([finding], [workload], options)
    assert scope == scope_of([finding], [workload], options)
    (tmp_path / "weights").write_text("one")
    folder = replace(workload, subject=str(tmp_path))
    others = {
        scope_of([find("grad_mode")], [workload], options),
        scope_of([finding], [replace(workload, n_items=99)], options),
        scope_of([finding], [workload], {"quick": False}),
        scope_of([finding], [folder], options),
    }
    (tmp_path / "weights").write_text("other")
    others.add(scope_of([finding], [folder], options))
    monkeypatch.setattr("speedproof.pairs.finding.source_digest", lambda function: "a changed source")
    others.add(scope_of([finding], [workload], options))
    assert len(others) == 6 and scope not in others


def test_answers_and_measurements_are_known_again_from_records() -> None:
    records = read(RESULTS, KINDS).records
    earlier = Earlier(records)
    measured = next(r.body for r in records if isinstance(r.body, Measured) and r.body.arms == TWINS)
    certificate = measured.certificate
    about = (certificate.finding, certificate.function, certificate.workload)
    assert isinstance(earlier.answer(*about, "batched"), Certificate) and earlier.counted(*about)
    assert earlier.answer(*about, "another arm") is None
    assert earlier.measured(plan_of(certificate)) and earlier.measured_null
    changed = (*about[:2], replace(certificate.workload, n_items=3))
    assert earlier.answer(*changed, "batched") is None and not earlier.counted(*changed)
    without = Earlier(tuple(r for r in records if not isinstance(r.body, Measured)))
    assert not without.measured(plan_of(certificate)) and not without.measured_null


def test_a_refusal_is_kept_and_a_failed_measurement_is_not_taken_for_one() -> None:
    workload = find("sae_cache").pairs[0].workload("smoke")
    common: dict[str, Any] = {
        "finding": "sae_cache",
        "function": "check_sae_cached",
        "workload": workload,
        "twin": "batched",
    }
    refused = Refused(**common, code="not equivalent", reason="why")
    failed = Refused(**common, baseline="sequential", code="not measured", reason="died")
    about = ("sae_cache", "check_sae_cached", workload, "batched")
    assert isinstance(Earlier((record(refused),)).answer(*about), Refusal)
    assert Earlier((record(failed),)).answer(*about) is None


def test_fresh_starts_anew_and_a_resumption_says_so_in_one_line(tmp_path: Path) -> None:
    Recorder(tmp_path, HERE, "one").write(begun())
    fresh, nothing = open_run(tmp_path, None, "scope", fresh=True)
    assert fresh.recorder.sitting != "one" and nothing == ""
    # The fresh one is this process's own, so it is not taken up, and neither is what was before it.
    assert open_run(tmp_path, None, "scope", fresh=False)[1] == ""
    Recorder(tmp_path, HERE, "two").write(begun())
    again, words = open_run(tmp_path, None, "scope", fresh=False)
    assert (again.recorder.sitting, again.seed) == ("two", 7)
    assert words.startswith("Goes on with the interrupted sitting two, 0 minutes") and "\n" not in words
    assert isinstance(read(tmp_path).records[-1].body, Resumed)


def test_the_report_says_that_its_sitting_was_resumed() -> None:
    committed = read(RESULTS, KINDS)
    # The reference sitting may have been resumed itself.
    ledger = replace(committed, records=tuple(r for r in committed.records if not isinstance(r.body, Resumed)))
    reported = build(ledger).sitting
    assert reported is not None
    again = record(Resumed(pause_s=90, n_kept=3, **ENDED), reported.name)
    words = "interrupted and resumed after 90.0 s; the A/A pair is of the last stretch"
    assert words in render(build(replace(ledger, records=(*ledger.records, again))), "report.md")
    assert "resumed" not in render(build(ledger), "report.md")


SHORTLY = """
import runpy, sys
sys.path.insert(0, ".")
from speedproof.timing import runner, warmup
runner.in_fresh_process = lambda usage, work, *given: work(*given)
runner.SHORTEST_STRETCH_S = warmup.LONGEST_WARM_UP_S = 0.0
runpy.run_module("bench", run_name="__main__", alter_sys=True)
"""
"""`python -m bench` that takes samples in its own process and for as short as can be."""
RUN = ["-c", SHORTLY, "run", "sae_cache", "feature_links", "--quick", "--budget-s", "3"]


def run_until(word: str, results: Path) -> str:
    """Runs until a line of progress begins with `word`, then kills; an empty word lets it end. What was said."""
    ours, theirs = os.pipe()
    process = warm.Python([*RUN, "--results", str(results)], theirs, theirs)
    os.close(theirs)
    said = ""
    with open(ours, encoding="utf-8") as lines:
        for line in lines:
            said += line
            if word and line.startswith(word):
                os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == (-signal.SIGKILL if word else 0), said
    return said


def test_a_run_that_is_killed_twice_goes_on_and_ends_with_a_complete_report(tmp_path: Path) -> None:
    assert "Goes on" not in run_until("control", tmp_path)
    assert "Goes on with the interrupted sitting" in run_until("timing", tmp_path)
    last = run_until("", tmp_path)
    assert "Goes on with the interrupted sitting" in last and "control" not in last.replace("Controls", "")
    ledger = read(tmp_path)
    bodies = [r.body for r in ledger.records]
    assert len({r.sitting for r in ledger.records}) == 1 and not ledger.problems
    assert [type(b) for b in bodies if isinstance(b, Begun | Resumed | Sat)] == [Begun, Resumed, Resumed, Sat]
    # Nothing was done twice, and nothing is missing.
    assert sum(isinstance(b, Certified) for b in bodies) == sum(isinstance(b, Counted) for b in bodies) == 2
    assert sorted(b.control for b in bodies if isinstance(b, Judged)) == [
        "links_without_duplicates",
        "report_fix_glob",
    ]
    assert sorted(b.null for b in bodies if isinstance(b, Measured)) == [False, False, True]
    # A complete sitting is never taken up.
    assert not interrupted(ledger.records, next(b.scope for b in bodies if isinstance(b, Begun)), HERE).records

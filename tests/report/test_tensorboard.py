"""TensorBoard shows traces and records: every dashboard lists what was written, over HTTP and in a browser."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.findings import find
from speedproof.errors import BadInput, RecordProblem
from speedproof.gate.certificate import Certificate, issue
from speedproof.records.kinds import Measured
from speedproof.records.record import Ledger
from speedproof.report.tensorboard import LINES, MOST_SESSIONS, write_dashboards
from speedproof.tensors.profiling import trace
from tests.boards import ask, serving, until
from tests.browser import opened
from tests.reporting import build, launches, ledger

NAMES = ["category_lookup", "feature_links"]
RUNS = {f"{name}/{pair.name}/{arm}" for name in NAMES for pair in find(name).pairs for arm in pair.arm_names}
TAG = "sae_cache/check_sae_cached, smoke on tiny"
OUTSIDE = "https://www.gstatic.com/charts/loader.js"
"""What the profiler's plugin wants from the network, so that none of its views shows anything without one."""


def measured(certificate: Certificate, *speedups: float, void: bool = False) -> Ledger:
    """A sitting for each speed-up; of a void one, the A/A pair differs."""
    records = []
    for number, speedup in enumerate(speedups):
        null = Measured(certificate=certificate, baseline=certificate, launches=launches(1.5 if void else 1.0, 1e-4))
        bodies = (Measured(certificate=certificate, launches=launches(speedup)), null)
        moment = {"sitting": f"s{number}", "written": f"2026-01-0{number + 1}T00:00:00+00:00"}
        records += [record.model_copy(update=moment) for record in ledger(*bodies).records]
    return Ledger(tuple(records), ())


def write(found: Ledger, traces: Path) -> None:
    write_dashboards(build(found, "smoke"), traces)


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory, certificate: Certificate) -> Iterator[str]:
    """Address of a TensorBoard that serves traces of two findings, and two sittings' figures."""
    folder = tmp_path_factory.mktemp("traces")
    list(trace([find(name).card for name in NAMES], "smoke", None, folder))
    write(measured(certificate, 2.0, 3.0), folder)
    with serving(folder) as address:
        yield address


def test_the_plugin_lists_every_run_and_its_views(board: str) -> None:
    profiler = f"{board}/data/plugin/pytorch_profiler"
    runs = until(lambda: ask(f"{profiler}/runs"), lambda answer: set(answer["runs"]) == RUNS and not answer["loading"])
    for run in runs["runs"]:
        assert {"Overview", "Operator", "Trace"} <= set(ask(f"{profiler}/views?run={run}"))
    about = "run=category_lookup/analyze_specialists/sequential&worker=analyze_specialists"
    (span,) = ask(f"{profiler}/spans?{about}")
    assert "aten::" in str(ask(f"{profiler}/operation/table?{about}&span={span}&group_by=Operation"))


def test_a_functions_speedups_are_three_lines_over_the_sittings(board: str) -> None:
    tags = until(lambda: ask(f"{board}/data/plugin/scalars/tags"), lambda answer: len(answer) >= len(LINES))
    told = {}
    for line in LINES:
        assert TAG in tags[f"figures/{line}"]
        address = f"{board}/data/plugin/scalars/scalars?run=figures/{line}&tag={TAG.replace(' ', '%20')}"
        told[line] = [(step, round(value, 2)) for _, step, value in ask(address)]
    assert told["speedup"] == [(1, 2.0), (2, 3.0)]
    assert all(low < high for (_, low), (_, high) in zip(told["low"], told["high"], strict=True))


def test_hyperparameters_and_cards_are_listed(board: str) -> None:
    experiment = until(
        lambda: ask(f"{board}/data/plugin/hparams/experiment", experimentName=""), lambda found: found["hparamInfos"]
    )
    names = {info["name"] for info in experiment["hparamInfos"]}
    assert {"workload", "subject", "threads", "function", "finding", "items"} == names
    assert {info["name"]["tag"] for info in experiment["metricInfos"]} == {f"hparam/{line}" for line in LINES}
    cards = until(lambda: ask(f"{board}/data/plugin/text/tags"), lambda answer: "figures/cards" in answer)
    assert any("sae_cache" in tag for tag in cards["figures/cards"]) and len(cards["figures/cards"]) == 7


def test_a_sitting_whose_aa_pair_differs_has_no_figures(tmp_path: Path, certificate: Certificate) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator  # type: ignore[import-untyped]

    def tags(found: Ledger) -> Any:
        write(found, tmp_path)
        return EventAccumulator(str(tmp_path / "figures/speedup")).Reload().Tags()["scalars"]

    assert tags(measured(certificate, 2.0)) == [TAG]
    assert tags(measured(certificate, 2.0, void=True)) == []


def test_no_more_runs_are_written_than_tensorboard_shows(tmp_path: Path, certificate: Certificate) -> None:
    found = measured(certificate, 2.0)
    body = found.records[0].body
    assert isinstance(body, Measured)
    fields = {name: value for name, value in vars(certificate).items() if name not in ("seal", "seal_version")}
    many = [
        Measured(
            certificate=issue(**{**fields, "workload": replace(certificate.workload, subject=f"subject{n}")}),
            launches=body.launches,
        )
        for n in range(MOST_SESSIONS + 5)
    ]
    moment = {"written": "2026-01-01T00:00:00+00:00"}
    write(Ledger(tuple(record.model_copy(update=moment) for record in ledger(*many).records), ()), tmp_path)
    assert sum(path.is_dir() for path in (tmp_path / "figures/sessions").iterdir()) == MOST_SESSIONS
    assert sum(path.is_dir() for path in (tmp_path / "figures").rglob("*")) <= 40


def test_a_folder_that_cannot_be_written_is_told_in_words(tmp_path: Path) -> None:
    (tmp_path / "traces").write_text("a file")
    with pytest.raises(RecordProblem, match="Cannot write"):
        write(Ledger((), ()), tmp_path / "traces")


def test_the_dashboards_show_themselves_in_a_browser_without_a_network(board: str) -> None:
    with opened() as (page, asked, faults):
        for dashboard, shown in (
            ("scalars", "check_sae_cached, smoke on tiny"),
            ("text", "Every text is compared with every text"),
            ("hparams", "TABLE VIEW"),
        ):
            page.goto(f"{board}/#{dashboard}")
            page.reload()
            page.get_by_text(shown).first.wait_for(timeout=20_000)
        assert faults == [] and asked == []
        page.goto(f"{board}/#pytorch_profiler")
        page.reload()
        plugin = page.frame_locator("iframe")
        plugin.get_by_text("Views").first.wait_for(timeout=20_000)
        # Documented in the README: the plugin loads its charts from elsewhere, and stops where it cannot.
        page.wait_for_timeout(500)
        assert set(asked) == {OUTSIDE}
        assert all(OUTSIDE in fault or "google is not defined" in fault for fault in faults)


def test_a_card_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="names nothing"):
        list(trace(["bench.findings.nonsense:FINDING"], "smoke", None, tmp_path))

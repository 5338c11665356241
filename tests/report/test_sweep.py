"""Sweeps: crossovers and exponents are found where they are, and nowhere else."""

import json
import math
import sys
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from scipy import stats

from bench.findings import FINDINGS, find
from speedproof import cli
from speedproof.environment import current_environment
from speedproof.errors import BadInput
from speedproof.gate.certificate import Certificate, Refusal
from speedproof.gate.check import certify
from speedproof.gate.gate import require_covers
from speedproof.lens.subject import Subject
from speedproof.pairs.finding import Pair
from speedproof.pairs.series import Series, series_of
from speedproof.pairs.workload import N_CATEGORIES, Workload
from speedproof.records.kinds import Alone, Certified, Measured, Refused
from speedproof.records.record import Ledger, Record, read
from speedproof.report import report as reports
from speedproof.report.asked import Asked
from speedproof.report.page.conclusion import outcome
from speedproof.report.page.sweep import size_plot
from speedproof.report.sittings import sittings
from speedproof.report.sweep import FIT_SPAN, Sweep, fit, sweeps
from speedproof.sittings.sweep import MOST_SAMPLED, NOT_RUN, steps
from speedproof.timing.alone import N_SAMPLES, Sampled, alone
from speedproof.timing.launches import Launch
from speedproof.timing.method import ERROR_RATE
from speedproof.wording import some
from speedproof_studies.project import PROJECT
from tests.reporting import Page, build

SERIES = [series for finding in FINDINGS for pair in finding.pairs for series in pair.series]
MISS = next(
    series for series in SERIES if series.function == "check_sae_cached" and series.title.startswith("file abs")
)
SIZES = [10, 30, 100, 300]


@pytest.fixture(scope="module")
def certificates() -> list[Certificate]:
    finding = find("sae_cache")
    answers = [certify(finding, finding.pairs[0], workload) for workload in MISS.workloads[: len(SIZES)]]
    return [answer for answer in answers if isinstance(answer, Certificate)]


def launches(sequential_s: float, batched_s: float, wobble: float = 0.01) -> tuple[Launch, ...]:
    steps = [math.exp(wobble * step) for step in (-1, -0.5, 0.5, 1)]
    return tuple(Launch(0, (sequential_s * step,), (batched_s,), (True,), (1, 1)) for step in steps)


def answered(series: Sequence[Series], longest_call_s: float) -> list[Any]:
    """What `steps` says of them, without what it is doing."""
    targets = [find(one.finding).target(one.function) for one in series]
    return [step for step in steps(targets, series, longest_call_s) if isinstance(step, Certified | Refused)]


def record(body: Any, sitting: str = "s") -> Record:
    return Record(written="now", sitting=sitting, environment=current_environment(), body=body)


def swept(
    certificates: Sequence[Certificate], speedups: Sequence[float], sitting: str = "s", null: float | None = None
) -> list[Record]:
    pairs = zip(certificates, speedups, strict=False)
    bodies = [Measured(certificate=c, launches=launches(speedup, 1.0)) for c, speedup in pairs]
    if null:
        bodies.append(
            Measured(certificate=certificates[0], launches=launches(null, 1.0, 1e-4), baseline=certificates[0])
        )
    return [record(body, sitting) for body in bodies]


def only(records: Sequence[Record]) -> Sweep:
    (found,) = sweeps(sittings(records), Asked(FINDINGS))
    return found


@pytest.mark.parametrize(
    ("speedups", "words"),
    [
        ([2, 2, 2, 2], "no losing point found from 10 to 300 files"),
        ([0.5, 2, 2, 2], "loses at 10 files; wins from 30 to 300 files; crossover between 10 and 30 files"),
        ([0.5, 0.5, 1, 2], "loses from 10 to 30 files; no difference shown at 100 files; wins at 300 files; "),
        ([2, 2, 2, 0.5], "wins from 10 to 100 files; loses at 300 files; crossover between 100 and 300 files"),
        ([1, 2, 2, 2], "no losing point found from 10 to 300 files: no difference shown at 10 files; wins from 30"),
        ([0.5, 0.5, 0.5, 0.5], "loses from 10 to 300 files"),
    ],
)
def test_losing_sizes_are_found_and_named(speedups: list[float], words: str, certificates: list[Certificate]) -> None:
    assert only(swept(certificates, speedups)).crossover.startswith(words)


def test_a_crossover_is_told_only_where_an_interval_is_below_one(certificates: list[Certificate]) -> None:
    wide = [Measured(certificate=c, launches=launches(0.9, 1.0, 0.3)) for c in certificates]
    assert "crossover" not in only([record(body) for body in wide]).crossover
    assert "crossover" in only(swept(certificates, [0.9, 2, 2, 2])).crossover


def test_the_figures_at_both_ends_and_a_clear_extreme_between_are_told_and_none_of_a_void_sitting_or_a_single_size(
    certificates: list[Certificate],
) -> None:
    assert only(swept(certificates, [2, 2.5, 3, 4])).ends.startswith("2.00x at 10 to 4.00x at 300 files (")
    assert only(swept(certificates, [2, 3, 4, 0.5])).ends.startswith("2.00x at 10, 4.00x at 100, 0.50x at 300 files (")
    assert only(swept(certificates, [2, 3, 2.001, 2])).ends.startswith("2.00x at 10, 3.00x at 30, 2.00x at 300 files (")
    assert only(swept(certificates, [2, 2, 2, 2], null=1.2)).ends == ""
    here = current_environment()
    told = only(swept(certificates, [2, 2.5, 3, 4])).ends
    # It stands in a table whose other figures may be another machine's.
    assert told.endswith(f"; {here.processor}, {some(here.n_cores, 'core')})")
    assert only(swept(certificates, [2])).ends == ""


@pytest.mark.parametrize(
    ("speedup", "words"), [(1.001, "depends on the size: 2.00x"), (3.0, "confirmed: faster, 2.00x")]
)
def test_a_claim_without_a_figure_is_held_against_every_size_too(
    speedup: float, words: str, certificates: list[Certificate]
) -> None:
    smoke = find("sae_cache").pairs[0].workload("smoke")
    answer = certify(find("sae_cache"), find("sae_cache").pairs[0], smoke)
    assert isinstance(answer, Certificate)
    one = record(Measured(certificate=answer, launches=launches(speedup, 1.0, 0.01)), "t")
    built = build(Ledger((*swept(certificates, [2, 2, 2, 2]), one), ()), "smoke")
    (told,) = [outcome(row) for row in built.rows if row.finding.name == "sae_cache"]
    assert told.startswith(words)


def test_sizes_that_were_not_measured_are_withheld_with_their_reason(certificates: list[Certificate]) -> None:
    about: dict[str, Any] = {
        "finding": "sae_cache",
        "function": "check_sae_cached",
        "workload": MISS.workloads[3],
        "twin": "batched",
    }
    refused = record(Refused(**about, code=NOT_RUN, reason="too long"))
    found = only([*swept(certificates[:3], [2, 2, 2]), refused])
    assert [point.outcome for point in found.points] == ["wins"] * 3 + ["withheld"] * (len(MISS.workloads) - 3)
    assert found.points[3].figure.why == "not run: too long" and found.crossover.endswith("from 10 to 100 files")


def test_a_sitting_whose_null_pair_differs_tells_no_crossover_and_no_exponent(certificates: list[Certificate]) -> None:
    alike, different = (only(swept(certificates, [0.5, 2, 2, 2], null=null)) for null in (1.0 + 1e-9, 1.2))
    assert "crossover" in alike.crossover and alike.exponents
    assert different.crossover.startswith("void") and different.exponents is None


def test_a_series_is_taken_from_one_sitting_the_newest_whole_one(certificates: list[Certificate]) -> None:
    old, new = (swept(certificates, [s] * 4, name) for s, name in ((3.0, "old"), (5.0, "new")))
    told = [p.comparison.speedup for p in only([*old, *new]).timed if p.comparison]
    assert told == pytest.approx([5.0] * 4)


def test_points_of_changed_source_are_withheld(
    certificates: list[Certificate], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Pair, "source_digest", lambda pair, name: "another")
    assert only(swept(certificates, [2, 2, 2, 2])).crossover == "no figure at any size"


@pytest.mark.parametrize("power", [0.0, 1.0, 2.0])
def test_an_exponent_is_that_of_the_times(power: float) -> None:
    found = fit([10, 20, 40, 80], [3e-3 * n**power for n in (10, 20, 40, 80)])
    assert found.value == pytest.approx(power, abs=1e-9) and found.low <= power + 1e-9 and found.high >= power - 1e-9


def test_an_exponents_interval_is_wide_where_the_times_are_no_power() -> None:
    clean, bent = (fit([10, 20, 40, 80], times) for times in ([1, 2, 4, 8], [1, 5, 4, 8]))
    assert bent.high - bent.low > 100 * (clean.high - clean.low)


@pytest.mark.parametrize("n", [3, 4, 9])
def test_an_exponent_is_the_librarys(n: int) -> None:
    sizes = [10 * 3**k for k in range(n)]
    times = [1e-3 * size**1.3 * (1 + 0.2 * (-1) ** k) for k, size in enumerate(sizes)]
    line = stats.linregress([math.log(size) for size in sizes], [math.log(took) for took in times])
    half_width = float(stats.t.isf(ERROR_RATE / 2, n - 2)) * float(line.stderr)
    found = fit(sizes, times)
    assert found.value == pytest.approx(float(line.slope))
    assert (found.high - found.low) / 2 == pytest.approx(half_width)


def test_two_points_give_no_exponent(certificates: list[Certificate]) -> None:
    with pytest.raises(ValueError, match="3 points"):
        fit([1, 2], [1, 2])
    assert only(swept(certificates[:2], [2, 2])).exponents is None


def test_an_exponent_leaves_out_sizes_where_fixed_costs_rule(certificates: list[Certificate]) -> None:
    # Sizes 10 and 300 lie further apart than the span; the small one's time would bend the line.
    found = only(swept(certificates, [50, 0.03, 0.1, 0.3])).exponents
    assert found and found[0] and found[1] and found[0].smallest == 30 and found[0].largest == 300 <= 30 * FIT_SPAN
    assert found[0].value == pytest.approx(1.0, abs=1e-6) and found[1].value == pytest.approx(0.0, abs=1e-6)


def test_every_series_grows_and_its_workloads_have_names_of_their_own() -> None:
    for series in SERIES:
        sizes = [series.size(workload) for workload in series.workloads]
        assert sizes == sorted(set(sizes)) and len(sizes) > 1
        assert {workload.subject for workload in series.workloads} == {series.workloads[0].subject}
    workloads = {(s.function, w) for s in SERIES for w in s.workloads}
    assert len({(function, w.name, w.subject) for function, w in workloads}) == len(workloads)


def test_smaller_workloads_are_prefixes_of_larger_ones() -> None:
    for series in SERIES:
        if series.unit == "texts" and series.finding != "category_lookup":
            texts = [workload.texts() for workload in series.workloads]
            assert all(large[: len(small)] == small for small, large in pairwise(texts))


def test_a_workload_with_other_categories_is_another_and_one_with_seven_is_not() -> None:
    seven = Workload("a", "tiny", 20, "equal")
    assert seven.digest == Workload("a", "tiny", 20, "equal", n_categories=N_CATEGORIES).digest
    assert seven.digest != Workload("a", "tiny", 20, "equal", n_categories=8).digest


def test_the_lookup_has_as_many_categories_as_its_workload_says(tiny: Subject) -> None:
    pair = find("category_lookup").pairs[0]
    for n in (7, 12):
        inputs = pair.inputs(Workload("a", "tiny", 24, "equal", n_categories=n), tiny, None)
        assert len(inputs["categories"]) == n and sum(map(len, inputs["categories"].values())) == 24


def test_a_finding_without_series_and_a_size_below_all_are_bad_input() -> None:
    with pytest.raises(BadInput, match=r"feature_links has no sweep\. Expected one of: text_batching"):
        series_of([find("feature_links")], known=FINDINGS)
    with pytest.raises(BadInput, match="leaves no size"):
        series_of([find("sae_cache")], largest=3)


def test_another_subject_takes_the_place_of_the_series_own() -> None:
    on_bridge = series_of(FINDINGS, "tiny:bridge")
    assert {w.subject for s in on_bridge for w in s.workloads} == {"tiny:bridge"}
    assert len(on_bridge) == len({(s.function, s.title, s.axis) for s in on_bridge})


def test_a_definition_that_would_take_too_long_is_stopped_and_its_reason_recorded() -> None:
    lookup = next(series for series in SERIES if series.finding == "category_lookup")
    few = replace(lookup, workloads=lookup.workloads[:3])
    answers = answered([few], longest_call_s=1e-6)
    assert isinstance(answers[0], Certified)
    assert all(isinstance(answer, Refused) and answer.code == NOT_RUN for answer in answers[1:])
    assert "above 1e-06 s" in str(answers[1])


def lookup(n: int) -> Series:
    """Finding 3's series with very many texts, cut to its first sizes, which are made small."""
    found = next(s for s in SERIES if s.finding == "category_lookup" and "1,000 cat" in s.title)
    few = tuple(replace(w, n_items=size, n_categories=7) for w, size in zip(found.workloads, (70, 700), strict=False))
    return replace(found, workloads=few[:n])


def sampled(series: Series) -> list[Any]:
    target = find(series.finding).target(series.function)
    return [one for one in steps([target], [series], 1e-6) if isinstance(one, Sampled | Refused)]


def test_a_size_beyond_the_definition_is_asked_about_a_sample_and_may_be_timed_alone() -> None:
    left_out, told = sampled(lookup(2))
    assert left_out.code == NOT_RUN and isinstance(told, Sampled)
    assert (told.workload.n_items, told.certificate.workload.n_items, told.n_sampled) == (700, 70, MOST_SAMPLED)
    (taken,) = alone([told])
    assert len(taken) == N_SAMPLES and all(seconds > 0 for seconds in taken)


def test_a_twin_that_is_wrong_about_the_sample_alone_is_refused_and_not_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    pair = find("category_lookup").pairs[0]
    right = pair.batched

    def analyze_specialists(features: Any, texts: Any, categories: Any, threshold: float = 5.0) -> Any:
        answer = right(features, texts, categories, threshold)
        return answer if len(texts) <= 100 else dict.fromkeys(answer)

    arm = type(pair).arm
    monkeypatch.setattr(
        type(pair), "arm", lambda pair, name: analyze_specialists if name == "batched" else arm(pair, name)
    )
    *_, refused = sampled(lookup(2))
    assert isinstance(refused, Refused) and refused.code == "not equivalent"
    assert refused.reason.startswith("on 200 of the items:")


def test_sizes_timed_alone_count_for_the_batched_twins_exponent_and_have_no_speed_up() -> None:
    series = lookup(1)
    pair = find("category_lookup").pairs[0]
    certificate = certify(find("category_lookup"), pair, series.workloads[0])
    assert isinstance(certificate, Certificate)
    whole = next(s for s in SERIES if s.finding == "category_lookup" and "1,000 cat" in s.title)
    bodies = [
        Alone(
            finding="category_lookup",
            function="analyze_specialists",
            workload=workload,
            certificate=certificate,
            n_sampled=200,
            samples_s=((workload.n_items * 1e-6,) * 3,) * 4,
        )
        for workload in whole.workloads[2:]
    ]
    refused = Refused(
        finding="category_lookup",
        function="analyze_specialists",
        workload=whole.workloads[2],
        twin="batched",
        code=NOT_RUN,
        reason="too long",
    )
    found = only([record(body) for body in (refused, *bodies)])
    assert found.exponents and found.exponents[0] is None and found.exponents[1]
    assert found.exponents[1].value == pytest.approx(1.0, abs=1e-6) and found.exponents[1].largest == 200_000
    assert not found.timed and "timed alone" in found.alone and "200 of the items" in found.alone
    page = reports.render(build(Ledger(tuple(record(body) for body in (refused, *bodies)), ()), "smoke"), "report.md")
    assert "The batched twin's time grows with the power 1.00" in page and "| 200,000 | - | 200 ms | - |" in page


def test_noting_the_definitions_seconds_leaves_its_certificate_as_it_is() -> None:
    few = replace(MISS, workloads=MISS.workloads[:1])
    (answer,) = answered([few], longest_call_s=60)
    finding = find("sae_cache")
    pair = finding.pairs[0]
    assert isinstance(answer, Certified)
    require_covers(answer.certificate, finding, pair, MISS.workloads[0], pair.batched)


def test_a_definition_that_is_quick_enough_is_not_stopped() -> None:
    few = replace(MISS, workloads=MISS.workloads[:3])
    answers = answered([few, few], longest_call_s=60)
    assert len(answers) == 3 and all(isinstance(answer, Certified) for answer in answers)


def test_the_report_and_the_page_show_every_size_and_run_nothing(certificates: list[Certificate]) -> None:
    ledger = Ledger(tuple(swept(certificates, [0.5, 2, 2, 40])), ())
    built = build(ledger)
    text, page = (reports.render(built, name) for name in ("report.md", "index.html"))
    assert "Loses at 10 files" in text and "| 10 | 500 ms | 1.00 s | 0.50x [" in text and "WITHHELD(not run)" in text
    assert "crossover between 10 and 30 files" in page and 'id="plot-sizes-sae_cache-0"' in page
    assert "WITHHELD(not run)" in page and len(Page(page).running) == 1
    empty = build(Ledger((), ()))
    assert "Sizes" not in reports.render(empty, "report.md") and "plot-sizes" not in reports.render(empty, "index.html")


def test_a_plot_has_every_size_with_its_interval_on_axes_that_hold_them(certificates: list[Certificate]) -> None:
    swept_once = only(swept(certificates, [0.5, 2, 2, 40]))
    plot = size_plot("sizes", [swept_once])
    assert plot is not None
    (line,) = plot.traces
    assert line["x"] == [10, 30, 100, 300] and line["y"] == [
        p.comparison.speedup for p in swept_once.timed if p.comparison
    ]
    lows = [y - below for y, below in zip(line["y"], line["error_y"]["arrayminus"], strict=True)]
    assert lows == pytest.approx([p.comparison.interval[0] for p in swept_once.timed if p.comparison])
    for axis, shown in (("xaxis", line["x"]), ("yaxis", [*lows, 1.0])):
        low, high = plot.layout[axis]["range"]
        assert low < math.log10(min(shown)) and math.log10(max(shown)) < high
    assert "loses" in line["text"][0] and "wins" in line["text"][3]


def test_without_a_figure_there_is_no_plot_of_sizes(certificates: list[Certificate]) -> None:
    assert size_plot("sizes", []) is None


@pytest.mark.usefixtures("warm_processes", "timed_here")
def test_the_verb_measures_a_few_sizes_and_says_where_the_twin_loses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["sweep", "sae_cache", "--largest", "30", "--json", "--budget-s", "1", "--results", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", ["bench", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main(PROJECT)
    assert ended.value.code == 0
    told = json.loads(capsys.readouterr().out)
    assert [one["series"] for one in told] == ["file there, tiny", "file absent, tiny"]
    assert all(one["crossover"] and [p["size"] for p in one["points"] if p["speedup"]] == [10, 30] for one in told)
    kinds = [one.body.kind for one in read(tmp_path).records]
    assert kinds.count("certified") == 4 and kinds.count("measured") == 5
    assert "check_sae_cached by files" in (tmp_path / "report/report.md").read_text()


def test_the_verb_says_which_findings_have_a_sweep(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["bench", "sweep", "feature_links", "--results", str(tmp_path)])
    with pytest.raises(SystemExit) as ended:
        cli.main(PROJECT)
    assert ended.value.code == 2 and "has no sweep" in capsys.readouterr().err


def test_a_refusal_in_a_sweep_keeps_its_rule_its_trial_and_its_excess(monkeypatch: pytest.MonkeyPatch) -> None:
    few = replace(MISS, workloads=MISS.workloads[:1])
    (workload,) = few.workloads
    told = "off Reproduce: what knows no sweep"
    refusal = Refusal(
        "sae_cache", "check_sae_cached", workload, "batched", "not equivalent", told, "bound", "again", 3.5
    )
    stub = SimpleNamespace(answer=lambda: refusal, definition=SimpleNamespace(took_s=0.1))
    monkeypatch.setattr("speedproof.sittings.sweep.Check", lambda *arguments: stub)
    (answer,) = answered([few], longest_call_s=60)
    changed = {"reason": f"off Reproduce: {few.command(workload)}", "kind": "refused", "baseline": ""}
    assert isinstance(answer, Refused) and {**vars(answer)} == {**vars(refusal), **changed}

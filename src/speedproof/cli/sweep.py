"""Verb of sizes: sweep."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from speedproof.folders import RESULTS
from speedproof.lens.subject import find_subject
from speedproof.pairs.finding import TWINS
from speedproof.pairs.series import Series, series_of
from speedproof.records.kinds import Refused
from speedproof.report import report as reports
from speedproof.report.sweep import Sweep
from speedproof.sittings.sweep import NOT_RUN, ascend
from speedproof.timing.plan import plans_of_pairs

from .lines import print_json, warn_line
from .options import (
    AsJson,
    Budget,
    Names,
    Results,
    Seed,
    SubjectName,
    all_findings,
    chosen_findings,
    open_sitting,
    project,
    read_records,
)
from .progress import progress
from .shown.measure import show_sweeps

SWEEP_BUDGET_S = 480.0
"""Timing budget of all sweeps; the checks come on top."""


def sweep(
    context: typer.Context,
    names: Names = None,
    subject: SubjectName = None,
    largest: Annotated[int | None, typer.Option(min=1, help="Largest size; sizes above it are left out.")] = None,
    budget_s: Budget = SWEEP_BUDGET_S,
    seed: Seed = None,
    results: Results = RESULTS,
    as_json: AsJson = False,
) -> None:
    """Measure over sizes: where the batched twin loses, and how time grows.

    Examples:
      python -m bench sweep category_lookup
      python -m bench sweep 1 --subject tiny --largest 16
    """
    if subject:
        find_subject(subject)
    findings = chosen_findings(context, names)
    series = series_of(findings, subject, largest, all_findings(context))
    sitting = open_sitting(results, seed)
    with progress() as sitting.say:
        certificates = ascend(sitting, findings, series)
        sitting.measure(plans_of_pairs(findings, certificates), budget_s)
        sitting.close()
    ledger = read_records(context, results)
    built = reports.build(all_findings(context), ledger, subject=subject, sections=project(context).sections)
    done = [one for one in built.sweeps if _is_among(one, series, sitting.recorder.sitting)]
    if as_json:
        print_json([_as_json(one) for one in done])
    else:
        show_sweeps(done)
    if subject is None:
        warn_line(f"Report: {reports.write(built, results / 'report')[-1]}")
    records = [record for record in ledger.records if record.sitting == sitting.recorder.sitting]
    faults = [r for r in records if isinstance(r.body, Refused) and r.body.code != NOT_RUN]
    raise typer.Exit(1 if faults else 0)


def _is_among(one: Sweep, series: Sequence[Series], sitting: str) -> bool:
    asked = {(s.finding, s.function, s.title, s.axis) for s in series}
    mine = (one.series.finding, one.series.function, one.series.title, one.series.axis)
    return one.sitting.name == sitting and mine in asked


def _as_json(one: Sweep) -> dict[str, Any]:
    return {
        "finding": one.series.finding,
        "function": one.series.function,
        "series": one.series.title,
        "unit": one.series.unit,
        "crossover": one.crossover,
        "exponents": [
            {"twin": twin, **vars(exponent)}
            for twin, exponent in zip(TWINS, one.exponents or (), strict=False)
            if exponent
        ],
        "points": [
            {
                "size": point.size,
                "workload": workload.name,
                "subject": workload.subject,
                "outcome": point.outcome,
                "reason": point.figure.why,
                "speedup": point.comparison.speedup if point.comparison else None,
                "interval": point.comparison.interval if point.comparison else None,
                "baseline_s": point.comparison.baseline_s if point.comparison else None,
                "contender_s": point.batched_s,
                "alone": point.alone is not None,
            }
            for workload, point in zip(one.series.workloads, one.points, strict=True)
        ],
    }

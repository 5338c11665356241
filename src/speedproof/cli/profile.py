"""The verb of the profiler: profile."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from speedproof.folders import RESULTS
from speedproof.own.pair import OwnPair
from speedproof.pairs.question import questions
from speedproof.records.trace import Traced
from speedproof.report.asked import Asked
from speedproof.report.operators import Difference, differences
from speedproof.report.sittings import sittings
from speedproof.traces import trace_file

from . import own
from .lines import print_json, say_line
from .options import AsJson, OwnNames, Results, SubjectName, chosen_findings, open_sitting, read_records, trace_all
from .progress import progress
from .shown.operators import operators_as_json, say_where, show_operators


def profile(
    context: typer.Context,
    names: OwnNames = None,
    inputs: own.InputsName = None,
    pairs: own.PairsFile = None,
    sizes: own.Sizes = None,
    workload: Annotated[str, typer.Option(help="Workload whose first items are traced.")] = "report",
    subject: SubjectName = None,
    results: Results = RESULTS,
    as_json: AsJson = False,
) -> None:
    """Show where the time goes. Of two functions of yours by name: which functions take most, by Python's profiler. Of
    the findings: which operators make the difference, with a trace per function, twin and rung.

    A trace under results/traces opens in TensorBoard (make tensorboard) and in Perfetto: https://ui.perfetto.dev,
    "Open trace file".

    Examples:
      speedproof profile slow.py:dedupe fast.py:dedupe --inputs data.py:make
      python -m bench profile
      python -m bench profile text_batching --workload smoke
    """
    if own.is_own_asked(context, names, inputs, pairs):
        found_pairs = own.own_pairs(names, inputs, pairs, sizes=own.sizes_of(sizes))
        raise typer.Exit(_profile_own(context, found_pairs, results, as_json))
    findings = chosen_findings(context, names)
    questions(findings, workload, subject)
    sitting = open_sitting(results, None)
    with progress() as sitting.say:
        traced = trace_all(findings, workload, subject, sitting)
    newest = [one for one in sittings(read_records(context, results).records) if one.name == sitting.recorder.sitting]
    found = differences(newest, Asked(findings, workload, traced[0].workload.subject if subject else None))
    if as_json:
        print_json(_as_json(traced, found, results / "traces"))
    else:
        show_operators(found)
        say_where(results / "traces", len(traced))


def _as_json(traced: Sequence[Traced], found: Sequence[Difference], folder: Path) -> dict[str, Any]:
    files = {
        f"{one.finding}/{one.function}/{one.arm}": str(trace_file(folder, one.finding, one.function, one.arm))
        for one in traced
    }
    differences = [operators_as_json(one) for one in found]
    return {"traces": [{"trace": label, "file": file} for label, file in files.items()], "differences": differences}


def _profile_own(context: typer.Context, pairs: Sequence[OwnPair], results: Path, as_json: bool) -> int:
    """Profiles both functions of each pair, and shows where their time goes. Exit status 0."""
    sitting = open_sitting(own.own_results(results), None, quietly=True)
    shown = []
    for pair in pairs:
        folder = own.own_results(results) / "traces" / pair.name
        with progress() as sitting.say:
            profiled = list(sitting.told(own.PROFILE, pair.finding.card, folder))
        shown.append({"pair": pair.name, "profiles": profiled})
        if not as_json:
            for one in profiled:
                say_line(f"{one['arm']}: {one['function']}, {one['calls']:,} calls; {one['file']}")
                for line in one["lines"]:
                    say_line(f"  {line}")
    if as_json:
        print_json(shown if len(shown) > 1 else shown[0])
    return 0

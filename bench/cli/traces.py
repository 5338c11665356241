"""The verb of the profiler: profile."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from .. import terminal
from ..asked import Asked
from ..folders import RESULTS
from ..operators import Difference, differences
from ..question import questions
from ..sittings import sittings
from ..traced import Traced
from ..traces import trace_file
from .options import AsJson, Names, Results, SubjectName, chosen_findings, open_sitting, read_records, trace_all


def profile(
    context: typer.Context,
    names: Names = None,
    workload: Annotated[str, typer.Option(help="Workload whose first items are traced.")] = "report",
    subject: SubjectName = None,
    results: Results = RESULTS,
    as_json: AsJson = False,
) -> None:
    """Write a profiler trace per function, twin and rung, and show which operators make the difference.

    Each file under results/traces opens in TensorBoard (make tensorboard) and in Perfetto: https://ui.perfetto.dev,
    "Open trace file".

    Examples:
      python -m bench profile
      python -m bench profile text_batching --workload smoke
    """
    findings = chosen_findings(context, names)
    questions(findings, workload, subject)
    sitting = open_sitting(results, None)
    with terminal.progress() as sitting.say:
        traced = trace_all(findings, workload, subject, sitting)
    own = [one for one in sittings(read_records(context, results).records) if one.name == sitting.recorder.sitting]
    found = differences(own, Asked(findings, workload, traced[0].workload.subject if subject else None))
    if as_json:
        terminal.print_json(_as_json(traced, found, results / "traces"))
    else:
        terminal.show_operators(found)
        terminal.say_where(results / "traces", len(traced))


def _as_json(traced: Sequence[Traced], found: Sequence[Difference], folder: Path) -> dict[str, Any]:
    files = {
        f"{one.finding}/{one.function}/{one.arm}": str(trace_file(folder, one.finding, one.function, one.arm))
        for one in traced
    }
    differences = [terminal.operators_as_json(one) for one in found]
    return {"traces": [{"trace": label, "file": file} for label, file in files.items()], "differences": differences}

"""The verb of reduced precision: reduced."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

import typer
from rich.table import Table

from speedproof.cli.lines import out, print_json, say_line
from speedproof.cli.options import AsJson, Results, SubjectName, open_sitting, read_records
from speedproof.cli.progress import progress
from speedproof.folders import RESULTS
from speedproof_studies.kinds import Reduced

from .rows import HEAD, lines, newest, rows

COSTS = "speedproof_studies.reduced.session:reduced_costs"
"""What asks the arms, by reference: it needs torch, which this process may do without."""


def reduced(
    context: typer.Context,
    subject: SubjectName = None,
    only_show: Annotated[bool, typer.Option("--show", help="Show what is recorded, and ask nothing.")] = False,
    results: Results = RESULTS,
    as_json: AsJson = False,
) -> None:
    """What finding 1's batched twin costs in features where it is run in bfloat16, beside float32's own rounding.

    Nothing is timed: what is not the definition's answer has no speed-up.

    Examples:
      python -m bench reduced
      python -m bench reduced --subject tiny
      python -m bench reduced --show
    """
    from bench.findings.text_batching import REPORT
    from speedproof.lens.subject import find_subject

    if only_show:
        told = newest(record.body for record in read_records(context, results).records)
    else:
        workload = replace(REPORT, subject=find_subject(subject or REPORT.subject).name)
        sitting = open_sitting(results, None)
        with progress() as sitting.say:
            told = newest(sitting.keep(sitting.told(COSTS, workload)))
    if as_json:
        print_json([one.model_dump() for one in told])
    else:
        _show(told)
    raise typer.Exit(0 if told else 1)


def _show(told: Sequence[Reduced]) -> None:
    for one in told:
        table = Table(*HEAD)
        for row in rows(one):
            table.add_row(*row)
        out.print(table)
        for line in lines(one):
            say_line(line)

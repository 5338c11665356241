"""The verb that injects bursts of load into measurements: bursts."""

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.table import Table

from speedproof.cli.lines import out, print_json, say_line
from speedproof.cli.options import AsJson, Names, Results, Seed, chosen_findings, open_sitting, read_records
from speedproof.cli.progress import progress
from speedproof.folders import RESULTS
from speedproof.gate.certificate import Certificate
from speedproof.pairs.question import questions
from speedproof.timing.plan import plans_of_pairs
from speedproof_studies.kinds import Burst

from .rates import HEAD, how, voids, widened


def bursts(
    context: typer.Context,
    names: Names = None,
    workload: Annotated[str, typer.Option(help="Workload to measure.")] = "smoke",
    rounds: Annotated[int, typer.Option(min=1, max=1000, help="Times that all is measured, each way.")] = 5,
    budget_s: Annotated[float, typer.Option(min=1, help="Seconds of timing for each time.")] = 60,
    burst_s: Annotated[float, typer.Option(min=0.01, help="Seconds that a burst lasts.")] = 0.5,
    share: Annotated[float, typer.Option(min=0.01, max=0.9, help="Share of the time that bursts take.")] = 0.1,
    only_show: Annotated[bool, typer.Option("--show", help="Only show what was recorded.")] = False,
    seed: Seed = None,
    results: Results = RESULTS,
    as_json: AsJson = False,
) -> None:
    """Measure findings in quiet and under bursts of load on all cores, and show what became of the intervals.

    Examples:
      python -m bench bursts category_lookup --rounds 3
      python -m bench bursts --show
    """
    if only_show:
        bodies = [one.body for one in read_records(context, results).records if isinstance(one.body, Burst)]
    else:
        # What measures needs libraries that showing does without.
        from .study import study

        findings = chosen_findings(context, names)
        sitting = open_sitting(results, seed)
        with progress() as sitting.say:
            answers = sitting.prove(questions(findings, workload)).answers
            plans = plans_of_pairs(findings, [one for one in answers if isinstance(one, Certificate)])
            bodies = sitting.keep(study(plans, rounds, budget_s, burst_s, share, sitting.seed, sitting.say))
    if as_json:
        print_json([body.model_dump() for body in bodies])
    else:
        _show(bodies)


def _show(bodies: Sequence[Burst]) -> None:
    table = Table(*HEAD)
    for one in widened(bodies):
        table.add_row(*one.cells)
    out.print(table)
    say_line(how(bodies))
    for body in voids(bodies):
        say_line(f"VOID {body.function}: {body.failure}")

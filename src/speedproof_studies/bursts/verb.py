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

from .load import Load
from .rates import HEAD, Study, studies, voids


def bursts(
    context: typer.Context,
    names: Names = None,
    workload: Annotated[str, typer.Option(help="Workload to measure.")] = "smoke",
    rounds: Annotated[int, typer.Option(min=1, max=1000, help="Times that all is measured, each way.")] = 5,
    budget_s: Annotated[float, typer.Option(min=1, help="Seconds of timing for each time.")] = 60,
    burst_s: Annotated[float, typer.Option(min=0.01, help="Seconds that a burst lasts.")] = 0.5,
    share: Annotated[float, typer.Option(min=0.01, max=0.9, help="Share of the time that bursts take.")] = 0.1,
    processes: Annotated[
        int | None, typer.Option(min=1, max=1000, help="Processes that make the load; four a core if not told.")
    ] = None,
    only_show: Annotated[bool, typer.Option("--show", help="Only show what was recorded.")] = False,
    seed: Seed = None,
    results: Results = RESULTS,
    as_json: AsJson = False,
) -> None:
    """Measure findings in quiet and under bursts of load, and show what became of the intervals.

    Examples:
      python -m bench bursts category_lookup --rounds 3
      python -m bench bursts --workload report --rounds 2 --budget-s 300 --burst-s 20 --share 0.33 --processes 1
      python -m bench bursts --show
    """
    own = ""
    if not only_show:
        # What measures needs libraries that showing does without.
        from .study import study

        findings = chosen_findings(context, names)
        sitting = open_sitting(results, seed)
        with progress() as sitting.say:
            answers = sitting.prove(questions(findings, workload)).answers
            plans = plans_of_pairs(findings, [one for one in answers if isinstance(one, Certificate)])
            load = Load(burst_s, share, processes)
            sitting.keep(study(plans, rounds, budget_s, load, sitting.seed, sitting.say))
        own = sitting.recorder.sitting
    records = [one for one in read_records(context, results).records if own in ("", one.sitting)]
    if as_json:
        print_json([one.body.model_dump() for one in records if isinstance(one.body, Burst)])
    else:
        _show(studies(records))


def _show(found: Sequence[Study]) -> None:
    for study in found:
        say_line(f"{study.title}:")
        table = Table(*HEAD)
        for one in study.rows:
            table.add_row(*one.cells)
        out.print(table)
        for body in voids(study.bodies):
            say_line(f"VOID {body.function}: {body.failure}")
    if not found:
        say_line("Nothing has been recorded yet.")

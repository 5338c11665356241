"""The verb that plants faults: mutation."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from speedproof.cli.lines import out, print_json, say_line
from speedproof.cli.options import AsJson, Results, open_sitting
from speedproof.cli.progress import progress
from speedproof.folders import RESULTS

from .session import chosen_modules, mutate
from .survivors import FILE, entry_for
from .tally import Tally

Modules = Annotated[
    list[str] | None, typer.Argument(metavar="MODULE", help="twins, gate, or import names; both if none.")
]
Sample = Annotated[int | None, typer.Option(min=1, help="So many of the gate's mutants, at random; all if none.")]
DrawSeed = Annotated[int, typer.Option(help="Seed of the sample.")]
Workers = Annotated[int, typer.Option(min=1, max=16, help="Mutants on trial at a time.")]
Reasons = Annotated[Path, typer.Option(help="File of the survivors' reasons.")]


def mutation(
    modules: Modules = None,
    sample: Sample = None,
    seed: DrawSeed = 1,
    workers: Workers = 2,
    reasons: Reasons = FILE,
    results: Results = RESULTS,
    as_json: AsJson = False,
) -> None:
    """Plant one small fault at a time in the twins and in the gate; each must be noticed, or have a reason.

    Examples:
      python -m bench mutation twins
      python -m bench mutation gate --sample 150 --seed 1
      python -m bench mutation speedproof.gate.state
    """
    chosen = chosen_modules(modules)
    sitting = open_sitting(results, seed)
    with progress() as sitting.say:
        found, unneeded = mutate(sitting, chosen, sample, workers, reasons)
    told = Tally(tuple(found))
    if as_json:
        print_json({"unneeded_reasons": unneeded, "modules": [one.model_dump() for one in found]})
    else:
        _show(told, unneeded, reasons)
    raise typer.Exit(1 if told.n_unexplained else 0)


def _show(told: Tally, unneeded: Sequence[str], reasons: Path) -> None:
    """Mutants by module, every survivor without a reason with what to add where, and reasons that are not needed."""
    table = Table("module", "mutants", "tried", "killed", "survivors", "without a reason")
    for one in told.parts:
        bare = [survivor for survivor in one.survived if not survivor.reason]
        counts = (one.n_mutants, one.n_tried, one.n_killed, len(one.survived), len(bare))
        table.add_row(one.module, *map(str, counts))
        for survivor in bare:
            say_line(f"SURVIVED. Add a probe that notices it, or its reason to {reasons}:")
            say_line(entry_for(one.module, survivor))
    out.print(table)
    for reason in unneeded:
        say_line(f"A reason that is not needed, take it out of {reasons}: {reason}")
    say_line(f"{told.words}.")

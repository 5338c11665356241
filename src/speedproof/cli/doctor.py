"""Verbs that need no subject: doctor, duplicates, schema."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from speedproof.counters.duplicates import scan
from speedproof.folders import RESULTS
from speedproof.machine.phases import watch
from speedproof.machine.signs import State
from speedproof.records.record import schema
from speedproof.sittings.fitness import fitness

from .lines import print_json, say_line, warn_line
from .options import AsJson, Results, all_findings, project, read_records
from .shown.doctor import fitness_as_json, show_fitness
from .shown.phases import kernels, phases_as_json, show_phases, state_of


def doctor(
    context: typer.Context,
    hub: Annotated[bool, typer.Option("--hub", help="Also ask the Hugging Face hub whether it answers.")] = False,
    phases: Annotated[
        bool, typer.Option("--phases", help="Watch for a minute whether the machine has slow phases, and show them.")
    ] = False,
    for_s: Annotated[float, typer.Option(min=1, help="Seconds to watch for phases.")] = 60,
    results: Results = RESULTS,
    as_json: AsJson = False,
) -> None:
    """Is this machine fit to measure? Exit status 0: yes; 1: figures would be doubtful; 2: it cannot run.

    Examples:
      python -m bench doctor
      python -m bench doctor --hub --json
      python -m bench doctor --phases
    """
    if phases:
        watched = watch(for_s, kernels())
        if as_json:
            print_json(phases_as_json(watched))
        else:
            show_phases(watched)
        raise typer.Exit(list(State).index(state_of(watched)))
    found = fitness(all_findings(context), read_records(context, results).records, results, hub)
    if as_json:
        print_json(fitness_as_json(found))
    else:
        show_fitness(found, context.command_path)
    raise typer.Exit(list(State).index(found.state))


def duplicates(
    paths: Annotated[list[Path], typer.Argument(help="Python files, notebooks, or folders of them.")],
    as_json: AsJson = False,
) -> None:
    """Find functions that one file or notebook defines twice, also where one is nested in another function.

    Exit status 0: none; 1: there are; 2: something could not be read. All else is read, and what was found is told.

    Example: python -m bench duplicates phase_3.ipynb
    """
    found = scan(paths)
    for problem in found.problems:
        warn_line(problem)
    if as_json:
        print_json([vars(duplicate) for duplicate in found.duplicates])
    else:
        for duplicate in found.duplicates:
            say_line(f"{duplicate.name}: {duplicate.again} again, first {duplicate.first}")
        say_line(found.summary)
    raise typer.Exit(2 if found.problems else 1 if found.duplicates else 0)


def schema_(context: typer.Context) -> None:
    """Print the JSON Schema of a record line.

    Example: python -m bench schema > results/record.schema.json
    """
    sys.stdout.write(schema(project(context).kinds))

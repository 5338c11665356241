"""What the pages take from the code when they are built: numbers, help, signatures, and the table of rewrites."""

import inspect
import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

import typer

import speedproof

WIDTH = 88
"""Characters in a line of help."""


def numbers() -> dict[str, str]:
    """Thresholds that the text names, in words for it."""
    from speedproof.cli.measure import OWN_BUDGET_S
    from speedproof.cli.own import N_FAULTS
    from speedproof.own.inputs import N_EXAMPLES
    from speedproof.own.pair import BUDGET_S
    from speedproof.own.reference.gradients import OTHER_FLOWS
    from speedproof.own.reference.tolerance import N_MOVES, NORMWISE, REFERENCE_FACTOR
    from speedproof.own.trials import N_DRAWS, SIZES
    from speedproof.timing.method import TODAYS

    assert REFERENCE_FACTOR == 2, "the pages say twice"
    return {
        "sizes": _listed(f"{size:,}" for size in SIZES),
        "n_draws": str(N_DRAWS),
        "n_examples": str(N_EXAMPLES),
        "n_faults": str(N_FAULTS),
        "n_moves": str(N_MOVES),
        "normwise": f"{NORMWISE:g}",
        "n_other_flows": f"{len(OTHER_FLOWS)}",
        "budget": f"{BUDGET_S:g}",
        "timing_budget": f"{OWN_BUDGET_S:g}",
        "fewest_processes": str(TODAYS.first),
        "most_processes": str(TODAYS.last),
    }


def aspects() -> dict[str, list[str]]:
    """What a call must leave as it was: of every process, and what torch adds."""
    from speedproof.gate.state import watched
    from speedproof.pairs.kit import PLAIN
    from speedproof.pairs.references import resolve

    plain = [aspect.name for aspect in watched(PLAIN)]
    of_torch = [aspect.name for aspect in watched(resolve("speedproof.tensors.kit:TORCH")) if aspect.name not in plain]
    return {"everywhere": sorted(plain), "torch": sorted(of_torch)}


def help_of(verb: str) -> str:
    """What `speedproof VERB --help` prints, without its examples, which the pages give as commands that are run."""
    from speedproof.cli import application
    from speedproof.cli.project import Project
    from speedproof.folders import PROJECT, RESULTS

    group: Any = typer.main.get_command(application(Project()))
    command = group.commands[verb]
    context = command.context_class(
        command, info_name=f"speedproof {verb}", terminal_width=WIDTH, max_content_width=WIDTH
    )
    paragraphs = command.get_help(context).split("\n\n")
    shown = "\n\n".join(one for one in paragraphs if not one.strip().startswith("Example"))
    # The results of who reads this are elsewhere.
    return re.sub(rf"\[default:\s+{re.escape(str(RESULTS))}\]", f"[default: {PROJECT}-results]", shown)


def signature_of(name: str) -> str:
    """How a public name is called, with the defaults and without the annotations."""
    found = getattr(speedproof, name)
    if inspect.isclass(found) and issubclass(found, BaseException):
        return f"class speedproof.{name}"
    bare = [
        one.replace(annotation=one.empty)
        for one in inspect.signature(found).parameters.values()
        if one.name not in ("self", "asked_by")
    ]
    called = f"speedproof.{name}{inspect.Signature(bare)}"
    if len(called) <= WIDTH:
        return called
    within = textwrap.fill(str(inspect.Signature(bare))[1:-1], WIDTH - 4)
    return f"speedproof.{name}(\n{textwrap.indent(within, '    ')}\n)"


def textbook() -> list[tuple[str, list[tuple[str, str, bool, str]]]]:
    """Topic -> its rewrites: reference, candidate, whether it is right, and why."""
    from speedproof_studies.textbook import ENTRIES

    topics: dict[str, list[tuple[str, str, bool, str]]] = {}
    for entry in ENTRIES:
        topic = entry.candidate.__module__.rpartition(".")[2]
        topics.setdefault(topic, []).append((entry.reference.__name__, entry.name, entry.right, entry.why))
    return list(topics.items())


def latency() -> Iterator[str]:
    """The table of how long commands take, and what a check takes of memory, from the committed records."""
    from speedproof_studies.latency.verb import HEAD, memory_factor, newest, rows

    taken = newest(record.body for record in _records())
    yield from _table(HEAD, rows(taken))
    if factor := memory_factor(taken):
        yield from ("", f"The large pair's check took {factor:.1f} times the memory of one call.")


def peers() -> Iterator[str]:
    """The tables of what a user would pick instead of finding 1's batched twin, from the committed records."""
    from speedproof.wording import cell
    from speedproof_studies.peers.table import HEAD, of_the_report, tables

    found = of_the_report(tables(_records()))
    for _, of_machine in groupby(found, key=lambda table: table.machine):
        for table in of_machine:
            yield from (f"{table.title}:", "")
            yield from _table(HEAD, (map(cell, row.cells) for row in table.rows))
            yield from ("", table.line, "")
        yield from (table.made, "")
    if not found:
        yield "Nothing has been recorded yet."


def breakdown() -> Iterator[str]:
    """Where a call of the batched twins goes, from the committed records."""
    from speedproof_studies.breakdown.rows import HEAD, lines, rows

    told = rows(_records())
    yield from _table(HEAD, (row.cells for row in told))
    for line in lines(told):
        yield from ("", line)


def architectures() -> Iterator[str]:
    """The table of kinds of models, SAEs and tokenizers that were tried, from the committed records."""
    from speedproof_studies.architectures.rows import HEAD, newest, rows

    tried = newest(record.body for record in _records())
    yield from _table(HEAD, ((cell.replace("|", "&#124;") for cell in row) for row in rows(tried)))


def reduced() -> Iterator[str]:
    """What bfloat16 costs in features, from the committed records."""
    from speedproof_studies.reduced.rows import HEAD, lines, newest, rows

    for one in newest(record.body for record in _records()):
        yield from _table(HEAD, rows(one))
        for line in lines(one):
            yield from ("", line)
        yield ""


def real() -> Iterator[str]:
    """The findings on a real model beside those on seeded weights, from the committed records."""
    from bench.findings import FINDINGS
    from speedproof.folders import ROOT
    from speedproof.lens.pretrained.apis import MADE
    from speedproof.records.record import read
    from speedproof.report.report import build
    from speedproof.wording import cell
    from speedproof_studies.kinds import KINDS
    from speedproof_studies.real.rows import HEAD, lines, rows, sides

    ledger = read(ROOT / "results", KINDS)
    seeded, on_real = (build(FINDINGS, ledger, subject=name) for name in (None, *MADE))
    yield from _table(HEAD, (map(cell, row) for row in rows(seeded, on_real)))
    for line in lines(seeded, on_real, (record.body for record in ledger.records)):
        yield from ("", line)
    for grid in on_real.grids:
        yield from ("", f"Under other releases, held against `{grid.first.text}`, on {grid.machines}:", "")
        head, told = sides(grid)
        yield from _table(head, (map(cell, row) for row in told))


def bursts() -> Iterator[str]:
    """What bursts of load did to intervals, from the committed records."""
    from speedproof_studies.bursts.rates import HEAD, studies

    for study in studies(_records()):
        yield from (f"{study.title}:", "")
        yield from _table(HEAD, (row.cells for row in study.rows))
        yield ""


def judged() -> str:
    """How today's check judged the textbook, from the committed records."""
    from speedproof_studies.gate_source import own_digest
    from speedproof_studies.kinds import Read
    from speedproof_studies.reading.verb import wrongly_judged

    bodies = [record.body for record in _records()]
    todays = [body for body in bodies if isinstance(body, Read) and body.gate == own_digest()]
    of_right, of_wrong = (sum(one.n_seeds for one in todays if one.right is right) for right in (True, False))
    refused = {one.entry: one.n_seeds - one.n_passed for one in wrongly_judged(todays) if one.right}
    named = f" ({', '.join(refused)})" if refused else ""
    n_refused, n_passed = sum(refused.values()), sum(one.n_seeds - one.n_refused for one in todays if not one.right)
    n_planted, n_seen = (sum(getattr(one, name) for one in todays if one.right) for name in ("n_planted", "n_seen"))
    return (
        f"In {of_right:,} trials of the right ones {n_refused} ended without a pass{named}; in {of_wrong:,} of the "
        f"wrong ones {n_passed} ended without a refusal. Of {n_planted:,} small faults planted in the right ones "
        f"{n_seen:,} were seen."
    )


def comment() -> Iterator[str]:
    """A comment as it would be, of the committed comparison of a library that found the largest slowdown."""
    from speedproof.comment.body import body
    from speedproof.comment.of_sides import told_of_sides
    from speedproof.folders import ROOT
    from speedproof.records.record import read
    from speedproof.records.sides import Compared
    from speedproof.timing.estimate import MARGIN

    sittings: dict[tuple[str, str], list[Compared]] = {}
    for record in read(ROOT / "results").records:
        if isinstance(record.body, Compared):
            sittings.setdefault((record.sitting, record.body.after.text), []).append(record.body)
    found = [told_of_sides("libraries", bodies, (), MARGIN) for bodies in sittings.values()]
    told = max(found, key=lambda one: max((row.time.factor for row in one.rows if row.time), default=0))
    # How many cores are here is nothing of the record.
    for line in body(told.model_copy(update={"n_cores": 0})).splitlines():
        # A heading would stand in the page's own table of contents.
        yield f"**{line.removeprefix('### ')}**" if line.startswith("### ") else line


def _records() -> Sequence[Any]:
    """The committed ones, of the project's kinds."""
    from speedproof.folders import ROOT
    from speedproof.records.record import read
    from speedproof_studies.kinds import KINDS

    return read(ROOT / "results", KINDS).records


def _table(head: Sequence[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    yield from (f"| {' | '.join(head)} |", f"|{'---|' * len(head)}")
    yield from (f"| {' | '.join(row)} |" for row in rows)


def _listed(words: Iterable[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} and {last}"

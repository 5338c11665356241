"""Textbook rewrites shown to the check, some seeds at a time: what is still to be asked, and what came of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

from speedproof.errors import BadInput, NotEquivalent, SpeedproofError
from speedproof.own.asking import check_pair
from speedproof.own.pair import OwnPair
from speedproof.processes import Saying
from speedproof_studies.forks import forked
from speedproof_studies.gate_source import own_digest
from speedproof_studies.kinds import Read
from speedproof_studies.textbook.entry import Entry

FIRST = 10
"""Seeds that every entry is asked with before any is asked with more."""
AT_A_TIME = 30
"""Seeds beyond those that one record tells of: few enough that little is lost where a run is interrupted."""
N_FAULTS = 40
"""Faults that are planted in each candidate that passes, with its first seed."""
LIMIT_S = 3_600.0
"""One rewrite with so many seeds may take so long."""
MOST_TOLD = 1_000
"""Letters of a refusal or an error that are kept."""
APART = 1_000
"""From one seed of a trial to the next: a check draws from a few seeds beyond its own."""


@dataclass(frozen=True)
class Left:
    """Seeds that an entry is still to be asked with."""

    entry: str
    seed: int
    n_seeds: int


def left(entries: Sequence[Entry], known: Sequence[Read], n_seeds: int) -> list[Left]:
    """What is missing to so many seeds of each entry under today's gate; all entries' first seeds come first."""
    gate = own_digest()
    asked = {one.name: 0 for one in entries}
    # Of one entry several may be asked at a time, and end in another order.
    for body in sorted(known, key=lambda body: body.seed):
        if body.gate == gate and body.entry in asked and body.seed == asked[body.entry]:
            asked[body.entry] += body.n_seeds
    ends = [min(FIRST, n_seeds), *range(FIRST + AT_A_TIME, n_seeds, AT_A_TIME), n_seeds]
    found = []
    for start, end in pairwise([0, *ends]):
        begun = {name: max(start, done) for name, done in asked.items()}
        found += [Left(name, first, end - first) for name, first in begun.items() if first < end]
    return found


def read_all(asked: Sequence[Left], workers: int = 1) -> Iterator[Saying | Read]:
    """Runs in a fresh process, which imports what the rewrites need and forks for each. Raises BadInput."""
    from speedproof_studies.textbook import ENTRIES

    by_name = {one.name: one for one in ENTRIES}
    jobs = ((one, partial(_read_left, by_name[one.entry], one), LIMIT_S) for one in asked)
    for n, (one, outcome) in enumerate(forked(jobs, workers)):
        if outcome.answer is None:
            raise BadInput(f"Reading {one.entry} ended with {outcome.ended}: {outcome.why}. Expected what came of it.")
        yield Saying(f"read {one.entry}", len(asked) - n - 1)
        yield Read.model_validate(outcome.answer)


def _read_left(entry: Entry, one: Left) -> dict[str, Any]:
    return read(entry, one.seed, one.n_seeds).model_dump(mode="json")


def read(entry: Entry, seed: int, n_seeds: int, n_faults: int = N_FAULTS) -> Read:
    """What the check says of an entry, asked with so many seeds."""
    passed, refused, closest, planted, seen = 0, 0, 0.0, 0, 0
    unjudged: dict[str, None] = {}
    why: dict[str, None] = {}
    for trial in range(seed, seed + n_seeds):
        pair = OwnPair(entry.reference, entry.candidate, entry.inputs, same=entry.same)
        try:
            checked = check_pair(pair, n_faults if trial == 0 else 0, seed=trial * APART)
        except NotEquivalent as error:
            refused += 1
            if entry.right:
                why[str(error)[:MOST_TOLD]] = None
        except SpeedproofError as error:
            unjudged[str(error)[:MOST_TOLD]] = None
        else:
            passed += 1
            closest = max(closest, checked.certificate.candidate.worst_errors.get("element", 0.0))
            if checked.faults:
                planted, seen = checked.faults.n_planted, checked.faults.n_seen
    return Read(
        entry=entry.name,
        right=entry.right,
        seed=seed,
        n_seeds=n_seeds,
        n_passed=passed,
        n_refused=refused,
        unjudged=tuple(unjudged),
        why_refused=tuple(why),
        closest=closest,
        n_planted=planted,
        n_seen=seen,
        gate=own_digest(),
    )

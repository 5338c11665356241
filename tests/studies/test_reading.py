"""The textbook: every verdict as it is known beforehand, trials that add up, and a record that is of today's check."""

from collections import Counter
from pathlib import Path

import pytest

from speedproof.records.record import read as read_records
from speedproof_studies.gate_source import own_digest
from speedproof_studies.kinds import KINDS, Read
from speedproof_studies.reading.session import AT_A_TIME, FIRST, Left, left, read
from speedproof_studies.reading.verb import wrongly_judged
from speedproof_studies.textbook import ENTRIES
from speedproof_studies.textbook.entry import Entry

SEEDS = 100
"""Seeds that each rewrite is asked with at least; the command asks with a hundred."""
LEAST_SEEN = 2 / 3
"""Of the faults planted in the right ones, at least."""
LEAST = 40
"""Rewrites of each kind, at least."""


def body(entry: Entry, seed: int, n_seeds: int, gate: str = "", passed: int | None = None) -> Read:
    """A record of an entry that was judged rightly, unless told otherwise."""
    n = (n_seeds if entry.right else 0) if passed is None else passed
    return Read(
        entry=entry.name,
        right=entry.right,
        seed=seed,
        n_seeds=n_seeds,
        n_passed=n,
        n_refused=n_seeds - n,
        gate=gate or own_digest(),
    )


def test_half_of_the_textbook_is_right_and_no_name_comes_twice() -> None:
    names = [entry.name for entry in ENTRIES]
    assert len(names) == len(set(names))
    assert min(sum(entry.right is right for entry in ENTRIES) for right in (True, False)) >= LEAST


def test_what_is_recorded_of_todays_check_is_not_asked_again() -> None:
    first, second = ENTRIES[:2]
    known = [body(first, 0, FIRST), body(second, 0, FIRST, gate="another check")]
    assert left([first, second], known, FIRST + 2 * AT_A_TIME) == [
        Left(second.name, 0, FIRST),
        Left(first.name, FIRST, AT_A_TIME),
        Left(second.name, FIRST, AT_A_TIME),
        Left(first.name, FIRST + AT_A_TIME, AT_A_TIME),
        Left(second.name, FIRST + AT_A_TIME, AT_A_TIME),
    ]
    assert left([first], known, FIRST) == [] and left([first], [], 3) == [Left(first.name, 0, 3)]


def test_what_ended_in_another_order_and_what_was_broken_off_goes_on_from_there() -> None:
    one = ENTRIES[0]
    known = [body(one, FIRST + AT_A_TIME, 7), body(one, FIRST, AT_A_TIME), body(one, 0, FIRST)]
    begun = FIRST + AT_A_TIME + 7
    assert left([one], known, FIRST + 2 * AT_A_TIME) == [Left(one.name, begun, AT_A_TIME - 7)]
    assert left([one], known, begun) == []


def test_a_right_one_that_was_refused_and_a_wrong_one_that_passed_are_told() -> None:
    right, wrong = (next(entry for entry in ENTRIES if entry.right is kind) for kind in (True, False))
    good = [body(right, 0, 3), body(wrong, 0, 3)]
    bad = [body(right, 3, 3, passed=2), body(wrong, 3, 3, passed=1)]
    assert wrongly_judged([*good, *bad]) == bad


@pytest.mark.parametrize("right", [True, False])
def test_an_entry_under_the_other_label_is_judged_wrongly(right: bool) -> None:
    entry = next(one for one in ENTRIES if one.right is not right)
    mislabelled = Entry(entry.name, entry.reference, entry.candidate, entry.inputs, right, entry.why)
    (judged,) = wrongly_judged([read(mislabelled, 0, 1, n_faults=0)])
    # Of a right one that is refused the reason is kept.
    assert bool(judged.why_refused) is right


def test_the_record_is_of_todays_check_and_judges_all_as_known(published: Path) -> None:
    found = [r.body for r in read_records(published / "results", KINDS).records if isinstance(r.body, Read)]
    todays = [one for one in found if one.gate == own_digest()]
    told = "The textbook's record is of another check. Run: python -m bench textbook"
    asked = Counter[str]()
    for one in todays:
        asked[one.entry] += one.n_seeds
    assert [entry.name for entry in ENTRIES if asked[entry.name] < SEEDS] == [], told
    assert wrongly_judged(todays) == []
    n_planted, n_seen = (sum(getattr(one, name) for one in todays if one.right) for name in ("n_planted", "n_seen"))
    assert n_seen >= LEAST_SEEN * n_planted > 0

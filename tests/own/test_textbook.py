"""Rewrites from textbooks, right and wrong, are judged as is known of them: a quarter of them, drawn by their names."""

import zlib

import pytest

from speedproof.errors import NotEquivalent
from speedproof.own.asking import check_pair
from speedproof.own.pair import OwnPair
from speedproof_studies.textbook import ENTRIES
from speedproof_studies.textbook.entry import Entry

from .asked import FEW_SIZES

SHARE = 4
"""One in so many is judged here, always the same; `python -m bench textbook` judges all, from many seeds."""
FEWER_SIZES = {"probabilities_at_once": FEW_SIZES}
"""Of a right one whose reference goes through rows one by one, and back for its gradients: half of all time here."""
JUDGED = [entry for entry in ENTRIES if zlib.crc32(entry.name.encode()) % SHARE == 0]


def passes(entry: Entry) -> bool:
    """What the check says, from a seed that is the same each time."""
    sizes = FEWER_SIZES.get(entry.name)
    try:
        check_pair(OwnPair(entry.reference, entry.candidate, entry.inputs, same=entry.same, sizes=sizes), seed=0)
    except NotEquivalent:
        return False
    return True


@pytest.mark.parametrize("entry", JUDGED, ids=lambda entry: entry.name)
def test_a_textbooks_rewrite_is_judged_as_is_known(entry: Entry) -> None:
    assert passes(entry) is entry.right, entry.why


def test_there_are_enough_of_both_kinds_and_of_most_topics() -> None:
    rights = [entry.right for entry in JUDGED]
    assert min(rights.count(True), rights.count(False)) >= 20
    topics = [{entry.reference.__module__ for entry in entries} for entries in (JUDGED, ENTRIES)]
    assert len(topics[0]) >= len(topics[1]) - 2


def test_a_wrong_rewrite_that_stood_for_a_right_one_would_be_seen() -> None:
    wrong = next(entry for entry in JUDGED if not entry.right)
    assert not passes(Entry(wrong.name, wrong.reference, wrong.candidate, wrong.inputs, True, wrong.why))

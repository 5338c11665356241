"""Changes of answers and of work: what is seen, what stops the line, what can be accepted."""

import math
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from speedproof.errors import BadInput
from speedproof.pairs.contract import Evidence
from speedproof.pairs.kit import PLAIN
from speedproof.sides.answers import Difference, Judged, difference, status
from speedproof.sides.changes import (
    Acceptance,
    Baseline,
    changes,
    read_accepted,
    read_baseline,
    save_baseline,
    write_accepted,
)
from speedproof.sides.summary import Judgement
from speedproof.tensors.kit import TORCH

RIGHT, WRONG = Judged(Evidence(1)), Judged(Evidence(0), "text 0 is wrong")
NONE, SOME = Difference(), Difference(1, "output[0]", 1e-6)


def test_equal_outputs_do_not_differ() -> None:
    output = {"rows": torch.ones(3, 2), "names": ["a", "b"], "n": 2, "nan": math.nan}
    again = {"rows": torch.ones(3, 2), "names": ["a", "b"], "n": 2, "nan": math.nan}
    assert difference(TORCH, output, again) == NONE


def test_one_value_in_the_sixth_digit_is_seen_named_and_measured() -> None:
    before, after = torch.ones(3, 2), torch.ones(3, 2)
    after[1, 0] = 1.000001
    found = difference(TORCH, before, after)
    assert (found.n_different, found.first) == (1, "output[1, 0]")
    assert found.largest == pytest.approx(1e-6, rel=0.1)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([1, 2], [1, 2, 3]),
        ({"a": 1}, {"b": 1}),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ("a", "b"),
        (1, 1.0),
        (True, 1),
        (torch.ones(2), torch.ones(2, 1)),
        (torch.ones(2), torch.ones(2, dtype=torch.float64)),
        (torch.ones(2), torch.tensor([1.0, math.nan])),
        (None, 0),
    ],
)
def test_what_no_rounding_explains_is_without_measure(before: Any, after: Any) -> None:
    assert math.isinf(difference(TORCH, before, after).largest)


def test_minus_zero_is_another_answer_to_the_last_bit() -> None:
    assert difference(TORCH, torch.zeros(1), -torch.zeros(1)).n_different == 1


def test_arrays_are_told_apart_without_torch() -> None:
    before = np.ones((3, 2))
    assert difference(PLAIN, [before], [before.copy()]) == NONE
    after = before.copy()
    after[1, 0] = 1 + 1e-6
    found = difference(PLAIN, [before], [after])
    assert (found.n_different, found.first) == (1, "output[0][1, 0]") and found.largest == pytest.approx(1e-6, rel=0.1)
    assert difference(PLAIN, np.zeros(1), -np.zeros(1)).n_different == 1
    for other in (before.astype("float32"), before[:2], np.where(after > 1, np.nan, after)):
        assert math.isinf(difference(PLAIN, before, other).largest)
    assert difference(PLAIN, np.array(["a", "b"]), np.array(["a", "c"])).first == "output[1]"


@pytest.mark.parametrize(
    ("apart", "again", "before", "after", "said"),
    [
        (NONE, NONE, RIGHT, RIGHT, "same"),
        (SOME, NONE, RIGHT, RIGHT, "rounding"),
        (SOME, NONE, RIGHT, WRONG, "different"),
        (SOME, NONE, WRONG, RIGHT, "different"),
        (SOME, SOME, RIGHT, RIGHT, "unstable"),
        (Difference(1, "", math.inf), SOME, RIGHT, RIGHT, "different"),
        # Both wrong in the same words and bits: what is wrong was so before.
        (NONE, NONE, WRONG, WRONG, "same"),
    ],
)
def test_the_status_of_two_answers(
    apart: Difference, again: Difference, before: Judged, after: Judged, said: str
) -> None:
    assert status(apart, again, before, after) == said


BEFORE = {"f.batched.forward_passes": 9, "f.batched.flops": 100, "f.batched.encodes": 3, "f.batched.operators": 7}
AFTER = {"f.batched.forward_passes": 10, "f.batched.flops": 90, "f.batched.hook_fires": 1, "f.batched.operators": 7}


def test_more_less_and_vanished_work_stop_the_line_and_new_rows_do_not() -> None:
    found = {change.row.split(".")[2]: (change.kind, change.stops) for change in changes(BEFORE, AFTER)}
    assert found == {
        "forward_passes": ("more work", True),
        "flops": ("less work", True),
        "encodes": ("vanished", True),
        "hook_fires": ("new", False),
    }


def test_an_accepted_change_passes_and_only_that_one() -> None:
    one = Acceptance(row="f.batched.forward_passes", before=9, after=10, who="ada", why="one hook more")
    assert not next(c for c in changes(BEFORE, AFTER, [one]) if c.row == one.row).stops
    other = one.model_copy(update={"after": 11})
    assert next(c for c in changes(BEFORE, AFTER, [other]) if c.row == one.row).stops


def test_what_was_accepted_is_read_again(tmp_path: Path) -> None:
    path, why = tmp_path / "accepted.toml", 'a "quoted" reason\nin two lines \\ ü'
    write_accepted(path, changes(BEFORE, AFTER), "ada", why)
    accepted = read_accepted(path)
    assert {entry.why for entry in accepted} == {why}
    assert not any(change.stops for change in changes(BEFORE, AFTER, accepted))


@pytest.mark.parametrize(("who", "why"), [("", "x"), ("ada", " ")])
def test_nothing_is_accepted_without_who_and_why(tmp_path: Path, who: str, why: str) -> None:
    with pytest.raises(BadInput, match="--who and --why"):
        write_accepted(tmp_path / "accepted.toml", [], who, why)


@pytest.mark.parametrize("text", ["[[accepted]", "[[accepted]]\nrow = 'a'", "accepted = 3"])
def test_a_damaged_file_of_accepted_changes_is_bad_input(tmp_path: Path, text: str) -> None:
    (tmp_path / "accepted.toml").write_text(text)
    with pytest.raises(BadInput, match="cannot be read"):
        read_accepted(tmp_path / "accepted.toml")


def test_a_baseline_is_read_as_it_was_saved(tmp_path: Path) -> None:
    baseline = Baseline(versions={"torch": "2"}, counts=BEFORE)
    save_baseline(tmp_path / "counts.json", baseline)
    assert read_baseline(tmp_path / "counts.json") == baseline


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"versions": {}, "counts": {"a": "many"}}'])
def test_a_file_that_holds_no_counts_is_bad_input(tmp_path: Path, text: str) -> None:
    (tmp_path / "counts.json").write_text(text)
    with pytest.raises(BadInput, match="no file of counts"):
        read_baseline(tmp_path / "counts.json")


def test_the_summary_says_what_stops_and_how_to_accept_it() -> None:
    found = Judgement(changes=changes(BEFORE, AFTER), wrong=["f, batched: <script>alert(1)</script>"])
    assert "stopped" in found.markdown and "python -m bench accept" in found.markdown
    assert "<script>" not in found.markdown
    assert found.markdown.index("forward\\_passes") < found.markdown.index("hook\\_fires")


def test_a_comparison_that_no_acceptance_would_let_pass_tells_of_none() -> None:
    found = Judgement(changes=changes(BEFORE, AFTER), can_accept=False)
    assert found.stops and "accept" not in found.markdown


def test_a_summary_of_nothing_says_so() -> None:
    found = Judgement()
    assert not found.stops and "what they were" in found.markdown
    assert ET.fromstring(found.junit.split("?>")[1]).get("failures") == "0"


def test_the_junit_file_has_a_failure_for_each_objection() -> None:
    found = Judgement(changes=changes(BEFORE, AFTER), wrong=["f: \x00 & <b>"], slower=["f, batched: slower"])
    suite = ET.fromstring(found.junit.split("?>")[1])
    assert (suite.get("tests"), suite.get("failures")) == ("6", "5")
    assert len(re.findall("<failure", found.junit)) == 5

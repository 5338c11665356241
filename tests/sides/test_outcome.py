"""What is said of two sides' time: alike only where the interval shows it, else how large a change would have shown."""

import math

import pytest

from speedproof.cli.shown.sides import outcome_as_json
from speedproof.pairs.workload import Workload
from speedproof.records.sides import AnswersCompared, Compared, SideSeen
from speedproof.sides.outcome import Outcome, outcomes
from tests.reporting import launches

ASKED = Workload("smoke", "tiny", 2, "given", given=("one text", "another"))


def side(text: str) -> SideSeen:
    return SideSeen(text=text, commit="", tree="0", requirements=(), versions={})


def one(slowdown: float, wobble: float, margin: float = 0.05, n: int = 4) -> Outcome:
    body = Compared(
        before=side("HEAD~1"),
        after=side("."),
        finding="text_batching",
        function="extract_features",
        workload=ASKED,
        twin="batched",
        answers=AnswersCompared(status="same"),
        launches=launches(1 / slowdown, wobble)[:n],
    )
    return outcomes([body], margin)[0]


@pytest.mark.parametrize(
    ("slowdown", "wobble", "margin", "said"),
    [
        (1.0, 0.001, 0.05, "alike"),
        (0.971, 0.08, 0.05, "undecided"),
        (1.039, 0.08, 0.05, "undecided"),
        (0.971, 0.08, 0.5, "alike"),
        (1.0, 0.001, 0.001, "undecided"),
    ],
)
def test_an_interval_that_holds_no_change_is_evidence_only_within_the_margin(
    slowdown: float, wobble: float, margin: float, said: str
) -> None:
    found = one(slowdown, wobble, margin)
    low, high = found.slowdown.interval if found.slowdown else (0.0, math.inf)
    assert low < 1 < high and found.time == said
    assert (found.time_told == said) == (said == "alike")
    assert not found.changed


def test_where_it_is_open_one_reads_what_would_have_been_seen() -> None:
    found = one(0.971, 0.08)
    assert found.slowdown and found.time_told == f"undecided (would have shown {100 * found.slowdown.detectable:.1f}%)"
    told = outcome_as_json(found)
    assert told["time"] == "undecided" and told["margin"] == 0.05
    assert told["would_have_shown"] == pytest.approx(found.slowdown.detectable)


def test_before_the_first_look_nothing_is_alike() -> None:
    found = one(1.0, 1e-6, n=3)
    assert found.time == found.time_told == "undecided" and outcome_as_json(found)["would_have_shown"] is None

"""Ladders: every rung gives the definition's answer, each does one thing more, and a wrong rung is refused."""

from dataclasses import replace
from typing import Any

import pytest

from bench.certificate import Certificate, Refusal
from bench.check import certify
from bench.counters import bytes_saved_for_backward, computed_tokens, count, flops, forward_passes, token_layers
from bench.errors import BadInput
from bench.findings import find
from bench.ladders import LADDERS, arm, ladder_of
from bench.ladders.ladder import CAREFUL, Ladder, Rung
from bench.subject import Subject

pytestmark = pytest.mark.usefixtures("known_definitions")
RUNGS = [
    pytest.param(ladder, rung, id=f"{ladder.finding.name}.{rung.name}") for ladder in LADDERS for rung in ladder.rungs
]
COUNTERS = (forward_passes, computed_tokens, token_layers, flops, bytes_saved_for_backward)


@pytest.mark.parametrize("workload", ["smoke", "hostile"])
@pytest.mark.parametrize(("ladder", "rung"), RUNGS)
def test_every_rung_goes_through_the_gate(ladder: Ladder, rung: Rung, workload: str, tiny: Subject) -> None:
    answer = certify(ladder.finding, ladder.pair, ladder.pair.workload(workload), rung.function, tiny)
    assert isinstance(answer, Certificate), str(answer)
    assert rung.name == "sequential" or answer.twin == rung.name


@pytest.mark.parametrize("ladder", LADDERS, ids=lambda ladder: ladder.finding.name)
def test_a_wrong_rung_is_refused(ladder: Ladder, tiny: Subject) -> None:
    """The companion: the careful rung, given texts that each lost their end."""

    def cut(**inputs: Any) -> Any:
        return arm(ladder.pair, CAREFUL)(**(inputs | {"texts": [text[:-2] for text in inputs["texts"]]}))

    assert isinstance(certify(ladder.finding, ladder.pair, ladder.pair.workload("smoke"), cut, tiny), Refusal)


@pytest.mark.parametrize("ladder", LADDERS, ids=lambda ladder: ladder.finding.name)
def test_the_first_rung_is_the_definition_and_the_batched_twin_is_among_them(ladder: Ladder) -> None:
    assert ladder.rungs[0].function is ladder.pair.sequential
    assert arm(ladder.pair, "batched") is ladder.pair.batched
    if ladder.finding.name != "grad_mode":
        assert ladder.rungs[-1].function is ladder.pair.batched


@pytest.mark.parametrize("ladder", LADDERS, ids=lambda ladder: ladder.finding.name)
def test_every_rung_does_other_work_than_the_one_below_or_says_that_only_host_work_changed(
    ladder: Ladder, tiny: Subject
) -> None:
    workload = ladder.pair.workload("smoke")
    counters = tuple(dict.fromkeys((*ladder.finding.counters, *COUNTERS)))
    counts = [count(counters, r.function, ladder.pair.inputs(workload, tiny, None)) for r in ladder.rungs]
    steps = zip(ladder.rungs[1:], counts[:-1], counts[1:], strict=True)
    alike = [above.name for above, one, two in steps if one == two]
    # What is cached and how results are counted is no work of the model.
    assert set(alike) <= {"one_hook", "count_once"}
    for counter in ("flops", "forward_passes", "token_layers"):
        ends = counts[0][counter], counts[-1][counter]
        assert ends[1] <= ends[0]


def test_the_careful_loop_is_compared_with_what_goes_on_from_it() -> None:
    beside = {ladder.finding.name: ladder.careful_beside for ladder in LADDERS}
    assert beside["text_batching"] == beside["comparison_table"] == (CAREFUL, "batched")
    assert beside["grad_mode"] == ("sequential", CAREFUL)


def test_a_ladder_that_does_not_stand_on_the_definition_cannot_be_written() -> None:
    ladder = LADDERS[0]
    first, second, *rest, last = ladder.rungs
    for rungs, words in [
        ((), "expected rungs from 'sequential'"),
        ((second, *rest, last), "expected rungs from 'sequential'"),
        ((first, second), "expected rungs from 'sequential'"),
        ((first, second, second, last), "expected rungs from 'sequential'"),
        ((first, replace(last, function=second.function)), "is not the pair's batched twin"),
        ((first, replace(second, name="other"), last), "is called 'no_graph'"),
        ((first, Rung("judge", "nothing", judge), last), "Expected the parameters"),
    ]:
        with pytest.raises(ValueError, match=words):
            Ladder(ladder.finding, ladder.pair, rungs)


def judge(texts: list[str]) -> None: ...


def test_an_unknown_arm_is_one_clear_error() -> None:
    pair = find("feature_links").pairs[0]
    assert ladder_of(pair) is None
    with pytest.raises(BadInput, match=r"feature_links has no arm 'careful'. Expected one of: sequential, batched"):
        arm(pair, CAREFUL)

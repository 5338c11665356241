"""The calls that the gate makes of a candidate: on which items, with which arguments, what is altered in between."""

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from speedproof.pairs.contract import Inputs
from speedproof.pairs.finding import Pair
from speedproof.pairs.trial import Alter, Asking, Call, Calls, Trial
from speedproof.pairs.variations import Variation, together

FEW = 4
"""Items of a trial that needs but a few: enough to have an order, and few enough for a large model in float64."""
VARIED = 8
"""Items of a trial of arguments: one of each of the seven categories and one more, so that counts and ranks differ."""
OTHER_VALUES = 2
"""Values of an argument that are asked about: one may be right by chance, as where a bound is built in."""


@contextmanager
def nothing_altered(inputs: Inputs, subject: Any, reference: Any) -> Iterator[Any]:
    """Everything stays as it was, so a second answer has to be as good as the first."""
    yield reference


@contextmanager
def items_refilled(inputs: Inputs, subject: Any, reference: Any) -> Iterator[Any]:
    """Every list keeps its identity and its length, and its first item becomes its last."""
    for value in inputs.values():
        if type(value) is list and len(value) > 1:
            value[0] = value[-1]
    yield reference


def picked(items: Callable[[int], Sequence[int]], alter: Alter | None = None) -> Callable[[Asking], Calls]:
    """A call on these items; with `alter` a second one with the same objects, which may be changed in between."""

    def calls(asking: Asking) -> Calls:
        inputs = asking.inputs(items(asking.workload.n_items))
        yield Call(inputs, asking.reference)
        if alter:
            with alter(inputs, asking.subject, asking.reference) as reference:
                yield Call(inputs, reference)

    return calls


def few(n: int) -> range:
    """The first items, of `n`."""
    return range(min(FEW, n))


def altered(name: str, why: str, alter: Alter) -> Trial:
    """A trial of one pair alone, whose surroundings, such as files, are its own."""

    def calls(asking: Asking) -> Calls:
        workload = replace(asking.workload, seed=asking.seed)
        inputs = asking.inputs(few(workload.n_items), workload)
        output = yield Call(inputs, asking.reference)
        with alter(inputs, asking.subject, asking.reference) as reference:
            asking.n_told_apart += not asking.passes(inputs, reference, output)
            yield Call(inputs, reference)

    return Trial(name, why, calls, seeded=True)


def _varied(variation: Variation) -> Callable[[Asking], Calls]:
    """The same call with other values of one argument, and with the first one again."""

    def calls(asking: Asking) -> Calls:
        if asking.plain is None:
            inputs = asking.inputs(range(min(VARIED, asking.workload.n_items)))
            asking.plain = inputs, (yield Call(inputs, asking.reference))
        (inputs, output), told_apart = asking.plain, 0
        for changes, reference in variation.values(inputs, asking.subject, asking.reference):
            varied = {**inputs, **changes}
            if not asking.passes(varied, reference, output):
                asking.n_told_apart += 1
                asking.changed.setdefault(variation.argument, (changes, reference))
                told_apart += 1
                yield Call(varied, reference)
            if told_apart == OTHER_VALUES:
                break
        if told_apart:
            yield Call(inputs, asking.reference)
            return
        asking.untried[f"another {variation.argument}, since none that was found changes the answer"] = None

    return calls


def _several(asking: Asking) -> Calls:
    """All that may vary at once, and then, one after another, all but one of it."""
    if asking.plain:
        for varied, reference in together(asking.changed, asking.plain[0], asking.reference):
            yield Call(varied, reference)


def _by_position(asking: Asking) -> Calls:
    yield Call(asking.inputs(few(asking.workload.n_items)), asking.reference, "by position")


def _defaults(defaults: dict[str, Any]) -> Callable[[Asking], Calls]:
    """With the defaults in force, which the inputs may not be."""

    def calls(asking: Asking) -> Calls:
        inputs = asking.inputs(range(min(VARIED, asking.workload.n_items)))
        yield Call({**inputs, **defaults}, asking.reference, "defaults left out")

    return calls


GENERAL = (
    Trial("all items", "what is going to be timed, asked for twice", picked(range, nothing_altered)),
    Trial("backwards", "the answer hangs on the order", picked(lambda n: range(n - 1, -1, -1))),
    Trial("second half", "the answer hangs on which items come along", picked(lambda n: range(n // 2, n))),
    Trial("repeated", "equal items are merged", picked(lambda n: [0, *range(n // 3), 0])),
    Trial("one item", "a single item loses its dimension", picked(lambda n: [n // 2])),
    Trial("refilled list", "the list is known by its identity", picked(few, items_refilled)),
    Trial("by position", "arguments are taken by name alone", _by_position),
)
"""Of every pair, in the order in which they are made."""
SEVERAL = Trial("several arguments", "one argument decides how another is read", _several)
"""Comes behind the trials of single arguments, whose refusals say more."""


def trials_of(pair: Pair) -> tuple[Trial, ...]:
    """Every trial of a pair: the general ones; then each argument gets another value; then its own."""
    if not pair.picks_items:
        return pair.trials
    left_out = Trial("defaults left out", "an argument that has a default must be given", _defaults(pair.defaults))
    varied = [Trial(v.name, f"the answer does not follow {v.argument}", _varied(v)) for v in pair.variations]
    return (
        *GENERAL,
        *([left_out] if pair.defaults else ()),
        *varied,
        *([SEVERAL] if len(varied) > 1 else ()),
        *pair.trials,
    )


def new_seed() -> int:
    """A seed that nobody can know beforehand."""
    return random.SystemRandom().getrandbits(32)

"""The questions to a candidate of anybody's: sizes, other values, the same again, other forms of the same."""

import random
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from speedproof.clock import monotonic_s
from speedproof.errors import BadInput, NotEquivalent
from speedproof.gate.check import n_by_position
from speedproof.pairs.marks import is_array
from speedproof.pairs.trial import Asking, Call, Calls, How, Trial

from .draws import IN_MEMORY, OF_ITEMS, WHERE_ASKED, Draw, Form, Source
from .effects.random_numbers import seed_all
from .inputs import N_EXAMPLES
from .reference.answers import Answers
from .reference.outcome import ask
from .values.leaf import is_tensor

SIZES = {0: 1, 1: 4, 2: 6, 3: 6, 7: 4, 16: 2, 17: 2, 64: 1, 100: 3, 256: 1, 1000: 1}
"""Size -> how many draws of it are asked about. Nothing, one, two, three, odd, powers of two, the usual, ten times."""
N_OTHER_SIZES = 6
"""Sizes that are drawn from the check's seed, so that nobody is right on known sizes alone."""
FEW_SIZES = 6
"""Up to so many sizes were chosen by a user, who has reasons."""
NEAR = 4.0
"""Times a size up to which the time at a larger one is worked out from it."""
USUAL = 100
"""The usual size."""
N_DRAWS = 20
"""So many draws are asked about at least, whatever the sizes; a wrong answer to few of them is seen all the same."""
MORE_SHARE = 20
"""This part of the budget may go into draws that are asked about only to have so many."""
N_SPECIAL = 8
"""Draws with special values in them: which of them, and where, is chance."""
FOR_SIZES = 1 / 2
"""This part of the budget may go into draws of every size; the rest is for what is asked of one size."""
BEFORE_THE_LAST = 4 / 5
"""Where this part of the budget is gone no further trial is begun."""
FROM = "all trials from "
SHARE = 8
"""One call of the reference at a size may take the budget's this part; larger sizes are left out, and told."""


@dataclass(frozen=True)
class Asked:
    """What the trials of one pair are made of."""

    source: Source
    answers: Answers
    sizes: dict[int, int]
    usual: int
    budget_s: float
    specials: bool
    grow: bool
    not_carried: Mapping[str, None] = field(default_factory=dict)
    """Why arguments are not what a commit's own would be."""
    began_s: float = field(default_factory=lambda: monotonic_s())

    def is_spent(self, what: str, share: float = FOR_SIZES) -> str:
        """Words that leave something out where that share of the budget is gone."""
        gone = monotonic_s() - self.began_s > self.budget_s * share
        return f"{what}, for which the time did not do (--budget-s is {self.budget_s:g})" if gone else ""

    def in_time(self, trial: Trial) -> Trial:
        """The trial, left out where nearly all of the budget is gone."""

        def calls(asking: Asking) -> Calls:
            too_late = self.is_spent(f"{FROM}{trial.name!r} on", BEFORE_THE_LAST)
            if not too_late:
                yield from trial.calls(asking)
            elif not any(told.startswith(FROM) for told in asking.untried):
                asking.untried[too_late] = None

        return replace(trial, calls=calls)


def trials(asked: Asked) -> tuple[Trial, ...]:
    """All of them, in the order in which they are made: the smallest first, whose refusals say most."""
    source = asked.source
    by_size = [_of_size(asked, size) for size in asked.sizes] if source.has_sizes else [_of_examples(asked)]
    found: list[Trial] = []
    if source.has_sizes and len(asked.sizes) > FEW_SIZES:
        found.append(Trial("other sizes", "only known sizes are right", partial(_other_sizes, asked), seeded=True))
    if (n_more := N_DRAWS - sum(asked.sizes.values())) > 0 and source.has_sizes:
        found.append(Trial("more draws", "only few inputs tell", partial(_more, asked, n_more), seeded=True))
    found.append(Trial("asked again", "something is remembered between two calls", partial(_again, asked), seeded=True))
    found.append(
        Trial("files there", "what is to be written stands there already", partial(_files_there, asked), seeded=True)
    )
    found.append(
        Trial("refilled", "a list or an array is known by its identity", partial(_refilled, asked), seeded=True)
    )
    found.append(Trial("by position", "arguments are taken by name alone", partial(_by_position, asked), seeded=True))
    found.append(Trial("defaults left out", "a default is another", partial(_without_defaults, asked), seeded=True))
    special: tuple[Form, ...] = ("special",) if asked.specials else ()
    of_items = (*OF_ITEMS, *WHERE_ASKED) if asked.grow else OF_ITEMS if source.may_change_items else ()
    forms = (*IN_MEMORY, *of_items, *special)
    found += [Trial(WHY[form][0], WHY[form][1], partial(_formed, asked, form), seeded=True) for form in forms]
    last = Trial("the reference again", "the candidate reaches into it", partial(_reference_still, asked))
    return (*by_size, *map(asked.in_time, found), last)


WHY: dict[Form, tuple[str, str]] = {
    "distinct": ("equal objects", "the answer hangs on which objects are the same one"),
    "strided": ("not contiguous", "the answer hangs on how an array lies in memory"),
    "fortran": ("Fortran order", "the answer hangs on the order of an array's axes in memory"),
    "reversed": ("reversed items", "the answer hangs on an order that nothing promises"),
    "shuffled": ("shuffled items", "the answer hangs on an order that nothing promises"),
    "repeated": ("repeated items", "equal items are merged, or one is taken for another"),
    "sliced": ("fewer items", "the answer hangs on how many items there are"),
    "empty": ("no items", "nothing at all is forgotten"),
    "ragged": ("ragged rows", "all rows are taken to be as long as the first"),
    "subclasses": ("subclasses", "only a list, a dictionary or a text itself is right"),
    "special": ("special values", "not a number, infinity, minus zero or very small and large numbers are forgotten"),
}


def _call(asked: Asked, asking: Asking, draw: Draw, how: How = "by name") -> Call:
    asked.answers.asked = draw
    # The reference answers first, so that nothing which the candidate does can change what it says.
    asked.answers.of(draw)
    made = draw.make()
    asking.untried |= asked.not_carried
    seed_all(draw.seed)
    return Call(made, asking.reference, how)


def _asked_about(asked: Asked, asking: Asking, draws: Iterator[Draw], of: str) -> Calls:
    """One call a draw, two at least where time is short; whether two answers could be told apart is noted."""
    for n, draw in enumerate(draws):
        if n > 1 and (too_late := asked.is_spent(f"all but {n} draws of {of}")):
            asking.untried[too_late] = None
            return
        yield _call(asked, asking, draw)
        # Also of another size: some answers hang on that alone.
        answer, before = asked.answers.of(draw), asked.answers.before
        if before is not None and not asking.n_told_apart:
            asking.n_told_apart += answer.tells_apart(before)
        # Its answer may be large, and once told apart it is of no more use.
        asked.answers.before = None if asking.n_told_apart else answer


def _of_size(asked: Asked, size: int) -> Trial:
    def calls(asking: Asking) -> Calls:
        draws = (Draw(asked.source, size, asking.seed + n) for n in range(asked.sizes[size]))
        if too_long := _too_long(asked, size, asking) or asked.is_spent(f"size {size}"):
            asking.untried[too_long] = None
            return
        yield from _asked_about(asked, asking, draws, f"size {size}")

    why = {0: "nothing at all is forgotten", 1: "one item is forgotten"}.get(size, "what is asked of every size")
    return Trial(f"size {size}", why, calls, seeded=True)


def _other_sizes(asked: Asked, asking: Asking) -> Calls:
    rng = random.Random(asking.seed)
    sizes = [rng.randrange(4, 2 * asked.usual) for _ in range(N_OTHER_SIZES)]
    draws = (Draw(asked.source, size, asking.seed + n) for n, size in enumerate(sizes))
    return _asked_about(asked, asking, draws, "other sizes")


def _more(asked: Asked, n: int, asking: Asking) -> Calls:
    """Draws beyond those of every size, of those up to the usual one; they end where they take long."""
    sizes = [size for size in asked.sizes if 0 < size <= asked.usual] or [*asked.sizes]
    # Seeds beyond those that were drawn for every size and for the trials that come after.
    first, end_s = asking.seed + N_DRAWS, monotonic_s() + asked.budget_s / MORE_SHARE
    draws = (Draw(asked.source, sizes[i % len(sizes)], first + i) for i in range(n))
    return _asked_about(asked, asking, (draw for draw in draws if monotonic_s() < end_s), "all sizes")


def _too_long(asked: Asked, size: int, asking: Asking) -> str:
    """Why a size is left out, where the sizes below it took too long: its own time is taken to grow with the square."""
    below = [other for other in asked.sizes if 0 < other < size]
    if size <= asked.usual or not below:
        return ""
    at = float(below[-1])
    while True:
        start_s = monotonic_s()
        with suppress(BadInput):
            made = asked.answers.between.reference_inputs(Draw(asked.source, int(at), asking.seed).make())
            ask(asked.answers.reference, made, asked.answers.kit, of_state=asked.answers.of_state)
        here_s = monotonic_s() - start_s
        near = size / at <= NEAR
        took_s = here_s * (size / at) ** (2 if near else 1)
        if took_s > asked.budget_s / SHARE:
            break
        if near:
            return ""
        # What a far smaller size takes says little; so the sizes in between are looked at.
        at *= NEAR
    return f"size {size}, where one call of the reference may take {took_s:.0f} s (--budget-s is {asked.budget_s:g})"


def _of_examples(asked: Asked) -> Trial:
    def calls(asking: Asking) -> Calls:
        # Numbers of examples, so that a strategy gives all that it has drawn.
        first = asking.seed * N_EXAMPLES
        draws = (Draw(asked.source, 0, first + n) for n in range(N_EXAMPLES))
        return _asked_about(asked, asking, draws, "the examples")

    n = 1 if asked.source.may_change_items else N_EXAMPLES
    only_one = asked.source.may_change_items

    def the_example(asking: Asking) -> Calls:
        draws = (Draw(asked.source, 0, 0, form) for form in ("plain", "plain", *OF_ITEMS))
        return _asked_about(asked, asking, draws, "the example")

    return Trial(
        "the example" if only_one else f"{n} examples",
        "what is asked first",
        the_example if only_one else calls,
        seeded=not only_one,
    )


def _usual(asked: Asked, asking: Asking, n: int = 0, form: Form = "plain") -> Draw:
    size = min(asked.usual, max(asked.sizes)) if asked.source.has_sizes else 0
    return Draw(asked.source, size, asking.seed + n, form)


def _again(asked: Asked, asking: Asking) -> Calls:
    """One, another, and the first once more."""
    for n in (0, 1, 0):
        yield _call(asked, asking, _usual(asked, asking, n))


def _files_there(asked: Asked, asking: Asking) -> Calls:
    """The same once more where the reference has written already, as far as it writes anything."""
    draw = _usual(asked, asking)
    if left := asked.answers.of(draw).outcome.files:
        there = replace(draw, source=replace(asked.source, files=left))
        # Where that is more than the reference can take, nothing is asked.
        if not asked.answers.of(there).outcome.error:
            yield _call(asked, asking, there)


def _refilled(asked: Asked, asking: Asking) -> Calls:
    """The same objects with another draw's values in them."""
    first, second = _usual(asked, asking).make(), _usual(asked, asking, 1)
    asked.answers.asked = first.draw
    asked.answers.of(first.draw)
    seed_all(first.draw.seed)
    yield Call(first, asking.reference)
    asked.answers.of(second)
    refilled = second.make()
    if _one_object(first) != _one_object(refilled):
        # One list cannot be filled with what two hold.
        return
    for name, value in refilled.items():
        refilled[name] = _filled(first.get(name), value)
    asked.answers.asked = second
    seed_all(second.seed)
    yield Call(refilled, asking.reference)


def _one_object(made: Mapping[str, Any]) -> list[list[str]]:
    """The arguments that are one and the same object."""
    return [[other for other in made if made[other] is made[name]] for name in made]


def _filled(held: Any, value: Any) -> Any:
    if type(held) is type(value) and type(value) is list:
        held[:] = value
        return held
    # Not of pandas: there `...` is the name of a column.
    if type(held) is type(value) and (is_array(held) or is_tensor(held)) and held.shape == value.shape:
        try:
            held[...] = value
        except (RuntimeError, TypeError, ValueError):
            return value
        return held
    return value


def _by_position(asked: Asked, asking: Asking) -> Calls:
    draw = _usual(asked, asking)
    if n_by_position(draw.make(), asked.answers.reference):
        yield _call(asked, asking, draw, "by position")


def _without_defaults(asked: Asked, asking: Asking) -> Calls:
    for n in range(2):
        draw = _usual(asked, asking, n, "defaults")
        if draw.changes_anything():
            yield _call(asked, asking, draw)


def _reference_still(asked: Asked, asking: Asking) -> Calls:
    """The reference says what it said before the candidate was ever called."""
    first = asked.answers.first
    if first is not None and not first.repeats():
        raise NotEquivalent(
            "functions", "changes what the reference answers: something that both use is no longer as it was."
        )
    yield from ()


def _formed(asked: Asked, form: Form, asking: Asking) -> Calls:
    for n in range(N_SPECIAL if form == "special" else 1):
        draw = _usual(asked, asking, 2 + n, form)
        if draw.changes_anything():
            yield _call(asked, asking, draw)

"""Warm-up: until successive blocks of calls take the same time, within a bound."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from statistics import median

from speedproof.clock import elapsed_s, monotonic_s, no_device

SHORTEST_SAMPLE_S = 0.02
"""Seconds behind one sample. The clock's step and a context switch are a thousandth of it."""
SHARE_OF_LONGER = 0.1
"""Of the other arm's sample, what a shorter arm's sample may be lengthened to."""
LONGEST_BLOCK_S = 0.2
"""Seconds to which a sample of short calls is lengthened at most: ten of the shortest, and few inputs held at once."""
MOST_LONG_CALLS = 4
"""Calls that are long by themselves behind one sample at most: their mean moves half as much as one of them."""
MOST_CALLS = 2_000
"""Calls behind one sample at most: fresh inputs for all of them are held at once."""
LONGEST_REHEARSED_S = 0.1
"""Seconds of a call that is rehearsed before every sample of it. A longer one frees and reuses memory many times
itself, and rehearsing it would cost as much as a second sample."""
LONGEST_WARM_UP_S = 1.0
"""Seconds of warm-up for one twin: caches, allocators and thread pools settle in tenths of a second. A call that takes
longer touches weights and code thousands of times itself, and is warmed up by a part of it."""
LONG_IN_ANY_CASE_S = 3.0
"""Seconds of a call, as guessed from its first few items, from which on it is long without a doubt."""
LONGEST_WITH_INPUTS_S = 3.0
"""Seconds of warm-up with the making of inputs: of a short call those may take a hundred times what the call takes."""
SAMPLES_PER_BLOCK = 3
"""Samples whose scatter a block is judged by: the fewest that have a middle."""


@dataclass(frozen=True, order=True)
class Form:
    """What a sample is made of: so many timed calls, after one that is not timed where `rehearsed`."""

    n_calls: int
    rehearsed: bool = False
    once_s: float = field(default=0.0, compare=False)
    """Seconds of one call, roughly."""


def warm_up(
    call: Callable[[int], Callable[[], object]],
    parts: Sequence[tuple[float, Callable[[], object]]],
    wait: Callable[[], None] = no_device,
) -> Form:
    """Warms one twin up and says what makes a sample long enough and steady.

    `call(n)` makes fresh inputs and returns the work of n calls; `parts` are calls on a share of the workload's items,
    with that share, the smallest first: of a long call the first of them that shows it is enough.
    `wait` waits for devices (`clock.elapsed_s`).
    Blocks of samples go on until a block's middle lies within the block before it, or a bound is reached.
    """
    end_s = monotonic_s() + LONGEST_WITH_INPUTS_S
    spent_s = 0.0
    for share, part in parts:
        _, part_s = elapsed_s(part, wait)
        spent_s += part_s
        # A process's first call also pays for what is done once.
        long_s = LONGEST_WARM_UP_S if share == parts[-1][0] else LONG_IN_ANY_CASE_S
        if part_s / share > long_s:
            return Form(1, once_s=part_s / share)
    _, first_s = elapsed_s(call(1), wait)
    if first_s > LONGEST_WARM_UP_S / 2:
        return Form(1, once_s=first_s)
    _, once_s = elapsed_s(call(1), wait)
    n_calls = max(1, min(MOST_CALLS, round(SHORTEST_SAMPLE_S / max(once_s, 1e-7))))
    spent_s += first_s + once_s
    before: list[float] = []
    while spent_s < LONGEST_WARM_UP_S and monotonic_s() < end_s:
        block = [elapsed_s(call(n_calls), wait)[1] for _ in range(SAMPLES_PER_BLOCK)]
        spent_s += sum(block)
        if before and settled(before, block):
            break
        before = block
    if before:
        # The first calls may have been slower than those to come.
        once_s = median(block) / n_calls
        n_calls = max(1, min(MOST_CALLS, round(SHORTEST_SAMPLE_S / max(once_s, 1e-7))))
    return Form(n_calls, once_s < LONGEST_REHEARSED_S, once_s)


def evened(forms: tuple[Form, Form]) -> tuple[Form, Form]:
    """The same, with more calls behind a sample of the shorter one, where that costs little: one call of two
    milliseconds beside one of a second would hang on luck alone, as would one of a second beside one of a minute."""
    longest_s = max(form.n_calls * form.once_s for form in forms)

    def evened_one(form: Form) -> Form:
        if not form.once_s:
            return form
        wanted_s = min(SHARE_OF_LONGER * longest_s, max(LONGEST_BLOCK_S, MOST_LONG_CALLS * form.once_s))
        return replace(form, n_calls=max(form.n_calls, min(MOST_CALLS, round(wanted_s / form.once_s))))

    one, other = forms
    return evened_one(one), evened_one(other)


def is_guessed(form: Form, beside: Form) -> bool:
    """Whether how long a call takes was told from a few items, and is to be known better: the other's takes so much
    longer that this one is repeated beside it."""
    return form.once_s > LONGEST_WARM_UP_S and form.once_s < beside.once_s / 2


def settled(before: list[float], block: list[float]) -> bool:
    """Whether a block's middle lies within the scatter of the block before it: no trend is left to be seen."""
    return min(before) <= median(block) <= max(before)

"""Lockstep: two workers in two environments, one call of one at a time, in random balanced order.

Whatever the machine does meanwhile, it does to both sides. What narrows an interval is fresh pairs of workers.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

from ..clock import monotonic_s
from ..comparison import Launch
from ..estimate import TARGET_HALF_WIDTH, Estimate
from ..looks import LOOKS, next_look
from ..measurement import in_time
from ..question import Question
from ..sampling import MOST_PAIRS, cores_for, orders
from ..warmup import Form
from .driver import Remote, SideFailed, worker
from .places import Place
from .slowdown import slowdown

Say = Callable[[str, int], None]
STRETCH_S = 3.0
"""Seconds of pairs that a pair of workers takes for one question, unless a single pair is longer.

More than in the paired runner, by the formula at `LONGEST_STRETCH_S` there: two workers take longer to start than one
process, and with both on one core they differ by less.
"""


@dataclass(frozen=True)
class Timed:
    """A question and its samples of both sides, or why there are none."""

    question: Question
    launches: tuple[Launch, ...] = ()
    failure: str = ""
    took_s: float = 0.0
    """What the longest of its launches took, warm-up included."""

    @property
    def slowdown(self) -> Estimate:
        """after / before: above 1 is slower."""
        return slowdown(self.launches)

    def decided(self, precision: float) -> bool:
        """Whether more samples would change nothing; known at a look only."""
        return bool(self.failure) or (len(self.launches) in LOOKS and self.slowdown.decided(precision=precision))


def lockstep(
    places: tuple[Place, Place],
    asked: Sequence[Question],
    budget_s: float,
    seed: int,
    say: Say,
    precision: float = TARGET_HALF_WIDTH,
    most: int = LOOKS[-1],
) -> Iterator[Timed]:
    """Samples for every question until all are decided, the budget is spent or `most` pairs of workers have run.

    The workers up to the first look run whatever the budget. Yields each question as soon as it is final.
    """
    rng = random.Random(seed)
    end_s = monotonic_s() + budget_s
    going_on = [Timed(question) for question in asked]
    before_first = rng.random() < 0.5
    for n in range(1, most + 1):
        rng.shuffle(going_on)
        before_first = not before_first
        start_s = monotonic_s()
        sampled = list(_launch(places, going_on, rng, before_first, n, say))
        spent_s = monotonic_s() - start_s
        going_on = [one for one in sampled if not one.decided(precision)]
        if n in LOOKS:
            n_more = (next_look(n) or n) - n
            start_up_s = max(0.0, spent_s - sum(one.took_s for one in sampled))
            going_on = in_time(going_on, n_more if n < most else 0, start_up_s, end_s - monotonic_s())
        yield from (one for one in sampled if not any(one is other for other in going_on))
        if not going_on:
            return


def _launch(
    places: tuple[Place, Place], timed: Sequence[Timed], rng: random.Random, before_first: bool, n: int, say: Say
) -> Iterator[Timed]:
    """One fresh pair of workers for all questions. A side that fails at one costs that one; a dead one is replaced."""
    left = list(timed)
    while left:
        with ExitStack() as stack:
            # Who starts first gets its memory first, so the sides take turns at that too.
            order = (0, 1) if before_first else (1, 0)
            started = {side: stack.enter_context(worker(places[side], rng)) for side in order}
            for side in started.values():
                side.begin("settle")
            try:
                for side in started.values():
                    side.end("settle")
            except SideFailed as error:
                yield from (replace(one, failure=str(error)) for one in left)
                return
            while left:
                one = left.pop(0)
                say(f"timing {one.question.label} (workers {n})", len(left) + 1)
                start_s = monotonic_s()
                try:
                    launch = _samples((started[0], started[1]), one.question, rng, before_first)
                except SideFailed as error:
                    yield replace(one, failure=str(error))
                    break
                took_s = max(one.took_s, monotonic_s() - start_s)
                yield replace(one, launches=(*one.launches, launch), took_s=took_s)


def _samples(sides: tuple[Remote, Remote], question: Question, rng: random.Random, before_first: bool) -> Launch:
    # Both sides take as many calls a sample, so that neither gains by what calls share.
    cores = cores_for(question.workload.n_threads, rng)
    form: Form = max(side.ask("warm", question, cores) for side in (sides if before_first else sides[::-1]))
    samples: tuple[list[float], list[float]] = ([], [])
    first: list[bool] = []
    order = orders(before_first, rng)
    start_s = monotonic_s()
    while len(first) < 2 or len(first) % 2 or (monotonic_s() - start_s < STRETCH_S and len(first) < MOST_PAIRS):
        first.append(next(order))
        for side in (0, 1) if first[-1] else (1, 0):
            samples[side].append(sides[side].ask("sample", question, form, cores))
    return Launch(rng.getrandbits(32), tuple(samples[0]), tuple(samples[1]), tuple(first), (form.n_calls,) * 2)

"""The study: the same pairs measured in quiet and under bursts of load, in turns."""

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from typing import Any

from speedproof.environment import current_environment
from speedproof.processes import Usage
from speedproof.timing.comparison import Comparison
from speedproof.timing.method import PLAIN
from speedproof.timing.plan import Plan
from speedproof.timing.rounds import Taken
from speedproof.timing.runner import compared, measure
from speedproof_studies.kinds import Burst, Interval

from .load import Load, bursts


def study(
    plans: Sequence[Plan],
    n_rounds: int,
    budget_s: float,
    load: Load,
    seed: int,
    say: Callable[[str, int], None],
) -> Iterator[Burst]:
    """Each plan as often as there are rounds, quiet and under load, in an order by chance."""
    rng = random.Random(seed)
    for n in range(n_rounds):
        for loaded in rng.sample((False, True), 2):
            say(f"measuring {'under bursts' if loaded else 'in quiet'}", n_rounds - n)
            drawn = rng.getrandbits(32)
            with bursts(drawn, load, current_environment().n_cores) if loaded else nullcontext():
                taken = list(measure(plans, budget_s, drawn, Usage()))
            yield from (_body(one, loaded, load, drawn) for one in taken)


def _body(taken: Taken[Plan], loaded: bool, load: Load, seed: int) -> Burst:
    about: dict[str, Any] = {
        "finding": taken.what.certificate.finding,
        "function": taken.what.certificate.function,
        "workload": taken.what.certificate.workload,
        "null": taken.what.null,
        "loaded": loaded,
        **load._asdict(),
        "seed": seed,
    }
    if taken.failure:
        return Burst(**about, failure=taken.failure)
    now = compared(taken)
    plain = Comparison(now.certificate, now.launches, now.baseline, PLAIN)
    return Burst(
        **about,
        n_launches=len(now.launches),
        n_pairs=now.n_pairs,
        n_disturbed=now.n_disturbed,
        slow_share=now.slow_share,
        told={one.method.name: _interval(one) for one in (now, plain)},
    )


def _interval(one: Comparison) -> Interval:
    low, high = one.interval
    return Interval(speedup=one.speedup, low=low, high=high)

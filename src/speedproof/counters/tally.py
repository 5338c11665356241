"""What counters have in common: the call that is counted, and the tallies that come of it."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from typing import Any

from speedproof.clock import elapsed_s
from speedproof.pairs.contract import Inputs


@dataclass
class Tally:
    """What a counter has seen so far; some also say of what, by name."""

    count: int = 0
    by_name: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Call:
    """A twin and the inputs that it is about to be called with."""

    twin: Callable[..., Any]
    inputs: Inputs


Counter = Callable[[Call], AbstractContextManager[Tally]]


@dataclass(frozen=True)
class Work:
    """The work of one call: every counter's number, and the tables of those that count by name."""

    counts: Mapping[str, int]
    tables: Mapping[str, Mapping[str, int]]


def work(counters: Sequence[Counter], twin: Callable[..., Any], inputs: Inputs) -> Work:
    """Every counter's tally over one call of `twin`, by the counter's name."""
    with ExitStack() as stack:
        call = Call(twin, inputs)
        tallies = {counter.__name__: stack.enter_context(counter(call)) for counter in counters}
        elapsed_s(lambda: twin(**inputs))
    tables = {name: dict(sorted(tally.by_name.items())) for name, tally in tallies.items() if tally.by_name}
    return Work({name: tally.count for name, tally in tallies.items()}, tables)


def count(counters: Sequence[Counter], twin: Callable[..., Any], inputs: Inputs) -> dict[str, int]:
    """Every counter's number over one call of `twin`, by the counter's name."""
    return dict(work(counters, twin, inputs).counts)

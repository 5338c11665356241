"""Phases of the machine, as they are told: a line for each probe over time, and what slow ones do to each kernel."""

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

from rich.table import Table

from speedproof.cli.lines import out, say_line
from speedproof.machine.phases import SLOW_PHASE, Phases
from speedproof.machine.probes import NAMES
from speedproof.machine.signs import State
from speedproof.wording import in_percent, seconds, some

BLOCKS = "▁▂▃▄▅▆▇█"
WIDTH = 80
"""Letters of a line over time."""
DOUBTFUL_SHARE = 0.1
"""Share of slow moments from which figures cost many samples that do not count."""


def kernels() -> dict[str, Callable[[], object]]:
    """What is asked beside the probes: kernels of tensors where torch is installed."""
    if not find_spec("torch"):
        return {}
    from speedproof.tensors.kernels import kernels

    return kernels()


def state_of(found: Phases) -> State:
    """Whether one can measure here without taking many samples again."""
    return State.DOUBTFUL if found.slow_share > DOUBTFUL_SHARE else State.GOOD


def show_phases(found: Phases) -> None:
    """All of it."""
    while_s = found.moments[-1].at_s
    say_line(
        f"Over {while_s:.0f} s, asked {some(len(found.moments), 'time')}. Each line goes from its least to its most:"
    )
    for name in NAMES:
        course = found.course(name, WIDTH)
        say_line(f"{name:>10} {line(course)} {seconds(min(course))} to {seconds(max(course))}")
    lengths = found.slow_phases_s
    longest = f", the longest of {max(lengths):.1f} s" if lengths else ""
    say_line(
        f"Slow moments (a probe above {SLOW_PHASE:g} times its quiet time): {in_percent(found.slow_share)}; "
        f"{len(lengths)} phase{'s' * (len(lengths) != 1)}{longest}."
    )
    table = Table(box=None, pad_edge=False)
    for head, where in (("what", "left"), ("quiet", "right"), ("slow", "right"), ("factor", "right")):
        table.add_column(head, justify="left" if where == "left" else "right")
    for name, one in found.factors.items():
        slow = (seconds(one.slow_s), f"{one.factor:.1f}") if one.slow_s and one.factor else ("-", "-")
        table.add_row(name, seconds(one.quiet_s), *slow)
    out.print(table)
    say_line(
        "Measured samples are probed the same way: those of slow phases are taken again, and do not count."
        if lengths
        else "No slow phase was seen meanwhile."
    )


def line(course: list[float]) -> str:
    """A course as a row of blocks, each as high as its part."""
    low, high = min(course), max(course)
    steps = len(BLOCKS) - 1
    return "".join(BLOCKS[round(steps * (one - low) / (high - low))] if high > low else BLOCKS[0] for one in course)


def phases_as_json(found: Phases) -> dict[str, Any]:
    """The same as plain data; times in seconds."""
    return {
        "state": state_of(found).value,
        "watched_s": found.moments[-1].at_s,
        "n_moments": len(found.moments),
        "slow_share": found.slow_share,
        "slow_phases_s": found.slow_phases_s,
        "quiet_s": found.quiet,
        "factors": {
            name: {"quiet_s": one.quiet_s, "slow_s": one.slow_s, "factor": one.factor}
            for name, one in found.factors.items()
        },
        "course_s": {name: found.course(name, WIDTH) for name in NAMES},
    }

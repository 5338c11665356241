"""The README's table of what the interval promises, from synthetic sittings: `python -m tests.timing.coverage`."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from tests.synthetic import World, ends, stopped

README = Path(__file__).parents[2] / "src" / "speedproof" / "README.md"
BEGIN, END = "<!-- what the interval promises -->", "<!-- end -->"
EFFECTS = (0.0, 0.05, 3.0)
HICCUPS = World(process_sd=0.02, hiccup_share=0.1, n_pairs=2, seen_share=0.8)
"""One call in ten takes five times as long; eight of ten such are seen."""
UNEVEN = World(process_sd=0.02, hiccup_share=0.02, longer=8.0, n_pairs=2, seen_share=0.8)
"""The definition is eight times as long, and is hit eight times as often."""
ROWS: dict[str, list[World]] = {
    "process effects of 2-8%, calls with 5% outliers, 8 pairs a launch": [
        World(process_sd=0.02),
        World(),
        World(process_sd=0.08),
    ],
    "the same, one or two pairs a launch": [World(n_pairs=1), World(n_pairs=2)],
    "the second call of every pair 3% slower, balanced order": [World(drift_in_pair=0.03)],
    "the same, the definition always first": [World(drift_in_pair=0.03, is_balanced=False)],
    "one call in ten takes five times as long, 80% of them seen, 2 pairs a launch": [HICCUPS],
    "the same, none of them seen": [replace(HICCUPS, seen_share=0.0)],
    "one arm eight times as long and hit eight times as often, 80% seen, 1-2 pairs": [
        UNEVEN,
        replace(UNEVEN, n_pairs=1),
    ],
    "a launch's one long call waits for a core for up to half of its time; told by bounds": [
        World(n_pairs=1, held_share=share) for share in (0.3, 1.0)
    ],
    "process effects that resemble the one before (correlation 0.3)": [World(correlation=0.3)],
    "the same, correlation 0.6": [World(correlation=0.6)],
}


def at_every_look(world: World) -> float:
    """Share of sittings whose interval holds the truth at all looks: whoever stops, and for whatever reason."""
    low, high = ends(world.spans(np.random.default_rng(2)))
    return 1 - float(((low > world.effect) | (high < world.effect)).any(1).mean())


def where_it_stops(world: World) -> float:
    """Share of sittings whose interval holds the truth where the runner stops."""
    rng = np.random.default_rng(1)
    low, high, _ = stopped(world.spans(rng), rng)
    return 1 - float(((low > world.effect) | (high < world.effect)).mean())


def line(words: str, worlds: list[World]) -> str:
    """One row of the table."""
    stops = [where_it_stops(replace(world, effect=effect)) for world in worlds for effect in EFFECTS]
    return f"| {words} | {_range([at_every_look(world) for world in worlds])} | {_range(stops)} |"


def _range(shares: list[float]) -> str:
    low, high = f"{100 * min(shares):.1f}", f"{100 * max(shares):.1f}"
    return f"{low}%" if low == high else f"{low}-{high}%"


def table(row: Callable[[str, list[World]], str] = line) -> str:
    """All of it."""
    head = ["| sittings | covered at every look | covered where the runner stops |", "|---|---|---|"]
    return "\n".join([*head, *(row(words, worlds) for words, worlds in ROWS.items())])


def told() -> str:
    """The table that stands in the README."""
    found = re.search(f"{BEGIN}\n(.*?)\n{END}", README.read_text(encoding="utf-8"), re.DOTALL)
    assert found, "the README has no such table"
    return found[1]


if __name__ == "__main__":
    text = README.read_text(encoding="utf-8")
    README.write_text(text.replace(told(), table()), encoding="utf-8")

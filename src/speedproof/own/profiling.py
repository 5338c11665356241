"""Where the time of a user's functions goes, by Python's profiler. A profiled call is slower: no figure comes of it."""

import cProfile
import pstats
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from speedproof.pairs.finding import TWINS
from speedproof.processes import Saying

from .cards import pair_at, require_functions
from .draws import Draw

MOST = 8
"""Functions that are listed of each side."""
LONG_ENOUGH_S = 0.2
"""Seconds that are profiled at least, in as many calls as that takes."""
MOST_CALLS = 1000


def profile(card: str, folder: Path) -> Iterator[Saying | dict[str, Any]]:
    """Runs in a fresh process. Yields, for reference and candidate, the functions that took most and the file of all.

    The file opens in snakeviz, tuna and `python -m pstats`.
    """
    pair = pair_at(card)
    require_functions(pair)
    draw = Draw(pair.source, max(pair.sizes), 0)
    folder.mkdir(parents=True, exist_ok=True)
    for arm, function in zip(TWINS, (pair.sequential, pair.batched), strict=True):
        yield Saying(f"profiling {pair.name}, {arm}", 1)
        function(**pair.made(draw, function))
        profiler, calls = cProfile.Profile(), 0
        while calls < MOST_CALLS and (not calls or pstats.Stats(profiler).total_tt < LONG_ENOUGH_S):  # type: ignore[attr-defined]
            inputs = pair.made(draw, function)
            profiler.runcall(function, **inputs)
            calls += 1
        file = folder / f"{arm}.prof"
        profiler.dump_stats(file)
        yield {
            "arm": "reference" if arm == TWINS[0] else "candidate",
            "function": getattr(function, "__name__", arm),
            "calls": calls,
            "file": str(file),
            "lines": list(_lines(pstats.Stats(profiler), calls)),
        }


def _lines(stats: pstats.Stats, calls: int) -> Iterator[str]:
    """The functions that took most by themselves: their share of all, and how often a call calls them."""
    rows = sorted(stats.stats.items(), key=lambda item: -item[1][2])  # type: ignore[attr-defined]
    whole = stats.total_tt or 1.0  # type: ignore[attr-defined]
    own = [row for row in rows if "_lsprof" not in row[0][2]]
    for (file, line, name), (_, n, own_s, _, _) in own[:MOST]:
        where = f" ({Path(file).name}:{line})" if line else ""
        yield f"{100 * own_s / whole:5.1f}%  {n / calls:10,.1f} calls  {name.strip('<>')}{where}"

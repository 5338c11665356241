"""How figures are written for people: three digits, units that suit, text that cannot break out of a table."""

import math


def digits(value: float) -> str:
    """Three significant digits, never in scientific notation."""
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def seconds(value: float) -> str:
    """A duration in the unit that suits it."""
    for limit, factor, unit in ((1e-3, 1e6, "µs"), (1.0, 1e3, "ms")):
        if value < limit:
            return f"{digits(value * factor)} {unit}"
    return f"{digits(value)} s"


def memory(n_bytes: float) -> str:
    """An amount of memory in the unit that suits it; below zero where memory was given back."""
    for limit, factor, unit in ((2**10, 1, "B"), (2**20, 2**10, "KiB"), (2**30, 2**20, "MiB")):
        if abs(n_bytes) < limit:
            return f"{n_bytes:.0f} B" if factor == 1 else f"{n_bytes / factor:.1f} {unit}"
    return f"{n_bytes / 2**30:.1f} GiB"


def duration(seconds: float) -> str:
    """Seconds or minutes, for whoever waits."""
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.1f} min"


def in_percent(share: float) -> str:
    """A share of a hundred; nothing where it is infinite."""
    return f"{digits(100 * share)}%" if math.isfinite(share) else ""


def moved(pair: tuple[float, float]) -> str:
    """A number before and after; once where it stayed."""
    return " to ".join(dict.fromkeys(f"{n:,.0f}" for n in pair))


def some(n: int, word: str) -> str:
    """A number of things, by the word for one of them: 1 text, 1,000 texts, 2 histories."""
    many = f"{word[:-1]}ies" if word.endswith("y") else f"{word}es" if word.endswith("s") else f"{word}s"
    return f"{n:,} {word if n == 1 else many}"


def with_article(word: str) -> str:
    """The word with the article that suits it: an iterator, a list."""
    return f"an {word}" if word[:1].lower() in {*"aeio"} else f"a {word}"


def cell(text: str) -> str:
    """Text that cannot break out of a Markdown table's cell."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")

"""What a call leaves behind in the process, and what it remembers for the next call."""

import os
import random
import sys
import textwrap
import warnings
from functools import lru_cache
from random import Random
from typing import Any

from speedproof_studies.textbook.entry import Entry, right, wrong

_RATES: dict[str, list[float]] = {}


def a_paragraph(size: int, rng: Random) -> dict[str, Any]:
    """Words, and the width of the lines that they go in."""
    words = [rng.choice(["one", "two", "three", "fourteen"]) for _ in range(max(size, 1))]
    return {"words": words, "width": rng.randrange(20, 10_000)}


def wrapped(words: list[str], width: int) -> list[str]:
    return textwrap.wrap(" ".join(words), width)


def wrapped_by_wrapper(words: list[str], width: int) -> list[str]:
    return textwrap.TextWrapper(width=width).wrap(" ".join(words))


def wrapped_by_environment(words: list[str], width: int) -> list[str]:
    os.environ["COLUMNS"] = str(width)
    return textwrap.wrap(" ".join(words), int(os.environ["COLUMNS"]))


def wrapped_without_warnings(words: list[str], width: int) -> list[str]:
    warnings.filterwarnings("ignore", message=f".*width {width}")
    return textwrap.wrap(" ".join(words), width)


def tags_and_seen(size: int, rng: Random) -> dict[str, Any]:
    """Tags with repeats."""
    return {"tags": [f"tag{rng.randrange(size + 1)}" for _ in range(size)]}


def new_tags(tags: list[str], seen: list[str] | None = None) -> list[str]:
    """Tags that were not seen before, each once."""
    seen = [] if seen is None else seen
    found = []
    for tag in tags:
        if tag not in seen:
            seen.append(tag)
            found.append(tag)
    return found


def new_tags_by_keys(tags: list[str], seen: list[str] | None = None) -> list[str]:
    before = [] if seen is None else seen
    found = [tag for tag in dict.fromkeys(tags) if tag not in before]
    before.extend(found)
    return found


def new_tags_with_default(tags: list[str], seen: list[str] | None = []) -> list[str]:  # noqa: B006
    assert seen is not None
    found = []
    for tag in tags:
        if tag not in seen:
            seen.append(tag)
            found.append(tag)
    return found


def an_urn(size: int, rng: Random) -> dict[str, Any]:
    """What is drawn from, and the seed."""
    return {"urn": [rng.randrange(1000) for _ in range(size)], "seed": rng.randrange(1000)}


def drawn(urn: list[int], seed: int) -> list[int]:
    """As many draws as there are items, from a generator of its own."""
    rng = Random(seed)
    result = []
    for _ in urn:
        result.append(rng.choice(urn))
    return result


def drawn_by_method(urn: list[int], seed: int) -> list[int]:
    choose = Random(seed).choice
    return [choose(urn) for _ in urn]


def drawn_by_global_seed(urn: list[int], seed: int) -> list[int]:
    random.seed(seed)
    return [random.choice(urn) for _ in urn]


def drawn_at_once(urn: list[int], seed: int) -> list[int]:
    return Random(seed).choices(urn, k=len(urn)) if urn else []


def jittered(urn: list[int], seed: int) -> list[float]:
    """A number for each item, from the generator that the whole process shares."""
    numbers = []
    for _ in urn:
        numbers.append(random.random())
    return numbers


def jittered_in_one_line(urn: list[int], seed: int) -> list[float]:
    return [random.random() for _ in urn]


def jittered_and_one(urn: list[int], seed: int) -> list[float]:
    return [random.random() for _ in range(len(urn) + 1)][:-1]


def long_words(words: list[str], width: int) -> int:
    """How many words have more than three letters."""
    found = 0
    for word in words:
        if len(word) > 3:
            found += 1
    return found


def long_words_by_generator(words: list[str], width: int) -> int:
    return sum(len(word) > 3 for word in words)


def long_words_by_recursion(words: list[str], width: int) -> int:
    sys.setrecursionlimit(sys.getrecursionlimit() + len(words))

    def beyond(place: int) -> int:
        return 0 if place == len(words) else (len(words[place]) > 3) + beyond(place + 1)

    return beyond(0)


def rates_and_currency(size: int, rng: Random) -> dict[str, Any]:
    """Rates of one of two currencies."""
    return {"currency": rng.choice(["eur", "usd"]), "rates": [rng.randrange(1, 500) / 4 for _ in range(size)]}


def inverse_rates(currency: str, rates: list[float]) -> list[float]:
    return [1 / rate for rate in rates]


def inverse_rates_by_generator(currency: str, rates: list[float]) -> list[float]:
    return list(1 / rate for rate in rates)


def inverse_rates_remembered(currency: str, rates: list[float]) -> list[float]:
    if currency not in _RATES:
        _RATES[currency] = [1 / rate for rate in rates]
    return list(_RATES[currency])


@lru_cache
def _inverse_of(rates: tuple[float, ...]) -> list[float]:
    return [1 / rate for rate in rates]


def inverse_rates_shared(currency: str, rates: list[float]) -> list[float]:
    return _inverse_of(tuple(rates))


def with_columns(words: list[str], width: int) -> int:
    """Notes the width where other programs look for it."""
    os.environ["COLUMNS"] = str(width)
    return len(words)


def with_columns_by_update(words: list[str], width: int) -> int:
    os.environ.update(COLUMNS=f"{width}")
    return len(words)


def with_usual_columns(words: list[str], width: int) -> int:
    os.environ["COLUMNS"] = "80"
    return len(words)


def without_columns(words: list[str], width: int) -> int:
    return len(words)


ENTRIES: tuple[Entry, ...] = (
    right(wrapped, wrapped_by_wrapper, a_paragraph, "The function makes the same wrapper."),
    wrong(wrapped, wrapped_by_environment, a_paragraph, "It leaves a variable in the environment."),
    wrong(wrapped, wrapped_without_warnings, a_paragraph, "It leaves a filter of warnings behind."),
    right(new_tags, new_tags_by_keys, tags_and_seen, "Every call without a list starts with an empty one."),
    wrong(new_tags, new_tags_with_default, tags_and_seen, "The default list is made once and remembers every call."),
    right(drawn, drawn_by_method, an_urn, "The same generator draws in the same order."),
    wrong(drawn, drawn_by_global_seed, an_urn, "The answer is the same, but everybody's generator is seeded."),
    wrong(drawn, drawn_at_once, an_urn, "`choices` draws otherwise than repeated `choice`."),
    right(jittered, jittered_in_one_line, an_urn, "As many draws from the shared generator, in the same order."),
    wrong(jittered, jittered_and_one, an_urn, "One draw too many shifts every later draw of the process."),
    right(long_words, long_words_by_generator, a_paragraph, "True counts as one."),
    wrong(long_words, long_words_by_recursion, a_paragraph, "It leaves a higher limit of recursion behind."),
    right(inverse_rates, inverse_rates_by_generator, rates_and_currency, "The same division, item by item."),
    wrong(
        inverse_rates, inverse_rates_remembered, rates_and_currency, "It remembers the first rates of each currency."
    ),
    wrong(
        inverse_rates,
        inverse_rates_shared,
        rates_and_currency,
        "Equal calls share one list, which a caller may change.",
    ),
    right(with_columns, with_columns_by_update, a_paragraph, "The variable has the same value afterwards."),
    wrong(with_columns, with_usual_columns, a_paragraph, "The variable has another value afterwards."),
    wrong(with_columns, without_columns, a_paragraph, "The variable is not set."),
)

"""Texts by the word: splitting, counting, naming, in plain Python."""

import string
from collections import Counter
from random import Random
from typing import Any

from speedproof_studies.textbook.entry import Entry, right, wrong

WORDS = ("the", "they're", "Straße", "STRASSE", "Maß", "tea", "eat", "Ate", "teat", "log", "www", "now", "text", "état")


def some_words(size: int, rng: Random) -> dict[str, Any]:
    """Words with repeats, and one spelled in two ways."""
    return {"words": rng.choices(WORDS, k=size)}


def counts(words: list[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for word in words:
        if word in found:
            found[word] += 1
        else:
            found[word] = 1
    return found


def counts_by_counter(words: list[str]) -> dict[str, int]:
    return dict(Counter(words))


def counts_by_frequency(words: list[str]) -> dict[str, int]:
    return dict(Counter(words).most_common())


def counts_as_counter(words: list[str]) -> dict[str, int]:
    return Counter(words)


def folded(words: list[str]) -> list[str]:
    """The words as they are compared without regard to case."""
    return [word.casefold() for word in words]


def folded_by_map(words: list[str]) -> list[str]:
    return list(map(str.casefold, words))


def lowered(words: list[str]) -> list[str]:
    return [word.lower() for word in words]


def headline(words: list[str]) -> str:
    return " ".join([word[:1].upper() + word[1:].lower() for word in words])


def headline_by_capitals(words: list[str]) -> str:
    return string.capwords(" ".join(words))


def headline_by_title(words: list[str]) -> str:
    return " ".join(words).title()


def anagrams(words: list[str]) -> list[list[str]]:
    """Words of the same letters together, in the order of the first of each."""
    groups: list[list[str]] = []
    for word in words:
        for group in groups:
            if sorted(group[0]) == sorted(word):
                group.append(word)
                break
        else:
            groups.append([word])
    return groups


def anagrams_by_letters(words: list[str]) -> list[list[str]]:
    groups: dict[str, list[str]] = {}
    for word in words:
        groups.setdefault("".join(sorted(word)), []).append(word)
    return list(groups.values())


def anagrams_by_letter_set(words: list[str]) -> list[list[str]]:
    groups: dict[frozenset[str], list[str]] = {}
    for word in words:
        groups.setdefault(frozenset(word), []).append(word)
    return list(groups.values())


def spaced_text(size: int, rng: Random) -> dict[str, Any]:
    """Text with tabs, doubled spaces and several ends of lines, as people paste it."""
    gaps = [" ", "  ", "\t", "\n", "\r\n"]
    return {"text": "".join(rng.choice(WORDS) + rng.choice(gaps) for _ in range(size))}


def parts(text: str) -> list[str]:
    """What stands between white space."""
    found, part = [], ""
    for character in text + " ":
        if not character.isspace():
            part += character
        elif part:
            found.append(part)
            part = ""
    return found


def parts_by_split(text: str) -> list[str]:
    return text.split()


def parts_by_space(text: str) -> list[str]:
    return text.split(" ")


def line_lengths(text: str) -> list[int]:
    return [len(line) for line in text.splitlines()]


def line_lengths_by_newline(text: str) -> list[int]:
    return [len(line) for line in text.split("\n")]


def some_sites(size: int, rng: Random) -> dict[str, Any]:
    """Names of sites and files."""
    return {"sites": [f"www.{rng.choice(WORDS)}{rng.choice('abw')}.txt" for _ in range(size)]}


def bare_names(sites: list[str]) -> list[str]:
    """The names without the part before and the part after."""
    names = []
    for site in sites:
        name = site[4:] if site.startswith("www.") else site
        names.append(name[:-4] if name.endswith(".txt") else name)
    return names


def bare_names_by_affix(sites: list[str]) -> list[str]:
    return [site.removeprefix("www.").removesuffix(".txt") for site in sites]


def bare_names_by_strip(sites: list[str]) -> list[str]:
    return [site.lstrip("www.").rstrip(".txt") for site in sites]  # noqa: B005


def some_fields(size: int, rng: Random) -> dict[str, Any]:
    """Fields of a form: whole numbers, some signed or spaced, and words."""
    return {"fields": [rng.choice(["7", "-12", " 40", "x", "", "3.5", "1_000"]) for _ in range(size)]}


def whole_numbers(fields: list[str]) -> list[int | None]:
    """Numbers, and none for what is no whole number."""
    found: list[int | None] = []
    for field in fields:
        try:
            found.append(int(field))
        except ValueError:
            found.append(None)
    return found


def whole_numbers_by_digits(fields: list[str]) -> list[int | None]:
    return [int(field) if field.isdigit() else None for field in fields]


def whole_numbers_or_zero(fields: list[str]) -> list[int | None]:
    found: list[int | None] = []
    for field in fields:
        try:
            found.append(int(field))
        except ValueError:
            found.append(0)
    return found


def whole_numbers_with_memory(fields: list[str]) -> list[int | None]:
    known: dict[str, int | None] = {}
    for field in fields:
        if field not in known:
            try:
                known[field] = int(field)
            except ValueError:
                known[field] = None
    return [known[field] for field in fields]


def some_amounts(size: int, rng: Random) -> dict[str, Any]:
    """Amounts with up to three places."""
    return {"amounts": [rng.randrange(10_000) / 1000 for _ in range(size)]}


def written(amounts: list[float]) -> list[str]:
    return ["%.2f" % amount for amount in amounts]  # noqa: UP031


def written_by_format(amounts: list[float]) -> list[str]:
    return [f"{amount:.2f}" for amount in amounts]


def written_by_rounding(amounts: list[float]) -> list[str]:
    return [str(round(amount, 2)) for amount in amounts]


ENTRIES: tuple[Entry, ...] = (
    right(counts, counts_by_counter, some_words, "A counter, as a dictionary, counts in the order of first sight."),
    wrong(counts, counts_by_frequency, some_words, "The most frequent come first, where the first seen did."),
    wrong(
        counts,
        counts_as_counter,
        some_words,
        "A `Counter` answers 0 to a word that it lacks, where a dictionary raises.",
    ),
    right(folded, folded_by_map, some_words, "The same method is called on each word."),
    wrong(folded, lowered, some_words, "`lower` leaves ß as it is, `casefold` makes it ss."),
    right(headline, headline_by_capitals, some_words, "`capwords` takes a word to be what stands between spaces."),
    wrong(headline, headline_by_title, some_words, "`title` starts a new word after an apostrophe."),
    right(anagrams, anagrams_by_letters, some_words, "The sorted letters are the same for the same letters."),
    wrong(anagrams, anagrams_by_letter_set, some_words, "A set of letters forgets how often each occurs."),
    right(parts, parts_by_split, spaced_text, "`split` without an argument goes by any run of white space."),
    wrong(parts, parts_by_space, spaced_text, "Doubled spaces give empty parts, and tabs do not divide."),
    wrong(
        line_lengths, line_lengths_by_newline, spaced_text, "The last end of line opens one more, and \\r is counted."
    ),
    right(bare_names, bare_names_by_affix, some_sites, "A prefix and a suffix are taken off once and whole."),
    wrong(bare_names, bare_names_by_strip, some_sites, "`strip` takes off any of the letters, as often as they come."),
    right(whole_numbers, whole_numbers_with_memory, some_fields, "What was read once is remembered within the call."),
    wrong(whole_numbers, whole_numbers_by_digits, some_fields, "Signs and spaces are no digits, yet `int` reads them."),
    wrong(whole_numbers, whole_numbers_or_zero, some_fields, "What is no number becomes 0, where it was none."),
    right(written, written_by_format, some_amounts, "Both ways of formatting round alike."),
    wrong(written, written_by_rounding, some_amounts, "1.5 is written without its second place."),
)

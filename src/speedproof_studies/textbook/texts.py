"""Texts by the character: joining, escaping, cutting, comparing, in plain Python."""

import re
from random import Random
from typing import Any

from speedproof_studies.textbook.entry import Entry, right, wrong


def some_text(size: int, rng: Random) -> dict[str, Any]:
    """Text with numbers, in more than one script, and characters that HTML keeps for itself."""
    return {"text": "".join(rng.choices("abc xyz <&> 0123456789 ٣ ٧ é ß 漢 🙂", k=size))}


def escaped(text: str) -> str:
    """The text as HTML."""
    names = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
    result = ""
    for character in text:
        result += names.get(character, character)
    return result


def escaped_by_join(text: str) -> str:
    names = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
    return "".join([names.get(character, character) for character in text])


def escaped_by_replacing(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def escaped_twice(text: str) -> str:
    return text.replace("<", "&lt;").replace(">", "&gt;").replace("&", "&amp;")


def numbers_in(text: str) -> list[str]:
    """Runs of the digits 0 to 9."""
    found, run = [], ""
    for character in text:
        if "0" <= character <= "9":
            run += character
        elif run:
            found.append(run)
            run = ""
    return [*found, run] if run else found


def numbers_by_pattern(text: str) -> list[str]:
    return re.findall(r"[0-9]+", text)


def numbers_of_any_script(text: str) -> list[str]:
    return re.findall(r"\d+", text)


def numbers_of_many_digits(text: str) -> list[str]:
    return re.findall(r"[0-9][0-9]+", text)


def digit_counts(text: str) -> dict[str, int]:
    counts: dict[str, int] = {}
    for digit in "0123456789":
        counts[digit] = 0
        for character in text:
            counts[digit] += character == digit
    return counts


def digit_counts_by_method(text: str) -> dict[str, int]:
    return {digit: text.count(digit) for digit in "0123456789"}


def digit_counts_of_those_there(text: str) -> dict[str, int]:
    return {digit: text.count(digit) for digit in sorted(set(text)) if "0" <= digit <= "9"}


def reversed_text(text: str) -> str:
    result = ""
    for character in text:
        result = character + result
    return result


def reversed_by_slice(text: str) -> str:
    return text[::-1]


def reversed_bytes(text: str) -> str:
    return text.encode()[::-1].decode(errors="replace")


def lines_and_limit(size: int, rng: Random) -> dict[str, Any]:
    """Lines of short and long characters, and how many bytes a line may take."""
    return {"lines": ["".join(rng.choices("aé漢🙂", k=rng.randrange(12))) for _ in range(size)], "limit": 10}


def cut(lines: list[str], limit: int) -> list[str]:
    """As many whole characters of each line as fit in the limit, in UTF-8."""
    result = []
    for line in lines:
        kept = ""
        for character in line:
            if len((kept + character).encode()) > limit:
                break
            kept += character
        result.append(kept)
    return result


def cut_by_bytes(lines: list[str], limit: int) -> list[str]:
    return [line.encode()[:limit].decode(errors="ignore") for line in lines]


def cut_with_marks(lines: list[str], limit: int) -> list[str]:
    return [line.encode()[:limit].decode(errors="replace") for line in lines]


def cut_by_characters(lines: list[str], limit: int) -> list[str]:
    return [line[:limit] for line in lines]


def two_words(size: int, rng: Random) -> dict[str, Any]:
    """Two words that differ in a few letters, and not too long to compare letter by letter."""
    first = rng.choices("abcd", k=min(size, 60))
    second = [rng.choice("abcd") if rng.random() < 0.3 else letter for letter in first if rng.random() < 0.9]
    return {"first": "".join(first), "second": "".join(second)}


def edits(first: str, second: str) -> int:
    """Fewest letters to put in, take out or change, from the whole table."""
    table = [[0] * (len(second) + 1) for _ in range(len(first) + 1)]
    for i in range(len(first) + 1):
        for j in range(len(second) + 1):
            if i == 0 or j == 0:
                table[i][j] = i + j
            else:
                change = table[i - 1][j - 1] + (first[i - 1] != second[j - 1])
                table[i][j] = min(table[i - 1][j] + 1, table[i][j - 1] + 1, change)
    return table[-1][-1]


def edits_by_two_rows(first: str, second: str) -> int:
    above = list(range(len(second) + 1))
    for i, letter in enumerate(first, start=1):
        row = [i]
        for j, other in enumerate(second, start=1):
            row.append(min(above[j] + 1, row[-1] + 1, above[j - 1] + (letter != other)))
        above = row
    return above[-1]


def edits_by_place(first: str, second: str) -> int:
    return sum(a != b for a, b in zip(first, second, strict=False)) + abs(len(first) - len(second))


def common_start(lines: list[str], limit: int) -> str:
    """What all lines begin with, up to the limit."""
    start = ""
    while lines and len(start) < limit and all(len(line) > len(start) for line in lines):
        longer = lines[0][: len(start) + 1]
        if not all(line.startswith(longer) for line in lines):
            break
        start = longer
    return start


def common_start_of_two(lines: list[str], limit: int) -> str:
    if not lines:
        return ""
    first, last = min(lines), max(lines)
    length = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))
    return first[:length][:limit]


def common_start_by_letters(lines: list[str], limit: int) -> str:
    return "".join(letters[0] for letters in zip(*lines, strict=False) if len(set(letters)) == 1)[:limit]


def paths(size: int, rng: Random) -> dict[str, Any]:
    """Paths below one folder, all with one ending."""
    folder = "/".join(rng.choice(["data", "runs", "old"]) for _ in range(rng.randrange(5)))
    return {"lines": [f"{folder}/{rng.randrange(100, 1000)}.txt" for _ in range(size)], "limit": 40}


ENTRIES: tuple[Entry, ...] = (
    right(escaped, escaped_by_join, some_text, "Joining a list gives the text that adding up gives."),
    right(escaped, escaped_by_replacing, some_text, "`&` is replaced before the others bring more of it."),
    wrong(escaped, escaped_twice, some_text, "`&` is replaced last, so the other names are escaped again."),
    right(numbers_in, numbers_by_pattern, some_text, "The pattern names the same ten digits."),
    wrong(numbers_in, numbers_of_any_script, some_text, "`\\d` takes the digits of every script."),
    wrong(numbers_in, numbers_of_many_digits, some_text, "The pattern asks for two digits at least."),
    right(digit_counts, digit_counts_by_method, some_text, "`str.count` counts single characters alike."),
    wrong(
        digit_counts, digit_counts_of_those_there, some_text, "Digits that are not there have no count, where it was 0."
    ),
    right(reversed_text, reversed_by_slice, some_text, "A slice backwards goes by characters as the loop does."),
    wrong(reversed_text, reversed_bytes, some_text, "The bytes of a longer character are reversed too."),
    right(cut, cut_by_bytes, lines_and_limit, "Only a character that was cut is left out."),
    wrong(cut, cut_with_marks, lines_and_limit, "A character that was cut leaves a mark."),
    wrong(cut, cut_by_characters, lines_and_limit, "The limit counts bytes, not characters."),
    right(edits, edits_by_two_rows, two_words, "A row of the table needs only the one above."),
    wrong(edits, edits_by_place, two_words, "A letter taken out shifts all that follow."),
    right(common_start, common_start_of_two, paths, "The first and last in order differ where any two do."),
    wrong(common_start, common_start_by_letters, paths, "Letters that agree after the first difference are kept too."),
)

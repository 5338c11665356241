"""Reports, settings and logs: what functions write into files, and how they leave a folder."""

import csv
import json
import os
import shutil
import tempfile
from pathlib import Path
from random import Random
from typing import Any

from speedproof_studies.textbook.entry import Entry, right, wrong


def some_rows(size: int, rng: Random) -> dict[str, Any]:
    """Names and numbers, some with a comma, and the file that they go to."""
    names = ["Ada", "Lovelace, Ada", 'the "first"', "", "Zoë"]
    rows = [(rng.choice(names), rng.randrange(100)) for _ in range(size)]
    return {"rows": rows, "path": Path(tempfile.mkdtemp()) / "report.csv"}


def report(rows: list[tuple[str, int]], path: Path) -> None:
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["name", "points"])
        for name, points in rows:
            writer.writerow([name, points])


def report_at_once(rows: list[tuple[str, int]], path: Path) -> None:
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([("name", "points"), *rows])


def report_by_replacing(rows: list[tuple[str, int]], path: Path) -> None:
    part = path.with_suffix(".part")
    report_at_once(rows, part)
    part.replace(path)


def report_by_joining(rows: list[tuple[str, int]], path: Path) -> None:
    lines = ["name,points", *(f"{name},{points}" for name, points in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def report_with_two_ends(rows: list[tuple[str, int]], path: Path) -> None:
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("name", "points"), *rows])


def report_in_ascii(rows: list[tuple[str, int]], path: Path) -> None:
    with open(path, "w", newline="", encoding="ascii", errors="replace") as file:
        csv.writer(file, lineterminator="\n").writerows([("name", "points"), *rows])


def report_for_its_owner(rows: list[tuple[str, int]], path: Path) -> None:
    number, part = tempfile.mkstemp(dir=path.parent)
    os.close(number)
    report_at_once(rows, Path(part))
    os.replace(part, path)


def report_if_any(rows: list[tuple[str, int]], path: Path) -> None:
    if rows:
        report_at_once(rows, path)


def some_options(size: int, rng: Random) -> dict[str, Any]:
    """A file of settings, and what is to be set in it."""
    path = Path(tempfile.mkdtemp()) / "settings.json"
    path.write_text(json.dumps({f"option{i}": rng.randrange(9) for i in range(size)}))
    return {"path": path, "options": {f"option{rng.randrange(2 * size + 1)}": rng.randrange(9) for _ in range(size)}}


def set_options(path: Path, options: dict[str, int]) -> int:
    """Sets them one by one; how many are set then."""
    for name, value in options.items():
        held = json.loads(path.read_text())
        held[name] = value
        path.write_text(json.dumps(held))
    return len(json.loads(path.read_text()))


def set_options_at_once(path: Path, options: dict[str, int]) -> int:
    held = json.loads(path.read_text())
    if options:
        held |= options
        path.write_text(json.dumps(held))
    return len(held)


def set_options_alone(path: Path, options: dict[str, int]) -> int:
    n = len(json.loads(path.read_text()) | options)
    path.write_text(json.dumps(options))
    return n


def set_options_with_copy(path: Path, options: dict[str, int]) -> int:
    shutil.copyfile(path, path.with_suffix(".old"))
    return set_options_at_once(path, options)


def some_events(size: int, rng: Random) -> dict[str, Any]:
    """A log with a line in it, and lines to be added."""
    path = os.path.join(tempfile.mkdtemp(), "events.log")
    Path(path).write_text("began\n")
    return {"path": path, "events": [f"event {rng.randrange(100)}" for _ in range(size)]}


def logged(path: str, events: list[str]) -> None:
    for event in events:
        with open(path, "a") as file:
            file.write(event + "\n")


def logged_at_once(path: str, events: list[str]) -> None:
    with open(path, "a") as file:
        file.writelines(event + "\n" for event in events)


def logged_from_start(path: str, events: list[str]) -> None:
    with open(path, "w") as file:
        file.writelines(event + "\n" for event in events)


def logged_once_each(path: str, events: list[str]) -> None:
    with open(path, "a") as file:
        file.writelines(event + "\n" for event in dict.fromkeys(events))


ENTRIES: tuple[Entry, ...] = (
    right(report, report_at_once, some_rows, "`writerows` writes the same rows."),
    right(report, report_by_replacing, some_rows, "The part file takes the place of the whole one, which is the same."),
    wrong(report, report_by_joining, some_rows, "Names with a comma or a quotation mark are not quoted."),
    wrong(report, report_with_two_ends, some_rows, "Lines end in two characters, as `csv` has it unless told."),
    wrong(report, report_in_ascii, some_rows, "Letters beyond ASCII become question marks."),
    wrong(report, report_for_its_owner, some_rows, "What `mkstemp` made, nobody but its owner may read."),
    wrong(report, report_if_any, some_rows, "Without rows there is no file, and its first line is missing."),
    right(set_options, set_options_at_once, some_options, "One writing of all is the last of many."),
    wrong(set_options, set_options_alone, some_options, "What was set before is gone."),
    wrong(set_options, set_options_with_copy, some_options, "A copy of the old file stays behind."),
    right(logged, logged_at_once, some_events, "The file is opened once, and its end is the same."),
    wrong(logged, logged_from_start, some_events, "What was in the log is gone."),
    wrong(logged, logged_once_each, some_events, "An event that came twice is logged once."),
)

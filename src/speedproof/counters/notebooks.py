"""Notebooks: their code cells as the Python that IPython makes of them, each line where it was.

Imports IPython only where a cell is not Python as it stands, so that whoever reads plain files does not pay for it.
"""

import ast
import json
import re
import warnings
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path
from typing import Any

from speedproof.errors import BadInput

PYTHON_MAGICS = (
    *("capture", "code_wrap", "debug", "prun", "pypy", "python", "python3", "time", "timeit"),
    *("ipytest", "lprun", "memit", "mprun", "scalene", "snakeviz"),
)
"""Cell magics whose cell is Python. Those of IPython itself, as black and ruff have them; then those of tools."""

FOREIGN_MAGICS = (
    *("!", "SVG", "bash", "cmd", "file", "html", "HTML", "javascript", "js", "latex", "markdown", "perl", "python2"),
    *("ruby", "script", "sh", "svg", "sx", "system", "writefile"),
)
"""Cell magics of IPython itself whose cell is another language, or the text of a file. A magic that is on neither list
tells by its cell: what Python can parse is Python."""

AUTOMAGICS = (
    *("autoreload", "cat", "cd", "conda", "cp", "env", "ll", "load_ext", "ls", "mamba", "man", "matplotlib"),
    *("micromamba", "mkdir", "more", "mv", "pip", "pwd", "reload_ext", "rm", "rmdir", "run", "time", "timeit", "uv"),
    *("who", "whos"),
)
"""Line magics that IPython takes without their percent sign, where they are all of a cell."""


Cell = dict[str, Any]
"""A cell as a notebook has it: its source under one name or another, in one text or in lines."""


def code_cells(path: Path) -> Iterator[tuple[int, Cell]]:
    """The code cells of a notebook of any format, with their numbers among all cells from 1.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is no notebook, or one of another language.
    """
    notebook = _json(path)
    language = _language(notebook)
    if "python" not in language.lower():
        raise ValueError(f"its language is {language}")
    for number, cell in enumerate(_cells(notebook), start=1):
        if cell.get("cell_type") == "code":
            yield number, cell


def python_of(cell: Cell) -> str:
    """What Python is given of a code cell; empty where the cell is for somebody else. It may still not be Python.

    Raises:
        SyntaxError: not even IPython can read it.
        ValueError: it holds no text.
    """
    source = cell.get("source", cell.get("input", cell.get("code", "")))
    lines = source if isinstance(source, list) else [source]
    if not all(isinstance(line, str) for line in lines):
        raise ValueError("its source is no text")
    return _as_python("".join(map(str, lines)))


def _as_python(cell: str) -> str:
    if _parses(cell):
        return cell
    head = "".join(takewhile(_is_blank_or_comment, cell.splitlines(keepends=True)))
    magic = re.match(r"%%(!|\w+)(?!\w*\?)[^\n]*", cell[len(head) :])
    if magic:
        body = _blank(cell[: len(head) + magic.end()]) + cell[len(head) + magic.end() :]
        return _of_magic(magic[1], body)
    return "" if _is_automagic(cell) else _transformed(cell)


def _of_magic(name: str, body: str) -> str:
    if name in FOREIGN_MAGICS:
        return ""
    python = _as_python(body)
    return python if name in PYTHON_MAGICS or _parses(python) else ""


def _transformed(cell: str) -> str:
    """The cell with magics, shell escapes, prompts and requests for help as calls, as IPython's own reader has it."""
    reader = _reader()
    blank = "".join(takewhile(str.isspace, cell.splitlines(keepends=True)))
    lines = f"{cell[len(blank) :]}\n".splitlines(keepends=True)
    try:
        for cleaned in reader.cleanup_transforms:
            lines = _in_place(lines, cleaned(lines))
        is_changed = True
        while is_changed:
            is_changed, after = reader.do_one_token_transform(lines)
            lines = _in_place(lines, after)
    except (AssertionError, IndexError) as error:
        raise SyntaxError("IPython cannot read it") from error
    return _blank(blank) + "".join(lines)


def _reader() -> Any:
    try:
        from IPython.core.inputtransformer2 import TransformerManager
    except ModuleNotFoundError as error:
        raise BadInput(
            "A notebook's magics are read with IPython, which is not installed. Expected it. "
            "Install it: pip install ipython"
        ) from error
    return TransformerManager()  # type: ignore[no-untyped-call]


def _in_place(before: list[str], after: list[str]) -> list[str]:
    """`after` with as many ends of lines as `before`: a command that was joined into one line is followed by others."""
    n_lost = sum(line.count("\n") for line in before) - sum(line.count("\n") for line in after)
    changed = next((i for i, (old, new) in enumerate(zip(before, after, strict=False)) if old != new), len(after))
    return [*after[: changed + 1], *["\n"] * n_lost, *after[changed + 1 :]]


def _parses(text: str) -> bool:
    try:
        with warnings.catch_warnings(action="ignore"):
            ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _is_blank_or_comment(line: str) -> bool:
    return not line.strip() or line.lstrip().startswith("#")


def _is_automagic(cell: str) -> bool:
    said = [line for line in cell.split("\n") if not _is_blank_or_comment(line)]
    return len(said) == 1 and said[0].split()[0] in AUTOMAGICS


def _blank(text: str) -> str:
    return "\n" * text.count("\n")


def _json(path: Path) -> dict[str, Any]:
    try:
        notebook = json.loads(path.read_text(encoding="utf-8-sig"))
    except RecursionError as error:
        raise ValueError("its JSON is nested too deeply") from error
    if not isinstance(notebook, dict):
        raise ValueError("its JSON is no notebook")
    return notebook


def _language(notebook: dict[str, Any]) -> str:
    metadata = notebook.get("metadata")
    for part, key in (("kernelspec", "language"), ("language_info", "name")):
        told = metadata.get(part) if isinstance(metadata, dict) else None
        if isinstance(told, dict) and isinstance(told.get(key), str) and told[key]:
            return str(told[key])
    return "python"


def _cells(notebook: dict[str, Any]) -> list[Cell]:
    """The cells; formats before 4 keep them in worksheets."""
    sheets = [notebook] if "cells" in notebook else notebook.get("worksheets")
    try:
        cells = [cell for sheet in sheets or [{}] for cell in sheet["cells"]]
    except (KeyError, TypeError) as error:
        raise ValueError("it has no list of cells") from error
    if not all(isinstance(cell, dict) for cell in cells):
        raise ValueError("a cell of it is none")
    return cells

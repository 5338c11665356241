"""Functions that are defined twice in one file or notebook: same name, same meaning, whatever the nesting.

Linters report a redefinition in the same scope; this sees also a nested function that shadows one of the module.
"""

import ast
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from speedproof.errors import BadInput
from speedproof.wording import some

from .meaning import Function, last_name, meaning
from .notebooks import Cell, code_cells, python_of

SUFFIXES = (".py", ".ipynb")

Branch = tuple[ast.stmt, str]
"""A statement with branches, of which one runs, and one of them."""

UNREADABLE = (OSError, SyntaxError, ValueError, RecursionError, MemoryError)
"""What a file that is no Python, no text or no file ends in."""


@dataclass(frozen=True)
class Duplicate:
    """A function and an earlier one that does the same. Places are FILE:LINE, or FILE:cell N:LINE in a notebook."""

    name: str
    first: str
    again: str


@dataclass(frozen=True)
class Scan:
    """What a look through files found, and in a line each what could not be read: a file, or a cell of a notebook."""

    duplicates: tuple[Duplicate, ...]
    problems: tuple[str, ...]
    n_files: int
    n_unread: int

    @property
    def summary(self) -> str:
        """What was found, and how much of what was asked for that is."""
        found = f"{some(len(self.duplicates), 'duplicate definition')}."
        return f"{found} Not all could be read of {self.n_unread} of {self.n_files} files." if self.n_unread else found


@dataclass(frozen=True)
class _Definition:
    function: Function
    place: str
    branches: tuple[Branch, ...]

    def excludes(self, other: "_Definition") -> bool:
        """Whether at most one of the two is ever defined, since they stand in two branches of one statement."""
        mine = dict(self.branches)
        return any(mine.get(where, branch) != branch for where, branch in other.branches)


def scan(paths: Sequence[Path]) -> Scan:
    """Duplicate definitions in Python files and notebooks, and in such files below folders. Reads all that it can.

    Raises:
        BadInput: a path does not exist.
    """
    files = _files(paths)
    duplicates: list[Duplicate] = []
    problems: list[str] = []
    n_unread = 0
    for path in files:
        n_before = len(problems)
        duplicates += _in_file(path, problems)
        n_unread += len(problems) > n_before
    return Scan(tuple(duplicates), tuple(problems), len(files), n_unread)


def find_duplicates(paths: Sequence[Path]) -> list[Duplicate]:
    """Duplicate definitions, where all of every file has to be read.

    Raises:
        BadInput: a path does not exist, or a file is not Python.
    """
    found = scan(paths)
    if found.problems:
        raise BadInput(found.problems[0])
    return list(found.duplicates)


def _files(paths: Sequence[Path]) -> list[Path]:
    files: list[Path] = []
    for path in paths:
        if not path.exists():
            raise BadInput(f"There is no {path}. Expected a Python file, a notebook, or a folder of them.")
        below = path.rglob("*") if path.is_dir() else ()
        files += sorted(p for p in below if p.suffix in SUFFIXES and p.is_file()) if path.is_dir() else [path]
    return list(dict.fromkeys(files))


def _in_file(path: Path, problems: list[str]) -> Iterator[Duplicate]:
    seen: dict[tuple[str, str], list[_Definition]] = {}
    for definition in _definitions(path, problems):
        name = definition.function.name
        try:
            earlier = seen.setdefault((name, meaning(definition.function)), [])
        except UNREADABLE as error:
            problems.append(_not_python(definition.place, error))
            continue
        first = next((one for one in earlier if not definition.excludes(one)), None)
        if first:
            yield Duplicate(name, first.place, definition.place)
        earlier.append(definition)


def _definitions(path: Path, problems: list[str]) -> Iterator[_Definition]:
    try:
        for place, tree in _trees(path, problems):
            for function, branches in _functions(tree.body):
                yield _Definition(function, f"{place}:{function.lineno}", branches)
    except UNREADABLE as error:
        problems.append(f"{path} cannot be read: {_reason(error)}. Expected a UTF-8 Python file or Python notebook.")


def _trees(path: Path, problems: list[str]) -> Iterator[tuple[str, ast.Module]]:
    """The syntax trees of a file, or of a notebook's cells, each with its place; those that have none are told."""
    sources: Iterable[tuple[str, bytes | Cell]] = [(str(path), path.read_bytes())]
    if path.suffix == ".ipynb":
        sources = ((f"{path}:cell {number}", cell) for number, cell in code_cells(path))
    for place, source in sources:
        try:
            yield place, _parsed(source if isinstance(source, bytes) else python_of(source))
        except UNREADABLE as error:
            problems.append(_not_python(place, error))


def _parsed(source: str | bytes) -> ast.Module:
    """The syntax tree; bytes in the encoding that they name. What Python would warn of is no matter here."""
    with warnings.catch_warnings(action="ignore"):
        return ast.parse(source)


def _not_python(place: str, error: BaseException) -> str:
    line = f":{error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
    return f"{place}{line} is not Python: {_reason(error)}. Expected what Python, or IPython in a notebook, can parse."


def _reason(error: BaseException) -> str:
    if isinstance(error, RecursionError | MemoryError):
        return "it is nested too deeply"
    said = error.msg if isinstance(error, SyntaxError) else getattr(error, "strerror", None) or str(error)
    return said.split("\n")[0]


def _functions(
    body: Iterable[ast.stmt], branches: tuple[Branch, ...] = ()
) -> Iterator[tuple[Function, tuple[Branch, ...]]]:
    """Functions in the order of the text, each with the branches that it stands in.

    Methods are left out: two classes may well share one. So is what only a type checker sees.
    """
    for node in body:
        if isinstance(node, ast.ClassDef):
            continue
        if isinstance(node, Function):
            yield node, branches
        for branch, block in _blocks(node):
            yield from _functions(block, (*branches, (node, branch)) if branch else branches)


def _blocks(node: ast.stmt) -> Iterator[tuple[str, list[ast.stmt]]]:
    """The statements within a statement: a name for each branch, none for what runs whichever branch does."""
    if isinstance(node, ast.If):
        unseen = _of_type_checker(node.test)
        yield from ((name, getattr(node, name)) for name in ("body", "orelse") if name != unseen)
    elif isinstance(node, ast.Try | ast.TryStar):
        yield "body", [*node.body, *node.orelse]
        yield from ((f"handler {i}", handler.body) for i, handler in enumerate(node.handlers))
        yield "", node.finalbody
    elif isinstance(node, ast.Match):
        yield from ((f"case {i}", case.body) for i, case in enumerate(node.cases))
    else:
        yield from (("", getattr(node, name, [])) for name in ("body", "orelse"))


def _of_type_checker(test: ast.expr) -> str:
    """The branch of an `if` that only a type checker takes, or an empty string."""
    is_not = isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not)
    asked = test.operand if isinstance(test, ast.UnaryOp) and is_not else test
    if last_name(asked) != "TYPE_CHECKING":
        return ""
    return "orelse" if is_not else "body"

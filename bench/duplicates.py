"""Functions that are defined twice in one file or notebook: same name, same meaning, whatever the nesting.

Linters report a redefinition in the same scope; this sees also a nested function that shadows one of the module.
"""

import ast
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from .errors import BadInput

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Duplicate:
    """A function and an earlier one that does the same. Places are FILE:LINE, or FILE:cell N:LINE in a notebook."""

    name: str
    first: str
    again: str


def find_duplicates(paths: Sequence[Path]) -> list[Duplicate]:
    """Duplicate definitions in Python files and notebooks, and in such files below folders.

    Raises:
        BadInput: a path does not exist, or a file is not Python.
    """
    return [duplicate for path in _files(paths) for duplicate in _in_file(path)]


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        if not path.exists():
            raise BadInput(f"There is no {path}. Expected a Python file, a notebook, or a folder of them.")
        if path.is_dir():
            yield from sorted(p for p in path.rglob("*") if p.suffix in (".py", ".ipynb") and p.is_file())
        else:
            yield path


def _in_file(path: Path) -> Iterator[Duplicate]:
    seen: dict[tuple[str, str], str] = {}
    for place, source in _sources(path):
        try:
            tree = ast.parse(source)
        except (SyntaxError, ValueError) as error:
            raise BadInput(f"{place} is not Python: {error}. Expected a file that Python can parse.") from error
        for function in _functions(tree.body):
            key = (function.name, meaning(function))
            here = f"{place}:{function.lineno}"
            if key in seen:
                yield Duplicate(function.name, seen[key], here)
            seen.setdefault(key, here)


def _sources(path: Path) -> Iterator[tuple[str, str]]:
    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix != ".ipynb":
            yield str(path), text
            return
        cells = json.loads(text)["cells"]
        for number, cell in enumerate(cells, start=1):
            if cell["cell_type"] == "code":
                yield f"{path}:cell {number}", _without_magics("".join(cell["source"]))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, KeyError, TypeError) as error:
        raise BadInput(f"{path} cannot be read: {error!r}. Expected a UTF-8 Python file or notebook.") from error


def _without_magics(source: str) -> str:
    """Notebook commands become empty statements, so that line numbers stay."""
    if source.lstrip().startswith("%%"):
        return ""
    lines = source.split("\n")
    return "\n".join("pass" if line.startswith(("%", "!", "?")) else line for line in lines)


def _functions(body: Iterable[ast.AST]) -> Iterator[Function]:
    """Functions in the order of the text. Methods are left out: two classes may well share one."""
    for node in body:
        if isinstance(node, ast.ClassDef):
            continue
        if isinstance(node, Function):
            yield node
        yield from _functions(ast.iter_child_nodes(node))


def meaning(function: Function) -> str:
    """The function's syntax tree as text, without docstring, annotations and positions, its local names numbered.

    Names from outside, defaults and decorators stay: functions that differ in these do different things.
    """
    tree = ast.parse(ast.unparse(function)).body[0]
    local = {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    local |= {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    return ast.dump(_Normal(local).visit(tree))


class _Normal(ast.NodeTransformer):
    def __init__(self, local: set[str]) -> None:
        self.local = local
        self.numbers: dict[str, str] = {}

    def _renamed(self, name: str) -> str:
        return self.numbers.setdefault(name, f"local{len(self.numbers)}") if name in self.local else name

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        if ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
        return self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        return ast.arg(self._renamed(node.arg))

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.Name(self._renamed(node.id), node.ctx)

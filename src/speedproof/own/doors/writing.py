"""Files that hold a pair from now on: a module with the pair and its test, or a test of two functions."""

import ast
import keyword
import re
from pathlib import Path

from speedproof.errors import BadInput
from speedproof.failures import reason
from speedproof.pairs import files

MODULE = '''"""The pair {name}: what it does, slowly and fast, and the inputs that both are asked about."""

from typing import Any

from speedproof import Pair


def {name}_slow(items: list[int]) -> list[int]:
    """The reference: simple enough to be seen to be right."""
    found: list[int] = []
    for item in items:
        if item not in found:
            found.append(item)
    return found


def {name}(items: list[int]) -> list[int]:
    """The candidate."""
    return list(dict.fromkeys(items))


def make(size: int, rng: Any) -> dict[str, Any]:
    """Arguments of one call: any size from 0 on, and every random number from rng."""
    return {{"items": [rng.randrange(max(1, size // 2)) for _ in range(size)]}}


PAIR = Pair({name}_slow, {name}, make)
'''
TEST = '''"""{name} does what {name}_slow does."""

from {name} import make, {name}, {name}_slow


def test_{name}_does_what_{name}_slow_does(speedproof):
    speedproof.check({name}_slow, {name}, make)
'''
OF_TWO = '''"""{candidate} does what {reference} does, from now on."""


def test_{safe}(speedproof):
    speedproof.check(
        {reference!r},
        {candidate!r},
        {inputs!r},
    )
'''


def new_pair(name: str, folder: Path) -> list[Path]:
    """A module with a pair of that name, and a test of it, both right as they are.

    Raises:
        BadInput: no name for a module, or a file that is there already or cannot be written.
    """
    if not name.isidentifier() or name.startswith("_") or keyword.iskeyword(name):
        raise BadInput(f"{name!r} is no name for a module. Expected letters, digits and underscores, as dedupe.")
    return [
        _written(folder / f"{name}.py", MODULE.format(name=name)),
        _written(folder / f"test_{name}.py", TEST.format(name=name)),
    ]


def new_test(reference: str, candidate: str, inputs: str | None, folder: Path) -> list[Path]:
    """A test that holds two functions against each other from now on.

    Raises:
        BadInput: a name that cannot be one, or a file that is there already or cannot be written.
    """
    for text in (reference, candidate, *([inputs] if inputs else [])):
        files.absolute(text)
        _require_there(text)
    safe = re.sub(r"\W", "_", files.parsed(candidate).attribute)
    text = OF_TWO.format(reference=reference, candidate=candidate, inputs=inputs, safe=safe)
    return [_written(folder / f"test_{safe}_is_right.py", text)]


def _require_there(text: str) -> None:
    """Raises BadInput where a file defines no such name at its top, as far as its text tells; nothing is run."""
    name = files.parsed(text)
    if not name.is_file or name.revision:
        return
    try:
        tree = ast.parse(Path(name.where).read_bytes())
    except (OSError, SyntaxError, ValueError) as error:
        raise BadInput(f"{text}: {reason(error)}. Expected a Python file with that name in it.") from error
    bound = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            bound.add(node.id)
        elif isinstance(node, ast.alias):
            bound.add(node.asname or node.name.partition(".")[0])
    first = name.attribute.partition(".")[0]
    if first not in bound and "*" not in bound:
        raise BadInput(f"{text}: {name.where} defines no {first!r}. Expected one of: {', '.join(sorted(bound))}.")


def _written(path: Path, text: str) -> Path:
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise BadInput(
            f"{path} is there already, and stays as it is. Expected another name, or no such file."
        ) from error
    except OSError as error:
        raise BadInput(f"{path}: {reason(error)}. Expected a folder that can be written.") from error
    return path

"""Short fingerprints: of data, of the source that is measured, of the files that decide what a subject is."""

import ast
import hashlib
import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from pathlib import Path
from typing import Any

from .callables import name_of, source_file

LENGTH = 16
"""Hexadecimal digits kept: 64 bits, far beyond any chance of two alike in one results folder."""
SHARING = "impl_batched"
"""The folder whose files may share code: what one imports from beside it decides its answer too."""


def digest(value: Any) -> str:
    """Fingerprint of plain data: anything that JSON can say, keys sorted.

    Raises:
        TypeError: something else is in it, whose words may be others tomorrow.
    """
    text = json.dumps(value, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:LENGTH]


def recorded(kind: type[Any], content: Mapping[str, Any], first: Collection[str], inside: str = "") -> dict[str, Any]:
    """What a dataclass holds as plain data, by name, with a dot between the names of what is nested.

    The fields named in `first` are always there. A field that came later is left out while it holds its default, so
    that data from before it have the same fingerprint as ever. Names of classes and the order of fields tell nothing.
    """
    return dict(_recorded(kind, content, first, inside))


def _recorded(
    kind: type[Any], content: Mapping[str, Any], first: Collection[str], inside: str
) -> Iterator[tuple[str, Any]]:
    for one in fields(kind):
        name, value = inside + one.name, content.get(one.name, _default(one))
        if is_dataclass(value) and not isinstance(value, type):
            yield from _recorded(type(value), vars(value), first, f"{name}.")
        elif name in first or value != _default(one):
            yield name, dict(value) if isinstance(value, Mapping) else value


def _default(one: "Field[Any]") -> Any:
    return one.default_factory() if one.default_factory is not MISSING else one.default


def file_digest(*paths: Path) -> str:
    """Fingerprint of the files' bytes, in the order given. A batched twin's file counts with what it shares."""
    counted = dict.fromkeys(one for path in paths for one in with_shared(path))
    return digest([hashlib.sha256(path.read_bytes()).hexdigest() for path in counted])


def with_shared(path: Path) -> list[Path]:
    """A file and, where it holds a batched twin, what it imports from beside it."""
    if path.parent.name != SHARING or path.suffix != ".py":
        return [path]
    try:
        nodes = ast.walk(ast.parse(path.read_bytes()))
    except SyntaxError:
        return [path]
    names = sorted({node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.level and node.module})
    return [path] + [beside for name in names if (beside := path.with_name(f"{name}.py")).is_file()]


def source_digest(function: Callable[..., Any]) -> str:
    """Fingerprint of the whole file that defines `function`, since its helpers decide the answer too, also those that
    batched twins share.

    What has no file, such as a built-in function, is known by its module and name.
    """
    path = source_file(function)
    if path is None:
        return digest([getattr(function, "__module__", None) or "", name_of(function)])
    return file_digest(path)

"""Plain data, taken apart so that nothing depends on what it says of itself."""

import math
from dataclasses import dataclass, fields, is_dataclass
from pathlib import PurePath
from typing import Any

from .errors import NotEquivalent


def leaves(value: Any, place: str = "") -> dict[str, tuple[str, Any]]:
    """Plain data as place -> (type, value), so that nothing depends on the data's own idea of equality.

    Tuples that carry names, and frozen dataclasses, count as their fields.

    Raises:
        NotEquivalent: something in it is not plain, a subclass among others.
    """
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        value = {name: tuple.__getitem__(value, i) for i, name in enumerate(value._fields)}
    elif is_dataclass(value) and not isinstance(value, type):
        value = {field.name: getattr(value, field.name) for field in fields(value)}
    if type(value) is dict:
        order: dict[str, tuple[str, Any]] = {f"{place} keys".strip(): ("dict", [str(key) for key in value])}
        return order | {k: v for key, item in value.items() for k, v in leaves(item, f"{place}[{key!r}]").items()}
    if type(value) in (list, tuple):
        size: dict[str, tuple[str, Any]] = {f"{place} length".strip(): (type(value).__name__, len(value))}
        return size | {k: v for i, item in enumerate(value) for k, v in leaves(item, f"{place}[{i}]").items()}
    if isinstance(value, PurePath):
        return {place: ("path", str(value))}
    if type(value) not in (int, float, bool, str, type(None)):
        raise NotEquivalent("type", f"{place or 'output'} is of type {type(value).__name__}, expected plain data.")
    if type(value) is float and not math.isfinite(value):
        raise NotEquivalent("exact", f"{place or 'output'} is {value}.")
    return {place: (type(value).__name__, value)}


@dataclass(frozen=True)
class ListOf:
    """A list of named tuples whose values have these types."""

    types: tuple[type, ...]


def require_form(output: Any, form: Any) -> None:
    """Raises NotEquivalent unless `output` is built like `form`: a type, a `ListOf`, or names of a table's columns."""
    if isinstance(form, tuple):
        columns = getattr(output, "columns", None)
        if type(columns) is not dict or tuple(columns) != form:
            raise NotEquivalent("shape", f"output has columns {list(columns or ())}, expected {list(form)}.")
    elif isinstance(form, type):
        if type(output) is not form:
            told = f"output holds {output!r:.80} of type {type(output).__name__}, expected a {form.__name__}."
            raise NotEquivalent("type", told)
    elif isinstance(form, ListOf):
        _require_list(output, form)


def _require_list(output: Any, form: ListOf) -> None:
    if type(output) is not list:
        raise NotEquivalent("type", f"output is a {type(output).__name__}, expected a list.")
    for item in output:
        if not isinstance(item, tuple) or len(item) != len(form.types):
            raise NotEquivalent("shape", f"output holds {item!r:.80}, expected {len(form.types)} values.")
        for value, kind in zip(item, form.types, strict=True):
            require_form(value, kind)

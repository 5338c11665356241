"""Plain data, taken apart so that nothing depends on what it says of itself."""

import math
from dataclasses import fields, is_dataclass
from pathlib import PurePath
from typing import Any

from speedproof.errors import NotEquivalent


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

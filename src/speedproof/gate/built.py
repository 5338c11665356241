"""How an answer is built: kinds of its parts, their names and methods, held against answers of the definition.

Values are not compared here; an equivalence does that, and reads no more than it was asked about.
"""

import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

from speedproof.errors import NotEquivalent


def objections(value: Any, examples: Sequence[Any], place: str = "output") -> Iterator[NotEquivalent]:
    """One for each part of `value` that is built like none of the definition's at that place.

    A None is left to the equivalence, since whether one may stand there hangs on the inputs. So is what the examples
    leave open: a place that is None in all of them, the items of a list that is always empty.
    """
    examples = [example for example in examples if example is not None]
    if value is None or not examples:
        return
    alike = [example for example in examples if _kind(example) == _kind(value)]
    if not alike:
        yield NotEquivalent("type", f"{place} is {_shown(value)}, expected {_shown(examples[0])}.")
        return
    for name, part in _parts(value).items():
        there = [_parts(example) for example in alike]
        inside = [each[name] for each in there if name in each] if _is_fixed(value) else _pooled(there)
        yield from objections(part, inside, f"{place}.{name}" if _is_record(value) else f"{place}[{name!r}]")
    yield from _methods(value, alike[0], place)


def _is_record(value: Any) -> bool:
    """Whether its parts have names that belong to the class."""
    return (isinstance(value, tuple) and hasattr(value, "_fields")) or (
        is_dataclass(value) and not isinstance(value, type)
    )


def _is_fixed(value: Any) -> bool:
    """Whether each of its parts has a kind of its own, as in a record and in a tuple that is no list of like things."""
    return _is_record(value) or (type(value) is tuple and len({_kind(part) for part in value}) > 1)


def _kind(value: Any) -> Any:
    """Equal for values that are built alike; a record's names are part of it, so that one more or less shows."""
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return "named tuple", tuple(value._fields)
    if is_dataclass(value) and not isinstance(value, type):
        return "dataclass", tuple(sorted({*(field.name for field in fields(value)), *getattr(value, "__dict__", {})}))
    return type(value)


def _parts(value: Any) -> Mapping[Any, Any]:
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return {name: tuple.__getitem__(value, i) for i, name in enumerate(value._fields)}
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    if type(value) is dict:
        return value
    return dict(enumerate(value)) if type(value) in (list, tuple) else {}


def _pooled(parts: Sequence[Mapping[Any, Any]]) -> list[Any]:
    return [part for each in parts for part in each.values()]


def _methods(value: Any, example: Any, place: str) -> Iterator[NotEquivalent]:
    """Public methods of a record's class: all there, and the same answer of those that take nothing.

    The definition's method is asked about the candidate's own data, so that only the method can differ.
    """
    if not _is_record(value) or type(value) is type(example):
        return
    for name, method in _public(type(example)).items():
        if name not in _public(type(value)):
            yield NotEquivalent("methods", f"{place} is a {type(value).__name__}, which has no method {name}().")
        elif len(inspect.signature(method).parameters) == 1:
            try:
                same = getattr(value, name)() == method(value)
            except Exception as error:
                yield NotEquivalent("methods", f"{place}.{name}() raised {type(error).__name__}: {str(error)[:200]}.")
                continue
            if not same:
                yield NotEquivalent("methods", f"{place}.{name}() says something else than the definition's does.")


def _public(kind: type) -> dict[str, Any]:
    """Methods that the class itself, or a class of its author's, defines."""
    return {
        name: method
        for parent in reversed(kind.__mro__)
        if parent not in (object, tuple)
        for name, method in vars(parent).items()
        if not name.startswith("_") and inspect.isfunction(method)
    }


def _shown(value: Any) -> str:
    if _is_record(value):
        return f"a {type(value).__name__} ({_kind(value)[0]}) of {', '.join(_parts(value))}"
    return f"{value!r:.60} of type {type(value).__name__}"

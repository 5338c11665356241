"""How an answer is built: kinds of its parts, their names and methods, held against answers of the definition.

Values are not compared here; an equivalence does that, and reads no more than it was asked about.
"""

import inspect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from functools import cached_property
from typing import Any

from speedproof.errors import NotEquivalent


def objections(value: Any, examples: Sequence[Any], place: str = "output") -> Iterator[NotEquivalent]:
    """One for each part of `value` that is built like none of the definition's at that place.

    A None is left to the equivalence, since whether one may stand there hangs on the inputs. So is what the examples
    leave open: a place that is None in all of them, the items of a list that is always empty.
    """
    return _objections(value, _by_kind(examples), place)


@dataclass
class _Alike:
    """Examples that are built alike. What stands inside is sorted once for all values that are held against them."""

    examples: list[Any] = field(default_factory=list)

    @cached_property
    def anywhere(self) -> "_Kinds":
        """Parts wherever they stand, as in lists."""
        return _by_kind(part for each in self._parts for part in each.values())

    @cached_property
    def named(self) -> "dict[Any, _Kinds]":
        """Parts by their place, as in records."""
        names = dict.fromkeys(name for each in self._parts for name in each)
        return {name: _by_kind(each[name] for each in self._parts if name in each) for name in names}

    @cached_property
    def _parts(self) -> list[Mapping[Any, Any]]:
        return list(map(_parts, self.examples))


_Kinds = dict[Any, _Alike]
"""Examples by kind, in the order in which each kind first stood there."""


def _by_kind(examples: Iterable[Any]) -> _Kinds:
    found: _Kinds = {}
    for example in examples:
        if example is not None:
            found.setdefault(_kind(example), _Alike()).examples.append(example)
    return found


def _objections(value: Any, kinds: _Kinds, place: str) -> Iterator[NotEquivalent]:
    if value is None or not kinds:
        return
    alike = kinds.get(_kind(value))
    if alike is None:
        expected = next(iter(kinds.values())).examples[0]
        yield NotEquivalent("type", f"{place} is {_shown(value)}, expected {_shown(expected)}.")
        return
    is_fixed, is_record = _is_fixed(value), _is_record(value)
    for name, part in _parts(value).items():
        inside = alike.named.get(name, {}) if is_fixed else alike.anywhere
        yield from _objections(part, inside, f"{place}.{name}" if is_record else f"{place}[{name!r}]")
    yield from _methods(value, alike.examples[0], place)


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

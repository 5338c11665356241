"""Whether objects are the very same ones: told by where they lie, and by nothing that they say of themselves."""

import sys
from types import ModuleType
from typing import Any

import pytest

from speedproof.gate import state
from speedproof.gate.aspects import identity
from speedproof.gate.aspects.identity import Chosen, are_same
from speedproof.pairs.kit import PLAIN


class Agreeing:
    """Equals whatever it is held against."""

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = object.__hash__


@pytest.mark.parametrize("in_one_piece", [identity.IN_ONE_PIECE, False])
def test_what_equals_another_is_not_the_same(monkeypatch: pytest.MonkeyPatch, in_one_piece: bool) -> None:
    monkeypatch.setattr(identity, "IN_ONE_PIECE", in_one_piece)
    one, other = Agreeing(), Agreeing()

    assert are_same([one, None, "a"], [one, None, "a"]) and are_same([], [])
    assert not are_same([one], [other]) and not are_same([1], [1.0]) and not are_same([one], [one, one])


def test_addresses_are_read_where_this_interpreter_is_known() -> None:
    assert identity.IN_ONE_PIECE == (sys.implementation.name == "cpython")


@pytest.mark.parametrize("names", [["a"], ["a", "b"]])
def test_what_is_chosen_is_watched_and_how_much_stands_beside_it(names: list[str]) -> None:
    table: dict[str, Any] = {"a": Agreeing(), "b": Agreeing(), "c": 1}
    chosen = Chosen([(table, names), ({}, [])])

    assert chosen.stands()
    table["c"] = 2
    assert chosen.stands()
    kept, table["a"] = table["a"], Agreeing()
    assert not chosen.stands()
    table["a"] = kept
    assert chosen.stands()
    table["d"] = 3
    assert not chosen.stands()
    del table["d"], table["a"]
    assert not chosen.stands()


def replaced_in(module: ModuleType, name: str) -> Any:
    """Replaces a function; gives what stood there."""
    before = getattr(module, name)
    setattr(module, name, lambda *given: before(*given))
    return before


def functions_changed(before: state.Snapshot) -> bool:
    return any(aspect.name == state.FUNCTIONS and changed for aspect, changed in before.changes(before.now()))


def test_functions_are_looked_at_after_a_call_and_taken_from_there_before_the_next() -> None:
    import time

    modules: dict[str, Any] = {}
    with state.restored(PLAIN, modules):
        before = state.before_call(PLAIN, modules, frozenset())
        kept = replaced_in(time, "sleep")
        assert functions_changed(before)
        # Seen again, though the call before left it so.
        assert not functions_changed(state.before_call(PLAIN, modules, frozenset()))
        time.sleep = kept
        # What is put back meanwhile counts as the next call's, unless the definition is known to replace something.
        assert functions_changed(state.before_call(PLAIN, modules, frozenset()))
        before_it = state.before_call(PLAIN, modules, frozenset({(state.FUNCTIONS, "time.sleep")}))
        assert not functions_changed(before_it)
    assert time.sleep is kept


def test_functions_are_looked_at_anew_once_something_was_imported() -> None:
    import time

    modules: dict[str, Any] = {}
    with state.restored(PLAIN, modules):
        state.before_call(PLAIN, modules, frozenset()).now()
        kept = replaced_in(time, "sleep")
        sys.modules["imported_meanwhile"] = ModuleType("imported_meanwhile")
        try:
            assert not functions_changed(state.before_call(PLAIN, modules, frozenset()))
        finally:
            del sys.modules["imported_meanwhile"]
            time.sleep = kept

"""Ladders by finding: what each single change between a definition and its batched twin buys."""

from collections.abc import Callable
from typing import Any

from ..errors import BadInput
from ..finding import TWINS, Pair
from . import comparison_table, grad_mode, text_batching
from .ladder import Ladder

LADDERS: tuple[Ladder, ...] = (text_batching.LADDER, comparison_table.LADDER, grad_mode.LADDER)
if len({ladder.pair.name for ladder in LADDERS}) != len(LADDERS):
    raise ValueError(f"Two ladders for one function: {[ladder.pair.name for ladder in LADDERS]}")


def ladder_of(pair: Pair) -> Ladder | None:
    """The pair's ladder, if it has one."""
    return next((ladder for ladder in LADDERS if ladder.pair is pair), None)


def arm(pair: Pair, name: str) -> Callable[..., Any]:
    """The pair's function that goes by this name: `sequential`, `batched`, or a rung of its ladder.

    Raises:
        BadInput: no such arm.
    """
    ladder = ladder_of(pair)
    functions = {rung.name: rung.function for rung in ladder.rungs} if ladder else {}
    functions |= {twin: pair.twin(twin) for twin in TWINS}
    if name not in functions:
        raise BadInput(f"{pair.name} has no arm {name!r}. Expected one of: {', '.join(functions)}.")
    return functions[name]

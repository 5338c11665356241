"""What a definition refuses by its documentation, a candidate must refuse too, and not answer."""

import dis
import sys
from collections.abc import Callable
from types import TracebackType
from typing import Any

from speedproof.errors import NotEquivalent
from speedproof.pairs.contract import Inputs
from speedproof.pairs.finding import Refused
from speedproof.processes import bounded

LONGEST_REFUSAL_S = 60.0
"""Seconds after which a candidate is taken to hang where it should refuse."""


def objection(
    definition: Callable[..., Any], candidate: Callable[..., Any], refused: Refused, fine: Inputs
) -> NotEquivalent | None:
    """What is wrong with how the candidate takes these inputs, or None.

    An answer is wrong, and so is an exception of another type that the candidate raises itself. One that comes about
    in a library, as when it stacks an empty list, is a refusal that nobody wrote, and is let pass.
    """
    inputs = {**fine, **refused.changes(fine)}
    _, expected = outcome(definition, inputs)
    if not isinstance(expected, refused.error):
        # Another definition than the card's, which other rules are about.
        return None
    with bounded(LONGEST_REFUSAL_S, f"the candidate on {refused.words}"):
        output, error = outcome(candidate, inputs)
    name = type(expected).__name__
    if error is None:
        told = f"answers {refused.words} with {str(output)[:60]!r}, which the definition refuses with {name}."
        return NotEquivalent("refusals", told)
    if isinstance(error, type(expected)) or not is_deliberate(error):
        return None
    told = f"refuses {refused.words} with {type(error).__name__}, the definition with {name}."
    return NotEquivalent("refusals", f"{told} Whoever catches the one misses the other.")


def outcome(function: Callable[..., Any], inputs: Inputs) -> tuple[Any, Exception | None]:
    """What the function returns, or the exception that it raises."""
    try:
        return function(**inputs), None
    except Exception as error:
        return None, error


def is_deliberate(error: BaseException) -> bool:
    """Whether the innermost frame is no library's and raised by a statement, and not by an operation that failed."""
    last = error.__traceback__
    while last and last.tb_next:
        last = last.tb_next
    return last is not None and not _is_library(last) and _raises(last)


def _raises(place: TracebackType) -> bool:
    return dis.opname[place.tb_frame.f_code.co_code[place.tb_lasti]] == "RAISE_VARARGS"


def _is_library(place: TracebackType) -> bool:
    file = place.tb_frame.f_code.co_filename
    return "site-packages" in file or file.startswith((sys.base_prefix, "<"))

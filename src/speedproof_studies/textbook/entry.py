"""What one textbook rewrite is: two functions, their inputs, and what is known of them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Entry:
    """A rewrite whose verdict is known beforehand."""

    name: str
    reference: Callable[..., Any]
    candidate: Callable[..., Any]
    inputs: Callable[[int, Any], dict[str, Any]]
    """Keyword arguments of one call, from a size and a random generator."""
    right: bool
    why: str
    """What is right about the candidate, or what is wrong with it: one sentence."""
    same: str | None = None
    """The rule that judges the answer, where it is not the default one."""


def right(
    reference: Callable[..., Any], candidate: Callable[..., Any], inputs: Callable[[int, Any], dict[str, Any]], why: str
) -> Entry:
    """A rewrite that no check may refuse, named after its candidate."""
    return Entry(candidate.__name__, reference, candidate, inputs, True, why)


def wrong(
    reference: Callable[..., Any], candidate: Callable[..., Any], inputs: Callable[[int, Any], dict[str, Any]], why: str
) -> Entry:
    """A rewrite that no check may pass, named after its candidate."""
    return Entry(candidate.__name__, reference, candidate, inputs, False, why)

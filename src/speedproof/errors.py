"""What goes wrong in front of a user, each with its exit status. Nobody sees a traceback for these."""

from difflib import get_close_matches
from typing import Any


class SpeedproofError(Exception):
    """Any error that is told in words: what happened, expected, got, what next."""

    exit_status = 2


class BadInput(SpeedproofError):
    """The request cannot be carried out as given: an unknown name, an empty list, a file that does not import."""


class NotEquivalent(SpeedproofError):
    """Two outputs that should be the same answer are not.

    `rule` is the gate's rule that says so (`gate/rules.py`), `excess` the error as a multiple of what is allowed, where
    the rule is about a number.
    """

    exit_status = 1

    def __init__(self, rule: str, message: str, excess: float | None = None) -> None:
        super().__init__(message)
        self.rule = rule
        self.excess = excess

    def __reduce__(self) -> tuple[Any, ...]:
        # An exception is otherwise made again from its message alone, on its way to another process.
        return type(self), (self.rule, str(self), self.excess), self.__dict__


class Uncertified(SpeedproofError):
    """Something was to be measured, or a speed-up built, without a certificate that covers it."""

    exit_status = 1


class RecordProblem(SpeedproofError):
    """Records cannot be read or written."""


def unknown(kind: str, name: str, known: list[str]) -> BadInput:
    """The error for a name that does not exist, listing those that do."""
    near = get_close_matches(name, known, n=1)
    meant = f" Did you mean {near[0]!r}?" if near else ""
    return BadInput(f"Unknown {kind} {name!r}. Expected one of: {', '.join(known)}.{meant}")

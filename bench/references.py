"""References: names by which one process tells another what it means, `module:NAME`."""

import pkgutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .errors import BadInput

if TYPE_CHECKING:
    from .finding import Finding, Pair


def resolve(reference: str) -> Any:
    """What `module:NAME` names; its module is imported where that has not happened.

    Raises:
        BadInput: no such module, or nothing of that name in it.
    """
    try:
        return pkgutil.resolve_name(reference)
    except (ImportError, AttributeError, ValueError) as error:
        raise BadInput(f"{reference!r} names nothing: {error}. Expected MODULE:NAME.") from error


@dataclass(frozen=True)
class Target:
    """A function of a finding, by reference, so that it can be sent to another process."""

    card: str
    """Where the finding's card is, as `module:NAME`."""
    function: str

    @property
    def finding(self) -> "Finding":
        """The finding."""
        found: Finding = resolve(self.card)
        return found

    @property
    def pair(self) -> "Pair":
        """The pair of twins."""
        return self.finding.pair(self.function)

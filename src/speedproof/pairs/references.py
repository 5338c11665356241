"""References: names by which one process tells another what it means, `module:NAME`, or `FILE.py:NAME` of a user's."""

import importlib.util
import pkgutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from speedproof.errors import BadInput
from speedproof.extras import what_is_missing

if TYPE_CHECKING:
    from .finding import Finding, Pair


LOAD, FILE_NAMED = "speedproof.pairs.files:load", "speedproof.pairs.files:file_named"
"""What reads a user's names, by reference: it starts processes and asks git, which a card is read without."""


def resolve(reference: str) -> Any:
    """What `module:NAME` names; its module is imported where that has not happened.

    Raises:
        BadInput: no such module, or nothing of that name in it.
    """
    if is_users(reference):
        return resolve(LOAD)(reference)
    try:
        return pkgutil.resolve_name(reference)
    except (ImportError, AttributeError, ValueError) as error:
        missing = what_is_missing(error)
        raise BadInput(missing or f"{reference!r} names nothing: {error}. Expected MODULE:NAME.") from error


def is_users(reference: str) -> bool:
    """Whether it names a file, or what was in a commit, and no module of the project's."""
    return ".py:" in reference or reference.count(":") > 1


def file_of(reference: str) -> Path | None:
    """The file of the module that a reference names, which is not imported; None where it has none."""
    if is_users(reference):
        found: Path | None = resolve(FILE_NAMED)(reference)
        return found
    module = reference.partition(":")[0]
    spec = importlib.util.find_spec(module)
    return Path(spec.origin) if spec and spec.origin and spec.has_location else None


T = TypeVar("T")


class Referred(Generic[T]):
    """A dataclass's field that is given a value or a reference to it, and gives the value.

    What is referred to is imported when it is asked for, so that a card can be read without the libraries that
    its functions run on.
    """

    def __init__(self, *default: T | str) -> None:
        self.default = default

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, instance: None, owner: type) -> T: ...
    @overload
    def __get__(self, instance: object, owner: type) -> T: ...
    def __get__(self, instance: object | None, owner: type) -> Any:
        if instance is None:
            # A dataclass asks its class for a field's default.
            if not self.default:
                raise AttributeError(self.name)
            return self.default[0]
        given = vars(instance)[self.name]
        return resolve(given) if isinstance(given, str) else given

    def __set__(self, instance: object, value: T | str) -> None:
        vars(instance)[self.name] = value


def given_to(instance: object, name: str) -> Any:
    """What such a field was given: the value or the reference."""
    return vars(instance)[name]


def finding_at(card: str) -> "Finding":
    """The finding that is written down there; a card may hold nothing but a pair. Raises BadInput."""
    found = resolve(card)
    of_card: Finding = getattr(found, "finding", found)
    return of_card


@dataclass(frozen=True)
class Target:
    """A function of a finding, by reference, so that it can be sent to another process."""

    card: str
    """Where the finding's card is, as `module:NAME`."""
    function: str

    @property
    def finding(self) -> "Finding":
        """The finding."""
        return finding_at(self.card)

    @property
    def pair(self) -> "Pair":
        """The pair of twins."""
        return self.finding.pair(self.function)

"""References: names by which one process tells another what it means, `module:NAME`."""

import importlib.util
import pkgutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from speedproof.errors import BadInput
from speedproof.extras import what_is_missing

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
        missing = what_is_missing(error)
        raise BadInput(missing or f"{reference!r} names nothing: {error}. Expected MODULE:NAME.") from error


def file_of(reference: str) -> Path | None:
    """The file of the module that a reference names, which is not imported; None where it has none."""
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

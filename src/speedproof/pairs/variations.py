"""Other values of a pair's arguments: whoever freezes, ignores or builds in an argument is wrong about them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .contract import Inputs

Changed = tuple[Mapping[str, Any], Any]
"""Arguments with their new values, and the reference that knows the answer to them."""
Values = Callable[[Inputs, Any, Any], Iterator[Changed]]
"""Other values of one argument, given inputs, subject and reference; the likeliest to change the answer first."""


@dataclass(frozen=True)
class Variation:
    """How one argument may vary. The first value that changes the answer is asked about."""

    argument: str
    values: Values

    @property
    def name(self) -> str:
        """The trial's name."""
        return f"other {self.argument}"


def plain(argument: str, make: Callable[[Inputs], Sequence[Any]]) -> Variation:
    """Values worked out from the other inputs; the present one is left out."""

    def values(inputs: Inputs, subject: Any, reference: Any) -> Iterator[Changed]:
        return (({argument: value}, reference) for value in make(inputs) if value != inputs[argument])

    return Variation(argument, values)


def numbers(argument: str, *choices: float) -> Variation:
    """Numbers to choose from."""
    return plain(argument, lambda inputs: choices)


def together(changed: Mapping[str, Changed], inputs: Inputs, reference: Any) -> Iterator[Changed]:
    """The inputs with every argument changed at once; then with all but one, which is as before."""
    for without in [None, *(changed if len(changed) > 2 else ())]:
        kept = [one for name, one in changed.items() if name != without]
        # A reference of another model is the one that knows; the rest are told apart by the inputs themselves.
        known = next((knows for _, knows in kept if knows is not reference), reference)
        yield {**inputs, **{name: value for changes, _ in kept for name, value in changes.items()}}, known

"""Plain data that are the same to the last bit."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from speedproof.errors import NotEquivalent
from speedproof.pairs.contract import Allowed, Equivalence, Evidence, Examination, Inputs

from .plain_data import leaves


def answer_of(inputs: Inputs, reference: Any) -> Any:
    """The reference's own answer: the definition's, where the pair has nothing that knows better."""
    return reference(**inputs)


@dataclass(frozen=True)
class Exactly(Equivalence):
    """The same plain data, to the last bit, as `expected` works out from the inputs by itself."""

    expected: Callable[[Inputs, Any], Any] = answer_of
    why: str = ""

    def examine(self, inputs: Inputs, reference: Any, output: Any, allowed: Allowed) -> Examination:
        """Leaf by leaf; types count."""
        expected = leaves(self.expected(inputs, reference))
        try:
            found = leaves(output)
        except NotEquivalent as objection:
            yield objection
            return Evidence(0)
        if not expected:
            yield NotEquivalent("informative", "the check is invalid: the expected output is empty.")
        for place in [*expected, *found]:
            if (place in expected) != (place in found):
                yield NotEquivalent("shape", _differs(place, found, expected))
            elif expected[place][0] != found[place][0]:
                yield NotEquivalent("type", _differs(place, found, expected))
            elif expected[place] != found[place]:
                rule = "shape" if place.endswith(("length", "keys")) else "exact"
                yield NotEquivalent(rule, _differs(place, found, expected))
        return Evidence(len(expected))


def _differs(place: str, found: Mapping[str, tuple[str, Any]], expected: Mapping[str, tuple[str, Any]]) -> str:
    def told(side: Mapping[str, tuple[str, Any]]) -> str:
        return f"{side[place][1]!r} ({side[place][0]})" if place in side else "nothing"

    return f"{place or 'output'}: {told(found)}, expected {told(expected)}."

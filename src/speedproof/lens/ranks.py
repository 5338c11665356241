"""Ranked lists as answers: entries, values and order, with ties and with values that hang on a close decision."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from speedproof.errors import NotEquivalent
from speedproof.pairs.contract import Allowed, Equivalence, Evidence, Examination, Inputs
from speedproof.tensors.rounding import rounding_bound
from speedproof.wording import with_article

from .oracle import Oracle


@dataclass(frozen=True)
class Ranked:
    """One ranked list inside an output: what was listed, and the range in which each possible entry's value may lie.

    An entry that may not be listed has `high` of minus infinity; one that need not be, `low` of minus infinity.
    Entries are listed by (-value, index).
    """

    name: str
    listed: Sequence[tuple[int, float]]
    low: Tensor
    high: Tensor
    top_k: int
    n_in_band: int = 0
    """Entries whose value hangs on a decision too close to call."""

    def objections(self) -> Iterator[NotEquivalent]:
        """One for each rule that the list breaks."""
        indices = [index for index, _ in self.listed]
        if len(set(indices)) != len(indices) or not all(type(i) is int and 0 <= i < len(self.low) for i in indices):
            shown = f"entries {indices} are not distinct indices below {len(self.low)}"
            yield NotEquivalent("entries", f"{self.name}: {shown}.")
            return
        must = int((self.low > -math.inf).sum())
        if not min(self.top_k, must) <= len(indices) <= self.top_k:
            yield NotEquivalent("entries", f"{self.name}: {len(indices)} entries, expected {min(self.top_k, must)}.")
        for index, value in self.listed:
            if type(value) not in (int, float):
                kind = with_article(type(value).__name__)
                yield NotEquivalent("type", f"{self.name}: entry {index} has {kind} for a value.")
                return
            if not self.low[index] <= value <= self.high[index] and not self._optional(index, value):
                expected = f"{self.low[index].item():.6g} to {self.high[index].item():.6g}"
                yield NotEquivalent("value", f"{self.name}: entry {index} has value {value:.6g}, expected {expected}.")
        if list(self.listed) != sorted(self.listed, key=lambda entry: (-entry[1], entry[0])):
            shown = f"entries are not in order of (-value, index): {list(self.listed)}"
            yield NotEquivalent("order", f"{self.name}: {shown}.")
        yield from self._left_out(indices)

    def _optional(self, index: int, value: float) -> bool:
        return bool(self.low[index] == -math.inf and value <= self.high[index])

    def _left_out(self, indices: Sequence[int]) -> Iterator[NotEquivalent]:
        if not self.top_k:
            return
        unlisted = self.low.clone()
        unlisted[list(indices)] = -math.inf
        if not len(unlisted) or unlisted.max() == -math.inf:
            return
        best = int((unlisted == unlisted.max()).nonzero()[0])
        last_index, last_value = self.listed[-1] if self.listed else (-1, -math.inf)
        beats = unlisted[best] > last_value or (unlisted[best] == last_value and best < last_index)
        if len(indices) < self.top_k or beats:
            yield NotEquivalent(
                "entries",
                f"{self.name}: entry {best} with at least {unlisted[best].item():.6g} is left out; "
                f"the last one listed is {last_index} with {last_value:.6g}.",
            )


@dataclass(frozen=True)
class Number:
    """A floating-point number in an output, what it should be, and what its error is a share of."""

    found: float
    expected: float
    scale: float
    where: str

    @property
    def error(self) -> float:
        """As a share of the scale."""
        return abs(self.found - self.expected) / self.scale


@dataclass(frozen=True)
class SameRanks(Equivalence):
    """Ranked lists whose values lie in the oracle's ranges; `ranks` and `numbers` read them out of the output."""

    ranks: Callable[[Inputs, Oracle, Any, float], Sequence[Ranked]]
    numbers: Callable[[Inputs, Oracle, Any, float], Sequence[Number]]
    form: Callable[[Inputs], Any]
    why: str

    def examine(self, inputs: Inputs, reference: Oracle, output: Any, allowed: Allowed) -> Examination:
        """Form, then numbers, then ranks."""
        try:
            require_form(output, self.form(inputs))
            numbers = self.numbers(inputs, reference, output, allowed["element"])
        except NotEquivalent as objection:
            yield objection
            return Evidence(0)
        for number in numbers:
            if not number.error <= allowed["element"]:
                shown = f"{number.where}: {number.found:.6g} vs {number.expected:.6g}"
                limit = allowed["element"] * number.scale
                excess = number.error / allowed["element"] if math.isfinite(number.error) else math.inf
                yield NotEquivalent("element", f"{shown} (allowed {limit:.2g}).", excess)
        ranks = self.ranks(inputs, reference, output, allowed["element"])
        if not any((rank.low > -math.inf).any() for rank in ranks):
            yield NotEquivalent("informative", "the check is invalid: no list has an entry that must be there.")
        for rank in ranks:
            yield from rank.objections()
        worst = max(numbers, key=lambda number: number.error, default=None)
        worst_at = f"{worst.where}: {worst.found:.6g} vs {worst.expected:.6g}" if worst else ""
        n_in_band = sum(rank.n_in_band for rank in ranks)
        n_compared = len(numbers) + sum(len(rank.low) for rank in ranks) - n_in_band
        return Evidence(n_compared, {"element": worst.error if worst else 0.0}, worst_at, n_in_band)

    def floor(self, subject: Any) -> Allowed:
        """What rounding may do to a listed value."""
        return rounding_bound(subject)


@dataclass(frozen=True)
class ListOf:
    """A list of named tuples whose values have these types."""

    types: tuple[type, ...]


def require_form(output: Any, form: Any) -> None:
    """Raises NotEquivalent unless `output` is built like `form`: a type, a `ListOf`, or names of a table's columns."""
    if isinstance(form, tuple):
        columns = getattr(output, "columns", None)
        if type(columns) is not dict or tuple(columns) != form:
            raise NotEquivalent("shape", f"output has columns {list(columns or ())}, expected {list(form)}.")
    elif isinstance(form, type):
        if type(output) is not form:
            told = f"output holds {output!r:.80} of type {type(output).__name__}"
            raise NotEquivalent("type", f"{told}, expected {with_article(form.__name__)}.")
    elif isinstance(form, ListOf):
        _require_list(output, form)


def _require_list(output: Any, form: ListOf) -> None:
    if type(output) is not list:
        raise NotEquivalent("type", f"output is a {type(output).__name__}, expected a list.")
    for item in output:
        if not isinstance(item, tuple) or len(item) != len(form.types):
            raise NotEquivalent("shape", f"output holds {item!r:.80}, expected {len(form.types)} values.")
        for value, kind in zip(item, form.types, strict=True):
            require_form(value, kind)

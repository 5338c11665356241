"""When two outputs are the same answer. Each equivalence is a value with one method that raises.

Floating point is held against the oracle, relative to the output's own scale, within an allowed error that comes from
the definition's error and a rounding bound (`certificate.py`). Whatever is discrete is exact, except where the oracle
itself lies closer to a threshold or to a tie than the allowed error: there either side is right, and the evidence
says how often that happened. Every check fails closed.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import PurePath
from typing import Any, Protocol

import torch
from torch import Tensor

from .errors import NotEquivalent
from .oracle import Oracle

Inputs = Mapping[str, Any]
"""Keyword arguments of one call of a twin."""
Allowed = Mapping[str, float]
"""Largest error per measure, each a share of the output's scale."""
METRICS = ("element", "length", "direction")
TINY = 1e-300
"""Keeps a division by an all-zero row from being one; smaller than any activation that float32 can hold."""


@dataclass(frozen=True)
class Evidence:
    """What a check saw: how much was compared, how far off the worst was, and where.

    `worst_errors` are shares of the output's scale, by measure (element, length, direction); `n_in_band` counts the
    decisions that were too close to call.
    """

    n_compared: int
    worst_errors: Mapping[str, float] = field(default_factory=dict)
    worst_at: str = ""
    n_in_band: int = 0


class Equivalence(Protocol):
    """The contract between twins' outputs."""

    @property
    def why(self) -> str:
        """Why equal does not mean bitwise equal; empty where it does, and then nothing is allowed."""
        ...

    def check(self, inputs: Inputs, oracle: Oracle, output: Any, allowed: Allowed) -> Evidence:
        """What was seen. Raises NotEquivalent where `output` is not the answer within `allowed`, or is no answer."""
        ...


@dataclass(frozen=True)
class SameRows:
    """A tensor with one row per text, each within `allowed` of the oracle's, in worst element, size and direction."""

    expected: Callable[[Inputs, Oracle], Tensor]
    why: str

    def check(self, inputs: Inputs, oracle: Oracle, output: Any, allowed: Allowed) -> Evidence:
        reference = self.expected(inputs, oracle)
        dtype = getattr(torch, oracle.subject.dtype)
        _require_tensor(output, reference.shape, dtype)
        scale = row_scale(reference)
        _require_informative(reference, scale, allowed["element"], inputs["texts"])
        errors = _row_errors(output.detach().double(), reference, scale)
        element = errors["element"]
        wrong = torch.stack([errors[metric] > allowed[metric] for metric in errors]).any(dim=0)
        row = int(element.argmax())
        column = int((output[row].double() - reference[row]).abs().argmax())
        place = f"text {row} {_shown(inputs['texts'][row])}, column {column}"
        values = f"{output[row, column].item():.6g} vs {reference[row, column].item():.6g}"
        if wrong.any():
            limit = allowed["element"] * scale[row].item()
            beyond = [metric for metric in errors if (errors[metric] > allowed[metric]).any()]
            raise NotEquivalent(
                f"differs in {int(wrong.sum())} of {len(wrong)} rows, by {', '.join(beyond)}. "
                f"Worst: {place}: {values} (allowed {limit:.2g})."
            )
        worst = {metric: float(values.max()) for metric, values in errors.items()}
        return Evidence(reference.numel(), worst, f"{place}: {values}")


def _row_errors(candidate: Tensor, reference: Tensor, scale: Tensor) -> dict[str, Tensor]:
    """Per row, as shares: the worst element's error, the length's, and the direction's. Each alone hides faults."""
    length, true_length = candidate.norm(dim=1), reference.norm(dim=1)
    silent = true_length == 0
    direction = candidate / length.clamp_min(TINY)[:, None] - reference / true_length.clamp_min(TINY)[:, None]
    return {
        "element": ((candidate - reference).abs() / scale).amax(dim=1),
        "length": torch.where(silent, 0.0, (length - true_length).abs() / true_length.clamp_min(TINY)),
        "direction": torch.where(silent, 0.0, direction.norm(dim=1)),
    }


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

    def check(self) -> None:
        """Raises NotEquivalent unless the list is a right answer."""
        indices = [index for index, _ in self.listed]
        if len(set(indices)) != len(indices) or not all(type(i) is int and 0 <= i < len(self.low) for i in indices):
            raise NotEquivalent(f"{self.name}: entries {indices} are not distinct indices below {len(self.low)}.")
        must = int((self.low > -math.inf).sum())
        if not min(self.top_k, must) <= len(indices) <= self.top_k:
            raise NotEquivalent(f"{self.name}: {len(indices)} entries, expected {min(self.top_k, must)}.")
        for index, value in self.listed:
            if type(value) not in (int, float):
                raise NotEquivalent(f"{self.name}: entry {index} has a {type(value).__name__} for a value.")
            if not self.low[index] <= value <= self.high[index] and not self._optional(index, value):
                expected = f"{self.low[index].item():.6g} to {self.high[index].item():.6g}"
                raise NotEquivalent(f"{self.name}: entry {index} has value {value:.6g}, expected {expected}.")
        if list(self.listed) != sorted(self.listed, key=lambda entry: (-entry[1], entry[0])):
            raise NotEquivalent(f"{self.name}: entries are not in order of (-value, index): {list(self.listed)}.")
        self._require_nothing_left_out(indices)

    def _optional(self, index: int, value: float) -> bool:
        return bool(self.low[index] == -math.inf and value <= self.high[index])

    def _require_nothing_left_out(self, indices: Sequence[int]) -> None:
        unlisted = self.low.clone()
        unlisted[list(indices)] = -math.inf
        if not len(unlisted) or unlisted.max() == -math.inf:
            return
        best = int((unlisted == unlisted.max()).nonzero()[0])
        last_index, last_value = self.listed[-1] if self.listed else (-1, -math.inf)
        beats = unlisted[best] > last_value or (unlisted[best] == last_value and best < last_index)
        if len(indices) < self.top_k or beats:
            raise NotEquivalent(
                f"{self.name}: entry {best} with at least {unlisted[best].item():.6g} is left out; "
                f"the last one listed is {last_index} with {last_value:.6g}."
            )


@dataclass(frozen=True)
class SameRanks:
    """Ranked lists whose values lie in the oracle's ranges; `ranks` reads them out of the output.

    `floats` gives (found, expected, scale, where) for every floating-point number in the output.
    """

    ranks: Callable[[Inputs, Oracle, Any, float], Sequence[Ranked]]
    floats: Callable[[Inputs, Oracle, Any], Sequence[tuple[float, float, float, str]]]
    shape: Callable[[Inputs], Any]
    why: str

    def check(self, inputs: Inputs, oracle: Oracle, output: Any, allowed: Allowed) -> Evidence:
        require_form(output, self.shape(inputs))
        worst, worst_at = 0.0, ""
        numbers = self.floats(inputs, oracle, output)
        for found, expected, scale, where in numbers:
            error = abs(found - expected) / scale
            if not error <= allowed["element"]:
                limit = allowed["element"] * scale
                raise NotEquivalent(f"{where}: {found:.6g} vs {expected:.6g} (allowed {limit:.2g}).")
            if error >= worst:
                worst, worst_at = error, f"{where}: {found:.6g} vs {expected:.6g}"
        ranks = self.ranks(inputs, oracle, output, allowed["element"])
        for rank in ranks:
            rank.check()
        n_in_band = sum(rank.n_in_band for rank in ranks)
        n_compared = len(numbers) + sum(len(rank.low) for rank in ranks)
        if not n_compared:
            raise NotEquivalent("nothing was compared: the output is empty.")
        return Evidence(n_compared, {"element": worst}, worst_at, n_in_band)


@dataclass(frozen=True)
class Exactly:
    """The same plain data, to the last bit, as `expected` works out from the inputs by itself."""

    expected: Callable[[Inputs, Oracle], Any]
    why: str = ""

    def check(self, inputs: Inputs, oracle: Oracle, output: Any, allowed: Allowed) -> Evidence:
        expected, found = leaves(self.expected(inputs, oracle)), leaves(output)
        if not expected:
            raise NotEquivalent("nothing was compared: the expected output is empty.")
        for place in [*expected, *found]:
            if expected.get(place) != found.get(place) or (place in expected) != (place in found):
                raise NotEquivalent(f"{place or 'output'}: {_told(found, place)}, expected {_told(expected, place)}.")
        return Evidence(len(expected))


def count_range(
    features: Tensor, threshold: float, allowed: float, scale: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Fewest and most rows on which each column may be found above the threshold. Two tensors of shape [column]."""
    band = allowed * (row_scale(features) if scale is None else scale)
    low, high = (features > threshold + band).sum(dim=0), (features > threshold - band).sum(dim=0)
    return low.double(), high.double()


def row_scale(reference: Tensor) -> Tensor:
    """What errors are shares of: each row's largest element, but no less than the mean row's. Shape [row, 1]."""
    largest = reference.abs().amax(dim=1, keepdim=True)
    return torch.maximum(largest, largest.mean()).clamp_min(TINY)


def leaves(value: Any, place: str = "") -> dict[str, tuple[str, Any]]:
    """Plain data as place -> (type, value), so that nothing depends on the data's own idea of equality.

    Tuples that carry names, and frozen dataclasses, count as their fields.
    """
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        value = {name: tuple.__getitem__(value, i) for i, name in enumerate(value._fields)}
    elif is_dataclass(value) and not isinstance(value, type):
        value = {field.name: getattr(value, field.name) for field in fields(value)}
    if type(value) is dict:
        order: dict[str, tuple[str, Any]] = {f"{place} keys".strip(): ("dict", [str(key) for key in value])}
        return order | {k: v for key, item in value.items() for k, v in leaves(item, f"{place}[{key!r}]").items()}
    if type(value) in (list, tuple):
        size: dict[str, tuple[str, Any]] = {f"{place} length".strip(): (type(value).__name__, len(value))}
        return size | {k: v for i, item in enumerate(value) for k, v in leaves(item, f"{place}[{i}]").items()}
    if isinstance(value, PurePath):
        return {place: ("path", str(value))}
    if type(value) not in (int, float, bool, str, type(None)):
        raise NotEquivalent(f"{place or 'output'} is of type {type(value).__name__}, expected plain data.")
    if type(value) is float and not math.isfinite(value):
        raise NotEquivalent(f"{place or 'output'} is {value}.")
    return {place: (type(value).__name__, value)}


def require_form(output: Any, form: Any) -> None:
    """Raises NotEquivalent unless `output` is built like `form`, a nested example whose leaves are types."""
    if isinstance(form, tuple):
        columns = getattr(output, "columns", None)
        if type(columns) is not dict or tuple(columns) != form:
            raise NotEquivalent(f"output has columns {list(columns or ())}, expected {list(form)}.")
    elif isinstance(form, type):
        if type(output) is not form or (isinstance(output, float) and not math.isfinite(output)):
            raise NotEquivalent(
                f"output holds {output!r:.80} of type {type(output).__name__}, expected a {form.__name__}."
            )
    elif isinstance(form, ListOf):
        if type(output) is not list:
            raise NotEquivalent(f"output is a {type(output).__name__}, expected a list.")
        for item in output:
            if not isinstance(item, tuple) or len(item) != len(form.types):
                raise NotEquivalent(f"output holds {item!r:.80}, expected {len(form.types)} values.")
            for value, kind in zip(item, form.types, strict=True):
                require_form(value, kind)


@dataclass(frozen=True)
class ListOf:
    """A list of named tuples whose values have these types."""

    types: tuple[type, ...]


def _require_tensor(output: Any, shape: torch.Size, dtype: torch.dtype) -> None:
    # A subclass could answer comparisons as it likes.
    if type(output) is not Tensor:
        raise NotEquivalent(f"output is a {type(output).__name__}, expected a torch.Tensor.")
    if output.shape != shape or output.dtype != dtype:
        expected = f"{tuple(shape)} {dtype}"
        raise NotEquivalent(f"output is {tuple(output.shape)} {output.dtype}, expected {expected}.")
    if not output.isfinite().all():
        raise NotEquivalent(f"output holds {int((~output.isfinite()).sum())} elements that are not finite.")


def _require_informative(reference: Tensor, scale: Tensor, allowed: float, texts: Sequence[str]) -> None:
    """A tolerance may not swallow the output: an answer that hardly depends on the text proves nothing."""
    if not reference.numel():
        raise NotEquivalent("nothing was compared: the output is empty.")
    spread = ((reference.amax(dim=0) - reference.amin(dim=0)) / scale.mean()).max()
    if len(set(texts)) > 1 and not spread > SPREAD * allowed:
        raise NotEquivalent(
            f"the check is invalid: outputs of different texts differ by {spread:.2g} of their scale, the allowed "
            f"error is {allowed:.2g}. Choose a workload or an SAE on which the output depends on the text."
        )


SPREAD = 10.0
"""Times the allowed error by which outputs of different texts must differ, so that a mix-up cannot pass as rounding."""


def _told(found: Mapping[str, tuple[str, Any]], place: str) -> str:
    return f"{found[place][1]!r} ({found[place][0]})" if place in found else "nothing"


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:37] + "...")

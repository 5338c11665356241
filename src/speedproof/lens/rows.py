"""Rows of floating-point numbers that are the same answer.

They are held against the oracle, relative to the output's own scale, within an allowed error that comes from the
definition's error and a rounding bound. Which features fire is exact, except where the oracle itself lies closer to a
threshold than the allowed error: there either side is right, and the evidence says how often that happened.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from speedproof.errors import NotEquivalent
from speedproof.pairs.contract import TELLING_DISTANCE, Allowed, Equivalence, Evidence, Examination, Inputs
from speedproof.tensors.rounding import METRICS, rounding_bound
from speedproof.wording import with_article

from .diagnosis import pattern
from .features import TINY, Features, row_scale
from .oracle import Oracle
from .subject import Subject


@dataclass(frozen=True)
class SameRows(Equivalence):
    """A tensor with one row per text, each within `allowed` of the oracle's, in worst element, size and direction."""

    expected: Callable[[Inputs, Oracle], Tensor | Features]
    why: str

    def examine(self, inputs: Inputs, reference: Oracle, output: Any, allowed: Allowed) -> Examination:
        """Rows, and for features also which of them fire."""
        expected = self.expected(inputs, reference)
        values = expected.values if isinstance(expected, Features) else expected
        if objection := _not_a_tensor_like(output, values, reference.subject):
            yield objection
            return Evidence(0)
        # A hook that has one vector per head gives rows of rows.
        output, values = output.detach().cpu().flatten(1), values.flatten(1)
        found = output.double()
        undecided, spread = torch.zeros_like(values, dtype=torch.bool), torch.zeros_like(values[:, :1])
        if isinstance(expected, Features):
            undecided, spread = expected.undecided(allowed["element"]), expected.spread
            values = expected.nearest(found, allowed["element"])
        scale = torch.maximum(row_scale(values), spread)
        if objection := _uninformative(values, scale, undecided, allowed["element"], inputs["texts"]):
            yield objection
        name = _Namer(inputs, output, values, scale)
        errors = _row_errors(found, values, scale, spread)
        for metric in METRICS:
            # A NaN is not within anything.
            wrong = ~(errors[metric] <= allowed[metric])
            if wrong.any():
                yield NotEquivalent(
                    metric,
                    name.differs(metric, wrong, errors[metric], allowed),
                    _excess(errors[metric], allowed[metric]),
                )
        if isinstance(expected, Features):
            yield from _firing(found, expected, undecided, name)
        worst = {metric: float(errors[metric].max()) for metric in METRICS}
        n_undecided = int(undecided.sum())
        return Evidence(values.numel() - n_undecided, worst, name.worst(errors["element"]), n_undecided)

    def floor(self, subject: Any) -> Allowed:
        """What rounding may do to a row."""
        return rounding_bound(subject)

    def diagnose(self, inputs: Inputs, reference: Oracle, output: Any, allowed: Allowed) -> str:
        """The pattern in a wrong output of rows."""
        expected = self.expected(inputs, reference)
        right = expected.values if isinstance(expected, Features) else expected
        return pattern(inputs, output, right, allowed["element"], reference.subject)


def _row_errors(candidate: Tensor, reference: Tensor, scale: Tensor, spread: Tensor) -> dict[str, Tensor]:
    """Per row, as shares: the worst element's error, the length's, and the direction's. Each alone hides faults.

    A row that is shorter than its pre-activations spread is what little of them passed the threshold. It is no more
    exact than they are, so its length's and direction's errors are shares of that spread.
    """
    length, true_length = candidate.norm(dim=1), reference.norm(dim=1)
    silent, least = true_length == 0, torch.maximum(true_length, spread[:, 0]).clamp_min(TINY)
    direction = candidate / length.clamp_min(TINY)[:, None] - reference / true_length.clamp_min(TINY)[:, None]
    return {
        "element": ((candidate - reference).abs() / scale).amax(dim=1),
        "length": torch.where(silent, 0.0, (length - true_length).abs() / least),
        "direction": torch.where(silent, 0.0, direction.norm(dim=1) * (true_length / least)),
    }


def _firing(found: Tensor, expected: Features, undecided: Tensor, name: "_Namer") -> Examination:
    wrong = ((found != 0) != (expected.values != 0)) & ~undecided
    if wrong.any():
        row, column = (int(i) for i in wrong.nonzero()[0])
        fires = "fires" if found[row, column] else "is silent"
        yield NotEquivalent(
            "firing",
            f"fires differently in {int(wrong.any(dim=1).sum())} of {len(wrong)} rows, {int(wrong.sum())} features in "
            f"all. First: {name.place(row, column)} {fires} with {found[row, column].item():.3g}, and lies "
            f"{expected.margin[row, column].item():.2g} from the threshold.",
        )
    return Evidence(0)


@dataclass(frozen=True)
class _Namer:
    """Names a place in the output in the user's terms: text, last token, feature."""

    inputs: Inputs
    output: Tensor
    reference: Tensor
    scale: Tensor

    def place(self, row: int, column: int) -> str:
        text = self.inputs["texts"][row]
        model = self.inputs.get("model")
        token = f", token {model.tokenizer.decode(model.to_tokens(text)[0, -1:])!r}" if model is not None else ""
        return f"text {row} {_shown(text)}{token}, {'feature' if 'sae' in self.inputs else 'dimension'} {column}"

    def worst(self, errors: Tensor) -> str:
        """The worst element of the worst row, with what was found and expected there."""
        row = int(errors.nan_to_num(torch.inf).argmax())
        distance = (self.output[row].double() - self.reference[row]).abs().nan_to_num(torch.inf)
        column = int(distance.argmax())
        found, expected = self.output[row, column].item(), self.reference[row, column].item()
        return f"{self.place(row, column)}: {found:.6g} vs {expected:.6g}"

    def differs(self, metric: str, wrong: Tensor, errors: Tensor, allowed: Allowed) -> str:
        row = int(errors.nan_to_num(torch.inf).argmax())
        limit = f"allowed {allowed['element'] * self.scale[row].item():.2g}"
        if metric != "element":
            limit = f"the row's {metric} is off by a share of {errors[row].item():.2g}, allowed {allowed[metric]:.2g}"
        n_infinite = int((~self.output.isfinite()).sum())
        not_finite = f", {n_infinite} elements are not finite" if n_infinite else ""
        return (
            f"differs in {int(wrong.sum())} of {len(wrong)} rows, by {metric}{not_finite}. Worst: {self.worst(errors)} "
            f"({limit})."
        )


def _excess(errors: Tensor, allowed: float) -> float:
    """The largest error as a multiple of what is allowed; infinite where it is not a number or nothing is allowed."""
    return float(errors.nan_to_num(torch.inf).max()) / allowed if allowed else torch.inf


def _not_a_tensor_like(output: Any, values: Tensor, subject: Subject) -> NotEquivalent | None:
    # A subclass could answer comparisons as it likes.
    if type(output) is not Tensor:
        return NotEquivalent("type", f"output is {with_article(type(output).__name__)}, expected a torch.Tensor.")
    if output.shape != values.shape:
        return NotEquivalent("shape", f"output is {tuple(output.shape)}, expected {tuple(values.shape)}.")
    if output.dtype != (dtype := getattr(torch, subject.dtype)):
        return NotEquivalent("dtype", f"output is {output.dtype}, expected {dtype}.")
    if output.device.type != subject.device:
        return NotEquivalent("type", f"output is on the device {output.device}, expected {subject.device}.")
    return None


def _uninformative(
    values: Tensor, scale: Tensor, undecided: Tensor, allowed: float, texts: Sequence[str]
) -> NotEquivalent | None:
    """A tolerance may not swallow the output: an answer that hardly depends on the text proves nothing."""
    if not (~undecided).any():
        return NotEquivalent("informative", "the check is invalid: nothing was compared.")
    spread = ((values.amax(dim=0) - values.amin(dim=0)) / scale.mean()).max()
    if len(set(texts)) > 1 and not spread > TELLING_DISTANCE * allowed:
        return NotEquivalent(
            "informative",
            f"the check is invalid: outputs of different texts differ by {spread:.2g} of their scale, the allowed "
            f"error is {allowed:.2g}. Choose a workload or an SAE on which the output depends on the text.",
        )
    return None


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:37] + "...")

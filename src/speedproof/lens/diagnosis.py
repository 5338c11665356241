"""What a wrong output looks like, in the user's words. Patterns are tried in order; the first that fits is told."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from speedproof.pairs.contract import TELLING_DISTANCE, Inputs
from speedproof.tensors.rounding import unit_roundoff
from speedproof.wording import some

from .features import TINY, row_scale

N_LOOKED_AT = 12
"""Rows examined token by token; a pattern that holds holds in a dozen."""


@torch.no_grad()
def pattern(inputs: Inputs, output: Any, reference: Tensor, close: float, subject: Any) -> str:
    """The pattern in a wrong output of rows, or an empty string. `close` is the error allowed, as a share."""
    if type(output) is not Tensor or output.ndim != 2 or output.shape[1:] != reference.shape[1:] or not len(output):
        return ""
    if output.device.type != subject.device:
        return ""
    wrong = _Wrong(inputs, output.detach().cpu().double(), reference, close, subject.d_model**0.5)
    return next((told for shows in PATTERNS if (told := shows(wrong))), "")


@dataclass(frozen=True)
class _Wrong:
    """A wrong output beside the right one. `close` is the allowed error, as a share of a row's scale."""

    inputs: Inputs
    output: Tensor
    reference: Tensor
    close: float
    root_length: float

    @property
    def same_rows(self) -> bool:
        return len(self.output) == len(self.reference)

    @property
    def errors(self) -> Tensor:
        """Per row, the worst element as a share of the row's scale."""
        return ((self.output - self.reference).abs() / row_scale(self.reference)).amax(dim=1)


def _rows_missing(wrong: _Wrong) -> str:
    if wrong.same_rows:
        return ""
    n_equal = len(set(wrong.inputs["texts"]))
    merged = f"; {n_equal} texts are different" if n_equal == len(wrong.output) else ""
    return f"It gave {some(len(wrong.output), 'row')} for {some(len(wrong.reference), 'text')}{merged}."


def _zero_rows(wrong: _Wrong) -> str:
    is_zero = (wrong.output == 0).all(dim=1) & (wrong.reference != 0).any(dim=1)
    rows = is_zero.nonzero().flatten().tolist()
    if not rows or (wrong.errors > wrong.close).sum() != len(rows):
        return ""
    is_last = rows == list(range(len(wrong.output) - len(rows), len(wrong.output)))
    return f"All {len(rows)} rows of the last batch are zero." if is_last else f"Rows {rows[:5]} are all zero."


def _another_order(wrong: _Wrong) -> str:
    scale = row_scale(wrong.reference).max()
    distance = torch.cdist(wrong.output, wrong.reference, p=torch.inf) / scale
    nearest, holds = distance.min(dim=1)
    is_own = wrong.errors <= wrong.close
    if (nearest > TELLING_DISTANCE * wrong.close).any() or is_own.all():
        return ""
    first = int((~is_own).nonzero()[0])
    if int(holds[first]) == first:
        return ""
    right = "the right ones in another order" if len(set(holds.tolist())) == len(holds) else "rows of other texts"
    return f"The rows are {right}: row {first} holds that of text {int(holds[first])}."


def _constant_factor(wrong: _Wrong) -> str:
    factors = (wrong.output * wrong.reference).sum(dim=1) / (wrong.reference**2).sum(dim=1).clamp_min(TINY)
    factor = float(factors.median())
    rest = (wrong.output - factor * wrong.reference).abs() / row_scale(wrong.reference)
    is_telling = factor != 0 and abs(factor - 1) > wrong.close
    if not is_telling or (rest > TELLING_DISTANCE * wrong.close * max(1.0, abs(factor))).any():
        return ""
    return f"Every row is {factor:.7g} times the right one."


def _only_strongest(wrong: _Wrong) -> str:
    is_right = ((wrong.output - wrong.reference).abs() / row_scale(wrong.reference)) <= wrong.close
    if is_right.all() or not (is_right | (wrong.output == 0)).all():
        return ""
    kept = (wrong.output != 0).sum(dim=1)
    if kept.max() == kept.min():
        return f"Each row keeps only its {int(kept.max())} strongest features."
    cut = torch.where(is_right, 0.0, wrong.reference).max()
    return f"Values up to {cut:.3g} are cut to zero, the others are right."


def _rounding(wrong: _Wrong) -> str:
    worst = float(wrong.errors.max())
    for dtype in ("float16", "bfloat16"):
        if worst <= unit_roundoff(dtype) * wrong.root_length:
            return f"The errors are those of {dtype} rounding, in which a product was taken or a result kept."
    return ""


def _which_token(wrong: _Wrong) -> str:
    inputs = wrong.inputs
    if not wrong.same_rows or "hook_name" not in inputs:
        return ""
    longest = max(inputs["model"].to_tokens(text).shape[1] for text in inputs["texts"])
    rows = list(zip(inputs["texts"], wrong.output, strict=True))[:N_LOOKED_AT]
    # Texts shorter than the longest, and of more than two tokens, tell positions apart best.
    seen = Counter(_position(wrong, text, row, longest) for text, row in rows)
    seen.pop("", None)
    seen.pop("the last token", None)
    if not seen:
        return ""
    reads, n_rows = seen.most_common(1)[0]
    return f"{n_rows} of the {len(rows)} rows examined equal the feature of {reads}."


def _position(wrong: _Wrong, text: str, row: Tensor, longest: int) -> str:
    inputs, model = wrong.inputs, wrong.inputs["model"]
    tokens = model.to_tokens(text)
    length = tokens.shape[1]
    pad = torch.full((1, longest - length), model.tokenizer.pad_token_id, device=tokens.device)
    _, cache = model.run_with_cache(
        torch.cat([tokens, pad], dim=1), names_filter=[inputs["hook_name"]], padding_side="right"
    )
    acts = cache[inputs["hook_name"]][0]
    values = (inputs["sae"].encode(acts) if "sae" in inputs else acts).cpu().double()
    distance = (values - row).abs().amax(dim=1) / row_scale(values)[:, 0]
    position = int(distance.argmin())
    # Both sides are rounded here, so they may differ by as much as two right answers may.
    if distance[position] > TELLING_DISTANCE * wrong.close:
        return ""
    if position >= length:
        return "padding after the text"
    names = {length - 1: "the last token", length - 2: "the token before the last", 0: "the first token"}
    return names.get(position, "another token of the text")


PATTERNS: tuple[Callable[[_Wrong], str], ...] = (
    _rows_missing,
    _zero_rows,
    _another_order,
    _constant_factor,
    _only_strongest,
    _rounding,
    _which_token,
)

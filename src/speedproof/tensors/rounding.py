"""Rounding: how far off an answer in floating point may be without anything being wrong with it."""

from typing import Any

import torch

from speedproof.pairs.contract import Allowed

METRICS = ("element", "length", "direction")
"""What is measured of a row. Each alone hides faults."""


def unit_roundoff(dtype: str) -> float:
    """Largest relative error of rounding one number to that type."""
    return float(torch.finfo(getattr(torch, dtype)).eps) / 2


def rounding_bound(subject: Any) -> Allowed:
    """Share of the output's scale that rounding may move it by: u * sqrt(d_model) * (blocks + 1).

    u is the type's unit roundoff. A sum's rounding errors are nearly independent and grow with the square root of its
    length, which for the encoder and most of a block is d_model (Higham and Mary, "A new approach to
    probabilistic rounding error analysis", 2019; Ipsen and Zhou, arXiv:1906.10465). One such error for each block and
    one for the SAE's encoder.
    """
    return dict.fromkeys(METRICS, unit_roundoff(subject.dtype) * subject.d_model**0.5 * (subject.depth + 1))

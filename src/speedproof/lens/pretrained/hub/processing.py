"""How a model's weights are processed, and how those were on which its SAEs were trained."""

import logging
from collections.abc import Mapping
from functools import cache
from typing import Any

from speedproof.errors import BadInput

CENTERED = "center_writing_weights"
FLAGS = ("fold_ln", CENTERED, "center_unembed", "fold_value_biases", "refactor_factored_attn_matrices")
"""What may be done to weights, by TransformerLens's names. An SAE's configuration asks for some of it."""
AS_THEY_ARE: Mapping[str, bool] = dict.fromkeys(FLAGS, False)
PROCESSED: Mapping[str, bool] = {**AS_THEY_ARE, **dict.fromkeys(FLAGS[:4], True)}
"""What HookedTransformer does to weights unless told otherwise, and a bridge in compatibility mode."""
OF_API: Mapping[str, Mapping[str, bool]] = {"": PROCESSED, "raw": AS_THEY_ARE, "hooked": PROCESSED, "cut": AS_THEY_ARE}
"""API behind a folder's name -> what it does to weights."""
CENTERS = ("LN", "LNPre")
"""Kinds of norm before which TransformerLens centres weights. No other norm takes the mean away."""


def asked_by(cfg: Mapping[str, Any]) -> dict[str, bool]:
    """What an SAE's configuration says of its model's weights; nothing where it is silent."""
    key = "model_from_pretrained_kwargs"
    told: Mapping[str, Any] = (cfg.get("metadata") or {}).get(key) or cfg.get(key) or {}
    return {flag: bool(told[flag]) for flag in FLAGS if flag in told}


def asked_by_all(name: str, cfgs: Mapping[str, Mapping[str, Any]]) -> dict[str, bool]:
    """What all SAEs of a subject ask for. Raises BadInput where one asks for other weights than another."""
    first, *others = cfgs
    for other in others:
        if asked_by(cfgs[other]) != asked_by(cfgs[first]):
            raise BadInput(
                f"SAEs {first!r} and {other!r} of subject {name!r} ask for models of other weights: "
                f"{_words(asked_by(cfgs[first]))}, and {_words(asked_by(cfgs[other]))}. Expected the same. Name one of "
                "them alone."
            )
    return asked_by(cfgs[first])


def hook_name_of(cfg: Mapping[str, Any]) -> str:
    """Where an SAE reads. Before its sixth release SAELens wrote that beside the sizes."""
    return str(cfg.get("hook_name") or (cfg.get("metadata") or {})["hook_name"])


def mismatch(asked: Mapping[str, bool], done: Mapping[str, bool], norm: str | None) -> str | None:
    """What the SAEs ask for and the model does not have, in words; None where they match.

    `norm` is TransformerLens's name of the model's kind of norm, where that is known.
    """
    matters = [flag for flag in asked if flag != CENTERED or norm is None or norm in CENTERS]
    if all(asked[flag] == done[flag] for flag in matters):
        return None
    differing = [flag for flag in matters if asked[flag] != done[flag]]
    return f"{_words({f: asked[f] for f in differing})}, and this one has {_words({f: done[f] for f in differing})}"


@cache
def say(line: str) -> None:
    """One line on standard error, once in a process, unless the program that uses us logs otherwise."""
    logging.getLogger("speedproof").warning(line)


def _words(flags: Mapping[str, bool]) -> str:
    return ", ".join(f"{flag}={value}" for flag, value in flags.items()) or "none"

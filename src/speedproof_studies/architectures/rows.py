"""What is shown of the kinds that were tried."""

from collections.abc import Iterable, Sequence

from speedproof.records.base import Body
from speedproof_studies.kinds import Tried

HEAD = ("model", "API", "SAE", "tokenizer", "oracle and Transformers in float64", "proven")
API_WORDS = {
    "": "bridge, compatibility",
    "raw": "bridge, raw",
    "hooked": "HookedTransformer",
    "cut": "Transformers, cut",
}
SAME, ROUNDED = 1e-9, 2e-6
"""Shares of a row's largest number up to which two float64 runs are the same: sums in another order do no more than the
first. Weights that a library processed in float32 are rounded once more, which does no more than the second."""


def newest(bodies: Iterable[Body]) -> list[Tried]:
    """The last record of each, in the order in which they first came."""
    found: dict[tuple[str, ...], Tried] = {}
    for body in bodies:
        if isinstance(body, Tried):
            found[body.model, body.api, body.sae, body.tokenizer] = body
    return [*found.values()]


def rows(tried: Sequence[Tried]) -> list[list[str]]:
    """Of each: what was tried, how far the oracle is from Transformers, which functions are proven."""
    return [[one.model, API_WORDS[one.api], one.sae, one.tokenizer, agreement(one), proven(one)] for one in tried]


def agreement(one: Tried) -> str:
    """By which of the comparisons they are the same, and how nearly."""
    if not one.away:
        return ""
    name, least = min(((name, one.away[name]) for name in ("as told", "less its mean")), key=lambda pair: pair[1])
    how = "same" if least <= SAME else "rounded" if least <= ROUNDED else "DIFFERENT"
    return f"{how}, {name}: {least:.1g}"


def proven(one: Tried) -> str:
    """How many functions got a certificate, and why others got none."""
    if one.unsupported:
        return f"unsupported ({one.unsupported})"
    whys: dict[str, list[str]] = {}
    for function, why in one.refused.items():
        if why:
            whys.setdefault(why, []).append(function)
    told = "".join(f"; {', '.join(functions)}: {why}" for why, functions in whys.items())
    return f"{sum(not why for why in one.refused.values())} of {len(one.refused)}{told}"

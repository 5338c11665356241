"""Wrong twins of finding 4."""

from typing import Any

import impl_batched.feature_links as batched
from bench.findings.feature_links import FINDING
from speedproof.gate.control import Control


def links_without_duplicates(sae_name: str, feature_idxs: list[int]) -> list[str]:
    """Builds each address once."""
    return [f"https://neuronpedia.org/{sae_name}/{i}" for i in sorted(set(feature_idxs))]


def the_other_definition(sae_name: str, feature_idxs: list[int]) -> list[str]:
    """Removes the wrong one of two definitions that had drifted apart."""
    batched.feature_links(sae_name, feature_idxs)
    return [f"https://www.neuronpedia.org/{sae_name}/{i}" for i in feature_idxs]


def links_as_generator(sae_name: str, feature_idxs: list[int]) -> Any:
    """Returns the links lazily."""
    return (link for link in batched.feature_links(sae_name, feature_idxs))


def indices_as_floats(sae_name: str, feature_idxs: list[int]) -> list[str]:
    """Takes indices out of a float tensor."""
    batched.feature_links(sae_name, feature_idxs)
    return [f"https://neuronpedia.org/{sae_name}/{float(i)}" for i in feature_idxs]


def _control(function: Any, why: str, expect: str, only: str = "") -> Control:
    return Control(FINDING, function, why, expect, only=only)


CONTROLS = (
    _control(links_without_duplicates, "one link per feature asked for, in that order", "expected"),
    _control(the_other_definition, "two addresses of one page are two addresses", "expected", "exact"),
    _control(links_as_generator, "a second loop over the links finds none", "is of type generator", "type"),
    _control(indices_as_floats, "there is no page 7.0", "expected", "exact"),
)

"""One function is defined twice. Efficiency report, finding 4, as written there: the inner one shadows the outer."""

from __future__ import annotations

from collections.abc import Sequence


def neuronpedia_link(sae_name: str, feature_idx: int) -> str:
    """Address of a feature's page on Neuronpedia."""
    return f"https://neuronpedia.org/{sae_name}/{feature_idx}"


def feature_links(sae_name: str, feature_idxs: Sequence[int]) -> list[str]:
    """Addresses of the features' pages on Neuronpedia, in the order given.

    Raises:
        IndexError: a negative feature index.
    """

    def neuronpedia_link(sae_name: str, feature_idx: int) -> str:
        """Address of a feature's page on Neuronpedia."""
        return f"https://neuronpedia.org/{sae_name}/{feature_idx}"

    if min(feature_idxs, default=0) < 0:
        raise IndexError(f"feature_idxs: expected no negative index, got {min(feature_idxs)}")
    return [neuronpedia_link(sae_name, feature_idx) for feature_idx in feature_idxs]

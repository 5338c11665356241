"""Wrong twins of finding 4."""

from ..findings.feature_links import FINDING
from .control import Control


def links_without_duplicates(sae_name: str, feature_idxs: list[int]) -> list[str]:
    """Builds each address once."""
    return [f"https://neuronpedia.org/{sae_name}/{i}" for i in sorted(set(feature_idxs))]


CONTROLS = (
    Control(
        FINDING,
        links_without_duplicates,
        why="a list of links has one link per feature asked for, in that order",
        expect="expected",
    ),
)

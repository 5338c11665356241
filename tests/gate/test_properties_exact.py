"""Whatever the texts, categories, links and folders, both twins raise the same, or their exact answers are right.

Each property is held by the batched twin, and the same search finds a plausible wrong function.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bench.findings import find
from tests.search import Twin, raised_by, to_be_broken, to_hold

# Finding 3: features, texts and categories.

LOOKUP = find("category_lookup").pairs[0]
SOME_TEXTS = ("a", "b", "<b>", "", "e\u0301", "\ud83d")


@st.composite
def lookups(draw: st.DrawFn) -> dict[str, Any]:
    """Repeated texts, texts of no category or of two, categories without texts, values on the threshold, ties."""
    texts = draw(st.lists(st.sampled_from(SOME_TEXTS), max_size=8))
    n_rows = len(texts) + draw(st.sampled_from([0, 0, 0, 0, 0, 0, 0, 1, -1])) if texts else 0
    d_sae = draw(st.integers(1, 8))
    values = draw(
        st.lists(st.sampled_from([0.0, 4.5, 5.0, 5.5, 9.0]), min_size=n_rows * d_sae, max_size=n_rows * d_sae)
    )
    members = st.lists(st.sampled_from([*SOME_TEXTS, "absent"]), max_size=5)
    return {
        "features": torch.tensor(values).reshape(n_rows, d_sae),
        "texts": texts,
        "categories": draw(st.dictionaries(st.sampled_from(["x", "y", "z", ""]), members, max_size=4)),
        "threshold": draw(st.sampled_from([5.0, 4.5, 0.0, -1.0, float("inf")])),
    }


def same_specialists(inputs: dict[str, Any], function: Twin) -> None:
    definitions = raised_by(LOOKUP.sequential, inputs)
    assert raised_by(function, inputs) is definitions
    if definitions is None:
        assert list(function(**inputs).items()) == list(LOOKUP.sequential(**inputs).items())


def test_any_categories_have_the_same_specialists() -> None:
    to_hold(300)(given(lookups())(lambda inputs: same_specialists(inputs, LOOKUP.batched)))()


def strong_on_the_threshold(features: Any, texts: Any, categories: Any, threshold: float = 5.0) -> Any:
    return LOOKUP.batched(features, texts, categories, threshold - 1e-6)


def equal_texts_merged(features: Any, texts: Any, categories: Any, threshold: float = 5.0) -> Any:
    row = {text: i for i, text in enumerate(texts)}
    kept = torch.zeros_like(features)
    if len(features) == len(texts):
        kept[list(row.values())] = features[list(row.values())]
    return LOOKUP.batched(kept, texts, categories, threshold)


def absent_categories_left_out(features: Any, texts: Any, categories: Any, threshold: float = 5.0) -> Any:
    found = LOOKUP.batched(features, texts, categories, threshold)
    return {category: specialist for category, specialist in found.items() if specialist}


@pytest.mark.parametrize("wrong", [strong_on_the_threshold, equal_texts_merged, absent_categories_left_out])
def test_a_wrong_lookup_is_found(wrong: Twin) -> None:
    with pytest.raises(AssertionError):
        to_be_broken(300)(given(lookups())(lambda inputs: same_specialists(inputs, wrong)))()


# Finding 4: links.

LINKS = find("feature_links").pairs[0]
LINK_INPUTS = st.fixed_dictionaries(
    {
        "sae_name": st.text() | st.sampled_from(["gpt2-small/8-res-jb", "a/../b?c#d", "\ud83d"]),
        # What no feature has is drawn on purpose: by chance it comes too seldom to be relied on, since what else is
        # imported changes what is drawn.
        "feature_idxs": st.lists(st.integers(0, 30_000) | st.sampled_from([-1, 0]), max_size=6),
    }
)


def same_links(inputs: dict[str, Any], function: Twin) -> None:
    definitions = raised_by(LINKS.sequential, inputs)
    assert raised_by(function, inputs) is definitions
    if definitions is None:
        assert function(**inputs) == LINKS.sequential(**inputs)


def test_any_links_are_the_same() -> None:
    to_hold(300)(given(LINK_INPUTS)(lambda inputs: same_links(inputs, LINKS.batched)))()


def sorted_links(sae_name: str, feature_idxs: Sequence[int]) -> list[str]:
    return LINKS.batched(sae_name, sorted(feature_idxs))


def unchecked_links(sae_name: str, feature_idxs: Sequence[int]) -> list[str]:
    return LINKS.batched(sae_name, [abs(i) for i in feature_idxs])


@pytest.mark.parametrize("wrong", [sorted_links, unchecked_links])
def test_wrong_links_are_found(wrong: Twin) -> None:
    with pytest.raises(AssertionError):
        to_be_broken(300)(given(LINK_INPUTS)(lambda inputs: same_links(inputs, wrong)))()


# Finding 5: folders.

CACHE_CHECK = find("sae_cache").pairs[0]
SAE_PATHS = ("layer_1", "layer_1_768", "layer_[1]", "layer_?", "layer_*", "deep/er/layer_1")
REPOSITORIES = ("models--o--a", "models--o--b", "datasets--o--a")
REVISIONS = ("a" * 40, "b" * 40)


@dataclass(frozen=True)
class Stored:
    """One SAE's folder in a hub cache."""

    repository: str
    revision: str
    sae_path: str
    weights: str
    """A file, a link whose file is gone, or nothing."""
    cfg: bool
    marker: bool
    """A note that the hub has no such file, in the place where the hub keeps these."""

    @property
    def usable(self) -> bool:
        return self.repository.startswith("models--") and self.weights == "file" and self.cfg and not self.marker

    @property
    def plain(self) -> bool:
        """Not one of the definition's listed defects."""
        return self.usable or (self.weights == "none" and not self.marker)

    def folder(self, hub: Path) -> Path:
        below = ".no_exist" if self.marker else "snapshots"
        return hub / self.repository / below / self.revision / self.sae_path

    def write(self, hub: Path) -> None:
        folder = self.folder(hub)
        folder.mkdir(parents=True, exist_ok=True)
        if self.weights == "file":
            (folder / "sae_weights.safetensors").write_text("{}")
        elif self.weights == "dangling":
            (folder / "sae_weights.safetensors").symlink_to(hub / "no such blob")
        if self.cfg:
            (folder / "cfg.json").write_text("{}")


STORED = st.builds(
    Stored,
    st.sampled_from(REPOSITORIES),
    st.sampled_from(REVISIONS),
    st.sampled_from(SAE_PATHS),
    st.sampled_from(["file", "file", "file", "dangling", "none"]),
    st.sampled_from([True, True, True, False]),
    st.sampled_from([False, False, False, True]),
)
TREES = st.lists(STORED, max_size=6, unique_by=lambda s: (s.repository, s.revision, s.sae_path, s.marker))
MAIN = st.dictionaries(st.sampled_from(REPOSITORIES), st.sampled_from([*REVISIONS, "c" * 40]))


def right_folder(stored: list[Stored], main: dict[str, str], sae_path: str) -> Stored | None:
    """The answer, from what was put there: by repository, the revision that refs/main names first."""
    hits = [one for one in stored if one.usable and one.sae_path == sae_path]
    return min(
        hits, key=lambda one: (one.repository, one.revision != main.get(one.repository), one.revision), default=None
    )


def right_about_a_cache(stored: list[Stored], main: dict[str, str], sae_path: str, function: Twin) -> None:
    with TemporaryDirectory() as folder:
        hub, own = Path(folder) / "hub", Path(folder) / "own"
        for one in stored:
            one.write(hub)
        for repository, revision in main.items():
            (hub / repository / "refs").mkdir(parents=True, exist_ok=True)
            (hub / repository / "refs/main").write_text(revision)
        inputs = {"sae_path": sae_path, "sae_lens_cache": own, "hf_cache": hub}
        raised = raised_by(CACHE_CHECK.sequential, inputs)
        assert raised_by(function, inputs) is raised
        if raised is None:
            right = right_folder(stored, main, sae_path)
            found = (True, right.folder(hub)) if right else (False, None)
            assert function(**inputs) == found
            if definition_is_right(stored, sae_path):
                assert CACHE_CHECK.sequential(**inputs) == found


def definition_is_right(stored: list[Stored], sae_path: str) -> bool:
    """Whether none of the listed baseline defects applies: the walk sees one folder at most, and a usable one."""
    near = [one for one in stored if sae_path in one.sae_path and one.weights != "none"]
    return all(one.plain and one.sae_path == sae_path for one in near) and len(near) <= 1


CACHES = (TREES, MAIN, st.sampled_from([*SAE_PATHS, "layer", "", "no/such"]))


def test_any_cache_is_read_rightly() -> None:
    check = given(*CACHES)(lambda stored, main, path: right_about_a_cache(stored, main, path, CACHE_CHECK.batched))
    to_hold(200)(check)()


def named_by_a_pattern(sae_path: str, sae_lens_cache: Path, hf_cache: Path) -> tuple[bool, Path | None]:
    if not sae_path:
        raise ValueError("empty")
    found = sorted(hf_cache.glob(f"models--*/snapshots/*/{sae_path}/sae_weights.safetensors"))
    usable = [path.parent for path in found if path.is_file() and (path.parent / "cfg.json").is_file()]
    return (True, usable[0]) if usable else (False, None)


def weights_are_enough(sae_path: str, sae_lens_cache: Path, hf_cache: Path) -> tuple[bool, Path | None]:
    """The definition's own listed defects."""
    """The definition's own listed defects."""
    return CACHE_CHECK.sequential(sae_path, sae_lens_cache, hf_cache)


def empty_paths_are_a_miss(sae_path: str, sae_lens_cache: Path, hf_cache: Path) -> tuple[bool, Path | None]:
    return CACHE_CHECK.batched(sae_path, sae_lens_cache, hf_cache) if sae_path else (False, None)


@pytest.mark.parametrize("wrong", [named_by_a_pattern, weights_are_enough, empty_paths_are_a_miss])
def test_a_wrong_reading_of_a_cache_is_found(wrong: Twin) -> None:
    check = given(*CACHES)(lambda stored, main, path: right_about_a_cache(stored, main, path, wrong))
    with pytest.raises(AssertionError):
        to_be_broken(300)(check)()

"""Arguments that are frozen, built in, ignored or read wrongly; one trial each finds them."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import impl_batched.category_lookup as lookup
import impl_batched.comparison_table as tables
import impl_batched.feature_links as links
import impl_batched.sae_cache as cache
import impl_batched.text_batching as batched
from bench.findings.category_lookup import FINDING as CATEGORY_LOOKUP
from bench.findings.comparison_table import FINDING as COMPARISON_TABLE
from bench.findings.feature_links import FINDING as FEATURE_LINKS
from bench.findings.sae_cache import FINDING as SAE_CACHE
from bench.findings.text_batching import FINDING
from bench.hub import SAE_PATH
from speedproof.gate.control import Control

_first: dict[Any, Any] = {}


def first_model_kept(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Goes on with the model that it was first given with an SAE."""
    kept, _ = _first.setdefault(("model", id(sae)), (model, sae))
    return batched.extract_features(kept, sae, hook_name, texts)


def first_sae_of_a_hook_kept(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Keeps the SAE that it was first given for an SAE's hook, since there is one for each."""
    key = ("sae", id(model), str(sae.cfg.metadata.hook_name))
    kept, _ = _first.setdefault(key, (sae, model))
    return batched.extract_features(model, kept, hook_name, texts)


def saes_of_the_first_call(
    model: Any, saes: Any, texts: list[str], categories: Any, top_k: int = 5, threshold: float = 5.0
) -> Any:
    """Loads its own SAEs the first time, and no others afterwards."""
    kept, _ = _first.setdefault(("saes", id(model)), (saes, model)) if saes else (saes, model)
    return tables.comparison_table(model, kept, texts, categories, top_k, threshold)


def the_saes_own_hook(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Reads the hook that the SAE was trained on, whatever it is asked for."""
    batched._check(model, hook_name, texts)
    return batched.extract_features(model, sae, str(sae.cfg.metadata.hook_name), texts)


def first_feature_kept(model: Any, sae: Any, hook_name: str, texts: list[str], feature_idx: int) -> Any:
    """A widget that is not refreshed: goes on with the feature of its first call."""
    if not 0 <= feature_idx < sae.cfg.d_sae:
        raise IndexError(f"no feature {feature_idx}")
    kept = _first.setdefault(("feature", sae.cfg.d_sae), feature_idx)
    return batched.explore_feature(model, sae, hook_name, texts, kept)


def ten_features_whatever_is_asked(
    model: Any, sae: Any, hook_name: str, texts: list[str], top_k: int = 10, activation_threshold: float = 5.0
) -> Any:
    """Has the number of features written out."""
    return batched.find_features_for_concept(model, sae, hook_name, texts, 10, activation_threshold)


def threshold_of_the_report(
    model: Any, sae: Any, hook_name: str, texts: list[str], top_k: int = 10, activation_threshold: float = 5.0
) -> Any:
    """Has the report's threshold written out."""
    return batched.find_features_for_concept(model, sae, hook_name, texts, top_k, 5.0)


def tables_threshold_of_the_report(
    model: Any, saes: Any, texts: list[str], categories: Any, top_k: int = 5, threshold: float = 5.0
) -> Any:
    """Has the report's threshold written out."""
    return tables.comparison_table(model, saes, texts, categories, top_k, 5.0)


def members_kept_by_category_name(
    features: Any, texts: list[str], categories: dict[str, list[str]], threshold: float = 5.0
) -> Any:
    """Makes sets of the categories' members once, and finds them again by the categories' names."""
    sets = _first.setdefault(("members", len(texts), *categories), {name: set(m) for name, m in categories.items()})
    return lookup.analyze_specialists(features, texts, {name: list(sets[name]) for name in categories}, threshold)


def links_of_one_release(sae_name: str, feature_idxs: list[int]) -> list[str]:
    """Links into the release that its author works with."""
    return links.feature_links("gpt2-small/8-res-jb", feature_idxs)


def looks_for_one_sae(sae_path: str, sae_lens_cache: Path, hf_cache: Path) -> Any:
    """Looks for the SAE that its author works with."""
    if not sae_path:
        raise ValueError("sae_path is empty")
    return cache.check_sae_cached(SAE_PATH, sae_lens_cache, hf_cache)


def own_folder_beside_the_hub(sae_path: str, sae_lens_cache: Path, hf_cache: Path) -> Any:
    """Takes SAELens's folder to be the one beside the hub's cache."""
    return cache.check_sae_cached(sae_path, hf_cache.parent / "sae_lens", hf_cache)


def hub_beside_the_own_folder(sae_path: str, sae_lens_cache: Path, hf_cache: Path) -> Any:
    """Takes the hub's cache to be the one beside SAELens's folder, where there is one."""
    beside = sae_lens_cache.parent / "hub"
    return cache.check_sae_cached(sae_path, sae_lens_cache, beside if any(beside.iterdir()) else hf_cache)


def by_name_alone(model: Any, *, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Wants its arguments by name, so that nobody mixes them up."""
    return batched.extract_features(model, sae, hook_name, texts)


def other_defaults(
    model: Any, sae: Any, hook_name: str, texts: list[str], top_k: int = 3, activation_threshold: float = 5.0
) -> Any:
    """Lists three features unless it is told otherwise, since more do not fit on a slide."""
    return batched.find_features_for_concept(model, sae, hook_name, texts, top_k, activation_threshold)


def threshold_of_long_lists_alone(
    model: Any, sae: Any, hook_name: str, texts: list[str], top_k: int = 10, activation_threshold: float = 5.0
) -> Any:
    """Has a path for short lists, tuned at the report's threshold."""
    threshold = activation_threshold if top_k >= 10 else 5.0
    return batched.find_features_for_concept(model, sae, hook_name, texts, top_k, threshold)


def texts_stripped(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Takes white space off the ends of texts, as one reads them from a file."""
    return batched.extract_features(
        model, sae, hook_name, texts if isinstance(texts, str) else [t.strip() for t in texts]
    )


def nothing_for_no_texts(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Gives no rows for no texts, which is only logical."""
    if not texts and not isinstance(texts, str):
        return torch.empty(0, sae.cfg.d_sae)
    return batched.extract_features(model, sae, hook_name, texts)


class _Plain(tables.ComparisonTable):
    def to_html(self) -> str:
        return "".join(f"<td>{feature.text}</td>" for c in self.columns.values() for feature in c.strongest)


def html_of_its_own(
    model: Any, saes: Any, texts: list[str], categories: Any, top_k: int = 5, threshold: float = 5.0
) -> Any:
    """Makes simpler HTML, in which a text's own tags count."""
    return _Plain(tables.comparison_table(model, saes, texts, categories, top_k, threshold).columns)


def _control(
    finding: Any, function: Any, why: str, only: str, pair_name: str = "", expect: str = "", workload: str = "smoke"
) -> Control:
    return Control(finding, function, why, expect or f"Trial: {only}", workload, only=only, pair_name=pair_name)


_EXPLORE, _CONCEPT = "explore_feature", "find_features_for_concept"
CONTROLS = (
    _control(FINDING, first_model_kept, "another model has other activations", "other model"),
    _control(FINDING, first_sae_of_a_hook_kept, "a hook has many SAEs", "other sae"),
    _control(COMPARISON_TABLE, saes_of_the_first_call, "the next table is of other SAEs", "other saes"),
    _control(FINDING, the_saes_own_hook, "an SAE may be read at any hook of its width", "other hook_name"),
    _control(FINDING, first_feature_kept, "the next question is about another feature", "other feature_idx", _EXPLORE),
    _control(FINDING, ten_features_whatever_is_asked, "five were asked for", "other top_k", _CONCEPT),
    _control(FINDING, threshold_of_the_report, "another was asked for", "other activation_threshold", _CONCEPT),
    _control(COMPARISON_TABLE, tables_threshold_of_the_report, "another was asked for", "other threshold"),
    _control(CATEGORY_LOOKUP, members_kept_by_category_name, "a category's members may change", "other categories"),
    _control(FEATURE_LINKS, links_of_one_release, "the links lead to other features", "other sae_name"),
    _control(SAE_CACHE, looks_for_one_sae, "another was asked for", "other sae_path"),
    _control(SAE_CACHE, own_folder_beside_the_hub, "the folder may lie anywhere", "other sae_lens_cache"),
    _control(SAE_CACHE, hub_beside_the_own_folder, "the cache may lie anywhere", "other hf_cache"),
    _control(FINDING, by_name_alone, "callers give them in order", "by position"),
    _control(FINDING, other_defaults, "callers leave the defaults to the definition", "defaults left out", _CONCEPT),
    _control(FINDING, threshold_of_long_lists_alone, "both may be asked for at once", "several arguments", _CONCEPT),
    _control(FINDING, texts_stripped, "white space at the ends is tokens", "hostile texts"),
    _control(FINDING, nothing_for_no_texts, "the definition refuses them", "refusals", expect="answers no texts"),
    _control(
        COMPARISON_TABLE,
        html_of_its_own,
        "a text can close a tag, and the page shows other rows",
        "methods",
        expect="to_html() says something else",
    ),
)

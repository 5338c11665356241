"""Inputs for the six findings' functions, as a stranger would write them who knows the functions and not the cards."""

import tempfile
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import torch

from speedproof.lens.subject import Subject, subject_of
from speedproof.pairs.texts import CATEGORIES
from speedproof.pairs.workload import Workload

SAE_PATH = "blocks.8/hook"


@cache
def tiny() -> Subject:
    """The small model with its SAEs, loaded once: a pair's model is the same object in every call."""
    return subject_of(Workload("own", "tiny", 1))


def _texts(size: int, rng: Random) -> list[str]:
    known = [text for texts in CATEGORIES.values() for text in texts]
    return [rng.choice(known) for _ in range(size)]


def of_one_sae(size: int, rng: Random) -> dict[str, Any]:
    """Of `extract_features`."""
    subject = tiny()
    return {"model": subject.model, "sae": subject.sae, "hook_name": subject.hook_name, "texts": _texts(size, rng)}


def of_one_feature(size: int, rng: Random) -> dict[str, Any]:
    """Of `explore_feature`."""
    return {**of_one_sae(size, rng), "feature_idx": rng.randrange(8)}


def of_concept(size: int, rng: Random) -> dict[str, Any]:
    """Of `find_features_for_concept`."""
    return {**of_one_sae(size, rng), "top_k": rng.randrange(1, 20), "activation_threshold": rng.uniform(0, 8)}


def of_saes(size: int, rng: Random) -> dict[str, Any]:
    """Of `comparison_table`."""
    return {"model": tiny().model, "saes": tiny().saes, "texts": _texts(size, rng), "categories": CATEGORIES}


def of_features(size: int, rng: Random) -> dict[str, Any]:
    """Of `analyze_specialists`: features in steps of a half, so that many lie on the threshold."""
    features = torch.tensor([[rng.randrange(25) / 2 for _ in range(12)] for _ in range(size)]).reshape(size, 12)
    threshold = rng.randrange(1, 24) / 2
    return {"features": features, "texts": _texts(size, rng), "categories": CATEGORIES, "threshold": threshold}


def of_links(size: int, rng: Random) -> dict[str, Any]:
    """Of `feature_links`."""
    return {"sae_name": "gpt2-small/8-res-jb", "feature_idxs": [rng.randrange(10**6) for _ in range(size)]}


@cache
def _hub(size: int, has_it: bool) -> Path:
    """A cache of the hub with so many files, and the SAE among them or not."""
    root = Path(tempfile.mkdtemp(prefix="speedproof-hub-"))
    snapshot = root / "hub" / "models--some--saes" / "snapshots" / "abc"
    for n in range(size):
        folder = snapshot / f"other.{n}"
        folder.mkdir(parents=True)
        (folder / "cfg.json").write_text("{}")
    if has_it:
        folder = snapshot / SAE_PATH
        folder.mkdir(parents=True)
        (folder / "sae_weights.safetensors").touch()
        (folder / "cfg.json").write_text("{}")
    (root / "hub").mkdir(exist_ok=True)
    (root / "sae_lens").mkdir()
    return root


def of_hub(size: int, rng: Random) -> dict[str, Any]:
    """Of `check_sae_cached`."""
    root = _hub(size, rng.random() < 0.5)
    return {"sae_path": SAE_PATH, "sae_lens_cache": root / "sae_lens", "hf_cache": root / "hub"}


def of_activations(size: int, rng: Random) -> dict[str, Any]:
    """Of `collect_activations`."""
    return {"model": tiny().model, "hook_name": tiny().hook_name, "texts": _texts(size, rng)}

"""Signs of the software: versions against the tested set, and which pretrained subject could be loaded."""

from collections.abc import Mapping, Sequence
from importlib.metadata import distributions
from pathlib import Path

from packaging.utils import canonicalize_name
from packaging.version import Version

from speedproof.environment import LIBRARIES
from speedproof.folders import ROOT

from .signs import Sign, State, good, judged

CONSTRAINTS = ROOT / "constraints.txt"
MODEL, MODEL_FILES = ("gpt2", "openai-community/gpt2"), ("config.json", "model.safetensors")
"""Names of the pretrained model at the hub, and what of it is loaded."""
SAE_FILES = ("cfg.json", "sae_weights.safetensors")
HUB_TIMEOUT_S = 10.0


def installed_versions() -> dict[str, str]:
    """Version of each installed package, by its canonical name."""
    return {canonicalize_name(one.metadata["Name"]): one.version for one in distributions() if one.metadata["Name"]}


def tested_versions(constraints: Path) -> dict[str, str]:
    """Version of each package in the tested set; nothing where the file is not there."""
    text = constraints.read_text(encoding="utf-8") if constraints.exists() else ""
    pinned = (line.split("==") for line in text.splitlines() if "==" in line and not line.startswith("#"))
    return {canonicalize_name(name.strip()): version.split(";")[0].strip() for name, version in pinned}


def signs_of_versions(installed: Mapping[str, str], tested: Mapping[str, str]) -> list[Sign]:
    """The libraries that move answers or speed, one sign each, and the others together."""
    if not tested:
        return [judged("versions", "no constraints.txt beside the project", "measure in a clone, set up with make")]
    signs = [_sign_of_library(name, installed.get(name), tested.get(name)) for name in LIBRARIES]
    others = [n for n in tested if n not in LIBRARIES and n in installed and not _same(installed[n], tested[n])]
    advice = f"not as tested: {', '.join(sorted(others))}; they move no answers" if others else "as tested"
    return [*signs, good("other packages", advice)]


def signs_of_libraries(installed: Mapping[str, str]) -> list[Sign]:
    """Those of them that are there: who has no findings needs none."""
    return [good(name, installed[name]) for name in LIBRARIES if name in installed]


def signs_of_hub(pretrained: Mapping[str, tuple[str, Sequence[str]]], ask_the_hub: bool) -> list[Sign]:
    """Which pretrained subject the hub's cache holds, and whether the hub answers, if it may be asked.

    Embedded subjects need neither, so nothing here is more than a notice.
    """
    # Other signs do without what this takes seconds to import.
    from sae_lens.loading.pretrained_saes_directory import get_pretrained_saes_directory

    signs = []
    for name, (release, sae_ids) in pretrained.items():
        model = any(_cached(repository, MODEL_FILES) for repository in MODEL)
        repository = get_pretrained_saes_directory()[release].repo_id
        n_saes = sum(_cached(repository, [f"{sae_id}/{file}" for file in SAE_FILES]) for sae_id in sae_ids)
        seen = f"model {'in the cache' if model else 'not in the cache'}, {n_saes} of {len(sae_ids)} SAEs in the cache"
        ready = model and n_saes == len(sae_ids)
        signs.append(good(f"subject {name}", seen if ready else f"{seen}; embedded subjects need none of it"))
    return [*signs, _sign_of_answer()] if ask_the_hub else signs


def _sign_of_library(name: str, here: str | None, tested: str | None) -> Sign:
    if here is None:
        return judged(name, "not installed", "set up with make, or pip install --group ruler -e .", State.FATAL)
    differs = tested is not None and not _same(here, tested)
    return judged(name, here, f"tested with {tested}: figures and answers may differ" * differs)


def _same(one: str, two: str) -> bool:
    """Whether two versions are the same but for a local label such as +cpu."""
    return Version(one).public == Version(two).public


def _cached(repository: str, files: object) -> bool:
    from huggingface_hub import try_to_load_from_cache

    return all(isinstance(try_to_load_from_cache(repository, file), str) for file in files)  # type: ignore[attr-defined]


def _sign_of_answer() -> Sign:
    from huggingface_hub import HfApi

    try:
        HfApi().model_info(MODEL[0], timeout=HUB_TIMEOUT_S)
    except Exception as error:
        return judged("hub", f"no answer ({type(error).__name__})", "pretrained subjects load from the cache alone")
    return good("hub", "answers")

"""Loading what is at the hub, or in its cache: a model's folder, an SAE's configuration, an SAE.

Progress, cache, redirects, tokens and what is taken up again are huggingface_hub's; what lies where, and in which
format, SAELens knows. Here every file is held against the fingerprint that the hub gave it, and nothing is unpickled.
"""

import hashlib
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from speedproof.errors import BadInput
from speedproof.lens.pretrained.model_files import SETTINGS, VOCABULARIES, tensor_shapes

from .names import registry

MODEL_FILES = (*SETTINGS, *VOCABULARIES, "merges.txt", "*.safetensors")
"""Files of a model's repository that are loaded."""
NOT_LOADED = ("*/*", "consolidated*")
"""What of those is another format's, or that of the model's makers."""
ONLY_TENSORS = "TORCH_FORCE_WEIGHTS_ONLY_LOAD"
"""The variable that makes `torch.load` take tensors and refuse everything else, whatever it was called with."""
ANYTHING = "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"
"""The one that asks for the opposite."""
ASKS_FOR_HEADER = "get_safetensors_tensor_shapes"
"""SAELens' function that asks the hub for the shapes in a file."""
_commits: dict[tuple[str, str, str], str] = {}
"""Hub, cache and repository -> the commit that this process loads."""
GIT_FINGERPRINT, LARGE_FINGERPRINT = 40, 64
"""Letters of a small file's fingerprint, as git makes it, and of a large one's, which is its SHA-256."""


def repository_of(release: str) -> str:
    """The model that belongs to a release, by its name at the hub. Raises BadInput where none is known."""
    from transformer_lens.loading_from_pretrained import get_official_model_name

    model = str(registry()[release].model)
    try:
        return str(get_official_model_name(model))
    except ValueError as error:
        # Newer models than those that HookedTransformer knows are loaded by their repository.
        if "/" in model:
            return model
        raise BadInput(
            f"Release {release!r} belongs to model {model!r}, which this TransformerLens does not know. Expected one "
            "that it does. Choose another release."
        ) from error


def model_folder(release: str) -> Path:
    """The folder in the hub's cache that holds the model of a release, whole.

    A process that has loaded it once loads the same commit again, without asking. Raises what huggingface_hub does.
    """
    repository = repository_of(release)
    folder = _snapshot(repository)
    if not any(folder.glob("*.safetensors")):
        raise BadInput(
            f"Model {repository} at the hub has no weights in safetensors. Expected some, since pickles are not read. "
            "Choose another release."
        )
    _require_whole(folder.glob("*"))
    return folder


def _snapshot(repository: str) -> Path:
    from huggingface_hub import constants, snapshot_download
    from huggingface_hub.utils import LocalEntryNotFoundError  # type: ignore[attr-defined]

    files: dict[str, Any] = {"allow_patterns": list(MODEL_FILES), "ignore_patterns": list(NOT_LOADED)}
    known = (constants.ENDPOINT, str(constants.HF_HUB_CACHE), repository)
    if commit := _commits.get(known):
        try:
            return Path(snapshot_download(repository, revision=commit, local_files_only=True, **files))
        except LocalEntryNotFoundError:
            # Somebody has deleted it meanwhile.
            return Path(snapshot_download(repository, revision=commit, **files))
    folder = Path(snapshot_download(repository, **files))
    _commits[known] = folder.name
    return folder


def sae_cfg(release: str, sae_id: str) -> dict[str, Any]:
    """An SAE's configuration in SAELens' words; what the registry says comes before what its file says.

    Raises as `load_sae`.
    """
    from sae_lens.loading.pretrained_sae_loaders import load_sae_config_from_huggingface

    with _held_to_the_hub(release, sae_id):
        cfg: dict[str, Any] = load_sae_config_from_huggingface(release, sae_id)
    overrides = registry()[release].config_overrides or {}
    of_model = {key: overrides[key] for key in ("model_from_pretrained_kwargs",) if key in overrides}
    return {**cfg, "metadata": {**(cfg.get("metadata") or {}), **of_model}}


def load_sae(release: str, sae_id: str) -> Any:
    """The SAE in float32. Raises BadInput for a damaged file, and what SAELens and huggingface_hub do."""
    from sae_lens import SAE

    with _held_to_the_hub(release, sae_id):
        return SAE.from_pretrained(release, sae_id, device="cpu")


@contextmanager
def _held_to_the_hub(release: str, sae_id: str) -> Iterator[None]:
    """SAELens loads safely, and what it loaded is what the hub has."""
    with _nothing_unpickled(), _headers_from_files(), reminders_left_out():
        try:
            yield
        except Exception:
            # A library tells a damaged file by what it stumbled over.
            _require_whole(_cached(release, sae_id))
            raise
    _require_whole(_cached(release, sae_id))


def _cached(release: str, sae_id: str) -> Iterator[Path]:
    """Files of an SAE in the cache, of the revision that is loaded."""
    from huggingface_hub import constants

    repository, path = registry()[release].repo_id, str(registry()[release].saes_map[sae_id])
    whole = Path(constants.HF_HUB_CACHE) / f"models--{repository.replace('/', '--')}"
    main = whole / "refs" / "main"
    if main.is_file():
        snapshot = whole / "snapshots" / main.read_text(encoding="utf-8").strip()
        yield from [snapshot / path] if (snapshot / path).is_file() else (snapshot / path).rglob("*")


def _require_whole(paths: Iterator[Path]) -> None:
    """Raises BadInput where a file is not what the hub has. Its fingerprint is the name of what a link leads to."""
    for path in paths:
        if path.is_file() and not _is_whole(path):
            raise BadInput(
                f"{path} is damaged: its content has another fingerprint than at the hub. Expected the same. Delete "
                f"{path.resolve()} and load it again."
            )


def _is_whole(path: Path) -> bool:
    fingerprint = path.resolve().name
    if len(fingerprint) not in (GIT_FINGERPRINT, LARGE_FINGERPRINT) or set(fingerprint) - set("0123456789abcdef"):
        return True
    is_large = len(fingerprint) == LARGE_FINGERPRINT
    found = hashlib.sha256() if is_large else hashlib.sha1(f"blob {path.stat().st_size}\0".encode())
    with path.open("rb") as file:
        while part := file.read(1 << 20):
            found.update(part)
    return found.hexdigest() == fingerprint


@contextmanager
def _nothing_unpickled() -> Iterator[None]:
    """`torch.load` takes tensors alone, whatever SAELens, the torch release or the user's environment says. NumPy never
    unpickles unless told to, and no loader of SAELens tells it."""
    before = {name: os.environ.pop(name, None) for name in (ONLY_TENSORS, ANYTHING)}
    os.environ[ONLY_TENSORS] = "1"
    try:
        yield
    finally:
        del os.environ[ONLY_TENSORS]
        os.environ.update({name: value for name, value in before.items() if value is not None})


@contextmanager
def _headers_from_files() -> Iterator[None]:
    """Of some files SAELens asks the hub for the header alone, each time and without the cache. It is taken from the
    file, which is fetched anyway."""
    from huggingface_hub import hf_hub_download
    from sae_lens.loading import pretrained_sae_loaders as loaders

    asks = getattr(loaders, ASKS_FOR_HEADER, None)
    if asks:
        setattr(loaders, ASKS_FOR_HEADER, lambda *file: tensor_shapes(Path(hf_hub_download(*file))))
    try:
        yield
    finally:
        if asks:
            setattr(loaders, ASKS_FOR_HEADER, asks)


@contextmanager
def reminders_left_out() -> Iterator[None]:
    """SAELens reminds whoever loads such an SAE to load the model as it says; that is done here."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"\s*This SAE has non-empty model_from_pretrained_kwargs")
        yield

"""The files of a model's folder: what must lie there, whether each can be read, and their content as a fingerprint.

A library that meets a damaged file says what it stumbled over and seldom which file it was, so each is opened first.
"""

import hashlib
import json
import math
from importlib.metadata import version
from pathlib import Path
from typing import Any

from speedproof.digest import digest
from speedproof.errors import BadInput
from speedproof.wording import with_article

SAES = "saes"
"""Folder of a model's folder that holds its SAEs, one folder each."""
SAE_WEIGHTS = "sae_weights.safetensors"
WEIGHTS = "model.safetensors"
PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
"""Ends of names of files that would run code as they are read."""
MOST_LISTED = 3
"""Names that a message lists."""
VOCABULARIES = ("tokenizer.json", "vocab.json", "vocab.txt", "*.model", "tekken.json", "*.tiktoken")
"""Files of which a tokenizer needs at least one."""
LAYERS = ("num_hidden_layers", "n_layer", "num_layers")
"""By what names a configuration says how many layers there are."""
BASES = ("rope_theta", "rotary_emb_base")
"""By what names it says by which base positions turn."""
SETTINGS = (
    *("config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json"),
    *("special_tokens_map.json", "added_tokens.json", "model.safetensors.index.json"),
)
"""Files of a model's folder that hold one JSON object each, where they are there."""


def require_readable(folder: Path) -> None:
    """Raises BadInput, naming the file, unless model and tokenizer are all there and each file can be read."""
    names = _listed(folder)
    if "config.json" not in names:
        within = [name for name in names if (folder / name / "config.json").is_file()]
        got = f"has no config.json, but {_list(within)} with one each" if within else "has no config.json"
        expected = "the folder of one of these" if within else "a model as Hugging Face's save_pretrained writes it"
        raise _wrong(folder, got, expected)
    settings = {name: _object(folder / name) for name in SETTINGS if name in names}
    if not isinstance(settings["config.json"].get("model_type"), str):
        raise _wrong(folder / "config.json", "names no model_type", "one, such as 'gpt2'")
    n_tensors = sum(len(tensor_shapes(folder / name)) for name in _weight_files(folder, names, settings))
    _require_numbers(folder / "config.json", settings["config.json"], n_tensors)
    _require_angles(folder / "config.json", settings["config.json"])
    if not any(path for pattern in VOCABULARIES for path in folder.glob(pattern)):
        raise _wrong(folder, "has no tokenizer", f"one of {', '.join(VOCABULARIES)}, as its save_pretrained writes it")


def _require_numbers(path: Path, config: dict[str, Any], n_tensors: int) -> None:
    """What libraries build a model by before they look at its weights: so many layers that memory ends, or none."""
    for part in (config, *(part for part in config.values() if isinstance(part, dict))):
        for name in LAYERS:
            n = part.get(name)
            if n is not None and (type(n) is not int or not 1 <= n <= n_tensors):
                expected = f"a whole number from 1 to {n_tensors}, since there are so many tensors"
                raise _wrong(path, f"has {n!r:.40} for {name}", expected)
        angles = part.get("rope_parameters")
        if angles is not None and not isinstance(angles, dict):
            raise _wrong(path, f"has {with_article(type(angles).__name__)} as rope_parameters", "a JSON object")
        kinds = [part, angles or {}, *(one for one in (angles or {}).values() if isinstance(one, dict))]
        for base in (one.get(name) for one in kinds for name in BASES):
            if base is not None and not (type(base) in (int, float) and 0 < base < math.inf):
                raise _wrong(path, f"has {base!r:.40} for a base of rotary angles", "a number above 0")


def _require_angles(path: Path, config: dict[str, Any]) -> None:
    """Transformers 4 leaves out what the fifth calls `rope_parameters`, and without a word turns by its own angles."""
    installed, angles = version("transformers"), config.get("rope_parameters") or {}
    is_plain = angles.get("rope_type", "default") == "default"
    is_told = "rope_theta" in config and (is_plain or "rope_scaling" in config)
    if angles and not is_told and int(installed.partition(".")[0]) < 5:
        got = f"tells rotary angles by rope_parameters, which Transformers {installed} leaves out: it would be another"
        raise _wrong(path, f"{got} model", "rope_theta and rope_scaling beside them, or Transformers 5")


def n_weights(folder: Path) -> int:
    """Numbers in the weight files of a folder that can be read, by their headers alone."""
    names = _listed(folder)
    settings = {name: _object(folder / name) for name in SETTINGS if name in names}
    files = _weight_files(folder, names, settings)
    return sum(math.prod(shape) for name in files for shape in tensor_shapes(folder / name).values())


def sae_folders(folder: Path) -> list[Path]:
    """The SAEs' folders in order. Raises BadInput where there is none, or a file of one is missing or damaged."""
    where = folder / SAES
    found = [where / name for name in sorted(_listed(where)) if (where / name).is_dir()] if where.is_dir() else []
    if not found:
        raise BadInput(f"No SAE found in {where}. Expected folders as SAELens's save_model writes them.")
    for one in found:
        _require_sae(one)
    return found


def content_digest(folder: Path) -> str:
    """Fingerprint of every file's name and bytes in `folder`, hidden ones left out."""
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and not _hidden(path, folder)]
    return digest([[path.relative_to(folder).as_posix(), _bytes_digest(path)] for path in paths])


def stamp(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """Every file's name, size and time of change: cheap, and other where the content is."""
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and not _hidden(path, folder)]
    return tuple((str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in paths)


def _require_sae(folder: Path) -> None:
    path = folder / "cfg.json"
    cfg = _object(path)
    # Before its sixth release SAELens wrote the hook's name beside the sizes.
    metadata = cfg.get("metadata") or {}
    if not isinstance(metadata, dict):
        raise _wrong(path, f"has {with_article(type(metadata).__name__)} as metadata", "a JSON object")
    hook_name = cfg.get("hook_name") or metadata.get("hook_name")
    if not hook_name or not isinstance(hook_name, str):
        got = f"has {hook_name!r:.40} for a hook's name" if hook_name else "names no hook"
        raise _wrong(path, got, "metadata.hook_name, such as 'blocks.0.hook_resid_pre'")
    for name in ("d_in", "d_sae"):
        if not isinstance(cfg.get(name), int):
            raise _wrong(path, f"has {cfg.get(name)!r:.40} for {name}", "a whole number")
    names = _listed(folder)
    if SAE_WEIGHTS not in names and _instead(names):
        raise _wrong(folder, f"has no {SAE_WEIGHTS}{_instead(names)}", "an SAE as SAELens's save_model writes it")
    shapes = tensor_shapes(folder / SAE_WEIGHTS)
    expected = [cfg.get("d_in"), cfg.get("d_sae")]
    if "W_enc" in shapes and shapes["W_enc"] != expected:
        raise _wrong(folder / SAE_WEIGHTS, f"has W_enc of shape {shapes['W_enc']}", f"{expected}, as cfg.json says")


def _weight_files(folder: Path, names: list[str], settings: dict[str, Any]) -> list[str]:
    index = settings.get("model.safetensors.index.json", {}).get("weight_map") or {}
    if not isinstance(index, dict) or not all(isinstance(name, str) for name in index.values()):
        path = folder / "model.safetensors.index.json"
        raise _wrong(path, "has a weight_map that is none", "a file's name for each weight")
    if missing := sorted(set(index.values()) - set(names)):
        raise _wrong(folder, f"lacks {missing[0]}", "every file that model.safetensors.index.json lists")
    listed, whole = sorted(set(index.values())), [name for name in names if name.endswith(".safetensors")]
    found = listed or whole
    if not found:
        raise _wrong(folder, f"has no weights{_instead(names)}", "model.safetensors, as save_pretrained writes it")
    if listed and WEIGHTS in whole and WEIGHTS not in listed:
        raise _wrong(folder, f"holds two models: {WEIGHTS}, and the parts that its index lists", "one of them")
    if not listed and len(found) > 1:
        raise _wrong(folder, f"holds {len(found)} models: {_list(found)}, and no index of them", "one, or an index")
    return found


def _instead(names: list[str]) -> str:
    """What lies there that weights might be in, and is not read."""
    if pickles := [name for name in names if name.endswith(PICKLES)]:
        return f" but {pickles[0]}, a pickle"
    others = [name for name in names if name.endswith((".gguf", ".npz", ".h5", ".msgpack"))]
    return f" but {others[0]}, which is not read here" if others else ""


def _list(names: list[str]) -> str:
    return ", ".join(names[:MOST_LISTED]) + (f" and {len(names) - MOST_LISTED} more" * (len(names) > MOST_LISTED))


def _listed(folder: Path) -> list[str]:
    try:
        return sorted(path.name for path in folder.iterdir())
    except OSError as error:
        raise _wrong(folder, f"cannot be read ({error.strerror})", "a folder that you may read") from error


def _object(path: Path) -> dict[str, Any]:
    """The JSON object that a file holds."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise _wrong(path, f"cannot be read ({error.strerror})", "a JSON file") from error
    except (ValueError, RecursionError) as error:
        raise _wrong(path, f"is no JSON ({str(error)[:80]})", "a whole JSON file") from error
    if not isinstance(found, dict):
        raise _wrong(path, f"holds {with_article(type(found).__name__)}", "a JSON object")
    return found


def tensor_shapes(path: Path) -> dict[str, list[int]]:
    """Each tensor's shape, from the header. A file that was cut is told by it too."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as file:
            return {name: file.get_slice(name).get_shape() for name in file.keys()}
    except OSError as error:
        raise _wrong(path, f"cannot be read ({error.strerror or 'no such file'})", "a safetensors file") from error
    except SafetensorError as error:
        got = f"is cut or no safetensors file, {path.stat().st_size:,} bytes ({error})"
        raise _wrong(path, got, "a whole safetensors file; a pickle is not read") from error


def _wrong(path: Path, got: str, expected: str) -> BadInput:
    return BadInput(f"{path} {got}. Expected {expected}. Save or download it again.")


def _hidden(path: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(folder).parts)


def _bytes_digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "blake2b").hexdigest()

"""By which class a folder's model is loaded: what a name such as `FOLDER:raw` asks for, and the loading."""

import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from speedproof.errors import BadInput
from speedproof.folders import CACHE

MADE: Mapping[str, str] = {"smollm2-135m": "python -m bench fetch smollm2-135m"}
"""Real models that a command puts into the cache, by name, and the command."""
APIS: Mapping[str, str] = {
    "": "TransformerBridge in compatibility mode, which processes weights as HookedTransformer does",
    "raw": "TransformerBridge with the weights as they are",
    "hooked": "HookedTransformer, weights processed",
    "cut": "Transformers' own model, cut behind the deepest SAE's hook",
}
"""What may follow a folder's name, behind a colon, and what the model then is."""


FULL = "full_attention"
"""Where a configuration has angles of rotation by kinds of attention, the kind whose angles are the model's."""


class Named(NamedTuple):
    """A folder with a model, and the API that a subject's name asks for."""

    folder: Path
    api: str = ""


def named(name: str) -> Named:
    """What a name asks for. A folder of the whole name comes first, whatever stands behind its colon.

    Raises BadInput where something else than a folder goes by that name.
    """
    front, _, api = name.rpartition(":")
    if front and api in APIS and not Path(name).is_dir():
        return Named(_place(front), api)
    return Named(_place(name))


def _place(name: str) -> Path:
    if name in MADE:
        return CACHE / "real" / name
    path = Path(name)
    if os.path.lexists(path) and not path.is_dir():
        what = "a file" if path.exists() else "a link that leads nowhere"
        raise BadInput(
            f"Subject {name!r} is {what}. Expected a folder with a Hugging Face model and its SAEs. Name the folder."
        )
    return path


def load(found: Named, hook_names: Sequence[str], processing: Mapping[str, bool]) -> Any:
    """The folder's model on the processor, in float32. Raises whatever the library does.

    `hook_names` are those that SAEs read, `processing` what a bridge in compatibility mode does to the weights.
    """
    if found.api == "cut":
        from .cut import cut_model

        return cut_model(found.folder, hook_names)
    from speedproof.lens.embedded.models import bridge_class, has_bridge

    if found.api == "hooked" or not (found.api or has_bridge()):
        return _hooked(found.folder)
    bridge = bridge_class().boot_transformers(str(found.folder), device="cpu")
    if not found.api:
        bridge.enable_compatibility_mode(no_processing=not any(processing.values()), **processing)
    return bridge


def _as_it_is_read(folder: Path, place: Path) -> Path:
    """The folder as TransformerLens reads it.

    It guesses the kind of model from the words of the path, whatever the configuration says, and asks a GPT-2 for its
    positions by a name that Transformers 5 no longer writes.
    """
    place.mkdir()
    for path in folder.resolve().iterdir():
        (place / path.name).symlink_to(path)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    if "n_positions" in config:
        (place / "config.json").unlink()
        (place / "config.json").write_text(json.dumps({"n_ctx": config["n_positions"], **config}), encoding="utf-8")
    return place


def _hooked(folder: Path) -> Any:
    """What `HookedTransformer.from_pretrained` does, which itself takes names from the hub alone."""
    from transformer_lens import HookedTransformer, loading_from_pretrained
    from transformers import AutoModelForCausalLM, AutoTokenizer

    hf_model = AutoModelForCausalLM.from_pretrained(folder)
    hf_model.requires_grad_(False)
    with tempfile.TemporaryDirectory() as place:
        plain = _as_it_is_read(folder, Path(place) / "model")
        cfg = loading_from_pretrained.get_pretrained_model_config(str(plain), fold_ln=True, device="cpu")
        weights = loading_from_pretrained.get_pretrained_state_dict(str(plain), cfg, hf_model)
    model = HookedTransformer(cfg, AutoTokenizer.from_pretrained(folder), move_to_device=False)
    model.load_and_process_state_dict(weights, fold_ln=True, center_writing_weights=True, center_unembed=True)
    return model


def other_angles(model: Any, folder: Path) -> str:
    """By which base of rotary angles the model turns positions and which its files ask for, where these are two.

    `HookedTransformer` has 10,000 wherever it does not read a base (`results/libraries/rotary_base.py`).
    """
    # A bridge turns by Transformers' own angles, whatever its settings say.
    if type(model).__name__ != "HookedTransformer" or model.cfg.positional_embedding_type != "rotary":
        return ""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    told = config.get("rope_parameters")
    kinds = [one for one in (told, isinstance(told, dict) and told.get(FULL)) if isinstance(one, dict)]
    places = (*(one.get("rope_theta") for one in kinds), config.get("rope_theta"), config.get("rotary_emb_base"))
    asked = next((base for base in places if isinstance(base, int | float)), None)
    if asked is None or asked == model.cfg.rotary_base:
        return ""
    return f"by angles of base {model.cfg.rotary_base:,.0f}, and its config.json asks for {asked:,.0f}"

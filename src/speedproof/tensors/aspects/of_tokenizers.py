"""The subject's tokenizers: on which side they pad and cut, what they know, and every other setting."""

import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any

from speedproof.pairs.aspect import Aspect, Key, Scene

from .walk import Walk, is_tokenizer, refill

SIDES = ("padding_side", "truncation_side")
BACKEND = "_tokenizer"
"""Where transformers keeps the library's own tokenizer, which is watched by what it would save."""
TABLES = (
    "vocab",
    "merges",
    "bpe_ranks",
    "encoder",
    "decoder",
    "byte_encoder",
    "byte_decoder",
    "tokens_trie",
    "sp_model",
)
"""Attributes of tokenizers in plain Python that say what the tokens are."""
REMINDERS = "deprecation_warnings"
"""Where transformers notes which advice it has given already."""


def tokenizers_of(scene: Scene) -> dict[str, Any]:
    """The tokenizers of the modules, each once."""
    return scene.once("tokenizers", lambda: _tokenizers(scene.modules))


def _tokenizers(modules: Mapping[str, Any]) -> dict[str, Any]:
    found = {name: getattr(module, "tokenizer", None) for name, module in modules.items()}
    each = {id(one): name for name, one in reversed(found.items()) if is_tokenizer(one)}
    return {f"{name}.tokenizer": found[name] for name in each.values()}


def _sides(scene: Scene) -> dict[str, Any]:
    return {f"{name}.{side}": getattr(one, side, None) for name, one in tokenizers_of(scene).items() for side in SIDES}


def _sides_back(scene: Scene, seen: dict[str, Any]) -> None:
    for name, tokenizer in tokenizers_of(scene).items():
        for side in SIDES:
            if getattr(tokenizer, side, None) != seen[f"{name}.{side}"]:
                setattr(tokenizer, side, seen[f"{name}.{side}"])


def _walk(scene: Scene) -> Walk:
    """All that hangs on the tokenizers, walked once for a scene."""
    return scene.once("walk of tokenizers", lambda: _walked(scene))


def _walked(scene: Scene) -> Walk:
    walk = Walk({})
    for name, tokenizer in tokenizers_of(scene).items():
        scene.put_aside[name, "attributes"] = _watched(tokenizer)
        for attribute, value in _watched(tokenizer).items():
            walk.look(_aspect_of(attribute), Key(name, attribute), value)
    return walk


def _watched(tokenizer: Any) -> dict[str, Any]:
    return {name: value for name, value in vars(tokenizer).items() if name not in (*SIDES, BACKEND, REMINDERS)}


def _attributes_back(scene: Scene, aspect: str) -> None:
    refill(_walk(scene).holders[aspect])
    for name, tokenizer in tokenizers_of(scene).items():
        earlier = scene.put_aside[name, "attributes"]
        vars(tokenizer).update({key: value for key, value in earlier.items() if _aspect_of(key) == aspect})
        for added in [key for key in _watched(tokenizer) if key not in earlier and _aspect_of(key) == aspect]:
            del vars(tokenizer)[added]


def _aspect_of(attribute: str) -> str:
    name = attribute.lstrip("_")
    is_about_tokens = (
        name.startswith(("added_tokens", "special", "extra_special", "additional_special")) or name in TABLES
    )
    return "vocabulary" if is_about_tokens else "tokenizer settings"


def _vocabulary(scene: Scene) -> dict[Any, Any]:
    """What the tokens are, how a text is cut into them, which are special."""
    seen: dict[Any, Any] = dict(_walk(scene).leaves["vocabulary"])
    for name, backend in _backends(scene).items():
        saved = backend.to_str()
        # In front stand truncation and padding, which are settings.
        seen[Key(name, "tokens")] = hashlib.sha256(saved[saved.index('"added_tokens"') :].encode()).hexdigest()
        scene.put_aside[name, "saved"] = saved
    return seen


def _backends(scene: Scene) -> dict[str, Any]:
    found = {name: getattr(tokenizer, BACKEND, None) for name, tokenizer in tokenizers_of(scene).items()}
    return {name: backend for name, backend in found.items() if hasattr(backend, "to_str")}


def _vocabulary_back(scene: Scene, seen: dict[Any, Any]) -> None:
    for name, backend in _backends(scene).items():
        vars(tokenizers_of(scene)[name])[BACKEND] = type(backend).from_str(scene.put_aside[name, "saved"])
    _attributes_back(scene, "vocabulary")


def _settings(scene: Scene) -> dict[Any, Any]:
    seen: dict[Any, Any] = dict(_walk(scene).leaves["tokenizer settings"])
    for name, backend in _backends(scene).items():
        seen[Key(name, "truncation")] = _cuts(backend.truncation, _readable(scene, name))
        seen[Key(name, "padding")] = _pads(backend.padding, tokenizers_of(scene)[name])
    return seen


def _readable(scene: Scene, name: str) -> int:
    """Tokens of a text that the model can read beside a first one of its own."""
    model = scene.modules[name.removesuffix(".tokenizer")]
    return int(min(tokenizers_of(scene)[name].model_max_length, getattr(model.cfg, "n_ctx", None) or math.inf)) - 1


def _cuts(truncation: Any, readable: int) -> Any:
    """The length at which the backend cuts, where that is shorter than what the model can read.

    transformers sets truncation and padding at every call as that call asks, so what an ordinary call left counts for
    nothing.
    """
    length = (truncation or {}).get("max_length")
    return length if length is not None and length < readable else None


def _pads(padding: Any, tokenizer: Any) -> Any:
    """How the backend pads, where no ordinary call would: to a fixed length, or with another token."""
    if not padding or (padding["length"] is None and padding["pad_id"] == tokenizer.pad_token_id):
        return None
    return json.dumps(padding, sort_keys=True)


def _settings_back(scene: Scene, seen: dict[Any, Any]) -> None:
    _attributes_back(scene, "tokenizer settings")
    for name, backend in _backends(scene).items():
        if _cuts(backend.truncation, _readable(scene, name)) != seen[Key(name, "truncation")]:
            backend.no_truncation()
        if _pads(backend.padding, tokenizers_of(scene)[name]) != seen[Key(name, "padding")]:
            backend.no_padding()


TOKENIZERS = (
    Aspect("padding side", _sides, _sides_back, of_subject=True),
    Aspect("vocabulary", _vocabulary, _vocabulary_back, may_be_usual=True, of_subject=True),
    Aspect("tokenizer settings", _settings, _settings_back, may_be_usual=True, of_subject=True),
)

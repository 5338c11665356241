"""Models and SAEs that others trained: by name, or in a folder. Whatever a library objects to is told in one line."""

import json
import logging
import math
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import psutil
import torch
from transformers.utils import logging as transformers_logging

from speedproof.errors import BadInput
from speedproof.lens.embedded.models import has_bridge
from speedproof.lens.embedded.shapes import EMBEDDED
from speedproof.lens.features import encode
from speedproof.lens.hooks import blocks_through
from speedproof.lens.sae_classes import KNOWN, load_from_disk

from .apis import APIS, Named, load, named, other_angles
from .hub.failures import of_hub, tells_token, without_token
from .hub.loading import load_sae, model_folder, reminders_left_out, sae_cfg
from .hub.names import Released
from .hub.processing import (
    AS_THEY_ARE,
    CENTERED,
    OF_API,
    PROCESSED,
    asked_by_all,
    hook_name_of,
    mismatch,
    say,
)
from .model_files import n_weights, require_readable, sae_folders

T = TypeVar("T")

SHORT_TEXT = "a"
"""What a model is run on to see whether it runs, and how wide a hook is."""
MESSAGE_LENGTH = 300
"""Characters that are kept of a library's message."""
TOLD_FROM = 0.5
"""Share of the free memory from which on the weights, in both types, are told before they are taken."""
_LOST = re.compile(r"^(\S[^|\n]*?)\s*\|[^|\n]*(?:MISSING|MISMATCH)", re.MULTILINE)
"""A line of transformers' report on loading: a weight that the files lack, or hold in another shape."""


def load_model(name: str, released: Released | None = None, dtype: str = "float32") -> Any:
    """The model of a folder in Hugging Face's layout, or the one that belongs to a release's SAEs.

    A release's is processed as its SAEs ask; a line on standard error says where a model is not. No file is unpickled,
    and no code of a repository is run. A large one is told before it is loaded. `dtype` is what it will be cast to.

    Raises:
        BadInput: a file is missing or damaged, weights are missing, the hub refuses, the library objects, or there is
            no room for it in memory.
    """
    # All is looked at before anything is loaded, since that takes a while.
    if not released:
        require_readable(named(name).folder)
    cfgs = _cfgs(name, released)
    asked = asked_by_all(name, cfgs)
    if released:
        whose = f"The model of subject {name!r}"
        found = Named(_told(whose, partial(model_folder, released.release), _IN_REACH), released.api)
        require_readable(found.folder)
        asked = {CENTERED: False, **asked}
        processing: Mapping[str, bool] = {**AS_THEY_ARE, **asked}
    else:
        found, processing = named(name), PROCESSED
    _require_room(name, n_weights(found.folder), dtype)
    hook_names = [hook_name_of(cfg) for cfg in cfgs.values()]
    with _lost_weights() as lost:
        try:
            made = partial(load, found, hook_names, processing)
            model = _told(f"Subject {name!r}", made, _LAYOUT.format(APIS[found.api].split(",")[0]))
        except BadInput:
            _require_none(name, lost)
            raise
    _require_none(name, lost)
    done = OF_API[found.api] if found.api else processing
    if differs := mismatch(asked, done, getattr(model.cfg, "normalization_type", None)):
        advice = f" Without ':{found.api}' they match." if released else ""
        say(
            f"Subject {name!r}: its SAEs were trained on a model with {differs}. The check goes on, on other features "
            f"than they were trained for.{advice}"
        )
    if differs := other_angles(model, found.folder):
        advice = "leave ':hooked' out" if has_bridge() else "take a release of TransformerLens that has it"
        say(
            f"Subject {name!r}: {type(model).__name__} turns positions {differs}. The check goes on, on another model "
            f"than was trained. TransformerBridge reads the base: {advice}."
        )
    return model


def _require_room(name: str, n: int, dtype: str) -> None:
    """Raises BadInput where the weights alone are more than the free memory, before any is taken."""
    in_float32, in_float64, free = 4 * n, 8 * n, psutil.virtual_memory().available
    told = f"{n:,} weights, {_gib(in_float32)} in float32 and {_gib(in_float64)} in float64, which answers are held to"
    if (in_float64 if dtype == "float64" else in_float32) > free:
        raise BadInput(
            f"Subject {name!r} does not fit: it has {told}, and {_gib(free)} are free. Expected room for it in "
            f"{dtype}. Use a smaller model, or a machine with more memory."
        )
    if in_float32 + in_float64 >= TOLD_FROM * free:
        say(f"Subject {name!r}: {told}, of {_gib(free)} that are free.")


def _gib(n_bytes: int) -> str:
    return f"{n_bytes / 2**30:,.1f} GiB"


def load_saes(name: str, released: Released | None = None) -> dict[str, Any]:
    """The SAEs of a release as named, or those of a folder in layer order, by name. Raises BadInput as `load_model`."""
    if released:
        return {
            sae_id: _told(_whose(released, sae_id), partial(load_sae, released.release, sae_id), _IN_REACH)
            for sae_id in released.sae_ids
        }
    loaded = {folder.name: _load_sae(folder) for folder in sae_folders(named(name).folder)}
    return dict(sorted(loaded.items(), key=lambda one: blocks_through(str(one[1].cfg.metadata.hook_name))))


def _cfgs(name: str, released: Released | None) -> dict[str, dict[str, Any]]:
    """The SAEs' configurations by name."""
    if released:
        return {
            sae_id: _told(_whose(released, sae_id), partial(sae_cfg, released.release, sae_id), _IN_REACH)
            for sae_id in released.sae_ids
        }
    folders = sae_folders(named(name).folder)
    return {one.name: json.loads((one / "cfg.json").read_text(encoding="utf-8")) for one in folders}


def _whose(released: Released, sae_id: str) -> str:
    return f"SAE {sae_id!r} of {released.release}"


def _load_sae(folder: Path) -> Any:
    cfg = json.loads((folder / "cfg.json").read_text(encoding="utf-8"))
    # Where none is named, SAELens knows which it was.
    if (architecture := cfg.get("architecture", "standard")) not in KNOWN:
        raise BadInput(
            f"{folder / 'cfg.json'} asks for an SAE of architecture {architecture!r}. Expected one that can be loaded "
            f"here: {', '.join(KNOWN)}. Correct it, or choose another SAE."
        )
    with reminders_left_out():
        return _told(f"SAE {folder}", partial(load_from_disk, folder), "One that SAELens can load")


def require_fit(name: str, model: Any, saes: Mapping[str, Any]) -> None:
    """Raises BadInput where an SAE reads a hook that the model lacks, or one of another width."""
    for sae_name, sae in saes.items():
        if sae.cfg.metadata.hook_name not in model.hook_dict:
            raise BadInput(
                f"SAE {sae_name!r} of subject {name!r} reads {sae.cfg.metadata.hook_name!r}, which the model lacks. "
                f"Expected one of its {len(model.hook_dict)} hooks, such as 'blocks.0.hook_resid_pre'. Set "
                "metadata.hook_name in the SAE's cfg.json."
            )
    hooks = [str(sae.cfg.metadata.hook_name) for sae in saes.values()]
    seen = run_shortly(name, model, hooks)
    for (sae_name, sae), hook_name in zip(saes.items(), hooks, strict=True):
        whose = f"SAE {sae_name!r} of subject {name!r}"
        _require_width(whose, sae.cfg, hook_name, tuple(seen[hook_name].shape[2:]))
        _told(f"{whose}, asked for features,", partial(encode, sae, seen[hook_name][0, -1:]), _ONE_ROW, did="failed")


def run_shortly(name: str, model: Any, hook_names: list[str]) -> Mapping[str, torch.Tensor]:
    """What the hooks carry on a short text. Raises BadInput where the model cannot be run or the values are no numbers.

    Each has the shape [1, token, ...].
    """
    dtype = next((str(p.dtype).removeprefix("torch.") for p in model.parameters()), "its own type")

    def run() -> Any:
        try:
            with torch.no_grad():
                return model.run_with_cache(SHORT_TEXT, names_filter=hook_names, return_type=None)[1]
        except IndexError as error:
            has, knows = getattr(model.cfg, "d_vocab", 0), len(getattr(model, "tokenizer", None) or ())
            if has >= knows:
                raise
            raise BadInput(
                f"Subject {name!r} has a vocabulary of {has:,} and a tokenizer of {knows:,} tokens. Expected no more "
                "tokens than the model has. Save the model's own tokenizer beside it."
            ) from error

    seen = _told(
        f"Subject {name!r}, run in {dtype} on {SHORT_TEXT!r},", run, "A model that computes in that type", did="failed"
    )
    for hook_name in hook_names:
        if hook_name not in seen:
            raise BadInput(
                f"Subject {name!r} does not reach {hook_name!r}. Expected a hook that fires. Choose another."
            )
        if not bool(torch.isfinite(seen[hook_name]).all()):
            raise BadInput(
                f"Subject {name!r} carries values at {hook_name!r} that are no finite numbers, on {SHORT_TEXT!r} in "
                f"{dtype}. Expected numbers. The weights are damaged: save or download them again."
            )
    return seen


def _require_width(whose: str, cfg: Any, hook_name: str, shape: tuple[int, ...]) -> None:
    """A hook with one vector for each head counts flattened, as SAELens reads it."""
    width, told = math.prod(shape), " x ".join(map(str, shape))
    if cfg.d_in != width:
        parts = f" ({told})" if len(shape) > 1 else ""
        raise BadInput(
            f"{whose} has d_in {cfg.d_in}. Expected {width}{parts}, the width of {hook_name}. Choose an SAE that was "
            "trained on this hook of this model."
        )
    if len(shape) > 1 and cfg.reshape_activations == "none":
        raise BadInput(
            f"{whose} reads {hook_name}, which carries {told} numbers a token, as they are. Expected one row "
            f"of {width}. Set reshape_activations to 'hook_z' in the SAE's cfg.json."
        )


_IN_REACH = f"It in the hub's cache or reachable. Embedded subjects need no network: {', '.join(EMBEDDED)}"
_ONE_ROW = "An SAE whose features hang on one token's activation alone"
_LAYOUT = "A folder as save_pretrained writes it, of a kind of model that can be loaded as {}"


def _told(whose: str, work: Callable[[], T], expected: str, did: str = "could not be loaded") -> T:
    """What `work` returns. A library's exception becomes one line."""
    try:
        return work()
    except BadInput:
        raise
    except MemoryError as error:
        raise BadInput(f"{whose} {did}: memory ran out. Expected it to fit. Use a smaller one.") from error
    except Exception as error:
        # A token is not even in a traceback that --debug shows.
        cause = None if tells_token(error) else error
        if words := of_hub(error):
            raise BadInput(f"{whose} {did}: {words}.") from cause
        said = without_token(" ".join(str(error).split()))[:MESSAGE_LENGTH]
        got = f"{type(error).__name__}: {said}".rstrip(": .")
        raise BadInput(
            f"{whose} {did}: {got}. Expected: {expected[0].lower()}{expected[1:]}. "
            "Save or download it again, or choose another."
        ) from cause


@contextmanager
def without_progress_bars() -> Iterator[None]:
    """Transformers draws none: its bars come between the lines of the progress that is told here."""
    has_bar = transformers_logging.is_progress_bar_enabled()
    transformers_logging.disable_progress_bar()
    try:
        yield
    finally:
        if has_bar:
            transformers_logging.enable_progress_bar()


@contextmanager
def _lost_weights() -> Iterator[list[str]]:
    """Names of weights that the files lack or hold in another shape: transformers draws such ones at random."""
    lost: list[str] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: lost.extend(_LOST.findall(record.getMessage()))  # type: ignore[method-assign]
    verbosity, logger = transformers_logging.get_verbosity(), logging.getLogger("transformers")
    others, propagate = list(logger.handlers), logger.propagate
    transformers_logging.set_verbosity_warning()
    logger.handlers, logger.propagate = [handler], False
    try:
        with without_progress_bars():
            yield lost
    finally:
        logger.handlers, logger.propagate = others, propagate
        transformers_logging.set_verbosity(verbosity)


def _require_none(name: str, lost: list[str]) -> None:
    if lost:
        more = f", and {len(lost) - 1} more" if len(lost) > 1 else ""
        raise BadInput(
            f"Subject {name!r} does not have the weights that its config.json asks for: {lost[0]} is missing or of "
            f"another shape{more}. Expected all, as save_pretrained writes them. Save or download "
            "it again."
        )

"""The oracle: a float64 run of the same weights, unpadded, one text at a time, remembered text by text.

It runs on the processor, wherever its subject is. Neither twin is the truth; both are rounded. The oracle shares no
code with them.
"""

import copy
import fcntl
import json
import os
import pickle
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import fields
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float64
from torch import Tensor

from speedproof.clock import monotonic_s
from speedproof.digest import digest, file_digest
from speedproof.errors import BadInput
from speedproof.folders import CACHE

from .devices import CPU
from .doubles import kept_double
from .embedded.models import SOURCES
from .features import Features, encode
from .pace import CHECK_S, Pace
from .subject import Subject
from .weights import in_dtype, on_device

Altered = Callable[[Any], AbstractContextManager[None]]
"""Changes a model for as long as the context lasts."""
LIBRARIES = ("torch", "transformer-lens", "sae-lens", "transformers", "tokenizers")
"""What computes activations; another release is another memory."""
COMPUTED_BY = (
    *("oracle", "subject", "weights", "doubles"),
    *("pretrained/apis", "pretrained/cut", "pretrained/loading", "pretrained/hub/loading", "pretrained/hub/processing"),
)
COMPUTING = tuple(Path(__file__).parent / f"{name}.py" for name in COMPUTED_BY)
"""What loads, casts and runs a model here."""
NOT_WHOLE = (
    *(OSError, RuntimeError, EOFError, KeyError, ValueError, TypeError, AttributeError),
    pickle.UnpicklingError,
)
"""What reading raises where a file is absent, was cut short or holds something else."""
FEATURE_PARTS = tuple(part.name for part in fields(Features))


class Oracle:
    """Float64 last-token activations and features of one subject's weights."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self._rows: dict[str, dict[str, Tensor]] = {}
        self.pace = Pace() if subject.shape else Pace(CHECK_S)
        self._features: dict[tuple[int, str], tuple[Any, dict[str, Features]]] = {}
        # A model that cannot be run in float64 is told before any long work.
        if subject.shape is None and not self._file(subject.hook_name).exists():
            subject.require_double()

    def activations(self, hook_name: str, texts: Sequence[str]) -> Float64[Tensor, "text d_model"]:
        """The hook's value at each text's last token."""
        known = self._remembered(hook_name)
        missing = [text for text in dict.fromkeys(texts) if text not in known]
        if missing:
            self._compute(list(dict.fromkeys([hook_name, *self.subject.hook_names])), missing)
        return torch.stack([self._rows[hook_name][text] for text in texts])

    def features(self, sae: Any, texts: Sequence[str], hook_name: str | None = None) -> Features:
        """The SAE's features at each text's last token, read at that hook, or at its own."""
        hook_name = hook_name or str(sae.cfg.metadata.hook_name)
        # The SAE is held, so that no other one can come to its address.
        _, rows = self._features.setdefault((id(sae), hook_name), (sae, {}))
        missing = [text for text in dict.fromkeys(texts) if text not in rows]
        if missing:
            found = encode(
                in_dtype(on_device(copy.deepcopy(sae), CPU), "float64"), self.activations(hook_name, missing)
            )
            parts = zip(missing, *(getattr(found, part) for part in FEATURE_PARTS), strict=True)
            rows.update({text: Features(*part) for text, *part in parts})
        return Features(*(torch.stack([getattr(rows[text], part) for text in texts]) for part in FEATURE_PARTS))

    def _remembered(self, hook_name: str) -> dict[str, Tensor]:
        if hook_name not in self._rows:
            self._rows[hook_name] = _read(self._file(hook_name))
        return self._rows[hook_name]

    def of_altered_saes(self) -> "Oracle":
        """An oracle of the SAEs' weights as they are now; what it knows of the model still holds."""
        altered = Oracle(self.subject)
        altered._rows, altered.pace = self._rows, self.pace
        return altered

    def unremembered(self) -> "Oracle":
        """An oracle of the same weights for texts that nobody asks about twice. It writes nothing to the disk."""
        oracle = _AlteredOracle(self.subject, nullcontext)
        oracle.pace = self.pace
        return oracle

    def of_altered_model(self, altered: Altered) -> "Oracle":
        """An oracle of the model as it is inside `altered`. It writes nothing to the disk, and shares what it knows
        with all oracles of this subject that are altered alike, for as long as the subject is loaded."""
        oracle = _AlteredOracle(self.subject, altered)
        oracle.pace = self.pace
        # Whoever asks gets copies, so that nobody else can write into these.
        oracle._rows = self.subject.known_of_altered.setdefault(altered, oracle._rows)
        return oracle

    def _compute(self, hook_names: list[str], texts: Sequence[str]) -> None:
        """All hooks that carry an SAE come from one pass, since the pass is what costs. Of two processes that want the
        same, one computes it and the other reads it."""
        with _alone(self._file("any")):
            for hook_name in hook_names:
                self._rows[hook_name] = self._rows.get(hook_name, {}) | _read(self._file(hook_name))
            texts = [text for text in texts if any(text not in self._rows[hook_name] for hook_name in hook_names)]
            if not texts:
                return
            was_loaded = "model" in vars(self.subject.in_float64)
            found = _run(self.subject.in_float64.model, hook_names, texts, self.pace)
            if not was_loaded and "model" in vars(self.subject):
                self.subject.settle()
            for hook_name, rows in found.items():
                self._rows[hook_name] |= rows
                _write(self._file(hook_name), self._rows[hook_name])

    def _file(self, hook_name: str) -> Path:
        """Named by content: of the subject, and of whatever computes with it."""
        parts = [self.subject.bare_name] if self.subject.shape else []
        parts += [self.subject.digest, self.subject.dtype, hook_name, *_computing()]
        return CACHE / "oracle" / f"{digest(parts)}.pt"


@cache
def _computing() -> tuple[str, ...]:
    """Of what computes the versions, and a fingerprint of its source; both are as they were when it was imported."""
    return (*map(version, LIBRARIES), file_digest(*SOURCES, *COMPUTING))


class _AlteredOracle(Oracle):
    """Knows the model with other weights than those that it was made with."""

    def __init__(self, subject: Subject, altered: Altered) -> None:
        super().__init__(subject)
        self._altered = altered

    def _remembered(self, hook_name: str) -> dict[str, Tensor]:
        """Never from the disk, whatever hook is asked about: there lies what the model is otherwise."""
        return self._rows.setdefault(hook_name, {})

    def _compute(self, hook_names: list[str], texts: Sequence[str]) -> None:
        model = self.subject.in_float64.model
        with self._altered(model):
            for hook_name, rows in _run(model, hook_names, texts, self.pace).items():
                self._rows.setdefault(hook_name, {}).update(rows)


@torch.no_grad()
def _run(model: Any, hook_names: list[str], texts: Sequence[str], pace: Pace) -> dict[str, dict[str, Tensor]]:
    depths = [int(name.split(".")[1]) + 1 for name in hook_names if name.startswith("blocks.")]
    stop = max(depths) if len(depths) == len(hook_names) and max(depths) < model.cfg.n_layers else None
    rows: dict[str, dict[str, Tensor]] = {hook_name: {} for hook_name in hook_names}
    started_s = monotonic_s()
    with kept_double(model):
        n_tokens = _fill(rows, model, texts, stop)
    pace.ran(n_tokens, monotonic_s() - started_s)
    return rows


def _fill(rows: dict[str, dict[str, Tensor]], model: Any, texts: Sequence[str], stop: int | None) -> int:
    """Fills in each hook's value at each text's last token; gives the tokens that were run."""
    hook_names, n_tokens = list(rows), 0
    for text in texts:
        # On the right there is nothing to mask. On the left a text that begins with the pad token would lose it.
        tokens = model.to_tokens(text, padding_side="right")
        if not tokens.numel():
            raise BadInput(f"Text {text!r} has no tokens, so nothing is right about it. Expected at least one in each.")
        _, cache = model.run_with_cache(
            tokens, names_filter=hook_names, stop_at_layer=stop, return_type=None, padding_side="right"
        )
        for hook_name in hook_names:
            rows[hook_name][text] = cache[hook_name][0, -1].clone()
        n_tokens += tokens.numel()
    return n_tokens


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Holds the lock of what lies there, where one can be made; it ends with its holder."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = path.with_suffix(".lock").open("w")
    except OSError:
        yield
        return
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _read(path: Path) -> dict[str, Tensor]:
    """Remembered rows, or none where the file is absent or was cut short."""
    try:
        stored = torch.load(path, weights_only=True)
        return dict(zip(json.loads(stored["texts"]), stored["rows"], strict=True))
    except NOT_WHOLE:
        return {}


def _write(path: Path, rows: dict[str, Tensor]) -> None:
    """Whole or not at all: written beside its place and then moved there. A full disk only costs the memory."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            torch.save({"texts": json.dumps(list(rows)), "rows": torch.stack(list(rows.values()))}, file)
        os.replace(file.name, path)
    except OSError:
        return

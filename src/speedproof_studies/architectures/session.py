"""Each kind saved to a folder as its libraries save it, loaded from there as a user would, and put to the gate."""

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bench.findings import FINDINGS
from speedproof.errors import BadInput
from speedproof.failures import reason
from speedproof.gate.certificate import Refusal
from speedproof.gate.check import certify
from speedproof.lens.doubles import kept_double
from speedproof.lens.features import row_scale
from speedproof.lens.oracle import Oracle
from speedproof.lens.pretrained.loading import without_progress_bars
from speedproof.lens.subject import Subject, find_subject
from speedproof.pairs import texts
from speedproof.sittings.sitting import Say
from speedproof_studies.kinds import Tried

from .kinds import Cell
from .models import LAYERS, make_model
from .saes import save_sae
from .tokenizers import KINDS as TOKENIZERS

N_TEXTS = 14
"""Texts of the project's own that each function is asked about; the gate adds hostile and fresh ones."""
MOST_WORDS = 200
"""Characters of a reason that are kept."""


@dataclass(frozen=True)
class Saved:
    """A folder with a model, its tokenizer and its SAEs, and what Transformers itself says of the model."""

    folder: Path
    model: Any


def try_all(cells: Sequence[Cell], say: Say) -> Iterator[Tried]:
    """What the gate says of each, one after another."""
    for left, cell in zip(range(len(cells), 0, -1), cells, strict=True):
        say(cell.label, left)
        with tempfile.TemporaryDirectory() as place:
            yield try_one(cell, Path(place) / "subject")


def try_one(cell: Cell, folder: Path, only: str = "") -> Tried:
    """What the gate says of one, made in that folder; of one function where it is named."""
    told = Tried(model=cell.model, api=cell.api, tokenizer=cell.tokenizer, sae=cell.sae)
    try:
        saved = save(cell, folder)
        subject = find_subject(f"{folder}:{cell.api}" if cell.api else str(folder))
        away = _away(saved, subject)
    except Exception as error:
        return told.model_copy(update={"unsupported": _words(error, folder)})
    return told.model_copy(update={"away": away, "refused": dict(_refusals(subject, folder, only))})


def save(cell: Cell, folder: Path) -> Saved:
    """Makes the model, its tokenizer and two SAEs, and saves them. Raises whatever the libraries do."""
    model, tokenizer = make_model(cell.model), TOKENIZERS[cell.tokenizer]()
    with without_progress_bars():
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    rows = _hidden(model, [_tokens(tokenizer, text) for text in texts.own(N_TEXTS)])
    for layer in LAYERS:
        save_sae(cell.sae, layer, rows[layer], folder / "saes" / f"layer-{layer}")
    return Saved(folder, model)


def _tokens(tokenizer: Any, text: str) -> Tensor:
    return torch.tensor([tokenizer(text)["input_ids"]])


@torch.no_grad()
def _hidden(model: Any, tokens: Sequence[Tensor]) -> dict[int, Tensor]:
    """The residual stream in front of each block at each text's last token, as Transformers tells it."""
    told = [model(input_ids=given, output_hidden_states=True).hidden_states for given in tokens]
    return {layer: torch.stack([states[layer][0, -1] for states in told]) for layer in LAYERS}


def _away(saved: Saved, subject: Subject) -> dict[str, float]:
    """How far the oracle is from Transformers' own forward pass in float64, as a share of a row's largest number.

    `as told` compares as they are; `less its mean` with Transformers' rows less their mean over the width, which is
    what centred weights give; `as Transformers rounds` lets Transformers cast to float32 within, as its code does.
    """
    given = texts.own(N_TEXTS)
    tokens = [subject.in_float64.model.to_tokens(text, padding_side="right") for text in given]
    double = saved.model.double()
    rounded = _hidden(double, tokens)
    with kept_double(double):
        theirs = _hidden(double, tokens)
    found = {"as told": 0.0, "less its mean": 0.0, "as Transformers rounds": 0.0}
    for layer in LAYERS:
        ours = Oracle(subject).activations(f"blocks.{layer}.hook_resid_pre", given)
        centred = theirs[layer] - theirs[layer].mean(dim=1, keepdim=True)
        for name, right in zip(found, (theirs[layer], centred, rounded[layer]), strict=True):
            found[name] = max(found[name], float(((ours - right).abs() / row_scale(right)).max()))
    return found


def _refusals(subject: Subject, folder: Path, only: str) -> Iterator[tuple[str, str]]:
    """Each function that runs a model, and why it got no certificate; nothing where it got one."""
    for finding in FINDINGS:
        for pair in finding.pairs:
            if pair.uses_model and only in ("", pair.name):
                first = pair.workloads[0]
                workload = replace(first, name="kinds", subject=subject.name, n_items=N_TEXTS, n_threads=1)
                try:
                    answer = certify(finding, pair, workload, subject=subject)
                except Exception as error:
                    yield pair.name, _words(error, folder)
                    continue
                yield pair.name, _plain(answer.why, folder) if isinstance(answer, Refusal) else ""


def _words(error: Exception, folder: Path) -> str:
    return _plain(str(error) if isinstance(error, BadInput) else reason(error), folder)


def _plain(words: str, folder: Path) -> str:
    """What happened, without what to do next, and without the folder, which is no one machine's."""
    plain = words.replace(str(folder.resolve()), "FOLDER").replace(str(folder), "FOLDER")
    return " ".join(plain.partition(" Expected")[0].removeprefix("unsupported: ").split())[:MOST_WORDS]

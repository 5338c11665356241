"""Kinds of models, SAEs and tokenizers: each loads from a folder, agrees with Transformers, and is put to the gate."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from speedproof.lens import oracle
from speedproof.lens.pretrained.apis import APIS
from speedproof_studies.architectures import saes
from speedproof_studies.architectures.kinds import COMMON, SAES, Cell, cells
from speedproof_studies.architectures.models import CONFIGS
from speedproof_studies.architectures.rows import ROUNDED, SAME, agreement, newest, proven, rows
from speedproof_studies.architectures.session import try_one
from speedproof_studies.architectures.tokenizers import KINDS as TOKENIZERS
from speedproof_studies.architectures.tokenizers import usual
from speedproof_studies.kinds import Tried

SHARE: Sequence[Cell] = (
    Cell("gemma3", "", usual("gemma3")),
    Cell("qwen3", "raw", usual("qwen3")),
    Cell("gpt_neox", "hooked", usual("gpt_neox")),
    Cell("mistral", "cut", usual("mistral")),
    Cell("mistral", "cut", "byte-level, distinct pad", "jumprelu transcoder"),
)
"""One of each API, of which one function is asked about; the whole table is made by command."""


@pytest.fixture(autouse=True)
def no_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oracle, "CACHE", tmp_path / "cache")


@pytest.mark.parametrize("cell", SHARE, ids=lambda cell: cell.label)
def test_a_share_of_the_table_is_proven_and_agrees_with_transformers(cell: Cell, tmp_path: Path) -> None:
    tried = try_one(cell, tmp_path / "subject", "extract_features")
    assert tried.unsupported == "" and tried.refused == {"extract_features": ""}, tried
    assert min(tried.away["as told"], tried.away["less its mean"]) < (SAME if cell.api in ("raw", "cut") else ROUNDED)
    # The companion: whoever lets Transformers round is seen to differ.
    assert tried.away["as Transformers rounds"] > SAME or cell.model in ("gpt2", "gpt_neox")


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        (Cell("gemma2", "hooked", usual("gemma2")), "could not be loaded: NotImplementedError"),
        (Cell("llama", "", usual("llama"), "matching pursuit"), "tells no pre-activation of each feature"),
    ],
)
def test_what_a_library_cannot_do_is_unsupported_for_a_reason(cell: Cell, words: str, tmp_path: Path) -> None:
    tried = try_one(cell, tmp_path / "subject")
    assert words in tried.unsupported and str(tmp_path) not in tried.unsupported
    assert not tried.away and not tried.refused and proven(tried).startswith("unsupported (")


def test_every_kind_is_in_the_table() -> None:
    every = cells()
    assert {(cell.model, cell.api) for cell in every} >= {(model, api) for model in CONFIGS for api in APIS}
    assert {cell.sae for cell in every} == set(SAES) == set(saes.KINDS)
    assert {cell.tokenizer for cell in every} == set(TOKENIZERS)
    assert {cell.model for cell in cells(("llama",))} == {"llama"} and COMMON in CONFIGS


def test_what_is_shown_tells_the_same_from_the_different() -> None:
    away = {"as told": 1e-3, "less its mean": 1e-15, "as Transformers rounds": 1e-7}
    one = Tried(
        model="gpt2", api="", tokenizer="t", sae="standard", away=away, refused={"f": "", "g": "why", "h": "why"}
    )
    assert agreement(one) == "same, less its mean: 1e-15" and proven(one) == "1 of 3; g, h: why"
    other = one.model_copy(update={"away": {**away, "less its mean": 1e-2}})
    assert agreement(other) == "DIFFERENT, as told: 0.001"
    assert newest([one, other]) == [other] and len(rows([one])[0]) == 6
    assert replace(cells()[0], sae="topk") not in cells(("gpt2",))

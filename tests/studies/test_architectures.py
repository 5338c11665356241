"""Kinds of models, SAEs and tokenizers: each loads from a folder, agrees with Transformers, and is put to the gate."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

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
    Cell("gpt2", "hooked", usual("gpt2")),
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
    assert tried.away["as Transformers rounds"] > SAME or cell.model == "gpt2"


def test_a_number_that_a_library_leaves_out_is_told(tmp_path: Path) -> None:
    """`HookedTransformer` turns a GPT-NeoX by angles of its own, whatever base the model's configuration has."""
    tried = try_one(Cell("gpt_neox", "hooked", usual("gpt_neox")), tmp_path / "subject", "extract_features")
    assert tried.unsupported == "" and agreement(tried).startswith("DIFFERENT")


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


IDLE = ("drop", "initializer_range", "token_id", "chunk_size", "pretraining_tp", "summary")
"""Words of the names of numbers that decide no answer of a model that is no longer trained."""
OF_LAYERS = ("max_window_layers", "sliding_window_pattern")
"""What says which layers have windows where the list of layers does not."""


def numbers(config: Any) -> dict[str, Any]:
    """The numbers that a model of it computes with, those of its rotary angles by kind of layer."""
    told = {**config.to_dict(), **flat(config.to_dict().get("rope_parameters") or {})}
    is_number = {name: isinstance(value, int | float) and not isinstance(value, bool) for name, value in told.items()}
    return {
        name: told[name] for name in told if is_number[name] and not any(word in name for word in (*IDLE, *OF_LAYERS))
    }


def flat(tree: Mapping[str, Any], at: str = "") -> dict[str, Any]:
    branches = [
        flat(value, f"{at}{name} ") if isinstance(value, Mapping) else {f"{at}{name}": value}
        for name, value in tree.items()
    ]
    return {name: value for branch in branches for name, value in branch.items()}


def left_as_they_are(config: Any) -> set[str]:
    """The numbers that are the library's own defaults, which who leaves them out gets too."""
    defaults = numbers(type(config)())
    return {name for name, value in numbers(config).items() if defaults.get(name) == value}


@pytest.mark.parametrize("kind", CONFIGS)
def test_no_number_that_a_model_computes_with_is_a_default(kind: str) -> None:
    assert left_as_they_are(CONFIGS[kind]()) == set()


def test_a_number_that_is_a_default_is_seen() -> None:
    config = CONFIGS["gemma3"]()
    config.query_pre_attn_scalar = type(config)().query_pre_attn_scalar
    config.rope_parameters["full_attention"]["rope_theta"] = 1_000_000.0
    assert {"query_pre_attn_scalar", "full_attention rope_theta"} <= left_as_they_are(config)


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

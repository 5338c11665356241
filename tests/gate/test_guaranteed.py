"""Hostile texts, hubs and refusals are guaranteed: none is left to the seed, and what is left out is told."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

import impl_batched.category_lookup as lookup
import impl_batched.sae_cache as cache
import impl_batched.text_batching as batched
from bench import hub
from bench.findings import FINDINGS, find
from speedproof.cli.shown.check import what_was_tried
from speedproof.gate import refusals
from speedproof.gate.certificate import Certificate, Refusal
from speedproof.gate.check import certify
from speedproof.lens.hostile import hostile_texts, longest_that_fits, predicted_bytes
from speedproof.lens.subject import Subject, find_subject
from speedproof.pairs.finding import Finding, Pair, Refused
from speedproof.pairs.question import questions
from speedproof.pairs.workload import Workload

pytestmark = pytest.mark.usefixtures("known_definitions")
TEXT_BATCHING = find("text_batching")
SMOKE = TEXT_BATCHING.pairs[0].workload("smoke")
FEW = 14
"""Items of a workload: what is guaranteed comes along with however few."""
REFUSALS = [(finding, pair, refused) for finding in FINDINGS for pair in finding.pairs for refused in pair.refused]


def judge(candidate: Any, tiny: Subject, finding: Finding = TEXT_BATCHING, workload: str = "smoke") -> Any:
    asked = finding.pairs[0].workload(workload)
    few = replace(asked, n_items=min(FEW, asked.n_items))
    return certify(finding, finding.pairs[0], few, candidate, tiny, seed=7)


@pytest.mark.parametrize("name", ["tiny", "tiny:distinct-pad", "tiny:no-bos", "tiny:bridge"])
def test_each_special_token_and_the_contexts_ends_are_among_the_hostile_texts(name: str) -> None:
    model = find_subject(name).model
    texts = hostile_texts(model).texts
    for token in model.tokenizer.all_special_tokens:
        for kind in (token, f"{token}first", f"last{token}", f"in {token} side"):
            assert kind in texts
    lengths = [model.to_tokens(text, truncate=False).shape[1] for text in texts]
    assert {model.cfg.n_ctx, model.cfg.n_ctx + 1} <= set(lengths) and min(lengths) == 1
    assert ("" in texts) == bool(model.cfg.default_prepend_bos)
    assert len(texts) > len(set(texts)), "a text that comes twice"


def test_long_texts_come_with_short_ones_and_most_short_ones_without_long_ones(tiny: Subject) -> None:
    """Who pads all texts of a call to the longest is asked about both, and runs no context for each short text."""
    short, long = hostile_texts(tiny.model).calls
    lengths = [[tiny.model.to_tokens(text).shape[1] for text in call] for call in (short, long)]
    assert max(lengths[0]) < tiny.model.cfg.n_ctx // 4 and len(short) > 30
    assert lengths[1].count(tiny.model.cfg.n_ctx) == 2 and min(lengths[1]) <= 2 and len(long) == 4
    assert any(text.endswith(tiny.model.tokenizer.pad_token) for text in long)


def test_where_memory_is_short_the_longest_text_that_fits_is_asked_for_and_it_is_told(
    tiny: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    needed = predicted_bytes(tiny.model.cfg, tiny.model.cfg.n_ctx)
    assert longest_that_fits(tiny.model, free_bytes=100 * needed) == tiny.model.cfg.n_ctx
    assert 1 < longest_that_fits(tiny.model, free_bytes=needed) < tiny.model.cfg.n_ctx
    monkeypatch.setattr("speedproof.lens.hostile.longest_that_fits", lambda model, dtype_bytes=4: 32)
    told = judge(batched.extract_features, tiny)
    assert isinstance(told, Certificate) and "texts over 32 tokens, of the 128" in told.untried[0]


def test_a_prediction_of_memory_is_no_less_than_what_a_cache_holds(tiny: Subject) -> None:
    for n_tokens in (8, 128):
        tokens = torch.zeros(1, n_tokens, dtype=torch.long)
        logits, kept = tiny.model.run_with_cache(tokens)
        held = sum(value.numel() * value.element_size() for value in kept.values()) + logits.numel() * 4
        assert held <= predicted_bytes(tiny.model.cfg, n_tokens) < 3 * held


NEARLY = {
    "case": str.casefold,
    "white space": lambda text: " ".join(text.split()),
    "marks of no width": lambda text: text.replace("\u200b", "").replace("\u00ad", ""),
    "NFC": lambda text: __import__("unicodedata").normalize("NFC", text),
    "NFKC": lambda text: __import__("unicodedata").normalize("NFKC", text),
}


@pytest.mark.parametrize("how", NEARLY)
def test_a_look_up_that_takes_nearly_equal_texts_for_equal_is_refused(how: str, tiny: Subject) -> None:
    same: Any = NEARLY[how]

    def nearly(features: Any, texts: Any, categories: Any, threshold: float = 5.0) -> Any:
        folded = {name: [same(text) for text in members] for name, members in categories.items()}
        return lookup.analyze_specialists(features, [same(text) for text in texts], folded, threshold)

    for workload in ("smoke", "hostile"):
        answer = judge(nearly, tiny, find("category_lookup"), workload)
        assert isinstance(answer, Refusal) and answer.code == "not equivalent"


@pytest.mark.parametrize("how", NEARLY)
def test_features_of_nearly_equal_texts_are_each_texts_own(how: str, tiny: Subject) -> None:
    same: Any = NEARLY[how]

    def merged(model: Any, sae: Any, hook_name: str, texts: Any) -> Any:
        first = {same(text): text for text in reversed(texts)} if texts else {}
        return batched.extract_features(model, sae, hook_name, [first[same(text)] for text in texts] or texts)

    assert isinstance(answer := judge(merged, tiny), Refusal) and answer.trial == "hostile texts"


HUBS = {
    "main alone": "main",
    "first revision alone": "first",
    "links followed strictly": "strict",
}


@pytest.mark.parametrize("kind", HUBS)
def test_short_cuts_through_the_hub_are_refused(kind: str, tiny: Subject) -> None:
    def shortened(sae_path: str, sae_lens_cache: Path, hf_cache: Path) -> Any:
        if not sae_path:
            raise ValueError("sae_path is empty")
        direct = sae_lens_cache / sae_path
        if (direct / hub.WEIGHTS).is_file():
            return True, direct
        for repository in sorted(hf_cache.glob("models--*")):
            revisions = sorted((repository / "snapshots").iterdir())
            if kind == "main alone":
                revisions = [repository / "snapshots" / (repository / "refs" / "main").read_text()]
            if kind == "first revision alone":
                revisions = revisions[:1]
            for revision in revisions:
                if kind == "links followed strictly":
                    for path in revision.rglob("*"):
                        path.resolve(strict=True)
                if (revision / sae_path / hub.WEIGHTS).is_file():
                    return True, revision / sae_path
        return False, None

    assert isinstance(judge(shortened, tiny, find("sae_cache"), "hostile"), Refusal)
    assert isinstance(judge(shortened, tiny, find("sae_cache")), Refusal)


def test_the_unusual_hub_has_one_right_answer_that_the_definition_gives(tmp_path: Path) -> None:
    for path in (hub.SAE_PATH, hub.PATTERN_PATH):
        root = hub.unusual("a test's", path)
        found = hub.find(path, root / "sae_lens", root / "hub")
        assert found[0] and found == cache.check_sae_cached(path, root / "sae_lens", root / "hub")
        assert not (root / "hub" / "models--org--without-main" / "refs").exists()
        assert [p for p in (root / "hub").rglob("*") if p.is_symlink() and not p.exists()]


@pytest.mark.parametrize(
    ("finding", "pair", "refused"), REFUSALS, ids=lambda value: getattr(value, "words", getattr(value, "name", ""))
)
def test_twins_refuse_what_the_card_says_with_the_type_that_it_says(
    finding: Finding, pair: Pair, refused: Refused, tiny: Subject
) -> None:
    fine = pair.inputs(pair.workloads[0], tiny, [0, 1])
    for twin in (pair.sequential, pair.batched):
        _, error = refusals.outcome(twin, {**fine, **refused.changes(fine)})
        assert isinstance(error, refused.error)
    assert refusals.objection(pair.sequential, pair.batched, refused, fine) is None


def test_an_answer_and_another_type_of_refusal_are_objected_to_and_an_accident_is_not(tiny: Subject) -> None:
    pair = TEXT_BATCHING.pairs[0]
    fine, (no_texts, *_) = pair.inputs(SMOKE, tiny, [0, 1]), pair.refused

    def answers(**_: Any) -> torch.Tensor:
        return torch.empty(0)

    def of_another_type(**_: Any) -> None:
        raise KeyError("texts")

    def of_a_kind(**_: Any) -> None:
        raise UnicodeError("a ValueError too")

    def by_accident(*, texts: Any, **_: Any) -> Any:
        return torch.stack([torch.zeros(1) for _ in texts])

    said = [refusals.objection(pair.sequential, f, no_texts, fine) for f in (answers, of_another_type)]
    assert [objection.rule for objection in said if objection] == ["refusals", "refusals"]
    for function in (of_a_kind, by_accident):
        assert refusals.objection(pair.sequential, function, no_texts, fine) is None


@pytest.mark.parametrize("texts", [("same",) * 3, ("is " * 200 + "one", "is " * 200 + "another")])
def test_items_with_one_answer_prove_nothing_whatever_the_equivalence(texts: tuple[str, ...], tiny: Subject) -> None:
    for function in ("extract_features", "explore_feature", "find_features_for_concept"):
        pair = TEXT_BATCHING.pair(function)
        workload = Workload("given", "tiny", len(texts), "given", given=texts)
        answer = certify(TEXT_BATCHING, pair, workload, subject=tiny)
        same_words = len(set(texts)) == 1
        if function == "explore_feature" and not same_words:
            # Its rows carry the texts, so that two are never one.
            continue
        assert isinstance(answer, Refusal) and answer.code == "invalid check", str(answer)
    links = find("feature_links")
    repeated = replace(links.pairs[0], inputs=lambda *_: {"sae_name": "a", "feature_idxs": [3, 3]})
    answer = certify(links, repeated, replace(links.pairs[0].workload("smoke"), n_items=2), subject=tiny)
    assert isinstance(answer, Refusal) and answer.code == "invalid check"


def test_one_text_alone_is_certified_by_the_hostile_ones(tiny: Subject) -> None:
    workload = Workload("given", "tiny", 1, "given", given=("one text",))
    assert isinstance(certify(TEXT_BATCHING, TEXT_BATCHING.pairs[0], workload, subject=tiny), Certificate)


def test_a_candidate_is_asked_about_every_workload_of_its_subject() -> None:
    asked = questions([TEXT_BATCHING], candidate="mine.py:f")
    assert [q.workload.name for q in asked] == ["smoke", "hostile", "ragged"]
    on_bridge = questions([TEXT_BATCHING], candidate="mine.py:f", subject="tiny:bridge")
    assert [q.workload.name for q in on_bridge] == ["smoke", "hostile", "ragged"]
    assert {q.workload.subject for q in on_bridge} == {"tiny:bridge"}
    assert len(questions([TEXT_BATCHING], candidate="mine.py:f", given=("a", "b"))) == 1
    assert len(questions([TEXT_BATCHING], candidate="mine.py:f", workload="report")) == 1


def test_the_verdict_says_what_was_tried_and_what_was_not(tiny: Subject) -> None:
    (line,) = what_was_tried([TEXT_BATCHING], [judge(batched.extract_features, tiny)])
    assert line.startswith("extract_features: tried smoke on tiny (")
    for left in ("hostile on tiny", "report on gpt2-small-shape", "bfloat16", "other subjects"):
        assert left in line.partition("Not tried:")[2]


def test_where_the_definition_is_wrong_on_a_hostile_text_the_others_are_still_asked_about() -> None:
    subject, pair = find_subject("tiny:left-padding"), TEXT_BATCHING.pairs[0]
    # Hostile texts come along with however few.
    workload = replace(SMOKE, subject=subject.name, n_items=7)
    for candidate in (pair.sequential, pair.batched):
        answer = certify(TEXT_BATCHING, pair, workload, candidate, subject)
        assert isinstance(answer, Certificate), str(answer)

    def stripped(model: Any, sae: Any, hook_name: str, texts: Any) -> Any:
        return batched.extract_features(model, sae, hook_name, texts and [text.strip() for text in texts])

    assert isinstance(certify(TEXT_BATCHING, pair, workload, stripped, subject), Refusal)

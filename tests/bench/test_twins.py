"""What both twins must do on inputs beyond the workloads: odd tokenizers, hooks, SAEs, errors; and baseline defects."""

import copy
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from sae_lens import GatedSAE, GatedSAEConfig, JumpReLUSAE, JumpReLUSAEConfig, StandardSAE, TopKSAE, TopKSAEConfig
from sae_lens.saes.sae import SAEMetadata

import impl_batched.category_lookup
import impl_batched.comparison_table
import impl_batched.grad_mode
import impl_batched.sae_cache
import impl_batched.text_batching
import impl_sequential.category_lookup
import impl_sequential.comparison_table
import impl_sequential.grad_mode
import impl_sequential.sae_cache
import impl_sequential.text_batching
from bench.findings import FINDINGS
from speedproof.counters.tally import count
from speedproof.lens.counters import encodes
from speedproof.lens.embedded.saes import SOLVED_GAIN
from speedproof.lens.embedded.shapes import EMBEDDED
from speedproof.lens.subject import Subject
from speedproof.pairs import texts

ROOT = Path(__file__).parents[2]
TEXT_TWINS = (impl_sequential.text_batching, impl_batched.text_batching)
RAGGED = [*texts.own(12), "", "<|endoftext|>", "ends so<|endoftext|>", "<|endoftext|>begins so", "word " * 300]
"""Among them an empty text, literal special tokens, and one that is longer than the tiny subject's context."""


def assert_same(model: Any, sae: Any, hook_name: str, given: list[str]) -> None:
    definition, fast = (twin.extract_features(model, sae, hook_name, given) for twin in TEXT_TWINS)
    assert definition.shape == (len(given), sae.cfg.d_sae)
    torch.testing.assert_close(fast, definition, rtol=1e-4, atol=1e-4)
    assert definition.abs().max() > 0


@pytest.fixture
def own_tokenizer(tiny: Subject) -> Any:
    """The tiny model with a tokenizer that a test may change."""
    model = tiny.model
    before, prepends = model.tokenizer, model.cfg.tokenizer_prepends_bos
    model.tokenizer = copy.deepcopy(before)
    yield model
    model.tokenizer, model.cfg.tokenizer_prepends_bos = before, prepends


def test_any_text_gives_the_same_features(tiny: Subject) -> None:
    assert_same(tiny.model, tiny.sae, tiny.hook_name, RAGGED)


def test_texts_longer_than_the_context_are_cut_on_the_right(tiny: Subject) -> None:
    long = "word " * 1_000
    assert tiny.model.to_tokens(long).shape[1] == tiny.model.cfg.n_ctx
    for twin in TEXT_TWINS:
        cut = twin.extract_features(tiny.model, tiny.sae, tiny.hook_name, [long, long + "and more"])
        torch.testing.assert_close(cut[0], cut[1])


def test_one_text_and_equal_texts(tiny: Subject) -> None:
    assert_same(tiny.model, tiny.sae, tiny.hook_name, ["alone here"])
    assert_same(tiny.model, tiny.sae, tiny.hook_name, ["twice the same"] * 2)


def test_a_tokenizer_with_a_pad_of_its_own(tiny: Subject, own_tokenizer: Any) -> None:
    own_tokenizer.tokenizer.add_special_tokens({"pad_token": "<pad>"})
    assert own_tokenizer.tokenizer.pad_token_id != own_tokenizer.tokenizer.bos_token_id
    assert_same(own_tokenizer, tiny.sae, tiny.hook_name, RAGGED)


def test_a_tokenizer_that_pads_on_the_left(tiny: Subject, own_tokenizer: Any) -> None:
    own_tokenizer.tokenizer.padding_side = "left"
    assert_same(own_tokenizer, tiny.sae, tiny.hook_name, [text for text in RAGGED if "<|endoftext|>" not in text])
    assert own_tokenizer.tokenizer.padding_side == "left"


def test_without_bos(tiny: Subject) -> None:
    tiny.model.cfg.default_prepend_bos = False
    try:
        assert_same(tiny.model, tiny.sae, tiny.hook_name, [text for text in RAGGED if text])
    finally:
        tiny.model.cfg.default_prepend_bos = True


@pytest.mark.parametrize(
    "hook_name",
    [
        "hook_embed",
        "blocks.0.hook_resid_pre",
        "blocks.0.hook_resid_post",
        "blocks.1.hook_mlp_out",
        "blocks.1.ln1.hook_normalized",
    ],
)
def test_any_hook(tiny: Subject, hook_name: str) -> None:
    assert_same(tiny.model, tiny.sae, hook_name, RAGGED)


def other_sae(kind: str, like: Any) -> Any:
    sizes: Any = {
        "d_in": like.cfg.d_in,
        "d_sae": like.cfg.d_sae,
        "metadata": SAEMetadata(hook_name="blocks.1.hook_resid_pre"),
    }
    torch.manual_seed(0)
    sae: Any
    if kind == "topk":
        sae = TopKSAE(TopKSAEConfig(k=5, **sizes))
    elif kind == "gated":
        sae = GatedSAE(GatedSAEConfig(**sizes))
    else:
        sae = JumpReLUSAE(JumpReLUSAEConfig(**sizes))
        torch.nn.init.constant_(sae.threshold, 1.0)
    return sae


@pytest.mark.parametrize("kind", ["topk", "jumprelu", "gated"])
def test_any_sae(tiny: Subject, kind: str) -> None:
    sae = other_sae(kind, tiny.sae)
    assert not isinstance(sae, StandardSAE)
    assert_same(tiny.model, sae, tiny.hook_name, RAGGED)
    one, two = (twin.explore_feature(tiny.model, sae, tiny.hook_name, texts.own(9), 3) for twin in TEXT_TWINS)
    assert [row.activation for row in one] == pytest.approx([row.activation for row in two], abs=1e-4)


@pytest.mark.parametrize("kind", ["standard", "topk", "jumprelu", "gated"])
def test_one_feature_is_computed_alone_where_it_hangs_on_no_other(kind: str, tiny: Subject) -> None:
    sae = tiny.sae if kind == "standard" else other_sae(kind, tiny.sae)
    inputs = {"model": tiny.model, "sae": sae, "hook_name": tiny.hook_name, "texts": texts.own(5), "feature_idx": 3}
    explore = impl_batched.text_batching.explore_feature
    assert count([encodes], explore, inputs) == {"encodes": 1 if kind == "topk" else 0}
    plain = explore(**inputs)
    # A hook sees all features of what is encoded and may change them, so it is asked, text by text.
    with sae.hooks([("hook_sae_acts_post", lambda value, hook: 2 * value)]):
        assert count([encodes], explore, inputs) == {"encodes": 5}
        for one, two in zip(explore(**inputs), plain, strict=True):
            assert one.activation == pytest.approx(2 * two.activation, abs=1e-4)


def solved_features(tokens: list[int]) -> list[float]:
    """What `solved`'s SAE says of a text with these tokens, by plain counting: last token's class, then shares."""
    n_classes = EMBEDDED["solved"].d_model // 2
    last = [SOLVED_GAIN * (tokens[-1] % n_classes == c) for c in range(n_classes)]
    shares = [SOLVED_GAIN * sum(t % n_classes == c for t in tokens) / len(tokens) for c in range(n_classes)]
    return last + shares


def test_the_features_of_the_solved_subject_are_those_counted_by_hand(solved: Subject) -> None:
    given = texts.own(70)
    by_hand = torch.tensor([solved_features(solved.model.to_tokens(text)[0].tolist()) for text in given])
    for twin in TEXT_TWINS:
        torch.testing.assert_close(twin.extract_features(solved.model, solved.sae, solved.hook_name, given), by_hand)


def test_the_batched_twins_features_may_meet_autograd(tiny: Subject) -> None:
    features = impl_batched.text_batching.extract_features(tiny.model, tiny.sae, tiny.hook_name, ["a", "b c"])
    assert not features.is_inference() and not features.requires_grad
    features.requires_grad_().sum().backward()  # type: ignore[no-untyped-call]


Call = Callable[[Any, Subject], Any]
ASTRAY = SimpleNamespace(metadata=SimpleNamespace(hook_name="blocks.9.nowhere"))
BAD: dict[str, tuple[tuple[Any, Any], Call, type[Exception], str]] = {
    "no texts": (
        TEXT_TWINS,
        lambda m, s: m.extract_features(s.model, s.sae, s.hook_name, []),
        ValueError,
        "at least one",
    ),
    "one string": (
        TEXT_TWINS,
        lambda m, s: m.extract_features(s.model, s.sae, s.hook_name, "abc"),
        TypeError,
        "one string",
    ),
    "unknown hook": (
        TEXT_TWINS,
        lambda m, s: m.extract_features(s.model, s.sae, "blocks.9.x", ["a"]),
        ValueError,
        "hook",
    ),
    "feature too large": (
        TEXT_TWINS,
        lambda m, s: m.explore_feature(s.model, s.sae, s.hook_name, ["a"], 96),
        IndexError,
        "0 to 95",
    ),
    "negative feature": (
        TEXT_TWINS,
        lambda m, s: m.explore_feature(s.model, s.sae, s.hook_name, ["a"], -1),
        IndexError,
        "0 to 95",
    ),
    "SAE of another width": (
        TEXT_TWINS,
        lambda m, s: m.extract_features(s.model, s.sae, "blocks.0.mlp.hook_post", ["a"]),
        ValueError,
        "expected d_in 128",
    ),
    "no SAEs": (
        (impl_sequential.comparison_table, impl_batched.comparison_table),
        lambda m, s: m.comparison_table(s.model, {}, ["a"], {}),
        ValueError,
        "at least one SAE",
    ),
    "SAE at a hook that the model lacks": (
        (impl_sequential.comparison_table, impl_batched.comparison_table),
        lambda m, s: m.comparison_table(s.model, {"astray": SimpleNamespace(cfg=ASTRAY)}, ["a"], {}),
        ValueError,
        "expected a hook of the model, got 'blocks.9.nowhere'",
    ),
    "no texts to collect": (
        (impl_sequential.grad_mode, impl_batched.grad_mode),
        lambda m, s: m.collect_activations(s.model, s.hook_name, []),
        ValueError,
        "at least one",
    ),
    "rows and texts differ": (
        (impl_sequential.category_lookup, impl_batched.category_lookup),
        lambda m, s: m.analyze_specialists(torch.zeros(2, 3), ["a"], {}),
        ValueError,
        "expected 1 rows",
    ),
    "empty path": (
        (impl_sequential.sae_cache, impl_batched.sae_cache),
        lambda m, s: m.check_sae_cached("", Path("."), Path(".")),
        ValueError,
        "empty string",
    ),
}


@pytest.mark.parametrize("what", BAD)
def test_twins_raise_the_same_error_on_bad_input(what: str, tiny: Subject) -> None:
    twins, call, kind, words = BAD[what]
    said = []
    for twin in twins:
        with pytest.raises(kind, match=words) as raised:
            call(twin, tiny)
        said.append(str(raised.value))
    assert said[0] == said[1]
    assert not any(point.fwd_hooks for point in tiny.model.hook_points())


@pytest.mark.parametrize("feature_idx", [0, -1], ids=["first", "last"])
def test_the_first_and_the_last_feature_can_be_explored(feature_idx: int, tiny: Subject) -> None:
    index = range(tiny.d_sae)[feature_idx]
    given = (tiny.model, tiny.sae, tiny.hook_name, texts.own(6), index)
    definition, fast = (dict(twin.explore_feature(*given)) for twin in TEXT_TWINS)
    assert definition.keys() == fast.keys() and len(definition) == 6
    for text, value in definition.items():
        assert fast[text] == pytest.approx(value, abs=1e-4)


def test_categories_with_no_text_present_have_no_specialist() -> None:
    for twin in (impl_sequential.category_lookup, impl_batched.category_lookup):
        assert twin.analyze_specialists(torch.ones(1, 7) * 9, ["a"], {"x": ["b"]}) == {"x": None}


def test_specialists_keep_duplicates_are_strict_and_may_be_none() -> None:
    features = torch.tensor([[9.0, 5.0], [9.0, 0.0], [0.0, 9.0], [0.0, 9.0]])
    given = ["same", "same", "other", "third"]
    for twin in (impl_sequential.category_lookup, impl_batched.category_lookup):
        found = twin.analyze_specialists(features, given, {"a": ["same"], "b": ["third"], "all": given})
        assert found["a"] == (0, 2, 2, 0)
        assert found["b"] == (1, 0, 1, 1)
        assert found["all"] == (0, 2, 2, 0)
        assert twin.analyze_specialists(features * 0 + 9, given, {"b": ["third"]}) == {"b": None}


def test_tables_escape_every_text(tiny: Subject) -> None:
    for twin in (impl_sequential.comparison_table, impl_batched.comparison_table):
        page = twin.comparison_table(tiny.model, tiny.saes, ["<script>alert(1)</script>"], {"<b>": ["x"]}).to_html()
        assert "<script>" not in page and "&lt;script&gt;" in page and "<b>" not in page


def test_both_tables_make_the_same_page(tiny: Subject) -> None:
    pages = [
        twin.comparison_table(tiny.model, tiny.saes, texts.own(20), texts.CATEGORIES).to_html()
        for twin in (impl_sequential.comparison_table, impl_batched.comparison_table)
    ]
    assert pages[0] == pages[1]


def test_baseline_defect_of_a_leading_bos_under_left_padding(tiny: Subject, own_tokenizer: Any) -> None:
    given = ["<|endoftext|>begins so"]
    right = TEXT_TWINS[0].extract_features(own_tokenizer, tiny.sae, tiny.hook_name, given)
    own_tokenizer.tokenizer.padding_side = "left"
    wrong, fast = (twin.extract_features(own_tokenizer, tiny.sae, tiny.hook_name, given) for twin in TEXT_TWINS)
    assert (wrong - right).abs().max() > 0.1, "the definition is wrong here"
    torch.testing.assert_close(fast, right, rtol=1e-4, atol=1e-4)


def test_every_baseline_defect_names_a_test_that_exists() -> None:
    defects = [defect for finding in FINDINGS for defect in finding.baseline_defects]
    assert len(defects) == 8
    for defect in defects:
        path, _, name = defect.test.partition("::")
        assert f"def {name.partition('[')[0]}(" in (ROOT / path).read_text(), defect

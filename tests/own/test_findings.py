"""The six findings' own twins, held against each other by name, come to the verdicts of their cards."""

import pytest

from speedproof.errors import NotEquivalent
from speedproof.own import trials
from speedproof.own.asking import check_pair
from speedproof.own.pair import OwnPair
from tests.walls import ROOT

INPUTS = ROOT / "tests/own/findings_inputs.py"
TWINS = (
    ("text_batching", "extract_features", "of_one_sae"),
    ("text_batching", "explore_feature", "of_one_feature"),
    ("text_batching", "find_features_for_concept", "of_concept"),
    ("comparison_table", "comparison_table", "of_saes"),
    ("category_lookup", "analyze_specialists", "of_features"),
    ("feature_links", "feature_links", "of_links"),
    ("sae_cache", "check_sae_cached", "of_hub"),
    ("grad_mode", "collect_activations", "of_activations"),
)
SIZES = (1, 2, 5)


@pytest.fixture(autouse=True)
def draws_of_these_sizes_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """More of them are for those who may be right by chance; a draw of a model costs."""
    monkeypatch.setattr(trials, "N_DRAWS", 0)


def named(module: str, function: str, inputs: str, candidate: str | None = None) -> OwnPair:
    """The pair by names alone."""
    fast = (
        f"{ROOT}/bench/controls/{module}.py:{candidate}" if candidate else f"{ROOT}/impl_batched/{module}.py:{function}"
    )
    return OwnPair(
        f"{ROOT}/impl_sequential/{module}.py:{function}", fast, f"{INPUTS}:{inputs}", sizes=SIZES, budget_s=600
    )


@pytest.mark.parametrize(("module", "function", "inputs"), TWINS)
def test_twins_by_name_give_one_answer(module: str, function: str, inputs: str) -> None:
    assert check_pair(named(module, function, inputs), seed=1).certificate.n_checks > len(SIZES)


def test_the_reports_own_fix_by_name_is_refused() -> None:
    pair = named("text_batching", "extract_features", "of_one_sae", "report_fix_by_pad_count")
    with pytest.raises(NotEquivalent) as refused:
        check_pair(pair, seed=1)
    assert refused.value.rule in ("element", "exact", "shape")

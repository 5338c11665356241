"""What a call is counted on tells the same as all of it."""

from collections import Counter
from dataclasses import replace
from types import SimpleNamespace

import pytest

from bench.findings import FINDINGS
from speedproof.pairs.finding import Pair
from speedproof.pairs.workload import Workload
from speedproof.sittings.proving import N_COUNTED, counted_items

PAIRS = [pair for finding in FINDINGS for pair in finding.pairs]
LONG = ("extract_features", "comparison_table")
"""What takes a model of a real size through all the report's texts."""


def items(pair: Pair, workload: Workload, d_model: int | None = None) -> list[int] | None:
    subject = SimpleNamespace(d_model=d_model) if d_model else pair.subject(workload)
    return counted_items(pair, workload, subject)


@pytest.mark.parametrize("pair", [pair for pair in PAIRS if pair.name in LONG], ids=lambda pair: pair.name)
def test_on_a_model_of_a_real_size_a_call_is_counted_on_a_few_items_of_every_category(pair: Pair) -> None:
    report = pair.workload("report")
    chosen = items(pair, report)
    assert chosen and len(chosen) == N_COUNTED == len(set(chosen))
    n_categories = report.n_categories
    assert set(Counter(i * n_categories // report.n_items for i in chosen).values()) == {N_COUNTED // n_categories}


@pytest.mark.parametrize(("n_items", "n_counted"), [(N_COUNTED, None), (27, 14), (41, 14), (700, 14)])
def test_of_any_number_of_items_as_many_are_counted_or_all(n_items: int, n_counted: int | None) -> None:
    (pair,) = (pair for pair in PAIRS if pair.name == LONG[0])
    chosen = items(pair, replace(pair.workload("report"), n_items=n_items, subject="gpt2-small-shape"), d_model=4_000)
    assert (chosen and len(set(chosen))) == n_counted and (not chosen or max(chosen) < n_items)


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.name)
def test_on_a_small_model_all_items_are_counted(pair: Pair) -> None:
    assert items(pair, pair.workload("smoke")) is None


@pytest.mark.parametrize("pair", [pair for pair in PAIRS if pair.name not in LONG], ids=lambda pair: pair.name)
def test_what_is_short_is_counted_on_all_items(pair: Pair) -> None:
    assert items(pair, pair.workload("report")) is None

"""Counters: exact, repeatable, and blind to nothing."""

from pathlib import Path

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from bench.counters import (
    Call,
    bytes_saved_for_backward,
    count,
    directory_scans,
    flops,
    forward_passes,
    string_comparisons,
)
from bench.finding import TWINS, Finding
from bench.findings import FINDINGS, find
from bench.subject import Subject

NOTHING = Call(print, {})


def counted(finding: Finding, twin: str, subject: Subject, n_items: int) -> dict[str, int]:
    pair = finding.pairs[0]
    return count(finding.counters, pair.twin(twin), pair.inputs(pair.workload("smoke"), subject, list(range(n_items))))


@pytest.mark.parametrize("finding", FINDINGS, ids=lambda finding: finding.name)
@pytest.mark.parametrize("twin", TWINS)
def test_counts_are_the_same_twice(finding: Finding, twin: str, tiny: Subject) -> None:
    assert counted(finding, twin, tiny, 12) == counted(finding, twin, tiny, 12)


def test_the_loop_runs_the_model_once_a_text_and_the_batched_twin_once(tiny: Subject) -> None:
    slow, fast = (counted(find("text_batching"), twin, tiny, 12) for twin in TWINS)
    assert (slow["forward_passes"], fast["forward_passes"]) == (12, 1)
    assert (slow["encodes"], fast["encodes"]) == (12, 1)
    # The hook is before block 1 of 2, so the batched twin finishes one block and the loop two.
    assert slow["token_layers"] == 2 * slow["computed_tokens"]
    assert fast["token_layers"] == fast["computed_tokens"]
    assert 0 < fast["flops"] < slow["flops"]


def test_the_table_extracts_three_times_per_sae_and_the_batched_twin_once(tiny: Subject) -> None:
    slow, fast = (counted(find("comparison_table"), twin, tiny, 12) for twin in TWINS)
    assert (slow["forward_passes"], fast["forward_passes"]) == (6, 1)
    assert (slow["encodes"], fast["encodes"]) == (6, 2)


def test_only_the_definition_of_finding_6_saves_for_backward(tiny: Subject) -> None:
    slow, fast = (counted(find("grad_mode"), twin, tiny, 5) for twin in TWINS)
    assert slow["bytes_saved_for_backward"] > 0 and fast["bytes_saved_for_backward"] == 0
    assert slow["flops"] == fast["flops"] and slow["forward_passes"] == fast["forward_passes"] == 5


def test_lookup_compares_no_strings_in_the_batched_twin(tiny: Subject) -> None:
    slow, fast = (counted(find("category_lookup"), twin, tiny, 40) for twin in TWINS)
    assert fast["string_comparisons"] < slow["string_comparisons"] / 10


def test_the_walk_lists_more_directories_as_the_cache_grows() -> None:
    finding = find("sae_cache")
    pair = finding.pairs[0]
    subject = Subject("tiny")
    scans = {
        (twin, name): count(finding.counters, pair.twin(twin), pair.inputs(pair.workload(name), subject, None))[
            "directory_scans"
        ]
        for twin in TWINS
        for name in ("smoke", "miss")
    }
    assert scans["sequential", "miss"] > 5 * scans["sequential", "smoke"]
    assert scans["batched", "miss"] < scans["sequential", "miss"] / 10


def test_a_call_without_a_matrix_product_is_an_error_and_not_zero_flops() -> None:
    with pytest.raises(RuntimeError, match="no matrix product"), flops(NOTHING):
        torch.ones(3).sum()


def test_counters_count(tmp_path: Path, tiny: Subject) -> None:
    with directory_scans(NOTHING) as tally:
        list(tmp_path.iterdir())
        list(tmp_path.iterdir())
    assert tally.count == 2
    texts = ["a", "b", "c"]
    with string_comparisons(Call(print, {"texts": texts})) as tally:
        assert "".join(["c"]) in texts
    assert 1 <= tally.count <= 3 and all(type(text) is str for text in texts)
    weight = torch.ones(4, 4, requires_grad=True)
    with bytes_saved_for_backward(Call(print, {"model": torch.nn.Linear(1, 1)})) as tally:
        torch.sigmoid(torch.ones(2, 4, requires_grad=True) @ weight)
    # The product saves its input, the sigmoid its output; the weight is no Parameter of the model, so it counts.
    assert tally.count == (2 * 4 + 4 * 4 + 2 * 4) * 4


def test_counting_leaves_no_hooks(tiny: Subject) -> None:
    with forward_passes(Call(print, {"model": tiny.model})) as tally:
        tiny.model.to_tokens("nothing is run")
    assert tally.count == 0
    assert not tiny.model.embed._forward_pre_hooks


def test_flops_are_those_of_torchs_own_counter(tiny: Subject) -> None:
    finding = find("grad_mode")
    inputs = finding.pairs[0].inputs(finding.pairs[0].workload("smoke"), tiny, [0, 1])
    with FlopCounterMode(display=False) as mode:
        finding.pairs[0].batched(**inputs)
    assert count([flops], finding.pairs[0].batched, inputs)["flops"] == mode.get_total_flops()

"""Counters: exact, repeatable, and blind to nothing."""

import os
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from transformer_lens.hook_points import HookPoint

from bench.findings import FINDINGS, find
from speedproof.counters.files import directory_scans, file_system_calls
from speedproof.counters.source import string_comparisons
from speedproof.counters.tally import Call, Tally, count, work
from speedproof.errors import BadInput
from speedproof.lens.counters import computed_tokens, forward_passes, hook_fires, real_tokens
from speedproof.lens.subject import Subject
from speedproof.pairs.contract import Inputs
from speedproof.pairs.finding import TWINS, Finding
from speedproof.tensors.counters import bytes_allocated, bytes_saved_for_backward, flops, operators
from speedproof.tensors.device_counters import device_counters, kernel_launches, peak_device_bytes

NOTHING = Call(print, {})
FEW = 5
"""Items where it is not their number that is asked about: more than one, and of several lengths."""


def counted(finding: Finding, twin: str, subject: Subject, n_items: int) -> dict[str, int]:
    pair = finding.pairs[0]
    return count(finding.counters, pair.twin(twin), pair.inputs(pair.workload("smoke"), subject, list(range(n_items))))


@pytest.mark.parametrize("finding", FINDINGS, ids=lambda finding: finding.name)
@pytest.mark.parametrize("twin", TWINS)
def test_counts_are_the_same_twice(finding: Finding, twin: str, tiny: Subject) -> None:
    assert counted(finding, twin, tiny, FEW) == counted(finding, twin, tiny, FEW)


@pytest.mark.parametrize("finding", FINDINGS, ids=lambda finding: finding.name)
def test_counters_do_not_count_each_other(finding: Finding, tiny: Subject) -> None:
    pair = finding.pairs[0]
    for twin in TWINS:
        together = counted(finding, twin, tiny, FEW)
        for counter in finding.counters:
            inputs = pair.inputs(pair.workload("smoke"), tiny, list(range(FEW)))
            assert count([counter], pair.twin(twin), inputs)[counter.__name__] == together[counter.__name__]


@contextmanager
def load() -> Iterator[None]:
    """A thread beside that computes, allocates and compares as fast as it can."""
    over = threading.Event()

    def compute() -> None:
        while not over.is_set():
            torch.ones(200, 200) @ torch.ones(200, 200)
            _ = "".join(["c"]) in ["a", "b", "c"]

    thread = threading.Thread(target=compute)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def counts_change_under_load(counters: Any, twin: Callable[..., Any], inputs: Callable[[], Inputs]) -> bool:
    quiet = work(counters, twin, inputs())
    with load():
        return work(counters, twin, inputs()) != quiet


@pytest.mark.parametrize("finding", FINDINGS, ids=lambda finding: finding.name)
@pytest.mark.parametrize("twin", TWINS)
def test_counts_are_the_same_under_load(finding: Finding, twin: str, tiny: Subject) -> None:
    pair = finding.pairs[0]
    workload = pair.workload("smoke")
    assert not counts_change_under_load(
        finding.counters, pair.twin(twin), lambda: pair.inputs(workload, tiny, list(range(12)))
    )


def test_a_counter_that_depends_on_the_clock_is_seen_to_change() -> None:
    n_seen = iter(range(9))

    @contextmanager
    def unsteady(call: Call) -> Iterator[Tally]:
        yield Tally(next(n_seen))

    assert counts_change_under_load([unsteady], lambda: None, dict)


def test_the_loop_runs_the_model_once_a_text_and_the_batched_twin_once(tiny: Subject) -> None:
    slow, fast = (counted(find("text_batching"), twin, tiny, 12) for twin in TWINS)
    assert (slow["forward_passes"], fast["forward_passes"]) == (12, 1)
    assert (slow["encodes"], fast["encodes"]) == (12, 1)
    # The hook is before block 1 of 2, so the batched twin has one block, in which it finishes each text's last token.
    assert slow["token_layers"] == 2 * slow["computed_tokens"]
    assert fast["token_layers"] == 12
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


def test_counting_leaves_the_hook_points_as_they_were(tiny: Subject) -> None:
    before = HookPoint.forward
    with forward_passes(Call(print, {"model": tiny.model})) as tally, hook_fires(Call(print, {"model": tiny.model})):
        tiny.model.to_tokens("nothing is run")
        assert HookPoint.forward is not before
    assert tally.count == 0 and HookPoint.forward is before


def test_flops_are_those_of_torchs_own_counter(tiny: Subject) -> None:
    finding = find("grad_mode")
    inputs = finding.pairs[0].inputs(finding.pairs[0].workload("smoke"), tiny, [0, 1])
    with FlopCounterMode(display=False) as mode:
        finding.pairs[0].batched(**inputs)
    assert count([flops], finding.pairs[0].batched, inputs)["flops"] == mode.get_total_flops()


def run_padded(subject: Subject, texts: list[str], width: int, left: bool = False) -> int:
    """Real tokens that are counted where each text is run in a row of that width."""
    pad = 0
    with real_tokens(Call(print, {"model": subject.model, "texts": texts})) as tally:
        for text in texts:
            row = subject.model.to_tokens(text)[0].tolist()
            padding = [pad] * (width - len(row))
            subject.model(torch.tensor([padding + row if left else row + padding]))
    return tally.count


@pytest.mark.parametrize("left", [False, True])
def test_padding_is_no_real_token_on_either_side(left: bool, tiny: Subject) -> None:
    texts = ["a short text", "a text that is a good deal longer than the other one"]
    n_real = sum(len(tiny.model.to_tokens(text)[0]) for text in texts)
    assert run_padded(tiny, texts, 30, left) == n_real
    assert run_padded(tiny, texts, 40, left) == n_real


def test_texts_that_look_like_padded_others_are_counted_right_in_sum(tiny: Subject) -> None:
    pad = tiny.model.tokenizer.decode([0])
    texts = ["a", "a" + 3 * pad, "a", "a" + pad]
    n_real = sum(len(tiny.model.to_tokens(text)[0]) for text in texts)
    assert run_padded(tiny, texts, 12) == run_padded(tiny, texts[::-1], 12) == n_real


def test_a_row_that_is_none_of_the_texts_is_an_error_and_not_a_guess(tiny: Subject) -> None:
    call = Call(print, {"model": tiny.model, "texts": ["one text"]})
    with pytest.raises(RuntimeError, match="none of the texts"), real_tokens(call):
        tiny.model("quite another")


def test_neither_twin_pads_and_the_batched_one_computes_what_texts_begin_with_once(tiny: Subject) -> None:
    pair = find("text_batching").pairs[0]
    for name in ("smoke", "hostile", "ragged"):
        slow, fast = (
            count([real_tokens, computed_tokens], pair.twin(twin), pair.inputs(pair.workload(name), tiny, None))
            for twin in TWINS
        )
        assert slow["real_tokens"] == slow["computed_tokens"]
        texts = [tiny.model.to_tokens(text)[0].tolist() for text in pair.workload(name).texts()]
        beginnings = {tuple(text[:n]) for text in texts for n in range(1, len(text) + 1)}
        # A pass knows what its own texts begin with.
        assert len(beginnings) <= fast["real_tokens"] == fast["computed_tokens"] < slow["real_tokens"]


def test_a_pass_that_pads_computes_more_than_the_real_tokens(tiny: Subject) -> None:
    pair = find("text_batching").pairs[0]
    counts = count([real_tokens, computed_tokens], pair.arm("batch"), pair.inputs(pair.workload("ragged"), tiny, None))
    assert counts["real_tokens"] < counts["computed_tokens"]


def test_texts_in_one_row_are_real_and_a_row_of_anything_else_is_an_error(tiny: Subject) -> None:
    model, texts = tiny.model, ["a", "a b", "another text"]
    row = [token for text in texts for token in model.to_tokens(text)[0].tolist()]
    with real_tokens(Call(print, {"model": model, "texts": texts})) as tally:
        model.embed.W_E[torch.tensor(row)]
    assert tally.count == len(row)
    shared = [*model.to_tokens("a")[0].tolist(), *model.to_tokens("another text")[0].tolist()[1:]]
    with real_tokens(Call(print, {"model": model, "texts": texts})) as tally:
        model.embed.W_E[torch.tensor(shared)]
    assert tally.count == len(shared) and shared[0] == row[0]
    call = Call(print, {"model": model, "texts": texts})
    # Padding behind; a text without its beginning that no other has; a piece out of the middle of one.
    for wrong in ([*row, 7], [*row, row[-1]], [row[0], *row[-2:-1]]):
        with pytest.raises(RuntimeError, match="no texts one behind the other"), real_tokens(call):
            model.embed.W_E[torch.tensor(wrong)]


def test_texts_behind_a_long_prompt_are_counted_in_little_memory() -> None:
    """Every ending of each of these texts, kept, would be three hundred million numbers."""
    prompt, n_texts = torch.arange(2000), 150
    texts = {str(n): torch.cat([prompt, torch.tensor([3000 + n, 4000])]) for n in range(n_texts)}
    embed = torch.nn.Embedding(5000, 1)
    model = SimpleNamespace(to_tokens=lambda text: texts[text][None], embed=embed)
    rows = [texts["0"], *(texts[str(n)][len(prompt) :] for n in range(1, n_texts))]
    tracemalloc.start()
    with real_tokens(Call(print, {"model": model, "texts": list(texts)})) as tally:
        embed(torch.cat(rows))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert tally.count == len(prompt) + 2 * n_texts
    assert peak < 32 * 2**20


def test_counting_changes_nothing_that_a_function_may_look_at(tiny: Subject) -> None:
    """A twin that sees hooks goes another way, and that way would be counted."""
    inputs = {"model": tiny.model, "sae": tiny.sae, "texts": ["a"]}
    with ExitStack() as stack:
        for counter in find("text_batching").counters:
            stack.enter_context(counter(Call(print, inputs)))
        modules = [*tiny.model.modules(), *tiny.sae.modules()]
        assert not any(module._forward_hooks or module._forward_pre_hooks for module in modules)
        tiny.model.embed.W_E[tiny.model.to_tokens("a")[0]] @ torch.ones(32, 1)


def test_a_cache_fires_every_hook_and_one_hook_fires_once(tiny: Subject) -> None:
    call = Call(print, {"model": tiny.model})
    with hook_fires(call) as tally:
        tiny.model("text")
    assert tally.count == 0
    with hook_fires(call) as tally:
        tiny.model.run_with_hooks("text", fwd_hooks=[(tiny.hook_name, lambda value, hook: None)])
    assert tally.count == 1
    fired = []
    everywhere = [(name, lambda value, hook: fired.append(hook.name)) for name in tiny.model.hook_dict]
    with hook_fires(call) as tally:
        tiny.model.run_with_hooks("text", fwd_hooks=everywhere)
    assert tally.count == len(fired) > len(tiny.model.blocks)
    assert not any(point._forward_pre_hooks for point in tiny.model.hook_dict.values())


def test_operators_are_counted_by_name() -> None:
    one = torch.ones(2, 3)
    with operators(NOTHING) as tally:
        (one @ one.t()).add_(1).view(4)
    assert tally.by_name == {"aten.t": 1, "aten.mm": 1, "aten.add_": 1, "aten.view": 1} and tally.count == 4


def test_bytes_are_counted_where_memory_is_new() -> None:
    one = torch.ones(2, 3)
    with bytes_allocated(NOTHING) as tally:
        one.T[0].add_(1)
    assert tally.count == 0
    with bytes_allocated(NOTHING) as tally:
        one + 1
        torch.empty(10, dtype=torch.float64)
    assert tally.count == 2 * 3 * 4 + 10 * 8


def test_file_system_calls_are_counted_by_name(tmp_path: Path) -> None:
    with file_system_calls(NOTHING) as tally:
        (tmp_path / "file").write_text("x")
        assert (tmp_path / "file").exists() and os.path.isfile(tmp_path / "file")
        os.listdir(tmp_path)
        (tmp_path / "file").rename(tmp_path / "other")
    assert tally.by_name == {"open": 1, "os.stat": 2, "os.listdir": 1, "os.rename": 1} and tally.count == 5
    before = tally.count
    os.stat(tmp_path)
    assert tally.count == before and "ask" not in os.stat.__name__


def test_tables_go_with_the_numbers(tiny: Subject) -> None:
    pair = find("grad_mode").pairs[0]
    done = work([operators, flops], pair.batched, pair.inputs(pair.workload("smoke"), tiny, [0, 1]))
    assert list(done.tables) == ["operators"]
    assert sum(done.tables["operators"].values()) == done.counts["operators"]


@pytest.mark.skipif(torch.cuda.is_available(), reason="says what happens without a device")
def test_without_a_device_its_counters_are_left_out_and_refuse(tiny: Subject) -> None:
    assert device_counters(tiny.model) == ()
    for counter in (kernel_launches, peak_device_bytes):
        with pytest.raises(BadInput, match="no CUDA device"), counter(NOTHING):
            pass


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_on_a_device_launches_and_memory_are_counted_alike_twice() -> None:
    def compute() -> None:
        one = torch.ones(256, 256, device="cuda")
        (one @ one).relu()

    compute()
    first, second = (count([kernel_launches, peak_device_bytes], compute, {}) for _ in range(2))
    assert first == second and first["kernel_launches"] >= 3 and first["peak_device_bytes"] >= 2 * 256 * 256 * 4

"""The other side of the gate: what is right must pass, whatever its batches, orders, products and kernels."""

import json
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from bench.findings import FINDINGS
from bench.rewrites import REWRITTEN, find_family
from bench.rewrites.comparison_table import Way, comparison_table_by
from bench.rewrites.encoding import Encoding
from bench.rewrites.grad_mode import collect_activations_by
from bench.rewrites.product import PRODUCTS, product
from bench.rewrites.ranking import RANKS
from bench.rewrites.reading import Reading
from bench.rewrites.rewrite import Family
from bench.rewrites.surroundings import Surroundings
from bench.rewrites.text_batching import extract_features_by
from speedproof import cli
from speedproof.environment import current_environment
from speedproof.gate.certificate import Refusal
from speedproof.gate.check import certify
from speedproof.lens.subject import Subject
from speedproof.pairs.references import resolve
from speedproof.processes import Work
from speedproof.records.record import Recorder, read
from speedproof.sittings import sitting
from speedproof.sittings.resumption import Earlier
from speedproof_studies.kinds import KINDS, Rejected, Rewritten
from speedproof_studies.project import PROJECT
from speedproof_studies.rewrites import trying
from speedproof_studies.rewrites.session import TRIALS, rewrites_in_a_run, show_rewrites
from speedproof_studies.rewrites.trying import Attempt, remember

pytestmark = pytest.mark.usefixtures("known_definitions")
FAMILIES = [find_family(name) for name in REWRITTEN]
N_TRIALS = 8
"""Per finding; the command tries more."""


@pytest.fixture(scope="module", autouse=True)
def remembered(tiny: Subject) -> None:
    """The oracle answers once for all texts that are drawn here."""
    remember(tiny)


@pytest.mark.parametrize("seed", range(N_TRIALS))
@pytest.mark.parametrize("name", REWRITTEN)
def test_a_valid_rewrite_is_never_rejected(name: str, seed: int, tiny: Subject) -> None:
    one = Attempt(name, "tiny", seed)
    assert not isinstance(answer := one.judge(*one.drawn(), tiny), Rejected), answer


class Early(Reading):
    """Reads each text one token too early."""

    def last_position(self, tokens: Tensor) -> int:
        return max(0, len(tokens) - 2)


class Unrestored(Reading):
    """Leaves the rows in the order in which they were run."""

    def order(self, lengths: Sequence[int]) -> list[int]:
        return list(range(len(lengths)))[::-1]

    def restored(self, rows: Sequence[Tensor], order: Sequence[int]) -> Tensor:
        return torch.stack(list(rows))


class LastBatchDropped(Reading):
    """Keeps zeros where the last batch's rows should be."""

    def restored(self, rows: Sequence[Tensor], order: Sequence[int]) -> Tensor:
        n_last = len(order) % self.batches.batch_size or self.batches.batch_size
        zeros = [torch.zeros_like(row) for row in rows[-n_last:]]
        return super().restored([*rows[:-n_last], *zeros], order)


class RoundedReading(Reading):
    """Rounds the column with the largest activation to bfloat16."""

    def restored(self, rows: Sequence[Tensor], order: Sequence[int]) -> Tensor:
        return rounded(super().restored(rows, order))


class RoundedEncoding(Encoding):
    """Rounds the feature with the largest activation to bfloat16."""

    def features(self, sae: Any, acts: Tensor) -> Tensor:
        return rounded(super().features(sae, acts))


def rounded(values: Tensor) -> Tensor:
    is_worst = torch.arange(values.shape[1]) == values.amax(dim=0).argmax()
    return torch.where(is_worst, values.bfloat16().float(), values)


def function(name: str, seed: int, reads: type[Reading] = Reading, encodes: type[Encoding] = Encoding) -> Any:
    """A rewrite drawn from `seed`, whose parts may be of a kind with a fault planted in it."""
    rng = random.Random(seed)
    drawn = Way.drawn(rng)
    batches = replace(drawn.reading.batches, batch_size=rng.choice([5, 8, 1000]))
    reading = reads(batches, drawn.reading.forward, drawn.reading.contiguous)
    encoding = encodes(drawn.encoding.encode, drawn.encoding.encode_chunk)
    if name == "text_batching":
        return extract_features_by(reading, encoding, drawn.around)
    if name == "grad_mode":
        return collect_activations_by(reading, drawn.around)
    return comparison_table_by(replace(drawn, reading=reading, encoding=encoding))


def answer(family: Family, candidate: Callable[..., Any], tiny: Subject) -> Any:
    pair = family.finding.pairs[0]
    return certify(family.finding, pair, replace(pair.workload("smoke"), n_items=14, n_threads=1), candidate, tiny)


@pytest.mark.parametrize("reads", [Reading, Early, Unrestored, LastBatchDropped, RoundedReading])
@pytest.mark.parametrize("family", FAMILIES, ids=REWRITTEN)
def test_the_same_rewrites_with_one_fault_in_the_reading_are_all_rejected(
    family: Family, reads: type[Reading], tiny: Subject
) -> None:
    for seed in range(2):
        judged = answer(family, function(family.finding.name, seed, reads=reads), tiny)
        is_refused = isinstance(judged, Refusal) and judged.code == "not equivalent"
        assert is_refused == (reads is not Reading), judged


@pytest.mark.parametrize("family", FAMILIES[:2], ids=REWRITTEN[:2])
def test_the_same_rewrites_with_one_feature_rounded_are_all_rejected(family: Family, tiny: Subject) -> None:
    for seed in range(2):
        judged = answer(family, function(family.finding.name, seed, encodes=RoundedEncoding), tiny)
        assert isinstance(judged, Refusal) and judged.code == "not equivalent", judged


@pytest.mark.parametrize("name", REWRITTEN)
def test_drawing_is_deterministic_and_wide(name: str) -> None:
    first, second = ([Attempt(name, "tiny", seed).drawn() for seed in range(60)] for _ in range(2))
    assert [(r.options, w) for r, w in first] == [(r.options, w) for r, w in second]
    assert len({json.dumps(dict(rewrite.options)) for rewrite, _ in first}) >= 20
    assert {workload.n_items for _, workload in first} <= set(range(6, 25))
    assert len({workload.digest for _, workload in first}) >= 50


@pytest.mark.parametrize("name", REWRITTEN)
def test_every_alternative_is_drawn_sooner_or_later(name: str) -> None:
    seen: dict[str, set[Any]] = {}
    for seed in range(300):
        for option, value in Attempt(name, "tiny", seed).drawn()[0].options.items():
            seen.setdefault(option, set()).add(value)
    assert {"by hand", "exception", "early stop"} <= seen["run"] and seen["weights"] == set(PRODUCTS)
    assert {"no_grad", "inference_mode", "detached"} == seen["autograd"]


@pytest.mark.parametrize("form", PRODUCTS)
def test_every_product_is_the_product(form: str) -> None:
    x, weight, bias = (
        torch.arange(n, dtype=torch.float32).reshape(shape) for n, *shape in ((12, 2, 2, 3), (6, 3, 2), (2, 2))
    )
    assert torch.equal(product(form, x, weight, bias), x @ weight + bias)


@pytest.mark.parametrize("form", RANKS)
def test_every_ranking_puts_ties_in_order_of_index(form: str) -> None:
    values = torch.tensor([1.0, 3.0, 2.0, 3.0, 2.0, 2.0])
    assert RANKS[form](values, 4) == [1, 3, 2, 4]
    assert RANKS[form](values[:0], 4) == []


@pytest.mark.parametrize("autograd", Surroundings.ALTERNATIVES["autograd"])
def test_surroundings_give_ordinary_tensors_and_are_as_before_afterwards(autograd: str) -> None:
    before, weight = (torch.get_num_threads(), torch.is_grad_enabled()), torch.ones(2, requires_grad=True)
    around = Surroundings(autograd, n_threads=1)
    with around.hold():
        made = weight * 2
    output = around.ordinary(made)
    assert not output.requires_grad and not output.is_inference()
    assert (torch.get_num_threads(), torch.is_grad_enabled()) == before


@pytest.fixture
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trials run here, where a test can change what judges them."""

    def here(usage: Any, works: Sequence[tuple[Work, Sequence[Any]]]) -> Iterator[tuple[int, Any]]:
        for place, (work, arguments) in enumerate(works):
            function = resolve(work) if isinstance(work, str) else work
            yield from ((place, message) for message in function(*arguments))

    monkeypatch.setattr(sitting, "beside", here)


def refuse(finding: Any, pair: Any, workload: Any, candidate: Any, subject: Any, seed: int) -> Refusal:
    return Refusal(
        finding.name, pair.name, workload, "f", "not equivalent", "row 3 differs. Reproduce: no such file", "element"
    )


def verb(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["bench", "rewrites", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main(PROJECT)
    return int(ended.value.code or 0)


@pytest.mark.usefixtures("in_this_process")
def test_the_verb_says_how_many_passed_and_records_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert verb(monkeypatch, "1", "6", "--trials", "3", "--seed", "7", "--json", "--results", str(tmp_path)) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["trials"], told["rate"], told["rejected"]) == (3, 0, [])
    assert told["upper_bound_95"] == pytest.approx(1 - 0.05 ** (1 / 3))
    bodies = [record.body for record in read(tmp_path, KINDS).records]
    assert [(b.finding, b.n_trials, b.seed) for b in bodies if isinstance(b, Rewritten)] == [
        ("text_batching", 2, 7),
        ("grad_mode", 1, 7),
    ]


@pytest.mark.usefixtures("in_this_process")
def test_a_rejected_rewrite_is_told_with_the_command_that_repeats_just_that_trial(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(trying, "certify", refuse)
    assert verb(monkeypatch, "6", "--trials", "3", "--seed", "7", "--results", str(tmp_path)) == 1
    said = capsys.readouterr().out
    commands = [
        line.partition("again: python -m bench rewrites ")[2] for line in said.splitlines() if "again: " in line
    ]
    assert commands[1] == "grad_mode --subject tiny --seed 8 --trials 1"
    assert "row 3 differs" in said and "no such file" not in said and "drawn: " in said and "3 of 3" in said
    assert verb(monkeypatch, *commands[1].split(), "--results", str(tmp_path)) == 1
    first, second = (r.body for r in read(tmp_path, KINDS).records)
    assert isinstance(first, Rewritten) and isinstance(second, Rewritten)
    assert second.rejected == first.rejected[1:2]


@pytest.mark.usefixtures("in_this_process")
def test_rewrites_that_an_earlier_stretch_was_shown_are_not_shown_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    made = sitting.Sitting(Recorder(tmp_path, current_environment(), "one"), 7, lambda what, left: None)
    first = show_rewrites(made, {"grad_mode": 1}, "tiny")
    made.earlier = Earlier(read(tmp_path, KINDS).records)
    assert made.earlier.n_kept == 1
    both = show_rewrites(made, {"grad_mode": 1, "text_batching": 1}, "tiny")
    assert [one.finding for one in both] == ["grad_mode", "text_batching"] and both[:1] == first
    assert len(read(tmp_path, KINDS).records) == 2
    # So it is in a run, which has each finding's made by whichever process is free.
    made.earlier = Earlier(read(tmp_path, KINDS).records)
    left = rewrites_in_a_run(made, FINDINGS, quick=True)
    assert left == [(TRIALS, ({"comparison_table": 3}, "tiny", 7))]
    made.earlier = Earlier(())
    assert [list(given[0]) for _, given in rewrites_in_a_run(made, FINDINGS, quick=False)] == [
        ["text_batching"],
        ["comparison_table"],
        ["grad_mode"],
    ]

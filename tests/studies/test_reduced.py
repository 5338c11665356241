"""Reduced precision: what it costs is told and is right, it is refused as a twin, and it has no place for a time."""

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError

import impl_batched.text_batching as batched
from bench.findings.text_batching import FINDING, REPORT, SMOKE
from speedproof.errors import BadInput
from speedproof.gate.certificate import Certificate, Refusal
from speedproof.gate.check import certify
from speedproof.lens.features import Features
from speedproof.lens.least_work import most_bytes
from speedproof.lens.subject import Subject
from speedproof.lens.weights import weights_digest
from speedproof.records.record import read as read_records
from speedproof_studies.kinds import KINDS, Cost, Reduced
from speedproof_studies.project import PROJECT
from speedproof_studies.reduced.arm import extract_features_in_bfloat16
from speedproof_studies.reduced.rows import lines, newest, processor, rows
from speedproof_studies.reduced.session import ARMS, TOP, cost, fast_by, reduced_costs, source_of_arms

PAIR = FINDING.pairs[0]


@pytest.fixture(scope="module")
def told() -> Reduced:
    """What is told of the tiny subject."""
    *_, last = reduced_costs(SMOKE)
    assert isinstance(last, Reduced)
    return last


def test_the_gate_refuses_bfloat16_as_a_twin_and_passes_the_twin_itself(tiny: Subject) -> None:
    answer = certify(FINDING, PAIR, SMOKE, extract_features_in_bfloat16, tiny, seed=7)
    assert isinstance(answer, Refusal) and answer.rule in ("element", "firing") and "differs in" in answer.reason
    assert isinstance(certify(FINDING, PAIR, SMOKE, subject=tiny, seed=7), Certificate)


def test_nobody_gets_bfloat16_unasked() -> None:
    for pair in (pair for finding in PROJECT.findings for pair in finding.pairs):
        arms = [pair.arm(name) for name in pair.arm_names]
        assert arms and extract_features_in_bfloat16 not in arms


def test_what_it_computes_is_the_model_in_bfloat16_and_the_model_stays_as_it_was(tiny: Subject) -> None:
    given = PAIR.inputs(SMOKE, tiny, None)
    before = [weights_digest(module) for module in (tiny.model, tiny.sae)]
    found = extract_features_in_bfloat16(**given)
    assert [weights_digest(module) for module in (tiny.model, tiny.sae)] == before
    assert tiny.model.cfg.dtype == torch.float32 == found.dtype
    # Every number is one that bfloat16 has.
    assert torch.equal(found, found.bfloat16().float())
    halved = {**given, "model": copy.deepcopy(tiny.model).to(torch.bfloat16)}
    halved["sae"] = copy.deepcopy(tiny.sae).to(torch.bfloat16)
    assert torch.equal(found, batched.extract_features(**halved).float())
    assert not torch.equal(found, batched.extract_features(**given))


def test_float32_beside_it_costs_nothing_and_bfloat16_costs_something(told: Reduced) -> None:
    one, other = told.costs["float32"], told.costs["bfloat16"]
    assert (one.n_appeared, one.n_vanished, one.n_moved, one.n_replaced, one.refused) == (0, 0, 0, 0, "")
    assert one.worst_error <= told.allowed < 1e-5 < 1e-3 < other.worst_error
    assert other.n_appeared + other.n_vanished > 0 and other.n_moved > 0 and "differs in" in other.refused
    assert told.n_ranked == TOP * SMOKE.n_items and told.source == source_of_arms()
    assert told.weight_bytes + one.peak_bytes <= most_bytes(told.weight_bytes, told.batch_bytes)


def features(*rows: list[float]) -> Features:
    values = torch.tensor(rows, dtype=torch.float64)
    return Features(values, values.abs(), values.abs(), torch.zeros_like(values[:, :1]))


def test_costs_are_counted_by_hand() -> None:
    right = features([5.0, 4.0, 3.0, 0.0], [0.0, 0.0, 0.0, 8.0])
    # On the first text two change places and one falls silent, on the second one fires.
    found = torch.tensor([[4.0, 5.0, 0.0, 0.0], [0.0, 2.0, 0.0, 8.0]])
    told = cost(found, right)
    assert (told.n_appeared, told.n_vanished) == (1, 1)
    # A silent one still comes before those behind it.
    assert (told.n_moved, told.most_moved, told.n_replaced) == (2, 1, 0)
    assert told.worst_error == pytest.approx(3 / 6.5)
    assert cost(right.values, right) == Cost(
        n_appeared=0, n_vanished=0, n_moved=0, most_moved=0, n_replaced=0, worst_error=0.0, peak_bytes=0
    )


def test_what_is_no_longer_among_the_strongest_is_counted() -> None:
    values = torch.arange(TOP + 3, 0, -1, dtype=torch.float64)[None]
    weaker = values.clone()
    weaker[0, 0] = 1.5
    told = cost(weaker, Features(values, values, values, torch.zeros(1, 1)))
    # The first is twelfth now, and the nine behind it are one rank up.
    assert (told.n_replaced, told.most_moved, told.n_moved) == (1, 11, TOP)


def test_nothing_that_fires_is_no_rank() -> None:
    told = cost(torch.zeros(2, 3), features([0.0] * 3, [0.0] * 3))
    assert (told.n_moved, told.most_moved, told.n_replaced) == (0, 0, 0)


@pytest.mark.parametrize("field", ["launches", "certificate", "samples_s"])
def test_there_is_no_place_for_a_time_or_a_certificate(field: str, told: Reduced) -> None:
    said = told.model_dump()
    assert Reduced.model_validate(said) == told
    with pytest.raises(ValidationError, match="Extra inputs"):
        Reduced.model_validate({**said, field: ()})


def test_a_processor_without_bfloat16_of_its_own_is_told() -> None:
    assert fast_by({"avx512_f": True, "amx_bf16": False, "avx2": True}) == ()
    assert fast_by({"avx512_bf16": True, "amx_bf16": True, "l1d_cache_size": 49152}) == ("amx_bf16", "avx512_bf16")
    assert "no fast bfloat16" in processor(()) and "no fast" not in processor(("amx_bf16",))
    assert isinstance(fast_by(torch.cpu.get_capabilities()), tuple)


def test_the_table_and_what_stands_below_say_what_was_found(told: Reduced) -> None:
    assert [row[0] for row in rows(told)] == list(ARMS)
    assert [row[-1] for row in rows(told)] == ["right", "refused"]
    other = told.model_copy(update={"fast_by": ()})
    assert any("no fast bfloat16" in line for line in lines(other))
    assert newest([told, other]) == [other]
    elsewhere = told.model_copy(update={"workload": replace(told.workload, subject="solved")})
    assert newest([told, elsewhere]) == [told, elsewhere]


def test_a_subject_that_there_is_not_is_bad_input() -> None:
    with pytest.raises(BadInput, match="nonsense"):
        next(iter(reduced_costs(replace(SMOKE, subject="nonsense"))))


def test_the_record_is_of_todays_arms_on_the_reports_texts(published: Path) -> None:
    found = newest(record.body for record in read_records(published / "results", KINDS).records)
    of_report = [one for one in found if one.workload == REPORT]
    assert [one.source for one in of_report] == [source_of_arms()], "Run: python -m bench reduced"
    (one,) = of_report
    assert not one.costs["float32"].refused and one.costs["bfloat16"].refused
    assert one.weight_bytes + one.costs["float32"].peak_bytes <= most_bytes(one.weight_bytes, one.batch_bytes)


def test_an_arm_of_other_source_is_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """The companion: the record's fingerprint follows what answers."""
    before = source_of_arms()

    def other(*args: Any) -> Any: ...

    monkeypatch.setitem(ARMS, "bfloat16", other)
    assert source_of_arms() != before

"""Where a call goes: what is told adds up, is held against the machine's floor, and is of today's twins."""

import math
from pathlib import Path

import pytest
from pydantic import ValidationError

from bench.findings import find
from speedproof.counters.tally import count
from speedproof.environment import current_environment
from speedproof.lens.subject import Subject
from speedproof.machine.rates import Rate
from speedproof.machine.roofline import Machine, Work
from speedproof.pairs.references import finding_at
from speedproof.records.base import Body
from speedproof.records.kinds import Rated
from speedproof.records.record import Record
from speedproof.records.record import read as read_records
from speedproof.tensors.counters import flops
from speedproof.timing.method import TODAYS
from speedproof_studies.breakdown.kind import Breakdown, Spent
from speedproof_studies.breakdown.rows import HEAD, PRODUCTS, Row, alone_s, attention_s, lines, outside_s, rows
from speedproof_studies.breakdown.session import FEWEST, MOST, breakdown_of
from speedproof_studies.breakdown.verb import _asked
from speedproof_studies.kinds import KINDS

FIRST = find("text_batching")
SMOKE = FIRST.pairs[0].workload("smoke")
MACHINE = Machine((Rate("one", 10**9, (0.01,)),), (Rate("read", 10**9, (0.1,)),))
"""Multiplies 10^11 and reads 10^10 a second."""


@pytest.fixture(scope="module")
def told() -> Breakdown:
    """What is told of the tiny subject."""
    *_, last = breakdown_of(FIRST.card, SMOKE)
    assert isinstance(last, Breakdown)
    return last


def test_operators_of_a_call_add_up_to_no_more_than_the_call(told: Breakdown) -> None:
    assert FEWEST <= len(told.calls) <= MOST
    for one in told.calls:
        assert 0 < sum(one.self_s.values()) <= one.profiled_s
        assert one.self_s.keys() & set(PRODUCTS) and attention_s(one) > 0 < outside_s(one)


def test_work_of_a_call_by_operator_is_what_the_counter_of_all_of_it_says(told: Breakdown, tiny: Subject) -> None:
    pair = FIRST.pairs[0]
    counted = count((flops,), pair.twin("batched"), pair.inputs(SMOKE, tiny, None))["flops"]
    assert sum(told.flops.values()) == counted >= told.work.flops
    assert set(told.flops) - set(PRODUCTS) == {"aten::_scaled_dot_product_flash_attention_for_cpu"}


def spent(seconds: float = 2.0, products: float = 1.0, rate: float = 1e11) -> Spent:
    own = {"aten::addmm": 0.75 * products, "aten::mm": 0.25 * products, "aten::gelu": 0.5, "aten::some_attention": 0.25}
    return Spent(seconds=seconds, profiled_s=4.0, flops_per_s=rate, self_s=own)


def of_processes(told: Breakdown, *calls: Spent) -> Row:
    work = Work(flops=10**11 // 2, weight_bytes=1, n_texts=70)
    body = told.model_copy(update={"work": work, "flops": {"aten::addmm": 6 * 10**10, "aten::other": 5 * 10**9}})
    return Row(tuple(body.model_copy(update={"calls": (one,)}) for one in calls), MACHINE, "a machine")


def test_shares_are_worked_out_by_hand(told: Breakdown) -> None:
    row = of_processes(told, *[spent()] * 4)
    # The floor is half a second, a call two, and a quarter of it its products.
    assert alone_s(spent()) == 0.5 and outside_s(spent()) == 2.25
    (best, beside), (alone, alone_beside) = row.of_the_floor(lambda one: one.seconds), row.of_the_floor(alone_s)
    assert [best.factor, beside.factor, alone.factor, alone_beside.factor] == pytest.approx([0.25, 0.25, 1, 1])
    assert [one.factor for one in row.rates] == pytest.approx([1.2, 1.2])
    assert row.cells[:7] == (FIRST.name, "70", "2.00 s", "25.0%", "6.25%", "12.5%", "56.2%")
    assert row.cells[7] == "0.25 [0.25, 0.25] / 0.25 [0.25, 0.25]"
    assert "computes 1.30 times the least work" in row.line and "`aten::gelu` 12.5%" in row.line
    assert "4 calls in 4 processes" in row.line and "makes one 2.00 times as long" in row.line


def test_a_slow_moment_counts_by_the_rate_beside_alone(told: Breakdown) -> None:
    row = of_processes(told, *[spent(seconds=4.0, rate=5e10)] * 4)
    best, beside = row.of_the_floor(lambda one: one.seconds)
    assert [best.factor, beside.factor] == pytest.approx([0.125, 0.25])


def test_processes_that_differ_widen_the_interval_and_too_few_have_none(told: Breakdown) -> None:
    low, high = (
        of_processes(told, *[spent(seconds) for seconds in (1.8, 2.0, 2.0, 2.2)]).of_the_floor(alone_s)[0].interval
    )
    assert low < 1 < high < math.inf
    assert "too few processes" in of_processes(told, spent()).cells[-1]


def test_the_table_is_of_the_newest_sitting_and_another_twins_is_stale(told: Breakdown) -> None:
    def record(sitting: str, body: Body) -> Record:
        return Record(
            written="2026-01-01T00:00:00+00:00", sitting=sitting, environment=current_environment(), body=body
        )

    rated = Rated(n_threads=2, multiplied=MACHINE.multiplied, moved=MACHINE.moved)
    other = told.model_copy(update={"source": "another"})
    # Without a rate of the machine there is no floor to hold it against.
    assert not rows([record("first", told)])
    (row,) = rows([record("first", rated), record("first", told), record("second", rated), record("second", other)])
    assert row.is_stale and row.cells[2:] == ("STALE",) * (len(HEAD) - 2) and not list(lines([row]))
    assert row.as_json["stale"]
    (row,) = rows([record("first", other), record("first", rated), record("second", rated), record("second", told)])
    assert not row.is_stale and len(row.cells) == len(HEAD) and list(lines([row]))
    gone = told.model_copy(update={"finding": "no longer one"})
    assert Row((gone,), MACHINE, "a machine").is_stale


def test_there_is_no_place_for_a_certificate_or_a_call_without_seconds(told: Breakdown) -> None:
    said = told.model_dump()
    assert Breakdown.model_validate(said) == told
    for wrong in ({"launches": ()}, {"calls": ()}, {"calls": [{**said["calls"][0], "seconds": 0.0}]}):
        with pytest.raises(ValidationError):
            Breakdown.model_validate({**said, **wrong})


def test_the_record_is_of_todays_twins_on_every_workload_asked(published: Path) -> None:
    told = rows(read_records(published / "results", KINDS).records)
    found = {(row.about.finding, row.about.workload): row for row in told}
    for card, workload in _asked(quick=False):
        row = found[finding_at(card).name, workload]
        assert not row.is_stale, "Run: python -m bench breakdown"
        assert len(row.processes) >= TODAYS.first

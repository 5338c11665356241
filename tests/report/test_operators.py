"""What the operators say: read from a real profiler, told from records alone, drawn as an icicle that adds up."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch.profiler import ProfilerActivity, profile, record_function

from bench.findings import FINDINGS, find
from speedproof.errors import BadInput
from speedproof.gate.certificate import Certificate
from speedproof.pairs.finding import Pair
from speedproof.records.kinds import Measured
from speedproof.records.record import Record
from speedproof.records.trace import Node, Operator, Traced
from speedproof.report import report as reports
from speedproof.report.asked import Asked
from speedproof.report.operators import Difference, compared_arms, differences
from speedproof.report.page.operators import BETWEEN, columns, icicle_plot
from speedproof.report.sittings import sittings
from speedproof.tensors import profiling
from speedproof.tensors.events import KEPT_SHARE, told
from speedproof.traces import trace_file
from tests.reporting import build, launches, ledger

FINDING = find("text_batching")
PAIR = FINDING.pairs[0]


def operator(name: str, count: int, self_us: float) -> Operator:
    return Operator(name=name, count=count, self_us=self_us, self_bytes=0)


def traced(arm: str = "sequential", operators: tuple[Operator, ...] = (), **changes: Any) -> Traced:
    fields = {
        "finding": FINDING.name,
        "function": PAIR.name,
        "arm": arm,
        "workload": PAIR.workload("smoke"),
        "source": "0",
        "n_items": 4,
        "n_calls": 1,
        "total_us": 1_000.0,
        "operators": operators,
        "tree": tuple(Node(name=one.name, count=one.count, total_us=one.self_us) for one in operators),
    }
    return Traced(**{**fields, **changes})


@pytest.fixture(scope="module")
def profiled() -> dict[str, Any]:
    """A profiler's account of two additions and a linear layer with a bias."""
    layer, seen = torch.nn.Linear(64, 64), []
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler, torch.no_grad():
        with record_function("the call"):
            value = torch.ones(8, 64) + torch.ones(8, 64)
            layer(value) + value
    seen = list(profiler.events() or [])
    return told("the call", seen)


def test_a_real_call_is_told_by_operator_and_nested(profiled: dict[str, Any]) -> None:
    counts = {one.name: one.count for one in profiled["operators"]}
    assert counts["aten::add"] == 2 and counts["aten::linear"] == 1 and counts["aten::addmm"] == 1
    linear = next(node for node in profiled["tree"] if node.name == "aten::linear")
    assert "aten::addmm" in {node.name for node in linear.inside} and "aten::addmm" not in {
        node.name for node in profiled["tree"]
    }
    assert next(one.self_bytes for one in profiled["operators"] if one.name == "aten::add") == 2 * 8 * 64 * 4
    assert sum(one.self_us for one in profiled["operators"]) <= profiled["total_us"]


def event(name: str, own_us: float, *children: Any) -> Any:
    made = SimpleNamespace(
        name=name,
        self_cpu_time_total=own_us,
        cpu_time_total=own_us + sum(child.cpu_time_total for child in children),
        self_cpu_memory_usage=0,
        cpu_children=list(children),
        cpu_parent=None,
        thread=1,
    )
    for child in children:
        child.cpu_parent = made
    return made


def walked(nodes: tuple[Node, ...]) -> Iterator[Node]:
    for node in nodes:
        yield node
        yield from walked(node.inside)


def test_the_tree_leaves_out_what_is_too_small_and_no_more() -> None:
    call = event("call", 5.0, event("big", 10.0, event("inner", 985.0)), *(event(f"dust{i}", 0.5) for i in range(40)))
    found = told("call", [call])
    assert len(found["operators"]) == 42
    kept = list(walked(found["tree"]))
    assert {"big", "inner"} <= {node.name for node in kept} and len(kept) < 42
    whole, inner = 995.0 + 20.0, 985.0
    held = sum(node.total_us for node in found["tree"])
    assert held >= KEPT_SHARE * whole > inner
    assert any(node.name.startswith("dust") for node in kept)


def test_memory_outside_operators_is_no_operator() -> None:
    assert told("call", [event("call", 1.0, event("[memory]", 0.0))])["operators"] == ()


def test_each_operator_is_told_by_what_became_of_it() -> None:
    before = (operator("gone", 3, 90), operator("fewer", 9, 50), operator("faster", 2, 40), operator("same", 1, 10))
    after = (operator("new", 1, 5), operator("fewer", 4, 60), operator("faster", 2, 10), operator("same", 1, 11))
    found = Difference(traced("sequential", before), traced("batched", after), is_stale=False)
    became = {change.name: change.word for change in found.changes}
    assert became == {"gone": "vanished", "new": "appeared", "fewer": "shrank", "faster": "shrank", "same": "alike"}
    assert [change.name for change in found.changes] == ["gone", "faster", "fewer", "new", "same"]
    assert "Vanished: gone (3 to 0 calls, 90.0 µs to 0)." in found.words
    assert "Shrank: faster (2 calls, 40.0 µs to 10.0 µs), fewer (9 to 4 calls" in found.words
    grown = Difference(traced("sequential", after), traced("batched", before), is_stale=False)
    assert {change.name: change.word for change in grown.changes}["fewer"] == "grew"


def test_a_call_without_operators_says_that_it_is_pythons() -> None:
    assert "all the work is Python's" in Difference(traced(), traced("batched"), False).words


def test_traces_of_different_work_are_not_compared() -> None:
    with pytest.raises(BadInput, match="different work"):
        Difference(traced(), traced("batched", n_items=5), False)


def test_twins_come_first_and_then_each_rung_against_the_one_below() -> None:
    assert compared_arms(PAIR)[0] == ("sequential", "batched")
    below, above = zip(*compared_arms(PAIR)[1:], strict=True)
    assert (below[0], *above) == PAIR.arm_names and above[:-1] == below[1:]
    assert compared_arms(find("sae_cache").pairs[0]) == (("sequential", "batched"),)
    assert sum(len(pair.arm_names) for pair in FINDING.pairs) == len(PAIR.arm_names) + 4


def told_of(records: Sequence[Record], workload: str, subject: str | None = None) -> tuple[Difference, ...]:
    return differences(sittings(records), Asked(FINDINGS, workload, subject))


def test_only_the_newest_sitting_counts_and_a_changed_source_is_stale() -> None:
    old = ledger(traced("sequential", (operator("a", 1, 1),)), traced("batched", (operator("a", 1, 1),)))
    new = ledger(traced("sequential", (operator("b", 1, 1),)), traced("batched", (operator("c", 1, 1),)))
    older = [record.model_copy(update={"sitting": "older"}) for record in old.records]
    (found,) = told_of([*older, *new.records], "smoke")
    assert {change.name for change in found.changes} == {"b", "c"} and found.is_stale
    assert told_of([*new.records, older[0]], "smoke") == (), "arms of two sittings were compared"
    source = PAIR.source_digests()
    now = ledger(*(traced(arm, source=source[arm]) for arm in source)).records
    assert not told_of(now, "smoke")[0].is_stale
    assert told_of(now, "report") == () and told_of(now, "smoke", "tiny:bridge") == ()


def test_the_reports_section_says_that_these_are_no_figures(certificate: Certificate) -> None:
    sides = traced("sequential", (operator("aten::gone", 3, 90),)), traced("batched", (operator("a|b<c>", 1, 5),))
    built = build(ledger(*sides), "smoke")
    text = reports.render(built, "report.md")
    assert "## What the operators say" in text and "none of these times is\na figure of this report" in text
    assert "| `aten::gone` | vanished | 3 to 0 | 90.0 µs to 0.00 µs |" in text
    assert build(ledger(), "smoke").operators == ()
    assert "What the operators say" not in reports.render(build(ledger(), "smoke"), "report.md")


def test_the_cards_part_has_the_table_and_the_figure_and_runs_nothing(certificate: Certificate) -> None:
    sides = traced("sequential", (operator("<script>", 3, 90),)), traced("batched", (operator("a", 1, 5),))
    page = reports.render(
        build(ledger(*sides, Measured(certificate=certificate, launches=launches(3.0))), "smoke"), "index.html"
    )
    part = page.split('class="part operators"')[1].split("</details>")[0]
    assert "<script>" not in part.replace('<script type="application/json">', "")
    assert "&lt;script&gt;" in part and "vanished" in part and "no figures of this report" in part
    drawn = json.loads(part.split('<script type="application/json">')[1].split("</script>")[0])
    assert [one["type"] for one in drawn["data"]] == ["icicle", "icicle"]


def adds_up(rows: dict[str, list[Any]]) -> bool:
    """Whether what is inside each bar is no wider than the bar, as plotly needs it."""
    width = dict(zip(rows["ids"], rows["values"], strict=True))
    inside: dict[str, float] = {}
    for parent, value in zip(rows["parents"], rows["values"], strict=True):
        inside[parent] = inside.get(parent, 0.0) + value
    return all(inside.get(place, 0.0) <= value + 1e-6 for place, value in width.items())


def test_an_icicle_adds_up_even_where_rounded_times_do_not(profiled: dict[str, Any]) -> None:
    real = traced(**profiled)
    assert adds_up(columns(real)) and BETWEEN in columns(real)["labels"]
    nested = Node(name="a", count=1, total_us=1.0, inside=(Node(name="b", count=1, total_us=1.1),))
    rounded = traced(tree=(nested,), total_us=1.0)
    assert adds_up(columns(rounded)) and len(set(columns(rounded)["ids"])) == 3
    rows = columns(rounded)
    assert not adds_up({**rows, "values": [1.0, 1.0, 1.1]})
    drawn = icicle_plot(Difference(real, traced("batched"), False))
    assert [one["name"] for one in drawn.traces] == ["sequential", "batched"]


def test_an_arm_that_raises_stops_no_other_and_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def broken(pair: Any, name: str) -> Any:
        def fail(**inputs: Any) -> None:
            raise RuntimeError("no luck")

        return fail if name == "batched" else pair.twin(name)

    monkeypatch.setattr(Pair, "arm", broken)
    found = list(profiling.trace([find("feature_links").card], "smoke", None, tmp_path))
    assert isinstance(found[0], Traced) and found[0].operators == ()
    assert found[1] == ("tracing feature_links, batched: no trace, RuntimeError: no luck", 0)


def test_a_trace_is_a_file_that_perfetto_reads(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Chrome's trace-event format: complete events with a name, a start and a duration in microseconds."""
    assert trace_file(tmp_path, "feature_links", "feature_links", "batched") is None
    list(profiling.trace([find("feature_links").card], "smoke", None, tmp_path))
    path = trace_file(tmp_path, "feature_links", "feature_links", "batched")
    assert path is not None and path.name.endswith(".pt.trace.json")
    events = json.loads(path.read_text())["traceEvents"]
    (call,) = [e for e in events if e.get("ph") == "X" and e["name"] == "feature_links.feature_links batched"]
    assert {"ts", "dur", "pid", "tid"} <= call.keys() and call["dur"] > 0


def test_a_run_traces_what_it_times_and_a_profile_every_rung(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[str] = []
    monkeypatch.setattr(profiling, "_trace", lambda finding, pair, name, *rest: asked.append(name))
    for all_rungs in (False, True):
        asked.clear()
        list(profiling.trace([FINDING.card], "smoke", None, tmp_path, all_rungs))
        assert (set(asked) == {"sequential", "careful", "batched"}) is not all_rungs
    assert set(PAIR.arm_names) <= set(asked)

"""The gate, the runner, the records need no torch: pairs of plain Python are proven, timed and reported without it."""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from speedproof.gate.outputs import autograd, fingerprint, memory
from speedproof.gate.state import Snapshot, objections, restored, watched
from speedproof.pairs.kit import PLAIN
from speedproof.tensors.kit import TORCH

ROOT = Path(__file__).parent.parent

GENERAL = (
    *(
        "speedproof.errors",
        "speedproof.folders",
        "speedproof.digest",
        "speedproof.clock",
        "speedproof.environment",
        "speedproof.processes",
        "speedproof.wording",
    ),
    *(
        "speedproof.pairs.contract",
        "speedproof.pairs.workload",
        "speedproof.pairs.subjects",
        "speedproof.pairs.trial",
        "speedproof.pairs.variations",
        "speedproof.pairs.kit",
        "speedproof.pairs.finding",
        "speedproof.pairs.candidate",
    ),
    *("speedproof.machine.condition", "speedproof.machine.rates", "speedproof.machine.roofline"),
    *(
        "speedproof.counters",
        "speedproof.counters.tally",
        "speedproof.counters.files",
        "speedproof.counters.source",
        "speedproof.counters.duplicates",
    ),
    *(
        "speedproof.gate.plain_data",
        "speedproof.gate.exact",
        "speedproof.gate.outputs",
        "speedproof.gate.watching",
        "speedproof.gate.state",
        "speedproof.gate.trials",
        "speedproof.gate.rules",
        "speedproof.gate.pinned",
        "speedproof.gate.refusals",
        "speedproof.gate.built",
    ),
    *(
        "speedproof.gate.certificate",
        "speedproof.gate.gate",
        "speedproof.gate.baseline",
        "speedproof.gate.check",
        "bench.suite",
    ),
    *(
        "speedproof.timing.method",
        "speedproof.timing.estimate",
        "speedproof.timing.comparison",
        "speedproof.timing.sampling",
        "speedproof.timing.warmup",
    ),
    *(
        "speedproof.records.journal",
        "speedproof.records.base",
        "speedproof.records.trace",
        "speedproof.records.sides",
        "speedproof.records.kinds",
        "speedproof.records.record",
    ),
    *(
        "speedproof.lens.embedded.shapes",
        "speedproof.lens.embedded.variants",
        "speedproof.lens.embedded.identity",
        "speedproof.lens.subject",
        "bench.hub",
        "speedproof.pairs.texts",
        "speedproof.lens.hostile",
    ),
    *(
        "speedproof.pairs.references",
        "speedproof.pairs.series",
        "speedproof.lens.pair",
        "bench.findings",
        "speedproof.timing.plan",
        "speedproof.pairs.question",
        "speedproof.timing.runner",
    ),
)
"""Modules that anybody's pair goes through, from the ground up, and what a subject's name alone says."""


def bare(work: str, *arguments: str) -> Any:
    """What the work saw in a process where some libraries cannot be imported."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.bare", work, *arguments], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def refusals() -> dict[str, str]:
    found: dict[str, str] = bare("imported", *GENERAL)
    return found


@pytest.mark.parametrize("module", GENERAL)
def test_a_general_module_needs_no_library_of_models_pages_or_command_lines(
    module: str, refusals: dict[str, str]
) -> None:
    assert refusals[module] == ""


@pytest.mark.parametrize(
    "module", ["speedproof.lens.oracle", "speedproof.lens.rows", "speedproof.tensors.kit", "bench.cases.text_batching"]
)
def test_a_module_that_needs_torch_is_seen(module: str) -> None:
    assert "is not to be had" in bare("imported", module)[module]


def test_every_card_is_read_without_torch_and_a_function_that_needs_it_is_asked_for_in_vain() -> None:
    assert "torch is not to be had" in bare("definition_of", "text_batching")
    assert bare("definition_of", "sae_cache") == ""


def test_links_and_the_cache_are_proven_without_torch_and_what_is_wrong_is_refused() -> None:
    seen = bare("checked")
    assert seen["loaded"] == []
    assert {words.split()[0] for words in seen["said"]} == {"feature_links", "check_sae_cached"}
    for about, answer in seen["said"].items():
        assert answer == ("Refusal" if about.endswith("wrong") else "Certificate"), about


def test_links_and_the_cache_are_timed_and_reported_without_torch(tmp_path: Path) -> None:
    seen = bare("timed", str(tmp_path))
    assert seen["loaded"] == []
    for function in ("feature_links", "check_sae_cached"):
        assert function in seen["report"]


def test_a_pair_that_has_no_reference_is_held_against_its_definition() -> None:
    assert bare("made_up") == {
        "right": "certified",
        "one_short": "shape",
        "sorting_its_input": "inputs",
        "one_list_for_all_calls": "own memory",
        # Who imports NumPy changes nothing of it, and who seeds it does.
        "by_numpy": "certified",
        "seeding_numpy": "numpy random state",
    }


WRITTEN: Mapping[str, Callable[[Any], Any]] = {
    "an array": lambda values: np.multiply(values, 2, out=values),
    "a view": lambda values: values[1:].fill(7),
}


@pytest.mark.parametrize("how", WRITTEN)
def test_an_array_that_was_written_into_is_seen(how: str) -> None:
    inputs = {"values": np.arange(4.0)}
    before = fingerprint(PLAIN, inputs)
    assert fingerprint(PLAIN, inputs) == before
    WRITTEN[how](inputs["values"])
    assert fingerprint(PLAIN, inputs) != before


def test_arrays_share_memory_with_their_views_and_with_nothing_else() -> None:
    values = np.arange(4.0)
    assert memory(PLAIN, {"one": values[2:]}) & memory(PLAIN, values)
    assert not memory(PLAIN, values.copy()) & memory(PLAIN, values)
    assert autograd(PLAIN, [values]) == (False, False)


def test_torchs_kit_watches_all_that_the_plain_one_does_and_more() -> None:
    plain, torchs = ([aspect.name for aspect in watched(kit)] for kit in (PLAIN, TORCH))
    assert torchs[-len(plain) :] == plain and len(torchs) > len(plain)
    assert not [name for name in plain if "torch" in name]


def test_what_the_plain_kit_watches_is_put_back() -> None:
    before = Snapshot(PLAIN, {})
    with restored(PLAIN, {}):
        np.random.seed(3)
        assert [objection.rule for objection in objections(before, before.now())] == ["numpy random state"]
    assert not list(objections(before, before.now()))

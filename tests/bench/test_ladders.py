"""Ladders: every rung gives the definition's answer, each does one thing more, and a wrong rung is refused."""

import ast
import runpy
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.findings import FINDINGS, find
from bench.ladders.text_batching import BATCH_SIZE, PACKED_BUDGET, TOKEN_BUDGET
from speedproof.counters.tally import count
from speedproof.digest import file_digest
from speedproof.errors import BadInput
from speedproof.folders import ROOT
from speedproof.gate.certificate import Certificate, Refusal
from speedproof.gate.check import certify
from speedproof.lens.counters import computed_tokens, forward_passes, token_layers
from speedproof.lens.subject import Subject
from speedproof.pairs import texts
from speedproof.pairs.finding import CAREFUL, Arm, Finding, Pair
from speedproof.pairs.workload import Workload
from speedproof.tensors.counters import bytes_saved_for_backward, flops, operators

pytestmark = pytest.mark.usefixtures("known_definitions")
LADDERS = [pytest.param(f, p, id=f.name) for f in FINDINGS for p in f.pairs if p.arms]
EARLIER = [pytest.param(f, p, id=f.name) for f in FINDINGS for p in f.pairs if p.earlier_ladders]
RUNGS = [pytest.param(f, p, name, id=f"{f.name}.{name}") for f in FINDINGS for p in f.pairs for name in p.ladder]
GIVEN = (*texts.own(7), *texts.HOSTILE)
MIXED = Workload("given", "tiny", len(GIVEN), "given", n_threads=1, given=GIVEN)
"""A text of each category and the hostile ones, more than one batch of them."""
COUNTERS = (forward_passes, computed_tokens, token_layers, flops, bytes_saved_for_backward)


@pytest.mark.parametrize(("finding", "pair", "name"), RUNGS)
def test_every_rung_goes_through_the_gate(finding: Finding, pair: Pair, name: str, tiny: Subject) -> None:
    assert MIXED.n_items > BATCH_SIZE
    answer = certify(finding, pair, MIXED, pair.arm(name), tiny)
    assert isinstance(answer, Certificate), str(answer)
    assert name == "sequential" or answer.twin == name


@pytest.mark.parametrize(("finding", "pair"), LADDERS)
def test_the_careful_loop_goes_through_the_gate_on_a_bridge_too(finding: Finding, pair: Pair) -> None:
    """A run times it on whatever subject is named, and a bridge's hook tells another name than it was asked for by."""
    workload = replace(pair.workload("smoke"), subject="tiny:bridge")
    answer = certify(finding, pair, workload, pair.arm(CAREFUL), pair.subject(workload))
    assert isinstance(answer, Certificate), str(answer)


@pytest.mark.parametrize(("finding", "pair"), LADDERS)
def test_a_wrong_rung_is_refused(finding: Finding, pair: Pair, tiny: Subject) -> None:
    """The companion: the careful rung, given texts that each lost their end."""

    def cut(**inputs: Any) -> Any:
        return pair.arm(CAREFUL)(**(inputs | {"texts": [text[:-2] for text in inputs["texts"]]}))

    assert isinstance(certify(finding, pair, pair.workload("smoke"), cut, tiny), Refusal)


@pytest.mark.parametrize(("finding", "pair"), LADDERS)
def test_the_first_rung_is_the_definition_and_the_batched_twin_is_among_them(finding: Finding, pair: Pair) -> None:
    assert pair.ladder[0] == "sequential" and pair.arm("sequential") is pair.sequential
    assert "batched" in pair.ladder and pair.arm("batched") is pair.batched
    if finding.name != "grad_mode":
        assert pair.ladder[-1] == "batched"


@pytest.mark.parametrize(("finding", "pair"), LADDERS)
def test_every_rung_does_other_work_than_the_one_below_or_says_that_only_host_work_changed(
    finding: Finding, pair: Pair, tiny: Subject
) -> None:
    workload = pair.workload("smoke")
    counters = tuple(dict.fromkeys((*finding.counters, *COUNTERS)))
    # Enough for two batches.
    items = range(BATCH_SIZE + 1)
    counts = [count(counters, pair.arm(name), pair.inputs(workload, tiny, items)) for name in pair.ladder]
    steps = zip(pair.ladder[1:], counts[:-1], counts[1:], strict=True)
    alike = [above for above, one, two in steps if one == two]
    # What is cached and how results are counted is no work of the model.
    assert set(alike) <= {"one_hook", "count_once"}
    for counter in ("flops", "forward_passes", "token_layers"):
        ends = counts[0][counter], counts[-1][counter]
        assert ends[1] <= ends[0]


def test_the_careful_loop_is_compared_with_what_goes_on_from_it() -> None:
    beside = {f.name: f.pairs[0].careful_beside for f in FINDINGS}
    assert beside["text_batching"] == beside["comparison_table"] == (CAREFUL, "batched")
    assert beside["grad_mode"] == ("sequential", CAREFUL)
    assert beside["feature_links"] is None


def test_a_ladder_that_does_not_stand_on_the_definition_cannot_be_written() -> None:
    pair = find("text_batching").pairs[0]
    first, second, *rest, last = pair.arms
    for arms, words in [
        ((second, *rest, last), "expected arms from 'sequential'"),
        ((first, second), "expected arms from 'sequential'"),
        ((first, second, second, last), "expected arms from 'sequential'"),
        ((first, replace(last, function=second.function)), "needs a function of its own, and a twin has none"),
        ((first, replace(second, function=""), last), "needs a function of its own, and a twin has none"),
    ]:
        with pytest.raises(ValueError, match=words):
            replace(pair, arms=arms)


def test_an_arm_that_is_called_otherwise_or_takes_other_parameters_is_refused_where_it_is_asked_for() -> None:
    pair = find("text_batching").pairs[0]
    first, second, *_, last = pair.arms
    for arm, words in [
        (replace(second, name="other"), "is called 'no_graph'"),
        (Arm("judge", "nothing", judge), "Expected the parameters"),
        (Arm("judge", "nothing", f"{__name__}:judge"), "Expected the parameters"),
    ]:
        with pytest.raises(ValueError, match=words):
            replace(pair, arms=(first, arm, last)).arm(arm.name)


def judge(texts: list[str]) -> None: ...


def test_an_unknown_arm_is_one_clear_error() -> None:
    pair = find("feature_links").pairs[0]
    assert pair.ladder == ()
    with pytest.raises(BadInput, match=r"feature_links has no arm 'careful'. Expected one of: sequential, batched"):
        pair.arm(CAREFUL)


MENDED = {"comparison_table": "_run_to_deepest"}
"""Finding -> the helper of its ladder that failed on another kind of model, in all earlier ladders. On the ladder's own
subjects it did then what it does now, which a test shows by running both."""


def arms_of(source: str, without: str = "") -> list[str]:
    """A ladder's functions, classes and constants, without what it imports and how it lists them."""

    def is_of_an_arm(node: ast.stmt) -> bool:
        constant = isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        return constant or (isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name != without)

    return [ast.dump(node) for node in ast.parse(source).body if is_of_an_arm(node)]


def committed(path: str) -> list[str]:
    """Every text that a file had in this repository's history."""
    git = ["git", "-C", str(ROOT)]
    commits = subprocess.run([*git, "log", "--format=%H", "--", path], capture_output=True, text=True).stdout.split()
    shown = (subprocess.run([*git, "show", f"{one}:{path}"], capture_output=True) for one in commits)
    return [one.stdout.decode() for one in shown if one.returncode == 0]


@pytest.mark.parametrize(("finding", "pair"), EARLIER)
def test_an_earlier_ladder_had_the_same_arms(finding: Finding, pair: Pair, tmp_path: Path) -> None:
    path = f"bench/ladders/{finding.name}.py"
    sources = {file_digest(written(tmp_path / "ladder.py", text)): text for text in committed(path)}
    missing = set(pair.earlier_ladders) - set(sources)
    if missing and (ROOT / ".git/shallow").exists():
        pytest.skip("the history that would show it is not in a shallow clone")
    assert not missing
    mended = MENDED.get(finding.name, "")
    for earlier in pair.earlier_ladders:
        # It may have had fewer of them.
        assert set(arms_of(sources[earlier], mended)) <= set(arms_of((ROOT / path).read_text()))
    # One of them is run below, for all.
    changed = [set(arms_of(sources[one])) - set(arms_of(sources[one], mended)) for one in pair.earlier_ladders]
    assert all(one == changed[-1] for one in changed)


@pytest.mark.parametrize("finding", MENDED)
def test_a_helper_that_was_mended_does_on_the_ladders_own_subject_what_it_did(
    finding: str, tiny: Subject, tmp_path: Path
) -> None:
    path, (pair,) = f"bench/ladders/{finding}.py", find(finding).pairs
    earlier = pair.earlier_ladders[-1]
    found = [text for text in committed(path) if file_digest(written(tmp_path / "ladder.py", text)) == earlier]
    if not found and (ROOT / ".git/shallow").exists():
        pytest.skip("the history that would show it is not in a shallow clone")
    then = runpy.run_path(str(written(tmp_path / "ladder.py", found[0])))
    rungs = [arm.name for arm in pair.arms if arm.function]
    assert CAREFUL in rungs and MENDED[finding] in then
    inputs = pair.inputs(MIXED, tiny, None)
    for name in rungs:
        assert then[name](**inputs) == pair.arm(name)(**inputs)
        old, new = (count((*COUNTERS, operators), arm, inputs) for arm in (then[name], pair.arm(name)))
        assert old == new
    # The companion: rungs differ from each other in the same counts.
    assert count(COUNTERS, then[CAREFUL], inputs) != count(COUNTERS, then["no_logits"], inputs)


def test_the_sizes_that_the_arms_of_text_batching_name_are_those_they_run_with() -> None:
    """The words stand in the card, which is read without PyTorch; the sizes stand beside the code that uses them."""
    adds = {arm.name: arm.adds for arm in find("text_batching").pairs[0].arms}
    assert adds["batch"].startswith(f"{BATCH_SIZE} texts in a pass")
    assert adds["sort_and_budget"].endswith(f", {TOKEN_BUDGET} tokens in a pass")
    assert adds["packed"].endswith(f", {PACKED_BUDGET} tokens in a pass")


def test_an_arm_that_does_something_else_is_seen(tmp_path: Path) -> None:
    """The companion, and what follows from it: another fingerprint is another arm, and a twin has no earlier one."""
    source = (ROOT / "bench/ladders/grad_mode.py").read_text()
    assert arms_of(source) != arms_of(source.replace("[0, -1, :]", "[0, -2, :]"))
    pair = find("grad_mode").pairs[0]
    (earlier,) = pair.earlier_ladders
    assert pair.is_unchanged("one_hook", earlier) and pair.is_unchanged("one_hook", pair.source_digest("one_hook"))
    assert not pair.is_unchanged("one_hook", "another") and not pair.is_unchanged("batched", earlier)


def written(path: Path, text: str) -> Path:
    path.write_bytes(text.encode())
    return path

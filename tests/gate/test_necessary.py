"""Controls: the gate rejects each for its reason, and no rule, aspect or trial is idle: each alone rejects one."""

import random
from dataclasses import replace

import numpy as np
import pytest
import torch

from bench.controls import CONTROLS
from bench.findings import FINDINGS, find
from speedproof.errors import BadInput
from speedproof.gate.certificate import Certificate, Refusal
from speedproof.gate.check import certify
from speedproof.gate.control import Control, Judgement
from speedproof.gate.gate import Gate, aspects_of, names_of
from speedproof.pairs.finding import Pair

pytestmark = pytest.mark.usefixtures("known_definitions")
PAIRS = [pair for finding in FINDINGS for pair in finding.pairs]
NAMES = dict.fromkeys(name for pair in PAIRS for name in names_of(pair))
ALONE = [control for control in CONTROLS if control.only]


N_FEW = 14
"""Items of which a function that leaves something behind is asked: it does so whatever their number."""


def with_few_items(control: Control) -> Control:
    """The control, of fewer items where it breaks an aspect of state."""
    if control.only not in aspects_of(control.pair):
        return control
    return replace(control, workload=replace(control.on, n_items=min(N_FEW, control.on.n_items)))


def objection(control: Control, whole: Judgement) -> str:
    """What is wrong with saying that the whole gate rejects the control and that without `only` it would pass; empty
    where it is so."""
    if not isinstance(whole.answer, Refusal) or not whole.as_expected:
        return f"the whole gate does not reject it as expected: {whole.answer}"
    if control.only not in (whole.answer.rule, whole.answer.trial):
        return f"rejected by {whole.answer.rule!r} in {whole.answer.trial!r}, and not by {control.only!r}"
    without = with_few_items(control).judge(gate=Gate(frozenset({control.only})))
    if not isinstance(without.answer, Certificate):
        return f"also rejected without {control.only!r}, by {without.answer.rule!r} in {without.answer.trial!r}"
    return ""


@pytest.fixture(autouse=True)
def drawn_from() -> None:
    """Who seeds a generator that an earlier test seeded in the same way changes nothing."""
    random.random()
    np.random.random()
    torch.rand(1)


@pytest.mark.parametrize("control", CONTROLS, ids=lambda control: control.name)
def test_a_control_is_judged_as_it_should_be_and_passes_where_the_rule_that_it_breaks_is_left_out(
    control: Control,
) -> None:
    whole = control.judge()
    assert whole.as_expected, str(whole.answer)
    if control.only:
        assert objection(control, whole) == ""


@pytest.mark.parametrize("name", NAMES)
def test_every_rule_aspect_and_trial_has_a_control_that_it_alone_rejects(name: str) -> None:
    assert [control.name for control in ALONE if control.only == name]


@pytest.mark.parametrize(("only", "words"), [("dtype", "and not by 'dtype'"), ("backwards", "and not by 'backwards'")])
def test_a_control_that_names_a_rule_which_does_not_reject_it_is_seen(only: str, words: str) -> None:
    control = next(control for control in CONTROLS if control.name == "indices_as_floats")
    assert words in objection(replace(control, only=only), control.judge())


def test_a_control_that_other_rules_reject_too_is_seen() -> None:
    control = next(control for control in CONTROLS if control.name == "links_without_duplicates")
    assert "also rejected without 'exact'" in objection(replace(control, only="exact"), control.judge())


def test_a_right_function_is_no_evidence_for_a_rule() -> None:
    control = next(control for control in CONTROLS if control.name == "report_fix_glob_escaped")
    assert "does not reject it" in objection(replace(control, only="exact"), control.judge())


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.name)
def test_a_pair_has_each_name_once(pair: Pair) -> None:
    names = names_of(pair)
    assert len(set(names)) == len(names)
    assert {variation.name for variation in pair.variations} | {trial.name for trial in pair.trials} <= set(names)


def test_a_gate_without_what_the_pair_has_not_is_bad_input() -> None:
    finding = find("feature_links")
    for strange in ("elements", "hooks", "hostile texts"):
        gate = Gate(frozenset({"exact", strange}))
        with pytest.raises(BadInput, match=f"Unknown rule, aspect or trial '{strange}'"):
            certify(finding, finding.pairs[0], finding.pairs[0].workload("smoke"), gate=gate)

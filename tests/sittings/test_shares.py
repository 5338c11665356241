"""What is left to be proven is shared out whole, in an order that loads little twice; only what passed is counted."""

import os
from dataclasses import replace
from types import SimpleNamespace

import psutil
import pytest

from bench.findings import FINDINGS, find
from speedproof.gate.certificate import Certificate
from speedproof.pairs.finding import CAREFUL
from speedproof.pairs.question import Question, questions
from speedproof.records.base import Body
from speedproof.records.kinds import Certified, Counted, Refused
from speedproof.sittings.shares import Left, has_room_for_two, in_order
from speedproof.sittings.sitting import Proven

REPORT = tuple(questions(FINDINGS, "report"))
CAREFUL_ONES = tuple(replace(q, arm=CAREFUL) for q in REPORT if q.pair.careful_beside)
OTHERS = tuple(q for q in questions(FINDINGS) if q.workload.name != "report")
CONTROLS = (("bench.findings.grad_mode:FINDING", "one"),)


@pytest.mark.parametrize("in_two", [False, True])
def test_every_question_count_and_control_is_in_one_share(in_two: bool) -> None:
    asked = (*REPORT, *CAREFUL_ONES, *OTHERS)
    parts = Left(asked, REPORT, CONTROLS).shared_out(in_two)
    assert len(parts) == 1 + in_two
    whole = [[one for part in parts for one in part[i]] for i in range(3)]
    assert [len(whole[0]), len(set(whole[0]))] == [len(asked)] * 2 and set(whole[0]) == set(asked)
    assert set(whole[1]) == set(REPORT) and len(whole[1]) == len(REPORT) and whole[2] == list(CONTROLS)


def test_of_two_processes_each_does_half_and_slow_arms_of_one_function_go_apart() -> None:
    first, second = Left((*REPORT, *CAREFUL_ONES, *OTHERS), REPORT, CONTROLS).shared_out(True)
    for i in (0, 1):
        assert abs(len(first[i]) - len(second[i])) <= 1
    for careful in CAREFUL_ONES:
        (batched,) = (q for q in REPORT if (q.finding, q.function) == (careful.finding, careful.function))
        assert (careful in first[0]) == (batched in second[0])


def test_the_arms_of_a_function_are_counted_together() -> None:
    """One record holds the work of all of them: of two records a reader would see one."""
    shares = Left((), (*REPORT, *CAREFUL_ONES), ()).shared_out(True)
    counted = [{(q.finding, q.function) for q in share[1]} for share in shares]
    assert len(counted) == 2 and not counted[0] & counted[1]
    assert sum(len(share[1]) for share in shares) == len(REPORT) + len(CAREFUL_ONES)


def test_nothing_left_takes_no_process_and_one_question_takes_one() -> None:
    assert Left((), (), ()).shared_out(True) == []
    assert len(Left(REPORT[:1], REPORT[:1], ()).shared_out(True)) == 1


def test_arms_of_one_function_on_one_workload_are_neighbours_and_subjects_come_together() -> None:
    ordered = in_order((*OTHERS, *REPORT, *CAREFUL_ONES))
    subjects = [q.workload.subject for q in ordered]
    assert subjects == sorted(subjects)
    places = {(q.finding, q.function, q.workload, q.arm): i for i, q in enumerate(ordered)}
    for q in CAREFUL_ONES:
        assert (
            places[q.finding, q.function, q.workload, CAREFUL] - places[q.finding, q.function, q.workload, "batched"]
            == 1
        )


@pytest.mark.parametrize(("n_cores", "gib", "expected"), [(2, 20, True), (1, 20, False), (2, 16, False)])
def test_two_at_once_need_two_cores_and_the_memory(
    n_cores: int, gib: int, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(n_cores)), raising=False)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=gib * 2**30))
    assert has_room_for_two() is expected


def counted(*arms: str) -> Counted:
    each = {arm: {"forward_passes": 1} for arm in ("sequential", *arms)}
    return Counted(
        finding="grad_mode",
        function="collect_activations",
        workload=find("grad_mode").pairs[0].workload("report"),
        sources=dict.fromkeys(each, "0"),
        counts=each,
        tables={arm: {} for arm in each},
    )


def refused(question: Question, arm: str) -> Refused:
    return Refused(
        finding=question.finding,
        function=question.function,
        workload=question.workload,
        twin=arm,
        code="not equivalent",
        reason="",
    )


def settled(bodies: list[Body], n_answers: int) -> list[Body]:
    return list(Proven([], [], []).settled(bodies, n_answers))


def test_an_arm_that_the_other_process_refuses_later_is_not_counted(certificate: Certificate) -> None:
    question = questions([find("grad_mode")], "smoke")[0]
    bodies = [Certified(certificate=certificate), counted("batched", CAREFUL), refused(question, CAREFUL)]
    assert settled(bodies, 2) == [bodies[0], bodies[2], counted("batched")]
    bodies = [Certified(certificate=certificate), counted("batched"), refused(question, "batched")]
    assert settled(bodies, 2) == [bodies[0], bodies[2]]


def test_counts_of_what_passed_everywhere_are_as_they_were(certificate: Certificate) -> None:
    bodies = [Certified(certificate=certificate), counted("batched", CAREFUL), Certified(certificate=certificate)]
    assert settled(bodies, 2) == [bodies[0], bodies[2], bodies[1]]
    # Where nothing is asked, nothing is waited for.
    assert settled([bodies[1]], 0) == [bodies[1]]

"""What is left to be proven is done once, by whichever process is free; only what passed is counted."""

import os
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from bench.findings import FINDINGS, find
from speedproof.gate.certificate import Certificate
from speedproof.pairs.finding import CAREFUL
from speedproof.pairs.question import Question, questions
from speedproof.records.base import Body
from speedproof.records.kinds import Certified, Counted, Refused
from speedproof.sittings import proving
from speedproof.sittings.shares import Claims, Group, Left, groups, has_room_for_two
from speedproof.sittings.sitting import Proven

REPORT = tuple(questions(FINDINGS, "report"))
CAREFUL_ONES = tuple(replace(q, arm=CAREFUL) for q in REPORT if q.pair.careful_beside)
OTHERS = tuple(q for q in questions(FINDINGS) if q.workload.name != "report")
CONTROLS = (("bench.findings.grad_mode:FINDING", "one"),)


ASKED = (*REPORT, *CAREFUL_ONES, *OTHERS)


@pytest.mark.parametrize("in_two", [False, True])
def test_every_item_is_done_by_one_process_whoever_is_faster(in_two: bool, tmp_path: Path) -> None:
    works = Left(ASKED, REPORT, CONTROLS).shared_out(str(tmp_path), in_two)
    assert len(works) == 1 + in_two
    asked = works[0][0][0]
    each = [question for group in asked for question in group]
    assert set(each) == set(ASKED) and len(each) == len(ASKED)
    # One is three times as fast as the other.
    left = [claims.each("checking", given[0]) for given, claims in works]
    taken: list[list[Group]] = [[] for _ in works]
    turn = 0
    while sum(map(len, taken)) < len(asked):
        place = 0 if turn % 4 else len(left) - 1
        n_left, group = next(left[place])
        assert n_left == len(asked) - sum(map(len, taken))
        taken[place].append(group)
        turn += 1
    assert [next(one, None) for one in left] == [None] * len(left)
    assert [*taken[0], *reversed(taken[1] if in_two else [])] == list(asked)


def test_what_one_process_has_taken_no_other_takes(tmp_path: Path) -> None:
    """Companion: one that only counts for itself would do all of it again."""
    first, second = (Claims(str(tmp_path), backwards) for backwards in (False, True))
    assert [item for _, item in first.each("checking", "abc")] == ["a", "b", "c"]
    assert list(second.each("checking", "abc")) == []
    assert [item for _, item in second.each("counting", "ab")] == ["b", "a"]


def test_the_arms_of_a_function_are_asked_and_counted_together() -> None:
    """Its definition is asked once, and one record holds the work of all: of two records a reader would see one."""
    counted = (*REPORT, *CAREFUL_ONES)
    ordered = Left(ASKED, counted, ()).ordered
    for found, given in ((ordered[0], ASKED), (ordered[1], counted)):
        about = [{(q.finding, q.function, q.workload) for q in group} for group in found]
        assert all(len(one) == 1 for one in about) and len(set.union(*about)) == len(found)
        assert sum(map(len, found)) == len(given)


def test_nothing_left_takes_no_process_and_one_question_takes_one(tmp_path: Path) -> None:
    assert Left((), (), ()).shared_out(str(tmp_path), True) == []
    assert len(Left(REPORT[:1], (), ()).shared_out(str(tmp_path), True)) == 1
    assert len(Left((), (), (), (("further:work", ()),)).shared_out(str(tmp_path), True)) == 1


def test_further_work_is_shared_and_comes_last(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Each piece is done by one process; the seconds in which the other has nothing else left are its own."""
    further = tuple(("further:work", (name,)) for name in "abc")
    monkeypatch.setattr(proving, "resolve", lambda reference: lambda name: iter([f"{reference} {name}"]))
    works = Left((), (), (), further).shared_out(str(tmp_path), True)
    told = [proving.prove_all(*work) for work in works]
    done = [str(next(told[place])) for place in (0, 1, 1)]
    assert done == ["further:work a", "further:work c", "further:work b"]
    assert [next(one, None) for one in told] == [None, None]


def test_subjects_come_together() -> None:
    subjects = [group[0].workload.subject for group in groups((*OTHERS, *REPORT, *CAREFUL_ONES))]
    assert subjects == sorted(subjects)


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

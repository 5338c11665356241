"""A check of a model that is not ours ends in time and tells what it left out; a library's error is one refusal."""

import math
from pathlib import Path
from typing import Any

import pytest

from bench.findings import find
from speedproof.errors import BadInput
from speedproof.gate.certificate import Certificate, Refusal
from speedproof.gate.check import certify
from speedproof.lens import oracle
from speedproof.lens.hostile import hostile_texts
from speedproof.lens.oracle import Oracle
from speedproof.lens.pace import FEWEST_TOKENS, Pace
from speedproof.lens.subject import Subject, find_subject
from speedproof.pairs.question import questions
from speedproof.pairs.subjects import Subjects
from speedproof.pairs.workload import Workload
from speedproof.sittings.definitions import Definitions
from speedproof.sittings.proving import _answer

from .test_model_files import gpt2, write

LEFT_OUT = ("fresh texts", "hostile texts", "other SAE weights", "other model weights")


@pytest.fixture(autouse=True)
def no_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oracle, "CACHE", tmp_path / "cache")


def ask(subject: Subject, candidate: Any = None) -> Certificate | Refusal:
    finding, given = find("text_batching"), Workload("given", subject.name, 7, n_threads=1)
    return certify(finding, finding.pairs[0], given, candidate, subject=subject)


def test_what_the_time_leaves_out_is_told_and_a_wrong_function_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(oracle, "CHECK_S", 0.0)
    subject = find_subject(str(write(tmp_path, gpt2(0))))
    answer = ask(subject)
    assert isinstance(answer, Certificate), str(answer)
    assert [told for told in answer.untried if "time was up" in told] == [
        f"{n}, since its time was up" for n in LEFT_OUT
    ]

    def one_off(model, sae, hook_name, texts):  # type: ignore[no-untyped-def]
        return find("text_batching").pairs[0].batched(model, sae, hook_name, texts).roll(1, dims=0)

    assert isinstance(ask(subject, one_off), Refusal)


def test_an_embedded_subject_has_all_the_time_that_it_needs(tiny: Subject) -> None:
    """The companion: what is recorded of it was asked whole."""
    assert math.isinf(Oracle(tiny).pace.limit_s) and math.isinf(Oracle(tiny).pace.longest())


def test_the_longest_text_is_one_that_there_is_time_for(tiny: Subject) -> None:
    pace = Pace(limit_s=1000.0)
    assert math.isinf(pace.longest()), "as long as nothing is known"
    pace.ran(100, 1.0)
    quick = pace.longest()
    pace.ran(100, 99.0)
    assert FEWEST_TOKENS <= pace.longest() < quick / 40
    few, all_of_them = hostile_texts(tiny.model, timely=70.0), hostile_texts(tiny.model)
    told = "texts over 70 tokens, of the 128 that the model takes: there was no time for more"
    assert told in few.untried and max(map(len, few.texts)) < max(map(len, all_of_them.texts))
    assert told not in all_of_them.untried


def test_a_librarys_error_is_the_refusal_of_its_question(monkeypatch: pytest.MonkeyPatch) -> None:
    def dies(*asked: Any) -> Any:
        raise RuntimeError("expected m1 and m2 to have the same dtype")

    question = questions([find("text_batching")], "smoke", "tiny")[0]
    monkeypatch.setattr(oracle, "_run", dies)
    answer = _answer(question, Subjects(), Definitions())
    assert isinstance(answer, Refusal) and answer.code == "failed"
    assert "unsupported(RuntimeError: expected m1 and m2 to have the same dtype at test_pace.py:" in answer.reason


def test_our_own_words_and_a_lack_of_memory_end_all_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    """The companion."""
    question = questions([find("text_batching")], "smoke", "tiny")[0]
    for error in (BadInput("no"), MemoryError()):

        def dies(*asked: Any, error: BaseException = error) -> Any:
            raise error

        monkeypatch.setattr(oracle, "_run", dies)
        with pytest.raises(type(error)):
            _answer(question, Subjects(), Definitions())


def test_workloads_that_differ_in_their_name_alone_are_asked_once_of_one_subject() -> None:
    finding = find("text_batching")
    asked = [q.workload.name for q in questions([finding], subject="tiny", function="extract_features")]
    assert asked == ["smoke", "hostile", "ragged"]
    assert len(questions([finding], function="extract_features")) == len(finding.pairs[0].workloads)

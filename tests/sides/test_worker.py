"""The worker, in this process: what it loads when, and what it looks through before samples."""

from dataclasses import replace

import pytest

from bench.findings import find
from speedproof.errors import BadInput
from speedproof.pairs.question import Question, questions
from speedproof.sides import worker as module
from speedproof.sides.worker import Worker


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a worker does to its memory and with an arm, in order; nothing is done to this process's memory."""
    steps: list[str] = []
    monkeypatch.setattr(module, "retain_memory", lambda: steps.append("retain"))
    monkeypatch.setattr(module, "look_through_once", lambda: steps.append("look through"))
    monkeypatch.setattr(module, "warm", lambda *about: steps.append("warm"))
    return steps


@pytest.fixture
def question() -> Question:
    return questions([find("feature_links")], "smoke")[0]


def test_what_is_loaded_is_looked_through_once_and_not_before_every_sample(
    done: list[str], question: Question, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the libraries of models loaded, that takes longer than many a sample."""
    monkeypatch.setattr(Worker, "_inputs", lambda self, asked: done.append("load"))
    worker = Worker()
    worker.settle(question, question)
    worker.warm(question, frozenset())
    assert done == ["retain", "load", "load", "look through", "warm", "look through"]


@pytest.mark.parametrize("error", [BadInput("It is not there."), ImportError("none"), SystemExit(3)])
def test_what_cannot_be_loaded_is_told_where_it_is_asked_and_costs_no_other_question(
    error: BaseException, done: list[str], question: Question, monkeypatch: pytest.MonkeyPatch
) -> None:
    absent = replace(question, workload=replace(question.workload, name="absent"))

    def inputs(worker: Worker, asked: Question) -> None:
        if asked == absent:
            raise error
        done.append("load")

    monkeypatch.setattr(Worker, "_inputs", inputs)
    worker = Worker()
    worker.settle(absent, question)
    assert done == ["retain", "load", "look through"]
    with pytest.raises(type(error)):
        worker.answer(absent)


def test_texts_are_drawn_once_and_are_new_objects_all_the_same() -> None:
    workload = questions([find("text_batching")], "smoke")[0].workload
    one, other = workload.texts(), workload.texts()
    assert one == other and all(a is not b for a, b in zip(one, other, strict=True) if len(a) > 1)

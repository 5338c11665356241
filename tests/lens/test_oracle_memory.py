"""What the oracle keeps for later questions: shared by those that ask the same, and nobody's to write into."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from threading import Barrier, BrokenBarrierError, Thread
from typing import Any

import pytest
import torch

from speedproof.lens import oracle
from speedproof.lens.alterations import weights_rolled
from speedproof.lens.features import Features
from speedproof.lens.oracle import Oracle
from speedproof.lens.pace import Pace
from speedproof.lens.subject import find_subject

TEXTS = ("one text", "another text", "a third")


def test_altered_activations_are_computed_once_for_a_subject_and_are_not_those_of_the_weights_as_they_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run: list[str] = []
    ask = oracle._run

    def noted(model: Any, hooks: list[str], texts: Sequence[str], pace: Pace) -> Any:
        run.extend(texts)
        return ask(model, hooks, texts, pace)

    monkeypatch.setattr(oracle, "_run", noted)
    subject = find_subject("tiny")
    first = Oracle(subject).of_altered_model(weights_rolled).activations(subject.hook_name, TEXTS)
    again = Oracle(subject).of_altered_model(weights_rolled).activations(subject.hook_name, TEXTS)
    assert run == list(TEXTS) and torch.equal(first, again)
    assert not torch.equal(first, Oracle(subject).activations(subject.hook_name, TEXTS))
    # Other texts of the same alteration, and another subject or one that was let go, are asked about anew.
    run.clear()
    Oracle(subject).of_altered_model(weights_rolled).activations(subject.hook_name, [*TEXTS, "new"])
    assert run == ["new"]
    subject.release()
    for one in (subject, find_subject("tiny")):
        run.clear()
        Oracle(one).of_altered_model(weights_rolled).activations(one.hook_name, TEXTS)
        assert run == list(TEXTS)


def test_who_writes_into_an_answer_writes_into_a_copy() -> None:
    subject = find_subject("tiny")
    asked = Oracle(subject).of_altered_model(weights_rolled)
    right = asked.activations(subject.hook_name, TEXTS)
    held = right.clone()
    right.zero_()
    for rows in (asked, Oracle(subject).of_altered_model(weights_rolled)):
        assert torch.equal(rows.activations(subject.hook_name, TEXTS), held)


def test_what_nobody_asks_about_twice_is_shared_with_nobody() -> None:
    subject = find_subject("tiny")
    Oracle(subject).unremembered().activations(subject.hook_name, TEXTS)
    assert subject.known_of_altered == {}


def test_one_number_is_held_against_what_all_would_be() -> None:
    generator = torch.Generator().manual_seed(3)
    values = torch.rand(4, 6, generator=generator, dtype=torch.float64)
    values[values < 0.4] = 0.0
    if_fired = torch.rand(4, 6, generator=generator, dtype=torch.float64)
    margin = 0.2 * torch.rand(4, 6, generator=generator, dtype=torch.float64)
    features = Features(values, if_fired, margin, torch.zeros(4, 1, dtype=torch.float64))
    differs = 0
    for found in (0.0, 0.3, 0.7):
        whole = features.nearest(torch.full_like(values, found), 0.1)
        differs += int((whole != values).sum())
        for text in range(4):
            for feature in range(6):
                assert features.nearest_at(text, feature, found, 0.1) == whole[text, feature].item()
    # Some are undecided, or nothing would be told apart.
    assert 0 < differs < 3 * values.numel()


def test_what_a_process_beside_this_one_has_written_is_not_computed_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run: list[str] = []
    ask = oracle._run

    def noted(model: Any, hooks: list[str], texts: Sequence[str], pace: Pace) -> Any:
        run.extend(texts)
        return ask(model, hooks, texts, pace)

    monkeypatch.setattr(oracle, "_run", noted)
    monkeypatch.setattr(oracle, "CACHE", tmp_path)
    subject = find_subject("tiny")
    mine, other = Oracle(subject), Oracle(subject)
    mine.activations(subject.hook_name, TEXTS[:1])
    other.activations(subject.hook_name, TEXTS[:2])
    run.clear()
    rows = mine.activations(subject.hook_name, TEXTS)
    assert run == list(TEXTS[2:]) and torch.equal(rows, other.activations(subject.hook_name, TEXTS))
    assert run == list(TEXTS[2:])


def asked_at_once(monkeypatch: pytest.MonkeyPatch, cache: Path) -> list[str]:
    """Texts that were run where two who know nothing of each other ask about the same ones at the same time."""
    monkeypatch.setattr(oracle, "CACHE", cache)
    run: list[str] = []
    both_have_come, ask = Barrier(2), oracle._run
    answers: list[torch.Tensor] = []

    def slowly(model: Any, hooks: list[str], texts: Sequence[str], pace: Pace) -> Any:
        run.extend(texts)
        # Whoever waits for the lock never comes here.
        with suppress(BrokenBarrierError):
            both_have_come.wait(1.0)
        return ask(model, hooks, texts, pace)

    def one() -> None:
        subject = find_subject("tiny")
        answers.append(Oracle(subject).activations(subject.hook_name, TEXTS))

    monkeypatch.setattr(oracle, "_run", slowly)
    threads = [Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 2 and torch.equal(*answers)
    return run


def test_of_two_that_ask_the_same_at_once_one_computes_and_the_other_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert asked_at_once(monkeypatch, tmp_path) == list(TEXTS)


def test_where_no_lock_can_be_made_both_compute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Companion, and what a cache that cannot be written costs: time, and no answer."""
    (tmp_path / "file").write_text("no folder")
    assert sorted(asked_at_once(monkeypatch, tmp_path / "file")) == sorted(TEXTS * 2)

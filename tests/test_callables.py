"""Whatever can be called can be checked, and a refusal says whose it is."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from bench.findings import find
from speedproof.callables import name_of, source_file, where
from speedproof.digest import source_digest
from speedproof.gate.certificate import Certificate, Refusal
from speedproof.gate.check import certify
from speedproof.lens.subject import Subject

FEATURE_LINKS, TEXT_BATCHING = find("feature_links"), find("text_batching")
PAIR = FEATURE_LINKS.pairs[0]
HERE = Path(__file__)


def links(sae_name: str, feature_idxs: Any) -> list[str]:
    return list(PAIR.batched(sae_name, feature_idxs))


def wrong_links(sae_name: str, feature_idxs: Any) -> list[str]:
    return links(sae_name, feature_idxs)[::-1]


class Linker:
    """Has its functions bound to it, and is one itself."""

    def __init__(self, function: Callable[..., list[str]]) -> None:
        self.function = function

    def __call__(self, sae_name: str, feature_idxs: Any) -> list[str]:
        return self.function(sae_name, feature_idxs)

    def method(self, sae_name: str, feature_idxs: Any) -> list[str]:
        return self.function(sae_name, feature_idxs)

    @classmethod
    def of_class(cls, sae_name: str, feature_idxs: Any) -> list[str]:
        return links(sae_name, feature_idxs)

    @staticmethod
    def static(sae_name: str, feature_idxs: Any) -> list[str]:
        return links(sae_name, feature_idxs)


def closing_over(function: Callable[..., list[str]]) -> Callable[..., list[str]]:
    def inner(sae_name: str, feature_idxs: Any) -> list[str]:
        return function(sae_name, feature_idxs)

    return inner


KINDS: dict[str, Callable[[Callable[..., list[str]]], Callable[..., list[str]]]] = {
    "plain": lambda function: function,
    "partial": lambda function: functools.partial(function),
    "partial of a partial": lambda function: functools.partial(functools.partial(function)),
    "callable object": Linker,
    "bound method": lambda function: Linker(function).method,
    "partial of a method": lambda function: functools.partial(Linker(function).method),
    "decorated": lambda function: torch.no_grad()(function),
    "wrapped": lambda function: functools.wraps(function)(lambda *args, **kwargs: function(*args, **kwargs)),
    "lambda": lambda function: lambda sae_name, feature_idxs: function(sae_name, feature_idxs),
    "closure": closing_over,
}


@pytest.mark.parametrize("kind", KINDS)
def test_any_callable_can_be_right_and_wrong(kind: str, tiny: Subject) -> None:
    workload = PAIR.workload("smoke")
    right = certify(FEATURE_LINKS, PAIR, workload, KINDS[kind](links), tiny)
    assert isinstance(right, Certificate), str(right)
    wrong = certify(FEATURE_LINKS, PAIR, workload, KINDS[kind](wrong_links), tiny)
    assert isinstance(wrong, Refusal) and wrong.code == "not equivalent"
    assert f"--candidate {HERE.relative_to(Path.cwd()) if HERE.is_relative_to(Path.cwd()) else HERE}:" in wrong.reason


@pytest.mark.parametrize("made", [Linker.of_class, Linker.static], ids=["class method", "static method"])
def test_methods_of_a_class_can_be_checked(made: Any, tiny: Subject) -> None:
    assert isinstance(certify(FEATURE_LINKS, PAIR, PAIR.workload("smoke"), made, tiny), Certificate)


def test_a_built_in_function_is_named_and_has_a_fingerprint() -> None:
    for function, name in ((len, "len"), (torch.relu, "relu"), (functools.partial(len), "len")):
        assert (name_of(function), source_file(function)) == (name, None)
        assert source_digest(function) == source_digest(function) and where(function).endswith(f":{name}")
    assert source_digest(len) != source_digest(abs)


def test_a_decorated_function_is_its_authors_and_not_the_decorators() -> None:
    decorated = torch.no_grad()(links)
    assert source_file(decorated) == HERE and name_of(decorated) == "links"
    assert source_digest(decorated) == source_digest(links)
    assert source_digest(torch.no_grad) != source_digest(links)


def test_a_refusal_names_the_candidate_as_the_user_does(tiny: Subject) -> None:
    answer = certify(FEATURE_LINKS, PAIR, PAIR.workload("smoke"), wrong_links, tiny, called="mine.py:alias")
    assert isinstance(answer, Refusal) and answer.twin == "alias" and "--candidate mine.py:alias" in answer.reason

"""Proving anybody's pair, in a process of its own: the gate's answer, what shows a refusal, what the check can see."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

import psutil

from speedproof.clock import monotonic_s
from speedproof.counters import instructions, memory, python
from speedproof.counters.tally import Counter, Work, work
from speedproof.digest import source_digest
from speedproof.gate import state
from speedproof.gate.certificate import Certificate, Refusal
from speedproof.gate.check import certify
from speedproof.gate.gate import gate_that_allows
from speedproof.gate.trials import new_seed
from speedproof.pairs.finding import TWINS
from speedproof.pairs.marks import numpy
from speedproof.pairs.question import Question
from speedproof.pairs.references import resolve
from speedproof.processes import Saying, bounded
from speedproof.records.base import Body
from speedproof.records.kinds import Certified, Counted, CounterExampled, Faulted, as_answered

from . import counter_example, planting
from .cards import require_functions
from .draws import Draw, Drawn
from .pair import OwnPair
from .values.leaf import torch
from .values.leaves import given, n_values

if TYPE_CHECKING:
    from .counter_example import CounterExample

FAULTS_SHARE = 1 / 3
"""The faults' part of a check's budget, at most."""


def prove(question: Question, n_faults: int, counts: bool = False) -> Iterator[Body | Saying]:
    """Runs in a fresh process. Yields the gate's answer, then what shows a refusal, or what became of planted faults,
    and how much work both do.

    Raises:
        BadInput: something that the pair names is not there, or its reference or its inputs are not sound.
    """
    pair = question.pair
    assert isinstance(pair, OwnPair)
    yield Saying(f"checking {_both(pair)}", 1)
    seed = new_seed() if question.seed is None else question.seed
    try:
        yield from _proven(question, pair, seed, n_faults, counts)
    finally:
        # A candidate's own processes hold our pipes, and whoever reads them would wait for those.
        for child in psutil.Process().children(recursive=True):
            with suppress(psutil.Error):
                child.kill()


def _both(pair: OwnPair) -> str:
    """What is held against what: until there is an answer, either may be what hangs or dies."""
    return pair.finding.title


def _proven(question: Question, pair: OwnPair, seed: int, n_faults: int, counts: bool) -> Iterator[Body | Saying]:
    with bounded(pair.budget_s, f"checking {_both(pair)} (--budget-s {pair.budget_s:g})"):
        answer, took_s = certified(pair, question, seed)
    # From here on the verdict stands, whatever becomes of what is looked at beside it.
    if isinstance(answer, Certificate):
        yield Certified(certificate=answer, largest=largest_size(pair, answer))
    else:
        yield as_answered(answer)
    if isinstance(answer, Refusal):
        if answer.code == "not equivalent" and (draw := pair.answers.asked):
            yield Saying("looking for the smallest inputs", 1)
            with bounded(pair.budget_s, "looking for the smallest inputs"):
                if example := counter_example.found(pair, draw):
                    yield _exampled(question, pair, example)
        return
    if n_faults:
        yield Saying("planting faults in the candidate", 1)
        with bounded(pair.budget_s, "planting faults"):
            left_s = max(0.0, min(pair.budget_s * FAULTS_SHARE, pair.budget_s - took_s))
            yield planted(question, pair, seed, took_s, left_s, n_faults)
    if counts:
        yield Saying("counting work", 1)
        with bounded(pair.budget_s, f"counting the work of {pair.name}"):
            yield counted(question, pair)


def certified(pair: OwnPair, question: Question, seed: int) -> tuple[Certificate | Refusal, float]:
    """The gate's answer, and the seconds that it took."""
    start_s = monotonic_s()
    require_functions(pair)
    gate = gate_that_allows((*pair.allow, *question.allow), pair)
    # What the reference itself leaves changed is put back too: the process may be the user's own.
    with state.restored(pair.kit, {}):
        answer = certify(question.target.finding, pair, question.workload, gate=gate, seed=seed)
    return answer, monotonic_s() - start_s


def planted(question: Question, pair: OwnPair, seed: int, took_s: float, budget_s: float, most: int) -> Faulted:
    """What became of faults that were planted in the candidate, asked by the same trials from the same seed."""
    gate = gate_that_allows((*pair.allow, *question.allow), pair)
    finding = question.target.finding

    def passes() -> bool:
        return isinstance(certify(finding, pair, question.workload, gate=gate, seed=seed), Certificate)

    def run() -> None:
        with state.restored(pair.kit, {}):
            for draw in asked_draws(pair, seed):
                with suppress(Exception):
                    pair.batched(**draw.make())

    seen = planting.plant(pair.batched, passes, run, took_s, budget_s, most)
    return Faulted(finding=question.finding, function=question.function, workload=question.workload, **asdict(seen))


def counted(question: Question, pair: OwnPair) -> Counted:
    """How much work both do on the usual size: each counter in a call of its own, after one that is not counted."""
    draw = Draw(pair.source, pair.usual, 0)
    done: dict[str, dict[str, int]] = {}
    tables: dict[str, dict[str, dict[str, int]]] = {}
    for name, function in zip(TWINS, (pair.sequential, pair.batched), strict=True):
        inner = getattr(function, "__wrapped__", function)
        make = partial(pair.made, draw, function)
        found = [one for counter in _counters(inner, make) if (one := _counted_by(counter, inner, make()))]
        done[name] = {of: n for one in found for of, n in one.counts.items()}
        tables[name] = {of: dict(table) for one in found for of, table in one.tables.items()}
    # What neither does at all is no work of theirs.
    both = {of for of in set.intersection(*map(set, done.values())) if any(one[of] for one in done.values())}
    return Counted(
        finding=question.finding,
        function=question.function,
        workload=question.workload,
        sources={name: source_digest(pair.twin(name)) for name in TWINS},
        counts={name: {of: n for of, n in one.items() if of in both} for name, one in done.items()},
        tables={name: {of: table for of, table in one.items() if of in both} for name, one in tables.items()},
    )


def _counted_by(counter: Counter, function: Callable[..., Any], inputs: Drawn) -> Work | None:
    """What one counter saw; None where there was nothing for it, as no matrix product for the counter of those."""
    with suppress(Exception):
        return work([counter], function, inputs)
    return None


def _counters(function: Callable[..., Any], make: Callable[[], Drawn]) -> list[Counter]:
    """Those that can count this function exactly."""
    with suppress(Exception):
        function(**make())
    found: list[Counter] = []
    if not python.why_not_python(function):
        found += [python.function_calls, python.instructions_of_python, python.operations_of_own_types]
    if torch():
        found += [resolve("speedproof.tensors.counters:operators"), resolve("speedproof.tensors.counters:flops")]
    if numpy():
        from speedproof.counters import arrays

        if not arrays.why_no_operators(function, make):
            found += [arrays.numpy_operators, arrays.numpy_bytes]
    found.append(memory.peak_bytes)
    if not instructions.why_no_instructions():
        found.append(instructions.cpu_instructions)
    return found


def largest_size(pair: OwnPair, answer: Certificate) -> int | None:
    """The largest size that was asked about; None where sizes mean nothing to the inputs, or are not heeded."""
    left_out = {size for size in pair.sizes if any(words.startswith(f"size {size},") for words in answer.untried)}
    asked = sorted({*pair.sizes} - left_out)
    if not pair.source.has_sizes or not asked:
        return None
    # Whatever becomes of it, the verdict stands.
    with suppress(Exception):
        least, most = (n_values(given(pair.source.make(size, 0))) for size in (asked[0], asked[-1]))
        return asked[-1] if len(asked) == 1 or least != most else None
    return None


def asked_draws(pair: OwnPair, seed: int) -> Iterator[Draw]:
    """The draws of every size, or the examples, that a check from that seed asks about."""
    if pair.source.has_sizes:
        for size, n in pair.sizes.items():
            if size <= pair.usual:
                yield from (Draw(pair.source, size, seed + i) for i in range(n))
    else:
        yield from (Draw(pair.source, 0, n) for n in range(10))


def _exampled(question: Question, pair: OwnPair, found: "CounterExample") -> CounterExampled:
    return CounterExampled(
        finding=question.finding, function=question.function, workload=question.workload, **asdict(found)
    )

"""The study: ours and each peer, on identical code and on slowed code, quiet and with the other cores loaded."""

import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch

from ..certificate import Certificate
from ..check import certify
from ..clock import elapsed_s, monotonic_s
from ..comparison import Comparison
from ..environment import current_environment
from ..errors import BadInput
from ..finding import Finding, Pair
from ..findings import find
from ..looks import ERROR_RATE
from ..measurement import measure
from ..plan import Plan
from ..process import Usage
from ..subject import find_subject
from ..workload import Workload
from .burden import save_inputs, slowed
from .peers import PEERS, Alarms, Trial, installed

INJECTED = (0.0, 0.02, 0.05, 0.10, 0.25)
"""Injected extra time, as shares of a call; none is for false alarms."""
WORKLOAD = Workload("power", "gpt2-small-shape", 140, n_threads=1)
"""A call of some ten milliseconds, in one thread so that the other core can be loaded."""
OURS = "speedproof"
BURNER = "import os; parent = os.getppid()\nwhile os.getppid() == parent: pass"
"""Keeps a core busy, and ends when whoever started it is gone: a killed study must not slow what comes after."""


@dataclass(frozen=True)
class Answer:
    """What a tool said in one trial, by decision rule, and what the trial cost."""

    tool: str
    injected: float
    alarms: Alarms
    wall_s: float


def pair_of(n_products: int) -> Pair:
    """The batched twin of finding 3, against itself with that many extra products."""
    return replace(find("category_lookup").pairs[0], sequential=slowed(0), batched=slowed(n_products))


@dataclass(frozen=True)
class SlowedPlan(Plan):
    """A plan of the paired runner for a pair that no finding has."""

    n_products: int = 0

    @property
    def finding(self) -> Finding:
        """Finding 3, with this pair in place of its own."""
        return finding_of(self.n_products)

    @property
    def pair(self) -> Pair:
        """The pair that is measured."""
        return pair_of(self.n_products)


def finding_of(n_products: int) -> Finding:
    """Finding 3 about the slowed pair, its definition pinned to the file that both sides come from."""
    pair = pair_of(n_products)
    return replace(find("category_lookup"), pairs=(pair,), definition_digest=pair.source_digests()["sequential"])


def certificates(products: Sequence[int]) -> dict[int, Certificate]:
    """The gate's word that extra products change no answer. Raises BadInput where they do."""
    subject = find_subject(WORKLOAD.subject)
    found = {}
    for n_products in products:
        finding = finding_of(n_products)
        answer = certify(finding, finding.pairs[0], WORKLOAD, subject=subject)
        if not isinstance(answer, Certificate):
            raise BadInput(f"The slowed pair is not equivalent, so there is nothing to study: {answer}")
        found[n_products] = answer
    return found


def ask_ours(certified: dict[int, Certificate], products: Sequence[int], budget_s: float, seed: int) -> list[Answer]:
    """One trial of each slowdown, in the same fresh processes; `budget_s` a slowdown, besides starting them."""
    plans = [SlowedPlan(certified[n], n_products=n) for n in products]
    start_s = monotonic_s()
    done = {
        m.plan.n_products: m
        for m in measure(plans, budget_s * len(plans), seed, Usage())
        if isinstance(m.plan, SlowedPlan)
    }
    wall_s = (monotonic_s() - start_s) / len(plans)
    answers = []
    for injected, n_products in zip(INJECTED, products, strict=True):
        if done[n_products].failure:
            raise BadInput(f"The paired runner could not measure: {done[n_products].failure}")
        answers.append(Answer(OURS, injected, {"interval": _slower(done[n_products].comparison)}, wall_s))
    return answers


def _slower(comparison: Comparison) -> bool:
    """Our rule: the whole interval of before / after lies below 1."""
    return comparison.p_value < ERROR_RATE and comparison.interval[1] < 1


def ask_peers(folder: Path, products: Sequence[int], budget_s: float) -> Iterator[Answer]:
    """One trial of each slowdown by each tool that is installed."""
    for name in installed():
        for injected, n_products in zip(INJECTED, products, strict=True):
            start_s = monotonic_s()
            alarms = PEERS[name][1](Trial(folder, products[0], n_products, budget_s))
            yield Answer(name, injected, alarms, monotonic_s() - start_s)


def study(n_trials: int, budget_s: float, loaded: bool, seed: int, say: Callable[[str, int], None]) -> Iterator[Answer]:
    """Every tool's answers, trial after trial, so that drift hits all of them."""
    products = calibrated()
    certified = certificates(products)
    with tempfile.TemporaryDirectory() as name, _load(loaded):
        folder = Path(name)
        save_inputs(folder, pair_of(0).inputs(WORKLOAD, find_subject(WORKLOAD.subject), None), WORKLOAD.n_threads)
        for n in range(n_trials):
            say(f"power study {'loaded' if loaded else 'quiet'}", n_trials - n)
            yield from ask_ours(certified, products, budget_s, seed + n)
            yield from ask_peers(folder, products, budget_s)


def calibrated() -> list[int]:
    """How many extra products make each slowdown, by the fastest of several calls of each."""
    torch.set_num_threads(WORKLOAD.n_threads)
    inputs = pair_of(0).inputs(WORKLOAD, find_subject(WORKLOAD.subject), None)
    many = 2_000
    plain, burdened = slowed(0), slowed(many)
    plain_s, burdened_s = (min(elapsed_s(partial(call, **inputs))[1] for _ in range(15)) for call in (plain, burdened))
    per_product_s = (burdened_s - plain_s) / many
    return [round(injected * plain_s / per_product_s) for injected in INJECTED]


@contextmanager
def _load(wanted: bool) -> Iterator[None]:
    """Keeps all cores but one busy."""
    n_cores = current_environment().n_cores
    burners = [subprocess.Popen([sys.executable, "-c", BURNER]) for _ in range(n_cores - 1 if wanted else 0)]
    try:
        yield
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()

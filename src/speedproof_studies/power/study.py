"""The study: ours and each peer, on identical code and on slowed code, quiet and with the other cores loaded."""

import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch

from speedproof.clock import elapsed_s, monotonic_s
from speedproof.environment import current_environment
from speedproof.errors import BadInput, unknown
from speedproof.failures import reason
from speedproof.gate.certificate import Certificate
from speedproof.gate.check import certify
from speedproof.lens.subject import find_subject
from speedproof.pairs.workload import Workload
from speedproof.processes import Usage
from speedproof.timing.comparison import Comparison
from speedproof.timing.method import CONFIRMING, ERROR_RATE
from speedproof.timing.plan import Plan
from speedproof.timing.runner import compared, measure

from .slowed_call import save_inputs, slowed
from .slowed_finding import finding_of, pair_of, target_of
from .tools import PEERS, Alarms, Half, PeerFailed, installed

INJECTED = (0.0, 0.02, 0.05, 0.10, 0.25)
"""Injected extra time, as shares of a call; none is for false alarms."""
WORKLOAD = Workload("power", "gpt2-small-shape", 140, n_threads=1)
"""A call of some ten milliseconds, in one thread so that the other core can be loaded."""
OURS = "speedproof"
CONFIRMING_SEED = 1_000_003
"""Added to a trial's seed, so that no other trial takes its samples in the same order."""
BURNER = "import os; parent = os.getppid()\nwhile os.getppid() == parent: pass"
"""Keeps a core busy, and ends when whoever started it is gone: a killed study must not slow what comes after."""


@dataclass(frozen=True)
class Answer:
    """What a tool said in one trial, by decision rule, and what the trial cost."""

    tool: str
    injected: float
    alarms: Alarms
    wall_s: float


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
    """One trial of each slowdown, in the same fresh processes; `budget_s` a slowdown, besides starting them.

    Two rules: the interval alone, and the interval with fresh processes of their own that must say so too, without
    which the word regression is not used. These are timed on top, where the first rule raises an alarm.
    """
    found, wall_s = _measured(certified, products, budget_s, seed)
    alarmed = [n for n in products if _slower(found[n], ERROR_RATE)]
    again, more_s = _measured(certified, alarmed, budget_s, seed + CONFIRMING_SEED)
    confirmed = {n for n in alarmed if _slower(again[n], CONFIRMING)}
    return [
        Answer(
            OURS,
            injected,
            {"interval": n in alarmed, "confirmed": n in confirmed},
            wall_s / len(products) + (more_s / len(alarmed) if n in alarmed else 0.0),
        )
        for injected, n in zip(INJECTED, products, strict=True)
    ]


def _measured(
    certified: dict[int, Certificate], products: Sequence[int], budget_s: float, seed: int
) -> tuple[dict[int, Comparison], float]:
    """Comparisons by extra products, and the seconds that they took in all. Raises BadInput where one failed."""
    start_s = monotonic_s()
    asked = {target_of(n): n for n in products}
    plans = [Plan(target, certified[n]) for target, n in asked.items()]
    found = {}
    for one in measure(plans, budget_s * len(plans), seed, Usage()):
        if one.failure:
            raise BadInput(f"The paired runner could not measure: {one.failure}")
        found[asked[one.what.target]] = compared(one)
    return found, monotonic_s() - start_s


def _slower(comparison: Comparison, level: float) -> bool:
    """Whether before / after is below 1 at that level."""
    return comparison.p_value < level and comparison.speedup < 1


def ask_peers(names: Sequence[str], folder: Path, products: Sequence[int], budget_s: float) -> Iterator[Answer]:
    """One trial of each slowdown by each of these peers, all of it against the same samples of the plain call."""
    for peer, name in ((PEERS[name], name) for name in names):
        with _understood(name):
            before, before_s = elapsed_s(partial(peer.sampled, Half(folder, products[0], budget_s / 2)))
        for injected, n_products in zip(INJECTED, products, strict=True):
            with _understood(name):
                after, after_s = elapsed_s(partial(peer.sampled, Half(folder, n_products, budget_s / 2)))
                alarms = peer.judged(before, after)
            yield Answer(name, injected, alarms, before_s + after_s)


@contextmanager
def _understood(name: str) -> Iterator[None]:
    """Raises PeerFailed where what the tool wrote is not what it usually writes."""
    try:
        yield
    except (OSError, ValueError, LookupError, TypeError, AttributeError, ImportError) as error:
        raise PeerFailed(
            f"What {name} gave is no answer of its usual form ({reason(error)}). Expected a release that is known "
            "here; leave it out with --tool, or install the tested one from constraints.txt."
        ) from error


def tools(wanted: Sequence[str] = ()) -> list[str]:
    """Those wanted, or this one and all peers that can be asked here. Raises BadInput for one that cannot."""
    known = [OURS, *installed()]
    for name in wanted:
        if name not in known:
            raise unknown("tool", name, known)
    return [name for name in known if not wanted or name in wanted]


def study(
    asked: Sequence[str], n_trials: int, budget_s: float, loaded: bool, seed: int, say: Callable[[str, int], None]
) -> Iterator[Answer]:
    """The answers of every tool asked, trial after trial, so that drift hits all of them."""
    products = calibrated()
    certified = certificates(products)
    with tempfile.TemporaryDirectory() as name, _load(loaded):
        folder = Path(name)
        save_inputs(folder, pair_of(0).inputs(WORKLOAD, find_subject(WORKLOAD.subject), None), WORKLOAD.n_threads)
        for n in range(n_trials):
            say(f"power study {'loaded' if loaded else 'quiet'}", n_trials - n)
            if OURS in asked:
                yield from ask_ours(certified, products, budget_s, seed + n)
            yield from ask_peers([name for name in asked if name != OURS], folder, products, budget_s)


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
    burners = [subprocess.Popen([sys.executable, "-P", "-c", BURNER]) for _ in range(n_cores - 1 if wanted else 0)]
    try:
        yield
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()

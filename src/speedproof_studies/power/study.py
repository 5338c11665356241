"""The study: ours and each peer, on identical code and on slowed code, quiet and with the other cores loaded."""

import random
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch

from speedproof.clock import elapsed_s, monotonic_s
from speedproof.environment import n_cores_allowed
from speedproof.errors import BadInput, SpeedproofError, unknown
from speedproof.failures import reason
from speedproof.folders import CACHE, ROOT
from speedproof.records.sides import Compared
from speedproof.sides.comparing import Pairing
from speedproof.sides.outcome import outcomes
from speedproof.sides.places import place_of
from speedproof.sides.side import IMPLEMENTATIONS, parse_side
from speedproof_studies.kinds import Powered

from .aims import (
    BUDGET_S,
    INJECTED,
    OURS,
    TODAY,
    Kind,
    missing,
    next_kind,
    next_load,
    of_today,
    peer_budget_s,
)
from .slowed_call import FILE, code, save_inputs, slowed
from .slowed_finding import QUESTION, WORKLOAD, inputs
from .tools import PEERS, Half, PeerFailed, installed

STRETCH = 20
"""Trials at one load before the other may be next, so that what keeps the cores busy is not started for each."""
CALIBRATED_PRODUCTS, CALIBRATING_CALLS = 500, 60
"""Extra products that are timed to know what one takes, and calls with and without them, of which the fastest count."""
MOST_FAILURES = 3
"""Trials of a tool that may fail one after the other before it is asked no more."""
BURNER = "import os; parent = os.getppid()\nwhile os.getppid() == parent: pass"
"""Keeps a core busy, and ends when whoever started it is gone: a killed study must not slow what comes after."""
INSTALL = "pip install -e '.[power,test]'"

Say = Callable[[str, int], None]
Warn = Callable[[str], None]


class TrialFailed(SpeedproofError):
    """This tool gave no answer: its comparison could not be made, or the slowed twin answers otherwise."""


@dataclass(frozen=True)
class Bench:
    """What trials need: a folder with the twins and the inputs, and how many extra products make each share."""

    folder: Path
    products: Mapping[float, int]

    @classmethod
    def made(cls, folder: Path, products: Mapping[float, int]) -> "Bench":
        """Copies the twins, as they are and with each share of extra work, and saves the inputs for the peers."""
        for name, n_products in (("before", 0), *((f"after {share}", n) for share, n in products.items())):
            for package in IMPLEMENTATIONS:
                shutil.copytree(ROOT / package, folder / name / package, ignore=shutil.ignore_patterns("__pycache__"))
            if n_products:
                with (folder / name / IMPLEMENTATIONS[1] / f"{FILE}.py").open("a", encoding="utf-8") as file:
                    file.write(code(n_products))
        save_inputs(folder, inputs(WORKLOAD, None, None), WORKLOAD.n_threads)
        return cls(folder, products)


def ask_ours(bench: Bench, kind: Kind, seed: int) -> Powered:
    """One question as `compare` asks it, of one twin between two folders: answers, time, and what looks changed again
    by fresh workers. Without these the word "slower" is not used; the first samples alone are a rule of their own.

    Raises:
        TrialFailed: the twins could not be timed, or their answers differ.
        SideFailed: a worker cannot be started.
    """
    places = [place_of(parse_side(str(bench.folder / name)), CACHE) for name in ("before", f"after {kind.injected}")]
    pairing = Pairing(places[0], places[1], [QUESTION], seed, lambda what, left: None)
    bodies, wall_s = elapsed_s(lambda: list(pairing.compared(BUDGET_S)))
    return read(bodies[0], bench, kind, seed, wall_s)


def read(body: Compared, bench: Bench, kind: Kind, seed: int, wall_s: float) -> Powered:
    """What a comparison says. Time that it withholds, as on a machine disturbed all along, is an answer without alarm.

    Raises:
        TrialFailed: the answers differ, or nothing of time was asked.
    """
    (one,) = outcomes([body])
    answers, withheld = body.answers, body.timing_failure
    if answers is None or answers.status != "same" or (one.slowdown is None and not withheld):
        raise TrialFailed(
            f"The slowed twin was not timed: {one.answers}; {one.time}. Expected the same answer and samples of both."
        )
    estimate = None if withheld else one.slowdown
    return Powered(
        tool=OURS,
        injected=kind.injected,
        loaded=kind.loaded,
        budget_s=BUDGET_S,
        alarms={
            "interval": bool(estimate and one.doubtful and estimate.factor > 1),
            "confirmed": one.time == "slower",
        },
        wall_s=wall_s,
        rule=TODAY,
        seed=seed,
        n_products=bench.products[kind.injected],
        slowdown=estimate.factor if estimate else None,
        interval=estimate.interval if estimate else None,
        withheld=withheld,
    )


def ask_peer(bench: Bench, kind: Kind, budget_s: float) -> Powered:
    """One question to a peer: samples of the plain call, then of the slowed one, half of the budget each.

    Raises:
        PeerFailed: it gave no answer, or none of its usual form.
    """
    peer, start_s = PEERS[kind.tool], monotonic_s()
    n_products = bench.products[kind.injected]
    try:
        before, after = (peer.sampled(Half(bench.folder, n, budget_s / 2)) for n in (0, n_products))
        alarms = peer.judged(before, after)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, ImportError) as error:
        raise PeerFailed(
            f"What {kind.tool} gave is no answer of its usual form ({reason(error)}). Expected a release that is known "
            "here; leave it out with --tool, or install the tested one from constraints.txt."
        ) from error
    return Powered(
        tool=kind.tool,
        injected=kind.injected,
        loaded=kind.loaded,
        budget_s=budget_s,
        alarms=dict(alarms),
        wall_s=monotonic_s() - start_s,
        rule=TODAY,
        n_products=n_products,
    )


def tools(wanted: Sequence[str] = ()) -> list[str]:
    """Those wanted, or this one and all peers. Raises BadInput for one that is unknown or not installed."""
    known = [OURS, *PEERS]
    for name in wanted:
        if name not in known:
            raise unknown("tool", name, known)
    asked = [name for name in known if not wanted or name in wanted]
    absent = [name for name in asked if name != OURS and name not in installed()]
    if absent:
        raise BadInput(
            f"Not installed: {', '.join(absent)}. Expected every tool that is asked. To have all: {INSTALL}; "
            f"or name those to ask: --tool {OURS}"
        )
    return asked


def study(
    aimed: Mapping[Kind, int],
    known: Sequence[Powered],
    seed: int,
    say: Say,
    warn: Warn,
    for_s: float | None = None,
) -> Generator[Powered, None, None]:
    """Trials, one after the other, until there are enough or no time is left to begin another.

    `known` are those on record. What is furthest behind its aim is next; the loads take turns. A tool that fails
    `MOST_FAILURES` times in a row is asked no more.

    Raises:
        SpeedproofError: a tool's last failure, once all others are done.
    """
    rng, start_s = random.Random(seed), monotonic_s()
    counted, aimed = of_today(known), dict(aimed)
    failures: Counter[str] = Counter()
    last: SpeedproofError | None = None
    while missing(aimed, counted) and _has_time(start_s, for_s):
        loaded = next_load(aimed, counted)
        with bench_at(loaded) as bench:
            for _ in range(STRETCH):
                kind = next_kind(aimed, counted, loaded, rng)
                if kind is None or not _has_time(start_s, for_s):
                    break
                say(f"power {_words(kind)}", sum(missing(aimed, counted).values()))
                try:
                    body = _asked(bench, kind, counted, rng)
                except SpeedproofError as error:
                    failures[kind.tool] += 1
                    warn(f"No answer from {_words(kind)}: {error}")
                    if failures[kind.tool] == MOST_FAILURES:
                        warn(f"{kind.tool} is asked no more: no answer {MOST_FAILURES} times in a row.")
                        aimed, last = {k: n for k, n in aimed.items() if k.tool != kind.tool}, error
                    continue
                failures[kind.tool] = 0
                counted.append(body)
                yield body
    if last:
        raise last


def _asked(bench: Bench, kind: Kind, known: Sequence[Powered], rng: random.Random) -> Powered:
    if kind.tool == OURS:
        return ask_ours(bench, kind, rng.getrandbits(32))
    return ask_peer(bench, kind, peer_budget_s(kind.tool, kind.loaded, known))


def _has_time(start_s: float, for_s: float | None) -> bool:
    return for_s is None or monotonic_s() - start_s < for_s


def _words(kind: Kind) -> str:
    code_words = f"{kind.injected:.0%} slower" if kind.injected else "identical code"
    return f"{kind.tool}, {code_words}, {'loaded' if kind.loaded else 'quiet'}"


@contextmanager
def bench_at(loaded: bool) -> Iterator[Bench]:
    """What trials need, with the other cores kept busy if so wanted; what the products take is known before."""
    products = calibrated()
    with tempfile.TemporaryDirectory() as name, _load(loaded):
        yield Bench.made(Path(name), products)


def calibrated() -> dict[float, int]:
    """How many extra products make each share, by the fastest of many calls, with and without them in turn."""
    torch.set_num_threads(WORKLOAD.n_threads)
    given = inputs(WORKLOAD, None, None)
    calls = [partial(slowed(n), **given) for n in (0, CALIBRATED_PRODUCTS)]
    taken = [[elapsed_s(call)[1] for call in calls] for _ in range(CALIBRATING_CALLS)]
    plain_s, burdened_s = (min(seconds) for seconds in zip(*taken, strict=True))
    per_product_s = (burdened_s - plain_s) / CALIBRATED_PRODUCTS
    return {injected: round(injected * plain_s / per_product_s) for injected in INJECTED}


@contextmanager
def _load(wanted: bool) -> Iterator[None]:
    """Keeps all cores but one busy, of those that this process may use."""
    n_burners = n_cores_allowed() - 1 if wanted else 0
    burners = [subprocess.Popen([sys.executable, "-P", "-c", BURNER]) for _ in range(n_burners)]
    try:
        yield
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()

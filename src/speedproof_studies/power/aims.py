"""Aims: how many trials of each kind there must be, which is next, and how long those that are missing will take."""

import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import NamedTuple

from speedproof.timing import method
from speedproof.timing.method import TODAYS, Method
from speedproof_studies.kinds import Powered

BUDGET_S = 44.0
"""Seconds of timing a question, which with answers and work makes a minute where nothing looks changed: a quarter of
what `compare` has by default for a question that is asked alone."""


def rule_of(used: Method) -> str:
    """The name of how trials are sampled, estimated and for how long. Those of one rule alone are added up, since those
    of another say nothing of it."""
    return f"lockstep, {used.name}; {BUDGET_S:g} s of timing a question"


TODAY = rule_of(TODAYS)
"""The rule that trials are taken by now."""
BY_DEFAULT = rule_of(method.BY_DEFAULT)
"""The same unless the environment asks for another: a report may not hang on that."""

OURS = "speedproof"
INJECTED = (0.0, 0.02, 0.05, 0.10, 0.25)
"""Injected extra time, as shares of a call; none is for false alarms."""
AIM: Mapping[float, int] = {0.0: 300, 0.02: 20, 0.05: 100, 0.10: 100, 0.25: 20}
"""Questions to this tool, by injected share. None false of 300 bounds false alarms at 1% (one-sided, 95%); all of 100
seen bounds what is missed at 3%. The others show the curve's ends, where a rough share does."""
PEER_AIM = 20
"""Questions to each peer, of each injected share: enough to tell a rule that is often wrong from one that seldom is."""
MOST_WALL_S = 60.0
"""Seconds that a question is to take at most, starting processes included; reckoned with before any was asked."""


class Kind(NamedTuple):
    """What trials are counted by."""

    tool: str
    injected: float
    loaded: bool


def kind_of(body: Powered) -> Kind:
    """The kind that a trial is of."""
    return Kind(body.tool, body.injected, body.loaded)


def aims(tools: Iterable[str], n_trials: int | None = None) -> dict[Kind, int]:
    """How many trials of each kind there must be; `n_trials` of each tool and share where that is given.

    Half of them with the other cores kept busy; quiet ones are one more where the number is odd.
    """
    found = {}
    for tool in tools:
        for injected in INJECTED:
            wanted = n_trials or (AIM[injected] if tool == OURS else PEER_AIM)
            found[Kind(tool, injected, False)] = wanted - wanted // 2
            found[Kind(tool, injected, True)] = wanted // 2
    return found


def of_today(bodies: Iterable[Powered]) -> list[Powered]:
    """The trials that count."""
    return [body for body in bodies if body.rule == TODAY]


def missing(aimed: Mapping[Kind, int], known: Iterable[Powered]) -> dict[Kind, int]:
    """How many trials of each kind are still to be taken; kinds that have enough are left out."""
    taken = Counter(map(kind_of, known))
    return {kind: wanted - taken[kind] for kind, wanted in aimed.items() if wanted > taken[kind]}


def next_load(aimed: Mapping[Kind, int], known: Sequence[Powered]) -> bool:
    """Whether loaded trials are next: those of which the larger share is missing."""
    left = missing(aimed, known)

    def behind(loaded: bool) -> float:
        wanted = sum(n for kind, n in aimed.items() if kind.loaded is loaded)
        return sum(n for kind, n in left.items() if kind.loaded is loaded) / wanted if wanted else 0.0

    return behind(True) > behind(False)


def next_kind(aimed: Mapping[Kind, int], known: Sequence[Powered], loaded: bool, rng: random.Random) -> Kind | None:
    """The kind that is furthest behind its aim at this load, by chance among equals; None where none is behind.

    This tool's own come first until one is there: a peer is given the time that they take.
    """
    behind = {k: n / aimed[k] for k, n in missing(aimed, known).items() if k.loaded is loaded}
    own = {k: share for k, share in behind.items() if k.tool == OURS}
    if own and not any(body.tool == OURS and body.loaded is loaded for body in known):
        behind = own
    furthest = [kind for kind, share in behind.items() if share == max(behind.values())]
    return rng.choice(furthest) if furthest else None


def expected_s(kind: Kind, bodies: Sequence[Powered]) -> float:
    """Seconds that a trial will take, by those on record: of this kind's tool and load, else of the tool at all."""
    of_tool = [body for body in bodies if body.tool == kind.tool]
    today = of_today(of_tool)
    at_load = [body for body in today if body.loaded is kind.loaded]
    taken = at_load or today or of_tool
    return median(body.wall_s for body in taken) if taken else MOST_WALL_S


def peer_budget_s(peer: str, loaded: bool, known: Sequence[Powered]) -> float:
    """Seconds of timing with which a peer takes as long, processes' start included, as this tool at the same load.

    A peer takes longer than it is told to, by starting processes and warming up. By how much is seen from its own
    trials; before there are any, it gets the whole time for timing alone.
    """
    own = [body.wall_s for body in known if body.tool == OURS and body.loaded is loaded]
    wall_s = median(own) if own else MOST_WALL_S
    longer = [b.wall_s / b.budget_s for b in known if b.tool == peer and b.loaded is loaded and b.budget_s]
    return wall_s / max(1.0, median(longer)) if longer else wall_s


def told(left: Mapping[Kind, int], bodies: Sequence[Powered]) -> str:
    """What is missing, and how long that will take."""
    if not left:
        return "No trial is missing."
    by_tool: Counter[str] = Counter()
    for kind, n in left.items():
        by_tool[kind.tool] += n
    tools = ", ".join(f"{tool} {n:,}" for tool, n in by_tool.items())
    seconds = sum(n * expected_s(kind, bodies) for kind, n in left.items())
    return f"Trials missing: {sum(left.values()):,} ({tools}), about {_long(seconds)} by what those on record took."


def _long(seconds: float) -> str:
    minutes = max(1, round(seconds / 60))
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"

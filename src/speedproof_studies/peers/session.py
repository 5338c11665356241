"""Peers asked and timed: each in its place, held to the gate's whole answer, then in turn with the batched twin."""

import os
import random
import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

from speedproof.clock import monotonic_s
from speedproof.folders import ROOT
from speedproof.gate.certificate import Certificate, Refusal
from speedproof.pairs.finding import TWINS
from speedproof.pairs.question import Question
from speedproof.pairs.references import Target
from speedproof.pairs.workload import Workload
from speedproof.records.base import Body
from speedproof.records.kinds import Needed
from speedproof.sides.answers import judged
from speedproof.sides.installing import Run, Unsupported, run_clean
from speedproof.sides.lockstep import Say, samples
from speedproof.sides.places import Place, places_or_reasons
from speedproof.sides.remote import Remote, SideFailed, worker
from speedproof.sides.side import Side, parse_side
from speedproof.sides.slowdown import slowdown
from speedproof.timing.estimate import TARGET_HALF_WIDTH
from speedproof.timing.method import TODAYS
from speedproof.timing.rounds import Outcome, Round, Taken, rounds
from speedproof.timing.sampling import Stretch
from speedproof_studies.kinds import Peered

from .card import CARD, FUNCTION, Peer

ASKED = "speedproof_studies.peers.asked:"
WITH_RATE = ("call", f"{ASKED}sample")
"""What gives a sample and the rate of products beside it."""
GATE_LIMIT_S = 3600.0
"""Seconds that the gate may take in one place: it calls the definition many times."""
STRETCH_S = 3.0
"""Seconds of pairs that two workers take for one peer, unless a single pair is longer."""
LONGEST_SECOND = 3.0
"""A second pair, which evens out the order within a process, may make its stretch so many times as long."""
_ADDRESS = re.compile(r"\b(?:https?|file)://[^\s,;)]+")
TWIN = Peer(TWINS[1], "the batched twin in another process: the noise")
"""The A/A pair."""


@dataclass
class Standing:
    """How far a peer has got: where it runs, and what the gate says."""

    peer: Peer
    place: Place | None = None
    versions: dict[str, str] = field(default_factory=dict)
    unsupported: str = ""
    answer: Certificate | Refusal | None = None
    made_s: float | None = None
    wrong: dict[str, str] = field(default_factory=dict)
    """Workload -> what is wrong with the answer on it, beyond what the gate asked."""

    @property
    def certificate(self) -> Certificate | None:
        """The gate's, where it passed."""
        return self.answer if isinstance(self.answer, Certificate) else None

    @property
    def refused(self) -> str:
        """Why the gate refused it, or it could not be asked."""
        return str(self.answer) if isinstance(self.answer, Refusal) else ""

    def may_be_timed(self, workload: Workload) -> bool:
        """Whether its answers on a workload are right."""
        return bool(self.certificate and self.place and not self.wrong.get(workload.name))


@dataclass
class Session:
    """Peers on workloads, of which the gate is asked about the first; answers on the others are held to what it allows.

    `card` refers to the finding whose arms the peers are.
    """

    peers: Sequence[Peer]
    workloads: Sequence[Workload]
    seed: int
    cache: Path
    say: Say
    card: str = CARD
    run: Run | None = None
    """Stands in for the installer, where a test has no index."""

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)
        self.twin = Standing(TWIN)
        self.standings = [Standing(peer) for peer in self.peers]

    def proven(self) -> None:
        """Finds each peer's place and asks the gate there."""
        self._find_places()
        everyone = [self.twin, *self.standings]
        for place in dict.fromkeys(one.place for one in everyone if one.place):
            self._ask_gate(place, [one for one in everyone if one.place == place])
        for workload in self.workloads[1:]:
            self._hold(workload, [one for one in everyone if one.certificate])

    def timed(self, workload: Workload, budget_s: float, precision: float = TARGET_HALF_WIDTH) -> Iterator[Body]:
        """A record for each peer on the workload, and what the answer needs: those that are right are timed."""
        yield self._needed(workload)
        ready = [one for one in self.standings if one.may_be_timed(workload)]
        yield from (self._body(one, workload) for one in self.standings if one not in ready)
        if not self.twin.may_be_timed(workload):
            yield from (self._body(one, workload, failure="the batched twin is not certified") for one in ready)
            return
        if workload == self.workloads[0]:
            ready.append(self.twin)
        launch = partial(self._launch, workload)
        taken = rounds(ready, launch, partial(_is_decided, precision), budget_s, self.rng.getrandbits(32))
        yield from (self._body(one.what, workload, one) for one in taken)

    def _find_places(self) -> None:
        names = list(dict.fromkeys(["", *(one.side for one in self.peers)]))
        # The environment in use has no name in a record: a folder would be this machine's.
        sides = [parse_side(name) if name else Side("this environment") for name in names]
        found = dict(zip(names, places_or_reasons(sides, self.cache, self.say, self.run), strict=True))
        for one in (self.twin, *self.standings):
            place = found[one.peer.side]
            if isinstance(place, Unsupported):
                one.unsupported = _of_no_machine(str(place), self.cache)
            elif why_not := _adjusted(one.peer, place, self.run or partial(run_clean, [])):
                one.unsupported = _of_no_machine(why_not, self.cache)
            else:
                one.place = place

    def _ask_gate(self, place: Place, standings: Sequence[Standing]) -> None:
        """One worker for all peers of a place; one that dies is replaced for the next."""
        left = list(standings)
        while left:
            with worker(place, self.rng) as remote:
                while left:
                    one = left.pop(0)
                    self.say(f"checking {one.peer.name} in {place.side.text}", len(left) + 1)
                    try:
                        self._ask_one(remote, one)
                    except SideFailed as error:
                        one.unsupported = _of_no_machine(str(error), self.cache)
                        break

    def _ask_one(self, remote: Remote, one: Standing) -> None:
        names = tuple(Requirement(text).name for text in (*one.peer.requirements, *one.peer.added_alone))
        one.versions = remote.ask("call", f"{ASKED}versions", names, one.peer.imports)
        if not one.peer.function and one is not self.twin:
            one.unsupported = f"{one.peer.imports} can be imported here, but nothing calls it yet"
            return
        one.answer = remote.ask(
            "call", f"{ASKED}certified", self._question(one, self.workloads[0]), limit_s=GATE_LIMIT_S
        )
        one.made_s = remote.ask("call", f"{ASKED}made_in_s", one.peer.name)

    def _hold(self, workload: Workload, standings: Sequence[Standing]) -> None:
        """Holds answers on a workload too large for the definition to what the gate allowed each on the first."""
        question = self._question(self.twin, workload)
        pair = question.pair
        subject: Any = pair.subject(workload)
        inputs, reference = pair.inputs(workload, subject, None), pair.reference(subject)
        for number, one in enumerate(standings):
            assert one.place and one.certificate
            self.say(f"comparing {one.peer.name} on {workload.name}", len(standings) - number)
            try:
                with worker(one.place, self.rng) as remote:
                    output = remote.ask("answer", self._question(one, workload))
                one.wrong[workload.name] = judged(pair, inputs, reference, output, one.certificate.allowed).wrong
            except SideFailed as error:
                one.wrong[workload.name] = str(error)
        subject.release()

    def _launch(self, workload: Workload, ready: Sequence[Standing], now: Round) -> Iterator[Outcome]:
        """A fresh worker for the twin and one for each place, and a stretch of pairs for each peer."""
        stretch = Stretch(STRETCH_S, now.baseline_first, LONGEST_SECOND * STRETCH_S, now.quiet_probes)
        twins = self._question(self.twin, workload)
        with ExitStack() as stack:
            workers: dict[str, Remote] = {}

            def at(key: str, place: Place) -> Remote:
                if key not in workers:
                    workers[key] = stack.enter_context(worker(place, now.rng))
                    workers[key].ask("settle")
                return workers[key]

            for number, one in enumerate(ready):
                assert one.place and self.twin.place
                self.say(
                    f"timing {one.peer.name}, {workload.n_items} texts (process {now.number})", len(ready) - number
                )
                start_s = monotonic_s()
                try:
                    sides = at(one.place.side.text, one.place), at("twin", self.twin.place)
                    launch = samples(sides, (self._question(one, workload), twins), now, stretch, WITH_RATE)
                except SideFailed as error:
                    yield Outcome(None, str(error))
                    # Whatever failed may have left something behind.
                    workers.clear()
                    continue
                yield Outcome(launch, took_s=monotonic_s() - start_s)

    def _question(self, one: Standing, workload: Workload) -> Question:
        return Question(Target(self.card, FUNCTION), workload, arm=one.peer.name)

    def _needed(self, workload: Workload) -> Needed:
        question = self._question(self.twin, workload)
        subject: Any = question.pair.subject(workload)
        work = question.pair.least_work(question.pair.inputs(workload, subject, None))
        subject.release()
        return Needed(finding=question.finding, function=FUNCTION, workload=workload, work=work)

    def _body(self, one: Standing, workload: Workload, taken: Taken[Any] | None = None, failure: str = "") -> Peered:
        launches = taken.launches if taken else ()
        return Peered(
            finding=self._question(one, workload).finding,
            function=FUNCTION,
            workload=workload,
            peer=one.peer.name,
            way=one.peer.about,
            requirements=(*one.peer.requirements, *one.peer.added_alone),
            left_out=one.peer.left_out,
            versions=one.versions,
            unsupported=one.unsupported,
            refused=one.refused or one.wrong.get(workload.name, ""),
            certificate=one.certificate,
            twin_certificate=self.twin.certificate,
            made_s=one.made_s,
            launches=launches if not (taken and taken.failure) else (),
            method=TODAYS.name,
            failure=failure or (taken.failure if taken else ""),
        )


def _adjusted(peer: Peer, place: Place, run: Run) -> str:
    """Takes out of a peer's own place what it names so, and adds what it wants alone; why that failed, or nothing."""
    pip = [str(place.python), "-P", "-m", "pip", "--no-input", "--disable-pip-version-check"]
    for words, packages in (("uninstall --yes", peer.left_out), ("install --no-deps", peer.added_alone)):
        ended = run([*pip, *words.split(), *packages]) if packages else None
        if ended and ended.returncode:
            return f"{', '.join(packages)}: {words} failed: {ended.stderr.strip()}"
    return ""


def _of_no_machine(reason: str, cache: Path) -> str:
    """A reason without what is one machine's alone: its folders, and the addresses of its package index."""
    for place, name in ((str(cache), "<cache>"), (f"{ROOT}{os.sep}", ""), (f"{Path.home()}{os.sep}", "~/")):
        reason = reason.replace(place, name)
    return _ADDRESS.sub("<address>", reason)


def _is_decided(precision: float, taken: Taken[Standing]) -> bool:
    return slowdown(taken.launches).decided(precision=precision)

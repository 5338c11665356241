"""Two sides compared: answers first, then work, then time where the answers allow it, then where the time went."""

import math
import random
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from speedproof.folders import ROOT
from speedproof.gate.gate import allowed_error
from speedproof.pairs.finding import TWINS
from speedproof.pairs.question import Question
from speedproof.pairs.subjects import Subjects
from speedproof.records.sides import AnswersCompared, Compared, Hotspot, SideSeen
from speedproof.timing.estimate import TARGET_HALF_WIDTH
from speedproof.timing.launches import Launch
from speedproof.timing.method import TODAYS
from speedproof.timing.rounds import Taken

from .answers import Difference, Judged, difference, judged, status
from .lockstep import Say, Seconds, lockstep, stretch
from .outcome import suspicious
from .places import Place
from .remote import Remote, SideFailed, worker
from .side import tree_digest
from .slowdown import slowdown

MOST_HOTSPOTS = 10
PROFILED_S = 0.2
"""Seconds that a profiled sample is to take: many calls of a short function, one of a long one."""


@dataclass
class Pairing:
    """Two places, and what is asked of both."""

    before: Place
    after: Place
    asked: Sequence[Question]
    seed: int
    say: Say
    subjects: Subjects = field(default_factory=Subjects)
    seen: tuple[SideSeen, SideSeen] | None = None

    def compared(self, budget_s: float, precision: float = TARGET_HALF_WIDTH) -> Iterator[Compared]:
        """One comparison for each question, final as it comes; answers and work alone where there is no budget.

        Where answers are different, nothing is timed.

        Raises:
            SideFailed: a side cannot even be started.
        """
        if not budget_s:
            yield from self.answered()
            return
        rng = random.Random(self.seed)
        answered = list(self.answered())
        asked = {_key(question): question for question in self.asked}
        left = [asked[c.finding, c.function, c.twin] for c in answered if _may_be_timed(c)]
        yield from (one for one in answered if not _may_be_timed(one))
        waiting = {(c.finding, c.function, c.twin): c for c in answered if _may_be_timed(c)}
        timed = list(lockstep(self._places, left, budget_s, rng.getrandbits(32), self.say, precision))
        each = partial(stretch, budget_s, len(left))
        again = {_key(one.what): one for one in self._confirmed(timed, each, rng)}
        spots = dict(self._hotspots([t for t in timed if _key(t.what) in again], rng))
        for one in timed:
            key = _key(one.what)
            confirming: tuple[Launch, ...] = again[key].launches if key in again else ()
            yield waiting[key].model_copy(
                update={
                    "launches": one.launches,
                    "method": TODAYS.name,
                    "timing_failure": one.failure,
                    "confirming": confirming,
                    "hotspots": tuple(spots.get(key, ())),
                }
            )

    @property
    def _places(self) -> tuple[Place, Place]:
        return self.before, self.after

    def _confirmed(
        self, timed: Sequence[Taken[Question]], each: Seconds, rng: random.Random
    ) -> Iterator[Taken[Question]]:
        """Samples of their own for what looks changed: as many launches as showed it, as long, and no later look."""
        found = suspicious([slowdown(one.launches) if one.launches else None for one in timed])
        doubtful = [one for one, is_so in zip(timed, found, strict=True) if is_so and not one.failure]
        for n in sorted({one.n_usable for one in doubtful}):
            asked = [one.what for one in doubtful if one.n_usable == n]
            yield from lockstep(self._places, asked, math.inf, rng.getrandbits(32), self.say, 0.0, n, each)

    def answered(self) -> Iterator[Compared]:
        """Answers and work of all questions. A worker that dies at one is replaced for the next."""
        rng = random.Random(self.seed)
        left = list(self.asked)
        while left:
            with ExitStack() as stack:
                before, after = (stack.enter_context(worker(place, rng, is_beside=True)) for place in self._places)
                sides = before, after
                self.seen = self.seen or (_seen(sides[0], self.asked), _seen(sides[1], self.asked))
                while left:
                    question = left.pop(0)
                    self.say(f"comparing {question.label}", len(left) + 1)
                    try:
                        yield self._one(sides, question)
                    except SideFailed as error:
                        yield self._body(question, failure=str(error))
                        break

    def _one(self, sides: tuple[Remote, Remote], question: Question) -> Compared:
        for side in sides:
            side.begin("answer", question)
        before, after = (side.end("answer") for side in sides)
        again = sides[0].ask("answer", question)
        verdicts = self._judged(sides[0], question, before, after)
        kit = question.pair.kit
        apart = difference(kit, before, after)
        for side in sides:
            side.begin("work", question)
        work = [side.end("work") for side in sides]
        counts, tables = _side_by_side(work[0][0], work[1][0]), _differing(work[0][1], work[1][1])
        answers = _answers(apart, difference(kit, before, again), *verdicts)
        return self._body(question, answers=answers, counts=counts, tables=tables)

    def _judged(self, side: Remote, question: Question, before: Any, after: Any) -> tuple[Judged, Judged, float]:
        """Each answer against the reference, held to what the definition's own error allows, and that allowance."""
        workload, pair = question.workload, question.pair
        subject = self.subjects.kept(pair.subject(workload))
        inputs, reference = pair.inputs(workload, subject, None), pair.reference(subject)
        floor = pair.equivalence.floor(subject)
        definition = before if question.arm == TWINS[0] else side.ask("answer", replace(question, arm=TWINS[0]))
        allowed = allowed_error(judged(pair, inputs, reference, definition, floor).evidence, floor)
        found = [judged(pair, inputs, reference, output, allowed) for output in (before, after)]
        return found[0], found[1], allowed.get("element", 0.0)

    def _hotspots(self, timed: Sequence[Taken[Question]], rng: random.Random) -> Iterator[tuple[Any, list[Hotspot]]]:
        if not timed:
            return
        with ExitStack() as stack:
            sides = [stack.enter_context(worker(place, rng)) for place in self._places]
            for number, one in enumerate(timed):
                self.say(f"tracing {one.what.label}", len(timed) - number)
                typical = min(one.launches[0].baseline_s)
                n_calls = max(1, min(one.launches[0].n_calls[0], round(PROFILED_S / typical)))
                try:
                    seen = [side.ask("hotspots", one.what, n_calls) for side in sides]
                except SideFailed:
                    # A slowdown stands without its explanation.
                    return
                yield _key(one.what), moved(seen[0], seen[1])

    def _body(self, question: Question, **found: Any) -> Compared:
        assert self.seen is not None
        return Compared(
            before=self.seen[0],
            after=self.seen[1],
            finding=question.finding,
            function=question.function,
            workload=question.workload,
            twin=question.arm,
            **found,
        )


def asked_of_both(questions: Sequence[Question]) -> list[Question]:
    """Both twins of each function: a library that got slower shows in both, where the speed-up stays what it was."""
    return [replace(question, arm=arm) for question in questions for arm in TWINS]


def moved(before: Sequence[dict[str, Any]], after: Sequence[dict[str, Any]]) -> list[Hotspot]:
    """The operators whose time moved most, and any whose number did, at most `MOST_HOTSPOTS`."""
    sides = [{spot["operator"]: spot for spot in side} for side in (before, after)]
    none: dict[str, Any] = {"count": 0.0, "self_us": 0.0, "lines": []}
    found = []
    for name in dict.fromkeys([*sides[0], *sides[1]]):
        one, other = (side.get(name, none) for side in sides)
        more = other if other["count"] >= one["count"] else one
        found.append(
            Hotspot(
                operator=name,
                count=(one["count"], other["count"]),
                self_us=(one["self_us"], other["self_us"]),
                lines=tuple(more["lines"]),
            )
        )
    found.sort(key=lambda spot: (spot.count[0] == spot.count[1], -abs(spot.self_us[1] - spot.self_us[0])))
    return found[:MOST_HOTSPOTS]


def _key(question: Question) -> tuple[str, str, str]:
    return question.finding, question.function, question.arm


def _may_be_timed(one: Compared) -> bool:
    return bool(one.answers and one.answers.status != "different")


def _seen(side: Remote, asked: Sequence[Question]) -> SideSeen:
    known = side.ask("hello", *dict.fromkeys(question.target for question in asked))
    place = side.place
    for what, seen, expected in (("twins", known["tree"], place.tree), ("ruler", known["ruler"], ROOT)):
        if Path(seen) != Path(expected).resolve():
            raise SideFailed(f"{place.side.text}: its {what} came from {seen}. Expected {expected}.")
    libraries = tuple(path.name for path in place.side.libraries)
    return SideSeen(
        text=place.side.text,
        commit=place.side.commit,
        tree=tree_digest(place.side),
        requirements=(*place.side.requirements, *libraries),
        versions=known["versions"],
    )


def _answers(apart: Difference, again: Difference, before: Judged, after: Judged, allowed: float) -> AnswersCompared:
    return AnswersCompared(
        status=status(apart, again, before, after),
        n_different=apart.n_different,
        largest=apart.largest if math.isfinite(apart.largest) else None,
        first=apart.first,
        errors=(before.error, after.error),
        allowed=allowed,
        wrong=(before.wrong, after.wrong),
    )


def _side_by_side(before: dict[str, int], after: dict[str, int]) -> dict[str, tuple[int | None, int | None]]:
    return {name: (before.get(name), after.get(name)) for name in dict.fromkeys([*before, *after])}


def _differing(
    before: dict[str, dict[str, int]], after: dict[str, dict[str, int]]
) -> dict[str, dict[str, tuple[int, int]]]:
    found = {}
    for of in dict.fromkeys([*before, *after]):
        one, other = before.get(of, {}), after.get(of, {})
        pairs = {name: (one.get(name, 0), other.get(name, 0)) for name in dict.fromkeys([*one, *other])}
        if differing := {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}:
            found[of] = differing
    return found

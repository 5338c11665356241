"""What two sides that were compared come to, for a pull request."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from speedproof.environment import current_environment
from speedproof.records.sides import Compared, SideSeen
from speedproof.repository import ask
from speedproof.sides.changes import Acceptance, changes, counts_of_sides
from speedproof.sides.outcome import Outcome, outcomes

from .told import FAR, MOST_COUNTERS, MOST_NAME, MOST_SPOTS, Moved, Row, Spot, Timed, Told, cut, in_order


def told_of_sides(
    asked: Literal["commits", "libraries"], done: Sequence[Compared], accepted: Sequence[Acceptance], margin: float
) -> Told:
    """Two sides compared, in what a comment is made of."""
    rows, n_left_out = in_order([_row(one, accepted) for one in outcomes(done, margin)])
    return Told(
        asked=asked,
        before=cut(_named(done[0].before), MOST_NAME) if done else "",
        after=cut(_after(done[0].after), MOST_NAME) if done else "",
        n_cores=current_environment().n_cores,
        rows=rows,
        n_left_out=n_left_out,
    )


def _named(side: SideSeen) -> str:
    """The side's commit, also where it is a folder that a library's commit was put into; else what it was called."""
    folder = Path(side.text)
    commit = ask(folder, "rev-parse", "--verify", "HEAD").text if not side.commit and folder.is_dir() else ""
    return side.commit or commit or side.text


def _after(side: SideSeen) -> str:
    return "" if side.text == "." or Path(side.text).is_dir() else side.commit or side.text


def _row(one: Outcome, accepted: Sequence[Acceptance]) -> Row:
    body, answers = one.body, one.body.answers
    moved = changes(*counts_of_sides([body]), accepted)
    known = {change.row.rpartition(".")[2] for change in moved}
    return Row(
        finding=cut(body.finding, MOST_NAME),
        name=cut(f"{body.function}, {body.twin}", MOST_NAME),
        answers=_answers(one),
        why="" if answers and answers.status == "same" else cut(one.answers),
        work=tuple(
            Moved(
                counter=cut(change.row.rpartition(".")[2], MOST_NAME),
                before=change.before,
                after=change.after,
                stops=change.stops,
            )
            for change in sorted(moved, key=lambda change: not change.stops)[:MOST_COUNTERS]
        ),
        other=tuple(cut(name, MOST_NAME) for name in body.tables if name not in known)[:MOST_COUNTERS],
        time=_timed(one),
        spots=tuple(
            Spot(
                operator=cut(spot.operator, MOST_NAME),
                before=spot.count[0],
                after=spot.count[1],
                line=cut(spot.lines[0], MOST_NAME) if spot.lines else "",
            )
            for spot in body.hotspots[:MOST_SPOTS]
        ),
    )


def _answers(one: Outcome) -> Literal["same", "rounding", "different", "not judged"]:
    seen = one.body.answers
    if seen is None:
        return "not judged"
    # Without bits to compare, both are right within what is allowed.
    return "rounding" if seen.status == "unstable" else seen.status


def _timed(one: Outcome) -> Timed | None:
    found = one.slowdown
    if found is None or one.time not in ("slower", "faster", "alike", "undecided", "not confirmed"):
        return None
    low, high = found.interval
    if not 1 / FAR < low <= high < FAR:
        # Too few processes for an interval.
        return None
    undecided = one.time == "undecided" and math.isfinite(found.detectable)
    return Timed(
        says=one.time,  # type: ignore[arg-type]
        factor=found.factor,
        low=low,
        high=high,
        would_have_shown=found.detectable if undecided else None,
    )

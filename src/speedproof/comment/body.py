"""The comment: the verdict and what to do first, then what is wrong, then figures, the less certain ones folded.

Every text of the file goes through `inert`, every number through a format of ours, and all else is written here.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from speedproof.wording import digits, in_percent, moved

from .again import command
from .inert import inert
from .rates import rate_words
from .told import MOST_NAME, MOST_TEXT, Moved, Row, Spot, Told

MARKER = "<!-- speedproof: this comment is updated in place -->"
"""First line of every comment of ours, which GitHub does not show."""
MOST_LINES = 15
"""Lines that are seen before anything is unfolded, empty ones aside."""
MOST_SHOWN = 5
"""Rows that stand before the fold."""
MOST_FOLDED = 60
"""Rows within the fold."""
MOST_COUNTS = 3
"""Counters that a row names."""
IN_A_LINE = 160
"""Characters of a reason before the fold."""
MOST_CHARACTERS = 60_000
"""GitHub takes 65,536."""


@dataclass(frozen=True)
class Run:
    """What the forge itself says of the measuring run: the commit, and where its log is. Empty on one's own machine."""

    commit: str = ""
    log: str = ""


HERE = Run()
"""No run of a forge's."""


def body(told: Told, run: Run = HERE) -> str:
    """The comment in Markdown. The verdict is worked out from the rows; the file holds none."""
    last = rate_words(told)
    told = told.without_void_times()
    # The file's own order is the file's word.
    told = told.model_copy(update={"rows": tuple(sorted(told.rows, key=lambda row: row.order))})
    shown = [row for row in told.rows if _matters(row)][:MOST_SHOWN]
    n_more = sum(map(_matters, told.rows)) - len(shown)
    asked_again = command(told, shown[0] if shown else None)
    lines = [MARKER, f"### speedproof: {_verdict(told)}{_of(run)}", "", _first_step(told, run)]
    lines += [""] if shown or (told.failure and told.rows) else []
    if told.failure and told.rows:
        lines.append(f"- not all could be judged: {inert(told.failure, IN_A_LINE)}")
    lines += [f"- {_line(row)}" for row in shown]
    if n_more:
        lines.append(f"- and {n_more} more, below")
    if asked_again:
        lines += ["", f"See it again, with this pull request checked out: `{asked_again}`"]
    lines += ["", *_fold(told), "", f"<sub>{last}</sub>"]
    text = "\n".join(lines) + "\n"
    assert len(text) < MOST_CHARACTERS, "every part of it is bounded"
    return text


def could_not_read(run: Run) -> str:
    """The comment where the run left no file, or one that is not to be read. Nothing of that file is shown."""
    return "\n".join(
        (
            MARKER,
            f"### speedproof: not judged{_of(run)}",
            "",
            f"**First:** read {_log(run)}: the measuring job left no result that can be read.",
            "",
        )
    )


def _verdict(told: Told) -> str:
    wrong = [row for row in told.rows if row.is_wrong]
    different = sum(row.answers == "different" for row in wrong)
    by_work = sum(row.stops_by_work for row in told.rows)
    slower = sum(row.time_says == "slower" for row in told.rows)
    n = len(told.rows) + told.n_left_out
    if different:
        return f"stop. Other answers in {different} of {n}"
    if wrong or told.failure or not told.rows:
        return f"not judged{f' in {len(wrong)} of {n}' if wrong else ''}"
    if by_work:
        return f"stop. Other work in {by_work} of {n}"
    if slower:
        return f"please read. Slower in {slower} of {n}; nothing blocks"
    faster = sum(row.time_says == "faster" for row in told.rows)
    return f"no action needed{f'. Faster in {faster} of {n}' if faster else ''}"


def _first_step(told: Told, run: Run) -> str:
    """What to do first, in a line."""
    wrong = [row for row in told.rows if row.is_wrong]
    if any(row.answers == "different" for row in wrong):
        return (
            "**First:** decide whether the other answer is wanted. If not, mend it: no figure below counts until then."
        )
    if wrong or told.failure or not told.rows:
        why = f": {inert(told.failure, IN_A_LINE)}" if told.failure else ""
        return f"**First:** read {_log(run)}{why}. Nothing is known of what could not be judged."
    if any(row.stops_by_work for row in told.rows):
        return (
            "**First:** is the other work wanted? If so, accept it with a reason "
            "([how](https://github.com/speedproof/speedproof/blob/main/docs/pull-requests.md)); if not, mend it."
        )
    if any(row.time_says == "slower" for row in told.rows):
        return "**First:** look at the line below. Time is advice, and blocks nothing."
    n = len(told.rows)
    answers = "the same" if all(row.answers == "same" for row in told.rows) else "the same within rounding"
    return f"Answers are {answers} and no work is in the way, in {n} of {n + told.n_left_out} asked."


def _of(run: Run) -> str:
    return f" (`{run.commit[:10]}`)" if run.commit else ""


def _log(run: Run) -> str:
    return f"[the run's log]({run.log})" if run.log else "the run's log"


def _matters(row: Row) -> bool:
    return row.is_wrong or row.stops_by_work or row.time_says in ("slower", "faster")


def _line(row: Row) -> str:
    """A row that matters, in a line: what is wrong, before any number."""
    name = inert(row.name, MOST_NAME)
    if row.is_wrong:
        what = "other answers" if row.answers == "different" else "not judged"
        return f"**{what}**, {name}: {inert(row.why, IN_A_LINE)}"
    parts = []
    if row.stops_by_work:
        stops = [one for one in row.work if one.stops]
        parts.append(f"**{_kind(stops)} work**, {name}: {_counts(stops)}")
    if row.time_says in ("slower", "faster"):
        head = f"**{row.time_says}**" if parts else f"**{row.time_says}**, {name}:"
        parts.append(f"{head} {_time(row)}{_where(row)}")
    return "; ".join(parts)


def _kind(work: list[Moved]) -> str:
    """Whether it is more, less or other work."""
    kinds = {_direction(one) for one in work}
    return kinds.pop() if len(kinds) == 1 else "other"


def _direction(one: Moved) -> str:
    if one.before is None or one.after is None:
        return "other"
    return "more" if one.after > one.before else "less"


def _counts(work: list[Moved]) -> str:
    told = [f"{inert(one.counter.replace('_', ' '), 40)} {_count(one.before)} to {_count(one.after)}" for one in work]
    more = f", and {len(told) - MOST_COUNTS} more" if len(told) > MOST_COUNTS else ""
    return ", ".join(told[:MOST_COUNTS]) + more


def _count(number: int | None) -> str:
    return "none" if number is None else f"{number:,}"


def _time(row: Row) -> str:
    assert row.time
    return f"after / before {_factor(row.time.factor)} [{_factor(row.time.low)}, {_factor(row.time.high)}]"


def _factor(value: float) -> str:
    return f"{value:.3f}" if 0.1 <= value < 10 else f"{value:.2e}" if value < 0.1 or value >= 1e6 else digits(value)


def _where(row: Row) -> str:
    """The operator that moved most; where it is not known what calls that, the first beside it of which it is."""
    first = row.spots[:1]
    if first and not first[0].line:
        first += tuple(spot for spot in row.spots if spot.line and spot.before != spot.after)[:1]
    return f". What moved: {'; '.join(map(_spot, first))}" if first else ""


def _spot(spot: Spot) -> str:
    how_often = (
        f"{moved((spot.before, spot.after))} times a call" if spot.before != spot.after else "as often as before"
    )
    where = f", in {inert(spot.line, MOST_NAME)}" if spot.line else ""
    return f"{inert(spot.operator, 60)}, {how_often}{where}"


def _fold(told: Told) -> Iterator[str]:
    """All that was asked, with what is less certain."""
    if not told.rows:
        return
    undecided = sum(row.time_says in ("undecided", "not confirmed") for row in told.rows)
    title = f"Everything that was asked: {len(told.rows) + told.n_left_out:,}" + (
        f"; time is undecided in {undecided}" if undecided else ""
    )
    yield from (f"<details><summary>{title}</summary>", "")
    for row in told.rows[:MOST_FOLDED]:
        yield f"- {_whole(row)}"
    left = max(0, len(told.rows) - MOST_FOLDED) + told.n_left_out
    if left:
        yield f"- and {left:,} more, in the run's own summary"
    yield from ("", "</details>")


def _whole(row: Row) -> str:
    """A row with all that is known of it."""
    answers = {
        "same": "same answers",
        "rounding": "answers differ within rounding",
        "different": "other answers",
        "not judged": "not judged",
    }[row.answers]
    parts = [f"{answers}{f' ({inert(row.why, MOST_TEXT)})' if row.is_wrong else ''}"]
    if row.work or not row.is_wrong:
        parts.append(_counts(list(row.work)) if row.work else "same work")
    if row.other:
        parts.append(f"other {', '.join(inert(name, 40) for name in row.other[:MOST_COUNTS])}")
    if row.time:
        seen = row.time.would_have_shown
        parts.append(f"{row.time_says}, {_time(row)}" + (f" (would have shown {in_percent(seen)})" if seen else ""))
    elif not row.is_wrong:
        parts.append("not timed")
    return f"{inert(row.name, MOST_NAME)}: {'; '.join(parts)}"

"""A user's own pair, in what a pull request's comment is made of."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from speedproof.comment.told import (
    FAR,
    MOST_COUNTERS,
    MOST_NAME,
    MOST_WORDS,
    Moved,
    Null,
    Row,
    Timed,
    Told,
    add_told,
    cut,
    in_order,
)
from speedproof.environment import current_environment
from speedproof.errors import BadInput
from speedproof.gate.certificate import Certificate, Refusal
from speedproof.own.pair import WITH_SEED, OwnPair
from speedproof.pairs import files
from speedproof.pairs.finding import TWINS
from speedproof.records.kinds import Counted
from speedproof.sides.changes import Acceptance, Change, changes, read_accepted
from speedproof.timing.comparison import Verdict

from .own import Found

if TYPE_CHECKING:
    from speedproof.report.report import Report


@dataclass
class Pulled:
    """What a run over pairs says to a pull request, if it is for one."""

    path: Path | None = None
    accepted: Sequence[Acceptance] = ()
    rows: list[Row] = field(default_factory=list)
    nulls: list[Null] = field(default_factory=list)

    @classmethod
    def of(cls, path: Path | None, accepted: Path | None) -> "Pulled":
        """As the options say. Raises BadInput."""
        if accepted and not path:
            raise BadInput("--accepted is for --pull-request: otherwise work stops nothing. Expected both.")
        return cls(path, read_accepted(accepted) if accepted else ())

    @property
    def wanted(self) -> bool:
        """Whether it is for one."""
        return self.path is not None

    def add(self, pair: OwnPair, bodies: Sequence[Any], seed: int | None, built: "Report | None" = None) -> None:
        """One pair, with what was measured of it."""
        if self.wanted:
            self.rows.append(row_of_pair(pair, bodies, seed, self.accepted, built))
            self.nulls += [null] if built and (null := null_of(built)) else []

    def written(self) -> int:
        """Writes the file, if it is for one. The exit status that work asks for. Raises BadInput."""
        if not self.path:
            return 0
        kept, n_left_out = in_order(self.rows)
        told = Told(asked="pairs", n_cores=current_environment().n_cores, rows=kept, n_left_out=n_left_out)
        for null in self.nulls:
            told = told.with_more(Told(asked="pairs", null=null))
        add_told(self.path, told)
        return int(any(row.stops_by_work for row in self.rows))


def row_of_pair(
    pair: OwnPair,
    bodies: Sequence[Any],
    seed: int | None,
    accepted: Sequence[Acceptance],
    built: "Report | None" = None,
) -> Row:
    """What a pair came to. More work stops the line where the reference is the same function at another commit: any
    other candidate is meant to work otherwise."""
    found = Found.of(bodies)
    if seed is None and isinstance(found.answer, Refusal) and found.answer.again.startswith(WITH_SEED):
        # The seed that the check drew for itself.
        seed = int(found.answer.again.removeprefix(WITH_SEED))
    again = [*pair.asked_by, *(["--seed", str(seed)] if seed is not None else [])]
    is_short = len(again) <= MOST_WORDS and all(len(word) <= MOST_NAME for word in again)
    moved = _moved(pair, bodies, accepted)[:MOST_COUNTERS]
    guarded = is_of_another_commit(pair)
    return Row(
        name=cut(pair.name, MOST_NAME),
        again=tuple(again) if is_short else (),
        answers=_answers(found),
        why=_why(found),
        work=tuple(
            Moved(
                counter=cut(one.row.rpartition(".")[2], MOST_NAME),
                before=one.before,
                after=one.after,
                stops=guarded and one.stops and one.kind == "more work",
            )
            for one in moved
        ),
        time=_timed(built) if built else None,
    )


def is_of_another_commit(pair: OwnPair) -> bool:
    """Whether the pair holds a commit's function against today's."""
    try:
        return bool(files.parsed(pair.given_names()[0]).revision)
    except (BadInput, IndexError):
        return False


def null_of(built: "Report") -> Null | None:
    """The A/A pair of a sitting, if it has one with an interval."""
    found = built.null
    if found is None:
        return None
    low, high = found.comparison.interval
    if not 1 / FAR < low <= high < FAR:
        return None
    return Null(factor=found.comparison.speedup, low=low, high=high, differs=found.differs)


def _moved(pair: OwnPair, bodies: Sequence[Any], accepted: Sequence[Acceptance]) -> list[Change]:
    counts = next((one.counts for one in bodies if isinstance(one, Counted)), {})
    sides = [{f"{pair.name}.{name}": n for name, n in counts.get(arm, {}).items()} for arm in TWINS]
    found = changes(sides[0], sides[1], accepted) if all(sides) else []
    return sorted(found, key=lambda one: (one.kind != "more work", not one.stops))


def _why(found: Found) -> str:
    """Why it is not the same, with the smallest inputs on which it is not."""
    if isinstance(found.answer, Certificate):
        return ""
    return cut(f"{found.answer.why}{f' Smallest inputs: {found.example.inputs}' if found.example else ''}")


def _answers(found: Found) -> Literal["same", "different", "not judged"]:
    if isinstance(found.answer, Certificate):
        return "same"
    return "different" if found.answer.code == "not equivalent" else "not judged"


def _timed(built: "Report") -> Timed | None:
    figure = built.rows[0].figure
    compared = figure.comparison
    if compared is None:
        return None
    # A speed-up is reference / candidate; what a pull request is told is after / before.
    high, low = (1 / one if one else FAR for one in compared.interval)
    if not 1 / FAR < low <= high < FAR:
        return None
    settled = figure.verdict is Verdict.VERIFIED
    alike = compared.estimate.is_alike()
    says: Literal["slower", "faster", "alike", "undecided"] = (
        ("slower" if low > 1 else "faster") if settled else "alike" if alike else "undecided"
    )
    seen = compared.detectable if says == "undecided" and compared.detectable < FAR else None
    return Timed(says=says, factor=1 / compared.speedup, low=low, high=high, would_have_shown=seen)

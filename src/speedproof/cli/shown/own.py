"""What a person sees of a pair of their own: a card in the terminal, and the same as JSON."""

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from speedproof.gate.certificate import Certificate, Refusal
from speedproof.own.pair import WITH_SEED, OwnPair
from speedproof.pairs.references import given_to
from speedproof.records.kinds import Certified, CounterExampled, Faulted, Refused, answer_of
from speedproof.timing.comparison import Verdict
from speedproof.wording import seconds, some

if TYPE_CHECKING:
    from speedproof.report.report import Report
    from speedproof.report.row import Row

WIDTH = 18
"""Characters of the left column."""
MOST_LINES = 6
"""Faults that a card lists; the rest is a number."""


@dataclass(frozen=True)
class Found:
    """What the check of a pair came to, of the bodies that it recorded."""

    answer: Certificate | Refusal
    example: CounterExampled | None = None
    faulted: Faulted | None = None
    largest: int | None = None
    """The largest size that was asked about, where sizes mean something."""

    @classmethod
    def of(cls, bodies: Sequence[Any]) -> "Found":
        """Of what a process said."""
        judged = next(one for one in bodies if isinstance(one, Certified | Refused))
        example = next((one for one in bodies if isinstance(one, CounterExampled)), None)
        faulted = next((one for one in bodies if isinstance(one, Faulted)), None)
        return cls(answer_of(judged), example, faulted, judged.largest if isinstance(judged, Certified) else None)


def card_lines(pair: OwnPair, found: Found, next_too: bool = True) -> Iterator[str]:
    """The card, line by line; what to ask next is part of it where `next_too`."""
    answer = found.answer
    reference, candidate = names(pair)
    if isinstance(answer, Certificate):
        yield f"SAME ANSWER: {candidate} gives what {reference} gives."
        yield from _rows([*_of_certificate(found, answer), ("judged by", pair.same_words)])
        if answer.allowed_to:
            yield from _rows([("is it faster?", "not to be measured: what may change may be what is timed")])
        elif pair.asked_by and next_too:
            yield from _rows([("is it faster?", f"speedproof measure {shlex.join(pair.asked_by)}")])
        return
    judged = answer.code == "not equivalent"
    yield (
        f"NOT THE SAME: {candidate} does not give what {reference} gives."
        if judged
        else f"NOT JUDGED: {candidate} against {reference}."
    )
    yield from _rows(_of_refusal(pair, answer, found.example))


def names(pair: OwnPair) -> tuple[str, str]:
    """What reference and candidate are called; with their files where both have one name."""
    both = [given_to(pair, name) for name in ("sequential", "batched")]
    short = [_name(one) for one in both]
    if short[0] != short[1]:
        return short[0], short[1]
    given = pair.asked_by[:2]
    return (
        (given[0], given[1])
        if len(given) == 2 and ":" in given[1]
        else (f"{short[0]} (reference)", f"{short[1]} (candidate)")
    )


def _name(given: Any) -> str:
    return given.rpartition(":")[2] if isinstance(given, str) else getattr(given, "__name__", repr(given))


def _rows(rows: list[tuple[str, str]]) -> Iterator[str]:
    for name, words in rows:
        if words:
            yield f"  {name:<{WIDTH}}{words}"


def _of_certificate(found: Found, answer: Certificate) -> list[tuple[str, str]]:
    share = answer.candidate.worst_errors.get("element")
    exact = f"worst error {share:.2g} of what is allowed" if share else "every value exactly"
    return [
        ("asked", f"{some(answer.n_checks, 'call')}{f', up to size {found.largest:,}' if found.largest else ''}"),
        ("compared", f"{some(answer.candidate.n_compared, 'value')}: {exact}"),
        *(("may change", f"{aspect}, because: {why}") for aspect, why in answer.allowed_to.items()),
        ("not asked", "; ".join(answer.untried)),
        *_of_faults(found.faulted),
    ]


def _of_faults(faulted: Faulted | None) -> list[tuple[str, str]]:
    if faulted is None:
        return []
    if not faulted.n_planted:
        return [
            ("faults", f"none planted: {faulted.why_none}" if faulted.why_none else "none planted: no time was left")
        ]
    of = f" of {faulted.n_possible} possible" if faulted.n_possible > faulted.n_planted else ""
    rows = [("faults", f"{faulted.n_seen} of {faulted.n_planted} planted in the candidate were seen{of}")]
    unseen = [*faulted.unseen]
    rows += [("" if i else "would pass unseen", words) for i, words in enumerate(unseen[:MOST_LINES])]
    if len(unseen) > MOST_LINES:
        rows.append(("", f"and {len(unseen) - MOST_LINES} more (--json lists all)"))
    if faulted.unreached:
        rows.append(("never run", ", ".join(faulted.unreached)))
    return rows


def _of_refusal(pair: OwnPair, answer: Refusal, example: CounterExampled | None) -> list[tuple[str, str]]:
    rows = [("because", answer.why)]
    if answer.trial:
        rows.append(("asked", answer.trial))
    if example:
        rows += [("smallest inputs", example.inputs), ("reference", example.expected), ("candidate", example.got)]
    rows.append(("rule", answer.rule))
    rows.append(("see it again", _again(pair, answer)))
    return rows


def _again(pair: OwnPair, answer: Refusal) -> str:
    """The command that gives the same refusal."""
    again = answer.again
    if pair.asked_by and again.startswith(WITH_SEED):
        # The process that judged knows where the pair is written down, and not what it was asked as.
        return pair.command(int(again.removeprefix(WITH_SEED)))
    return again


def measured_lines(pair: OwnPair, found: Found, built: "Report") -> Iterator[str]:
    """What the clock says, in as few words as are true."""
    reference, candidate = names(pair)
    row = built.rows[0]
    compared = row.figure.comparison
    if compared is None:
        yield f"NOT MEASURED: {candidate} against {reference}."
        yield from _rows([("because", row.figure.why)])
        return
    settled = row.figure.verdict is Verdict.VERIFIED
    said = "SLOWER" if is_slower(row) else "FASTER" if settled else "UNDECIDED"
    times = seconds(compared.contender_s), seconds(compared.baseline_s)
    yield f"{said}: {candidate} takes {times[0]} where {reference} takes {times[1]}."
    yield from _rows(
        [
            ("times as fast", f"{row.figure.words} (95% interval, {some(len(compared.launches), 'fresh process')})"),
            ("", row.figure.why),
            (
                "would have seen",
                f"a change of {row.figure.detectable}" if not settled and row.figure.detectable else "",
            ),
            ("the same twice", f"{_null(built)} (the candidate against itself)"),
            ("work", f"{row.work}{f', at size {pair.usual}' if found.largest else ''}" if row.work else ""),
            ("meanwhile", compared.machine_words),
            ("machine", f"{built.advice[0]}{_more(built.advice)}" if built.advice else ""),
        ]
    )


def _null(built: "Report") -> str:
    return f"{built.null.figures}: {built.null.outcome}" if built.null else built.null_words


def _more(advice: Sequence[str]) -> str:
    return f" ({len(advice) - 1} more: speedproof doctor)" if len(advice) > 1 else ""


def is_slower(row: "Row") -> bool:
    """Whether the candidate was shown to take longer."""
    compared = row.figure.comparison
    return row.figure.verdict is Verdict.VERIFIED and compared is not None and compared.interval[1] < 1


def pair_as_json(pair: OwnPair, found: Found) -> dict[str, Any]:
    """What was found, for programs."""
    answer, example, faulted = found.answer, found.example, found.faulted
    given = pair.asked_by[:2]
    reference, candidate = given if len(given) == 2 and ":" in given[1] else names(pair)
    common: dict[str, Any] = {"reference": reference, "candidate": candidate}
    if isinstance(answer, Refusal):
        verdict, again = "not the same" if answer.code == "not equivalent" else "not judged", _again(pair, answer)
        reason = f"{answer.reason.removesuffix(answer.again)}{again}"
        common |= {"verdict": verdict, "rule": answer.rule, "trial": answer.trial, "reason": reason}
        common["counter_example"] = example and {
            "inputs": example.inputs,
            "expected": example.expected,
            "got": example.got,
            "draw": example.draw,
        }
        return {**common, "next": again}
    faults = faulted and faulted.model_dump(include={"n_planted", "n_seen", "unseen", "unreached", "why_none"})
    return {
        **common,
        "verdict": "same",
        "n_calls": answer.n_checks,
        "largest_size": found.largest,
        "n_compared": answer.candidate.n_compared,
        "worst_share_of_allowed": answer.candidate.worst_errors.get("element", 0.0),
        "not_asked": list(answer.untried),
        "allowed_to": dict(answer.allowed_to),
        "faults": faults,
        "next": f"speedproof measure {shlex.join(pair.asked_by)}" if pair.asked_by else "",
    }

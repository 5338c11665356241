"""What is shown of a real model: the findings on it beside those on seeded weights, and how good its SAEs are."""

from collections.abc import Iterable, Iterator
from typing import Any

from speedproof.gate.certificate import Certificate
from speedproof.pairs.finding import TWINS
from speedproof.records.base import Body
from speedproof.records.kinds import Certified
from speedproof.report.report import Report
from speedproof.report.row import Row
from speedproof.report.sides import CHANGES, Grid, change
from speedproof.sides.outcome import Outcome
from speedproof.timing.comparison import Verdict
from speedproof.wording import digits, in_percent
from speedproof_studies.kinds import Trained

ERROR = "largest error"
HEAD = ("function", "seeded weights", ERROR, "real weights", ERROR)


def rows(seeded: Report, real: Report) -> Iterator[list[str]]:
    """A row for each function: the speed-up with its interval on either, and how near the batched twin's answers come
    to what they are held to."""
    for one, other in zip(seeded.rows, real.rows, strict=True):
        yield [one.pair.name, *_told(seeded, one), *_told(real, other)]


def lines(seeded: Report, real: Report, bodies: Iterable[Body]) -> Iterator[str]:
    """What a reader must know of the rows: how either sitting's noise was, and how good the SAEs are."""
    for name, report in (("Seeded", seeded), ("Real", real)):
        yield f"{name} weights: {report.asked.subject or 'GPT-2 small in shape'}; A/A pair {report.null_words}."
    yield from map(how_good, newest(bodies))


def sides(grid: Grid) -> tuple[list[str], list[list[str]]]:
    """The head and the rows of a table: what other releases of the libraries change on the real model, by twin."""
    head = ["function", "twin", *(f"`{column.side.text}`" for column in grid.columns)]
    return head, [[*about, *(_side(column.found.get(about)) for column in grid.columns)] for about in grid.abouts]


def _side(one: Outcome | None) -> str:
    if one is None:
        return "-"
    if one.body.answers is None:
        return one.answers
    told = [CHANGES["rounding" if one.body.answers.status == "rounding" else change(one)]]
    if one.slowdown:
        low, high = one.slowdown.interval
        told.append(f"takes {digits(one.slowdown.factor)} [{digits(low)}, {digits(high)}] times as long: {one.time}")
    return "; ".join(dict.fromkeys([*told, *one.work]))


def newest(bodies: Iterable[Any]) -> list[Trained]:
    """What was last said of each SAE, in the order of their names, a shorter number first."""
    found = {(body.subject, body.sae): body for body in bodies if isinstance(body, Trained)}
    return sorted(found.values(), key=lambda one: (one.subject, len(one.sae), one.sae))


def how_good(one: Trained) -> str:
    """What an SAE keeps of its model's loss, how many features fire, and how large the first token's stream is."""
    first = (
        f" At the first token the stream is {digits(one.first_token)} times as large as at others."
        if one.first_token
        else ""
    )
    return (
        f"{one.sae}: loss {one.loss_as_it_is:.2f}, {one.loss_reconstructed:.2f} with the SAE in place, "
        f"{one.loss_zeros:.2f} with zeros: {in_percent(one.recovered)} recovered. "
        f"{one.l0:.0f} features fire on a token.{first}"
    )


def _told(report: Report, row: Row) -> tuple[str, str]:
    """The speed-up or the verdict, and the largest error of what is allowed."""
    figure = row.figure
    doubt = f" ({figure.verdict.word})" if figure.verdict is not Verdict.VERIFIED else ""
    certified = [
        record.body.certificate
        for record in report.sources
        if isinstance(record.body, Certified) and record.body.about.key == figure.about.by(TWINS[1]).key
    ]
    return f"{figure.words}{doubt}" if figure.words else figure.told, _error(certified[-1]) if certified else "-"


def _error(certificate: Certificate) -> str:
    if not certificate.allowed:
        return "exact"
    return f"{certificate.candidate.worst_errors.get('element', 0):.0e} of {certificate.allowed['element']:.0e}"

"""Caveats: what a reader of a card must not conclude from it."""

from collections.abc import Iterator, Sequence

from speedproof.report.ladder import Waterfall
from speedproof.report.row import Row
from speedproof.report.sittings import RecordedSitting
from speedproof.report.sweep import Sweep
from speedproof.timing.comparison import Verdict

SEEDED = ("gpt2-small-shape", "tiny", "solved")
"""Subjects whose weights are drawn from a seed."""


def caveats(
    rows: Sequence[Row],
    fall: Waterfall | None,
    swept: Sequence[Sweep],
    sitting: RecordedSitting | None,
) -> list[str]:
    """Each in a sentence, those about the finding itself first."""
    about = [*_of_rows(rows), *_of_ladder(fall, sitting), *_of_sizes(swept)]
    return [*about, *_of_noise(sitting), *_of_scope(rows, sitting)]


def _of_rows(rows: Sequence[Row]) -> Iterator[str]:
    for row in rows:
        if row.figure.verdict is not Verdict.VERIFIED:
            why = f": {row.figure.why}" if row.figure.why else ": the interval does not exclude no change"
            yield f"{row.pair.name} is {row.figure.verdict.word}{why}."
        if row.figure.detectable:
            yield f"A change of {row.pair.name} of less than {row.figure.detectable} would often have been missed."


def _of_ladder(fall: Waterfall | None, sitting: RecordedSitting | None) -> Iterator[str]:
    if fall and sitting and fall.sitting.name != sitting.name:
        yield (
            f"The ladder is from another sitting ({fall.sitting.name}), so its product need not be the speed-up above."
        )


def _of_sizes(swept: Sequence[Sweep]) -> Iterator[str]:
    yield from dict.fromkeys(f"{sweep.series.note}." for sweep in swept if sweep.series.note)
    for sweep in swept:
        missing = [point for point in sweep.points if point.outcome == "withheld"]
        if missing:
            sizes = ", ".join(f"{point.size:,}" for point in missing)
            yield f"{sweep.series.title}: no figure at {sizes} {sweep.series.unit}. {missing[0].figure.why}."


def _of_noise(sitting: RecordedSitting | None) -> Iterator[str]:
    if sitting and sitting.null and sitting.null.is_wide:
        yield f"The noise was wide: the A/A pair says {sitting.null.figures}. What is smaller could hide in it."


def _of_scope(rows: Sequence[Row], sitting: RecordedSitting | None) -> Iterator[str]:
    measured = (row.figure.about.workload for row in rows if row.figure.comparison)
    subjects = dict.fromkeys(workload.subject for workload in measured if workload)
    for subject in subjects:
        if subject.split(":")[0] in SEEDED and any(row.pair.uses_model for row in rows):
            yield f"The subject {subject} has seeded weights: what it costs is real, what its features mean is not."
    if sitting:
        env = sitting.environment
        yield (
            f"One machine: {env.processor}, {env.n_cores} cores, accelerator {env.accelerator}. Another may give other "
            "figures."
        )

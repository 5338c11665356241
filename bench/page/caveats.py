"""Caveats: what a reader of a card must not conclude from it."""

from collections.abc import Iterator, Sequence

from ..comparison import Verdict
from ..noise import NullPair
from ..record import Record
from ..row import Row
from ..sweep import Sweep
from ..waterfall import Waterfall

SEEDED = ("gpt2-small-shape", "tiny", "solved")
"""Subjects whose weights are drawn from a seed."""


def caveats(
    rows: Sequence[Row],
    null: NullPair | None,
    fall: Waterfall | None,
    swept: Sequence[Sweep],
    sitting: Record | None,
) -> list[str]:
    """Each in a sentence, those about the finding itself first."""
    about = [*_of_rows(rows), *_of_ladder(fall, sitting), *_of_sizes(swept)]
    return [*about, *_of_noise(null), *_of_scope(rows, sitting)]


def _of_rows(rows: Sequence[Row]) -> Iterator[str]:
    for row in rows:
        if row.verdict is not Verdict.VERIFIED:
            why = f": {row.reason}" if row.reason else ": the interval does not exclude no change"
            yield f"{row.pair.name} is {row.verdict}{why}."
        if row.detectable:
            yield f"A change of {row.pair.name} of less than {row.detectable} would often have been missed."


def _of_ladder(fall: Waterfall | None, sitting: Record | None) -> Iterator[str]:
    if fall and sitting and fall.sitting.sitting != sitting.sitting:
        yield (
            f"The ladder is from another sitting ({fall.sitting.sitting}), so its product need not be the speed-up "
            "above."
        )


def _of_sizes(swept: Sequence[Sweep]) -> Iterator[str]:
    yield from dict.fromkeys(f"{sweep.series.note}." for sweep in swept if sweep.series.note)
    for sweep in swept:
        missing = [point for point in sweep.points if point.outcome == "withheld"]
        if missing:
            sizes = ", ".join(f"{point.size:,}" for point in missing)
            yield f"{sweep.series.title}: no figure at {sizes} {sweep.series.unit}. {missing[0].reason}."


def _of_noise(null: NullPair | None) -> Iterator[str]:
    if null and null.is_wide:
        yield f"The noise was wide: the A/A pair says {null.figures}. What is smaller could hide in it."


def _of_scope(rows: Sequence[Row], sitting: Record | None) -> Iterator[str]:
    subjects = dict.fromkeys(row.comparison.certificate.workload.subject for row in rows if row.comparison)
    for subject in subjects:
        if subject.split(":")[0] in SEEDED and any(row.pair.uses_model for row in rows):
            yield f"The subject {subject} has seeded weights: what it costs is real, what its features mean is not."
    if sitting:
        env = sitting.environment
        yield (
            f"One machine: {env.processor}, {env.n_cores} cores, accelerator {env.accelerator}. Another may give other "
            "figures."
        )

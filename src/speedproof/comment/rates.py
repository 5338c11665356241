"""How often identical code is called different, from the committed records; the comment's last line.

The figures stand in `rates.json`, which `python -m speedproof_studies.published` writes.
"""

import json
from functools import cache
from importlib.resources import files

from pydantic import BaseModel, ConfigDict

from speedproof.wording import digits

from .told import Told


class Rate(BaseModel):
    """False alarms: of so many trials of identical code so many were told apart, and where the true share lies."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    study: str
    n_false: int
    n_trials: int
    low: float
    high: float
    n_cores: list[int]
    """Cores of the machines that they were taken on."""

    @property
    def words(self) -> str:
        """The rate in a line's beginning."""
        alarms = "alarm" if self.n_false == 1 else "alarms"
        cores = " and ".join(map(str, self.n_cores))
        return (
            f"Two sides of identical code, on {cores} shared cores: {self.n_false} false {alarms} of {self.n_trials} "
            f"[{_percent(self.low)}, {_percent(self.high)}]"
        )


@cache
def published() -> Rate:
    """The rate that this release was published with."""
    return Rate(**json.loads(files(__package__).joinpath("rates.json").read_text(encoding="utf-8")))


def rate_words(told: Told) -> str:
    """The comment's last line: the error rate, and this run's A/A pair."""
    rate = published()
    here = f"; this run had {told.n_cores}" if told.n_cores and told.n_cores not in rate.n_cores else ""
    return f"{rate.words}{here}. {_null_words(told)}"


def _null_words(told: Told) -> str:
    if not any(row.time for row in told.rows):
        return "This run timed nothing."
    null = told.null
    if null is None:
        return "This run had no A/A pair."
    outcome = "differs, so no time above counts" if null.differs else "as it must be"
    return f"This run's A/A pair: {null.factor:.3f} [{null.low:.3f}, {null.high:.3f}], {outcome}."


def _percent(share: float) -> str:
    return "0%" if share == 0 else f"{digits(100 * share)}%"

"""What tests of the report have in common: samples with a known speed-up, ledgers, one row."""

import math
from typing import Any

from bench import report as reports
from bench.bodies import Rejected, Rewritten
from bench.comparison import Launch
from bench.environment import current_environment
from bench.record import Ledger, Record
from bench.row import Row


def launches(speedup: float, wobble: float = 0.01) -> tuple[Launch, ...]:
    factors = [speedup * math.exp(wobble * step) for step in (-1, 0, 1, 0.5)]
    return tuple(Launch(0, (factor, factor), (1.0, 1.0), (True, False), (1, 1)) for factor in factors)


def ledger(*bodies: Any) -> Ledger:
    made = [Record(written="now", sitting="s", environment=current_environment(), body=body) for body in bodies]
    return Ledger(tuple(made), ())


def rewritten(seed: int, n_trials: int, rejected: tuple[Rejected, ...] = (), gate: str = "g") -> Rewritten:
    return Rewritten(
        finding="text_batching",
        subject="tiny",
        seed=seed,
        n_trials=n_trials,
        n_rewrites=n_trials,
        closest=0.4,
        rejected=rejected,
        gate=gate,
    )


def row(built: reports.Report, name: str = "sae_cache") -> Row:
    return next(row for row in built.rows if row.finding.name == name)

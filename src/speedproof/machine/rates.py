"""Rates: raw seconds of an operation whose work is known."""

from dataclasses import dataclass

from speedproof.clock import is_seconds

GFLOP_S = "gflop_s"
"""What is seen beside a long sample of code that multiplies matrices: seconds that 10^9 FLOPs took right after it."""


@dataclass(frozen=True)
class Rate:
    """Raw seconds of one operation, call by call. `amount` is FLOPs for a product, bytes for memory."""

    what: str
    amount: int
    samples_s: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.samples_s or self.amount <= 0 or not all(map(is_seconds, self.samples_s)):
            raise ValueError("A rate needs an amount of work and positive seconds.")

    @property
    def per_s(self) -> float:
        """FLOP/s or bytes/s of the best call: what the machine can do, not what it does on average."""
        return self.amount / min(self.samples_s)

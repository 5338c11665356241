"""The roofline: the least work that an answer takes, and the least time that it takes on this machine."""

from dataclasses import dataclass

from .rates import Rate


@dataclass(frozen=True)
class Work:
    """The least that any code must do for the answer, and how many texts a loop would take one by one.

    `flops` is of distinct texts; `weight_bytes` are the weights that the answer depends on, each read once.
    """

    flops: int
    weight_bytes: int
    n_texts: int


@dataclass(frozen=True)
class Machine:
    """What the machine can do: the best of all that its sitting measured, so that floors are low rather than high."""

    multiplied: tuple[Rate, ...]
    moved: tuple[Rate, ...]

    @property
    def flops_per_s(self) -> float:
        """FLOP/s of the fastest product."""
        return max(rate.per_s for rate in self.multiplied)

    @property
    def bytes_per_s(self) -> float:
        """Bytes/s of the faster of reading and copying."""
        return max(rate.per_s for rate in self.moved)

    def least_s(self, work: Work, flops_per_s: float) -> float:
        """Seconds of work at a rate of products, or of its weights read once at the machine's best rate."""
        return max(work.flops / flops_per_s, work.weight_bytes / self.bytes_per_s)

    @property
    def best(self) -> tuple[tuple[str, float], ...]:
        """The best rate of each shape and way of moving, in the order first measured."""
        told: dict[str, float] = {}
        for rate in (*self.multiplied, *self.moved):
            told[rate.what] = max(told.get(rate.what, 0.0), rate.per_s)
        return tuple(told.items())


@dataclass(frozen=True)
class Roofline:
    """A call's floor on a machine, and what its twins make of it."""

    work: Work
    machine: Machine
    definition_s: float
    fastest_s: float
    shares_beside: tuple[float, float] | None = None
    """As `shares`, but each call by the rate at which the machine multiplied right after it; None where none was taken.
    What a shared machine takes from both does not count against the code there."""

    @property
    def floor_s(self) -> float:
        """No code can take less for this answer: products at the best rate, or every weight read once."""
        return self.machine.least_s(self.work, self.machine.flops_per_s)

    @property
    def loop_floor_s(self) -> float:
        """The same, but with the weights read once per text: the floor of a loop whose weights outgrow the caches."""
        moved = self.work.weight_bytes * self.work.n_texts
        return max(self.work.flops / self.machine.flops_per_s, moved / self.machine.bytes_per_s)

    @property
    def shares(self) -> tuple[float, float]:
        """Floor / time of the definition and of the fast twin; 1 is as fast as the machine can be."""
        return self.floor_s / self.definition_s, self.floor_s / self.fastest_s

    @property
    def ceiling(self) -> float:
        """The largest speed-up that the machine could give: the definition's time / the floor."""
        return self.definition_s / self.floor_s

    @property
    def too_good(self) -> str:
        """Why the fast twin's time cannot be of this work, or an empty string."""
        if self.fastest_s >= self.floor_s:
            return ""
        return (
            f"below the machine's floor: {self.fastest_s:.3g} s, but {self.work.flops:,} FLOPs at "
            f"{self.machine.flops_per_s:.3g} FLOP/s and {self.work.weight_bytes:,} bytes of weights at "
            f"{self.machine.bytes_per_s:.3g} bytes/s take {self.floor_s:.3g} s at least. Something was not computed in "
            "the timed calls. Expected a time above the floor: look for a remembered answer."
        )

"""Asking from Python: a check that raises, a candidate that cannot be had without one, and what is timed of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import RLock
from typing import Any

from speedproof.errors import BadInput, NotEquivalent
from speedproof.gate.certificate import Certificate, Refusal
from speedproof.gate.trials import new_seed
from speedproof.pairs.question import Question
from speedproof.pairs.references import Target
from speedproof.records.kinds import Faulted
from speedproof.wording import some

from . import counter_example, proving
from .pair import BUDGET_S, Exceptions, OwnPair
from .same import Same

ONE_AT_A_TIME = RLock()
"""A check sets what the whole process has once: random generators, the folder for temporary files."""


@dataclass(frozen=True)
class Checked:
    """What a check saw: a certificate, and what became of the faults that were planted."""

    pair: OwnPair
    certificate: Certificate
    faults: Faulted | None

    def __repr__(self) -> str:
        return f"<{self}>"

    def __str__(self) -> str:
        share = self.certificate.candidate.worst_errors.get("element")
        exact = f"within {share:.2g} of what is allowed" if share else "exactly"
        seen = f"; {self.faults.n_seen} of {self.faults.n_planted} planted faults seen" if self.faults else ""
        return f"the same answer in {some(self.certificate.n_checks, 'call')}, {exact}{seen}"


def check(
    reference: Callable[..., Any] | str,
    candidate: Callable[..., Any] | str,
    inputs: Any = None,
    *,
    same: Same | Callable[[Any, Any], Any] | str | None = None,
    sizes: Sequence[int] | None = None,
    exceptions: Exceptions = "type",
    specials: bool = False,
    grow: bool = False,
    allow: Sequence[str] = (),
    budget_s: float = BUDGET_S,
    faults: int = 0,
    seed: int | None = None,
) -> Checked:
    """Proves that the candidate does what the reference does, here in this process.

    All arguments but the last two are those of `Pair`. `faults` so many faults are planted in the candidate at most, to
    tell how far the check can see; `seed` repeats an earlier check.

    Example:
        >>> check(sorted_slow, sorted_fast, lambda size, rng: {"items": [rng.random() for _ in range(size)]})

    Raises:
        NotEquivalent: it does not; the smallest inputs found and both answers are told.
        BadInput: names, inputs or the reference are not sound, or the check could not tell a right answer from a wrong.
    """
    # Where a test fails by it, its own lines are what to look at.
    __tracebackhide__ = True
    pair = OwnPair(
        reference,
        candidate,
        inputs,
        same=same,
        sizes=sizes,
        exceptions=exceptions,
        specials=specials,
        grow=grow,
        allow=allow,
        budget_s=budget_s,
    )
    return check_pair(pair, faults, seed)


def check_pair(pair: OwnPair, faults: int = 0, seed: int | None = None) -> Checked:
    """The same of a pair that was made before. Raises as `check` does."""
    __tracebackhide__ = True
    with ONE_AT_A_TIME:
        return _checked(pair, faults, new_seed() if seed is None else seed)


def _checked(pair: OwnPair, faults: int, seed: int) -> Checked:
    __tracebackhide__ = True
    question = Question(_Here(pair), pair.workload("report"), seed=seed)
    answer, took_s = proving.certified(pair, question, seed)
    if isinstance(answer, Refusal):
        if answer.code != "not equivalent":
            raise BadInput(answer.reason)
        raise NotEquivalent(answer.rule, _told(pair, answer), answer.excess)
    left_s = pair.budget_s * proving.FAULTS_SHARE
    seen = proving.planted(question, pair, seed, took_s, left_s, faults) if faults else None
    return Checked(pair, answer, seen)


@dataclass(frozen=True)
class _Here(Target):
    """A pair that is in this process, and that no other process need find."""

    def __init__(self, pair: OwnPair) -> None:
        object.__setattr__(self, "card", "")
        object.__setattr__(self, "function", pair.name)
        object.__setattr__(self, "_pair", pair)

    @property
    def finding(self) -> Any:
        return self._pair.finding  # type: ignore[attr-defined]

    @property
    def pair(self) -> Any:
        return self._pair  # type: ignore[attr-defined]


def _told(pair: OwnPair, answer: Refusal) -> str:
    lines = [answer.why, f"  asked: {answer.asked}"]
    if (draw := pair.answers.asked) and (found := counter_example.found(pair, draw)):
        lines += [f"  smallest inputs: {found.inputs}", f"  reference: {found.expected}", f"  candidate: {found.got}"]
    return "\n".join([*lines, f"  see it again: {answer.again}"])


class Certified:
    """A candidate that was proven to do what its reference does: callable as it is, with its certificate beside it."""

    def __init__(self, checked: Checked) -> None:
        self.checked = checked
        self.__wrapped__ = checked.pair.batched
        self.__name__ = getattr(self.__wrapped__, "__name__", checked.pair.name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The candidate's answer."""
        return self.__wrapped__(*args, **kwargs)


def certified(
    reference: Callable[..., Any] | str, candidate: Callable[..., Any] | str, inputs: Any = None, **options: Any
) -> Certified:
    """The candidate, once it is proven: what pytest-benchmark's `benchmark` is given in place of the bare function.

    Takes what `check` takes, and raises what it raises.

    Example:
        >>> benchmark(certified(slow, fast, make), items=[3, 1, 2])
    """
    return Certified(check(reference, candidate, inputs, **options))

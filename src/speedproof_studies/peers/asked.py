"""What a worker in a peer's own place is asked beside calling it: versions, the gate's answer, how long making took, at
which rate the machine multiplies beside a call."""

from collections.abc import Set
from dataclasses import replace
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version

from speedproof.environment import current_environment
from speedproof.gate.certificate import Certificate, Refusal
from speedproof.gate.gate import GATE
from speedproof.gate.trials import new_seed
from speedproof.pairs.question import Question
from speedproof.sides.installing import Unsupported
from speedproof.sides.worker import Worker
from speedproof.sittings.definitions import Definitions
from speedproof.timing.sampling import Sample, on_cores
from speedproof.timing.warmup import Form

_definitions = Definitions()
"""What the definition answered in this process, which each peer of one place is held against."""


def versions(worker: Worker, packages: tuple[str, ...], imports: str) -> dict[str, str]:
    """Versions of the libraries and of these packages. Raises Unsupported where the module cannot be imported."""
    found = dict(current_environment().versions)
    for name in packages:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "absent"
    if imports:
        try:
            import_module(imports)
        except Exception as error:
            raise Unsupported(f"{imports} cannot be imported: {_first_cause(error)}") from error
    return found


def _first_cause(error: BaseException) -> str:
    """What began it: libraries that import others when asked for a name hide why that failed behind the name."""
    while cause := error.__cause__ or error.__context__:
        error = cause
    return f"{type(error).__name__}: {error}"


def certified(worker: Worker, question: Question) -> Certificate | Refusal:
    """The gate's whole answer about an arm, given here.

    It is called once before that: making the library's object is no part of a call, nor is what a library does to
    torch's classes when the first one is made.
    """
    finding, pair = question.target.finding, question.pair
    subject = worker.subject(question)
    function = pair.arm(question.arm)
    function(**pair.inputs(question.workload, subject, [0]))
    return _definitions.check(finding, pair, question.workload, function, subject, GATE, new_seed(), "").answer()


def sample(worker: Worker, question: Question, form: Form, cores: Set[int]) -> Sample:
    """A sample, and beside it the rate at which the machine multiplies."""
    from speedproof.tensors.rates import rate_beside

    taken = worker.sample(question, form, cores)
    with on_cores(cores):
        return replace(taken, seen={**taken.seen, **rate_beside()})


def forget(worker: Worker) -> None:
    """Lets go of the definition's answers, which may be large."""
    _definitions.forget()


def made_in_s(worker: Worker, peer: str) -> float | None:
    """Seconds that it took to make what the peer is called with, the last time; None where that was never made."""
    from .collectors import passes

    return passes.made_in_s(peer)

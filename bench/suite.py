"""asv's door: one abstract class that turns a finding's card into benchmarks.

asv measures lower-is-better numbers only, so it is given seconds, bytes, counts and errors; speed-ups live in the
records. A twin without a certificate raises in `setup`, which asv shows as failed.
"""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from speedproof.counters.tally import count
from speedproof.gate.certificate import Certificate, Refusal
from speedproof.gate.check import certify
from speedproof.pairs.finding import TWINS, Finding
from speedproof.pairs.subjects import Subjects

Answers = dict[str, Certificate | Refusal]
"""The gate's answer for each function of a finding."""


class Suite(ABC):
    """Benchmarks of one finding, on its first workload, for each function and twin."""

    param_names = ("function", "twin")
    timeout = 600
    warmup_time = 0.2
    sample_time = 0.05
    rounds = 2

    subjects: ClassVar[Subjects] = Subjects()

    @property
    @abstractmethod
    def finding(self) -> Finding:
        """The card that is measured."""

    @property
    def params(self) -> tuple[list[str], list[str]]:
        """asv's parameters: functions and twins."""
        return [pair.name for pair in self.finding.pairs], list(TWINS)

    @property
    def version(self) -> str:
        """asv's benchmark version: a changed workload starts a new series, a changed twin does not."""
        return "-".join(pair.workloads[0].digest for pair in self.finding.pairs)

    def __init_subclass__(cls) -> None:
        """Gives each finding a `setup_cache` of its own.

        asv knows one by its function's module and line, and runs it once for all that share it: one function for all
        findings would certify all of them, whatever benchmark is asked for.
        """

        def setup_cache(self: Suite) -> Answers:
            """The gate's answers for the finding's functions. asv calls this once per environment and commit."""
            return {pair.name: certify(self.finding, pair, pair.workloads[0]) for pair in self.finding.pairs}

        setup_cache.__module__ = cls.__module__
        setup_cache.timeout = 1200  # type: ignore[attr-defined]
        cls.setup_cache = setup_cache  # type: ignore[attr-defined]

    def setup(self, gate: Answers, function: str, twin: str) -> None:
        """Refuses twins that are not equivalent, then makes the inputs."""
        answer = gate[function]
        if isinstance(answer, Refusal):
            raise RuntimeError(str(answer))
        self.certificate = answer
        self.pair = self.finding.pair(function)
        workload = self.pair.workloads[0]
        self.pair.kit.use_threads(workload.n_threads)
        subject = self.subjects.kept(self.pair.subject(workload))
        self.inputs = self.pair.inputs(workload, subject, None)
        self.call = self.pair.twin(twin)

    def time_call(self, gate: Any, function: str, twin: str) -> None:
        """Seconds of one call."""
        self.call(**self.inputs)

    def peakmem_call(self, gate: Any, function: str, twin: str) -> None:
        """Bytes of the process at most, set-up included."""
        self.call(**self.inputs)

    def track_worst_error(self, gate: Any, function: str, twin: str) -> float:
        """Largest error against the oracle, as a share of the output's scale."""
        evidence = self.certificate.definition if twin == "sequential" else self.certificate.candidate
        return evidence.worst_errors.get("element", 0.0)

    def track_work(self, gate: Any, function: str, twin: str) -> int:
        """The finding's first counter over one call."""
        return next(iter(count(self.finding.counters[:1], self.call, self.inputs).values()), 0)

    track_worst_error.unit = "share"  # type: ignore[attr-defined]
    track_work.unit = "count"  # type: ignore[attr-defined]

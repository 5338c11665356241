"""Pairs whose functions run a model, or its SAEs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from .contract import Inputs
from .finding import Pair
from .kit import Kit
from .references import Referred, resolve
from .roofline import Work
from .subject import Subject, subject_of
from .trial import Trial
from .workload import Workload


@dataclass(frozen=True, eq=False)
class ModelPair(Pair):
    """A pair that a subject's weights decide. The oracle knows its answers.

    All that needs torch is referred to, so that a card can be read without it.
    """

    kit: Referred[Kit] = Referred("bench.tensor_kit:TORCH")
    subject: Referred[Callable[[Workload], Subject]] = Referred(subject_of)
    trials: Referred[tuple[Trial, ...]] = Referred("bench.lens_trials:OF_MODELS")

    uses_model: ClassVar[bool] = True

    def reference(self, subject: Subject) -> Any:
        """The oracle: a float64 run of the same weights."""
        return resolve("bench.oracle:Oracle")(subject)

    def modules(self, subject: Subject) -> Mapping[str, Any]:
        """The model and its SAEs."""
        return {"model": subject.model, **subject.saes}

    def subject_digest(self, subject: Subject) -> str:
        """Other weights are another subject."""
        return subject.digest

    def device_counters(self, subject: Subject) -> tuple[Callable[..., Any], ...]:
        """Those of the device that the model is on."""
        found: tuple[Callable[..., Any], ...] = resolve("bench.counters.device:device_counters")(subject.model)
        return found

    def least_work(self, inputs: Inputs) -> Work | None:
        """That of the model and of the SAEs' encoders."""
        found: Work | None = resolve("bench.least_work:least_work")(inputs)
        return found

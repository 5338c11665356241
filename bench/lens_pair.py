"""Pairs whose functions run a model, or its SAEs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from .contract import Inputs
from .counters.device import device_counters
from .finding import Pair
from .kit import Kit
from .least_work import least_work
from .lens_trials import OF_MODELS
from .oracle import Oracle
from .roofline import Work
from .subject import Subject, subject_of
from .tensor_kit import TORCH
from .trial import Trial
from .workload import Workload


@dataclass(frozen=True)
class ModelPair(Pair):
    """A pair that a subject's weights decide. The oracle knows its answers."""

    kit: Kit = TORCH
    subject: Callable[[Workload], Subject] = subject_of
    trials: tuple[Trial, ...] = OF_MODELS

    uses_model: ClassVar[bool] = True

    def reference(self, subject: Subject) -> Oracle:
        """A float64 run of the same weights."""
        return Oracle(subject)

    def modules(self, subject: Subject) -> Mapping[str, Any]:
        """The model and its SAEs."""
        return {"model": subject.model, **subject.saes}

    def subject_digest(self, subject: Subject) -> str:
        """Other weights are another subject."""
        return subject.digest

    def device_counters(self, subject: Subject) -> tuple[Callable[..., Any], ...]:
        """Those of the device that the model is on."""
        return device_counters(subject.model)

    def least_work(self, inputs: Inputs) -> Work | None:
        """That of the model and of the SAEs' encoders."""
        return least_work(inputs)

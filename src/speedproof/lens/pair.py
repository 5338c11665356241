"""Pairs whose functions run a model, or its SAEs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from speedproof.machine.roofline import Work
from speedproof.pairs.contract import Inputs
from speedproof.pairs.finding import Pair
from speedproof.pairs.kit import Kit
from speedproof.pairs.references import Referred, resolve
from speedproof.pairs.trial import Trial
from speedproof.pairs.workload import Workload

from .subject import Subject, subject_of


@dataclass(frozen=True, eq=False)
class ModelPair(Pair):
    """A pair that a subject's weights decide. The oracle knows its answers.

    All that needs torch is referred to, so that a card can be read without it.
    """

    kit: Referred[Kit] = Referred("speedproof.tensors.kit:TORCH")
    subject: Referred[Callable[[Workload], Subject]] = Referred(subject_of)
    trials: Referred[tuple[Trial, ...]] = Referred("speedproof.lens.trials:OF_MODELS")

    uses_model: ClassVar[bool] = True

    def reference(self, subject: Subject) -> Any:
        """The oracle: a float64 run of the same weights."""
        return resolve("speedproof.lens.oracle:Oracle")(subject)

    def modules(self, subject: Subject) -> Mapping[str, Any]:
        """The model and its SAEs."""
        return {"model": subject.model, **subject.saes}

    def subject_digest(self, subject: Subject) -> str:
        """Other weights are another subject."""
        return subject.digest

    def device_counters(self, subject: Subject) -> tuple[Callable[..., Any], ...]:
        """Those of the device that the model is on."""
        found: tuple[Callable[..., Any], ...] = resolve("speedproof.tensors.device_counters:device_counters")(
            subject.model
        )
        return found

    def least_work(self, inputs: Inputs) -> Work | None:
        """That of the model and of the SAEs' encoders."""
        found: Work | None = resolve("speedproof.lens.least_work:least_work")(inputs)
        return found

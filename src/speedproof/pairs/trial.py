"""What a trial is: one question put to a candidate, in one call or in several."""

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from .contract import Inputs
from .variations import Changed
from .workload import Workload

if TYPE_CHECKING:
    from .subjects import Subject

How = Literal["by name", "by position", "defaults left out"]
Alter = Callable[[Inputs, Any, Any], AbstractContextManager[Any]]
"""Changes what the inputs refer to while the context lasts. Given inputs, subject and reference; gives the reference
that knows the answer then."""


@dataclass(frozen=True)
class Call:
    """One call of the candidate, and the reference that knows its answer."""

    inputs: Inputs
    reference: Any
    how: How = "by name"


@dataclass
class Asking:
    """What trials are made of, and what a check has to say of them."""

    make_inputs: Callable[[Workload, Any, Sequence[int] | None], Inputs]
    workload: Workload
    subject: "Subject"
    reference: Any
    seed: int
    passes: Callable[[Inputs, Any, Any], bool]
    """Whether an output would pass for the answer to these inputs."""
    defects: set[str] = field(default_factory=set)
    """What the definition itself is wrong about, so that nothing follows from what a candidate says."""
    untried: dict[str, None] = field(default_factory=dict)
    """What could not be asked, in words, each once and in order."""
    n_told_apart: int = 0
    """Calls whose right answer was shown to be another than that of the call before."""
    changed: dict[str, Changed] = field(default_factory=dict)
    """The value of each argument that was seen to change the answer."""
    plain: tuple[Inputs, Any] | None = None
    """Inputs with every argument as the pair gives it, and the output: what the trials of arguments start from."""

    def inputs(self, items: Sequence[int] | None, workload: Workload | None = None) -> Inputs:
        """Fresh inputs, of the check's workload unless another is given."""
        return self.make_inputs(workload or self.workload, self.subject, None if items is None else list(items))


Calls = Generator[Call, Any, None]
"""Calls to be made in this order; each is sent the output."""


@dataclass(frozen=True)
class Trial:
    """One question put to the candidate."""

    name: str
    why: str
    """What is wrong with who fails it."""
    calls: Callable[[Asking], Calls]
    seeded: bool = False
    """Whether the check's seed decides what is asked."""
    singly: Callable[[Asking], Mapping[str, Workload]] | None = None
    """What it asks about, one thing at a time, by name, where the definition itself may be wrong about some of it."""

"""What a definition says of a workload, before any candidate is asked: whether it is right, and what that can prove."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from speedproof.clock import elapsed_s
from speedproof.errors import BadInput, NotEquivalent
from speedproof.pairs.contract import TELLING_DISTANCE, Allowed, Evidence, Examination, Inputs, settle
from speedproof.pairs.finding import Pair
from speedproof.pairs.subjects import Subject
from speedproof.pairs.workload import Workload

from . import outputs, state

ROOM = 4.0
"""Times the rounding bound that a definition may be off. The bound is how large errors are expected to be; that many
times as large they are with a chance below one in a thousand (Ipsen and Zhou, arXiv:1906.10465, with lambda = 4), and
what is wrong is off by far more. A candidate has no such room: it is held to the definition's own error."""
UNREADABLE = (AttributeError, IndexError, KeyError, TypeError, ValueError)
"""What reading an output raises that is not built as the equivalence reads it."""
NO_ANSWER = (NotEquivalent, *UNREADABLE)


@dataclass
class Baseline:
    """A pair's definition on a workload, and what has been seen of it."""

    pair: Pair
    workload: Workload
    subject: Subject
    reference: Any
    """What knows the right answers."""
    floor: Allowed
    """The errors that rounding alone may cause."""
    without: frozenset[str]
    """Rules that do not count."""
    modules: Mapping[str, Any]
    """The subject's, whose state is watched."""
    took_s: float = 0.0
    """Seconds of its call on all items: a guess at how long others will take, never a sample."""
    autograd: tuple[bool, bool] = (False, False)
    """How autograd sees its outputs."""
    outputs: list[Any] = field(default_factory=list)
    """Its answers: how a candidate's must be built."""
    changes: state.Usual = frozenset()
    """What its calls changed of the libraries' own, such as notes of the last input."""

    def evidence(self) -> Evidence:
        """What the reference says of it, on all items and then on three of them, in another order.

        Raises:
            NotEquivalent: it is wrong, or a check by this workload would prove nothing.
            BadInput: it raises on this workload.
        """
        n_items = self.workload.n_items
        evidence, self.took_s = self._agrees(self._inputs(self.workload, None), self.without)
        if self.pair.items and n_items > 1 and self._has_one_answer(n_items):
            told = "the check is invalid: all items have one answer, so that a mixed-up one would pass too."
            raise NotEquivalent("informative", f"{told} Expected items whose answers differ.")
        if not self.pair.picks_items:
            return evidence
        # Ends with another item than the first call, so that what a forward pass notes of its input is seen to change.
        few = [n_items // 2, n_items - 1, n_items // 2]
        # A few items may well be alike.
        self._agrees(self._inputs(self.workload, few), self.without | {"informative"})
        return evidence

    def passes(self, inputs: Inputs, reference: Any, output: Any) -> bool:
        """Whether an output would pass for the answer to these inputs, even one that is as far off as is allowed."""
        loose = {metric: TELLING_DISTANCE * allowed for metric, allowed in self.floor.items()}
        try:
            settle(self.pair.equivalence.examine(inputs, reference, output, loose), without={"informative"})
        except NO_ANSWER:
            return False
        return True

    def is_right_about(self, workload: Workload) -> bool:
        """Whether it answers another workload, and as the reference does."""
        inputs = self._inputs(workload, None)
        try:
            output = self.pair.sequential(**inputs)
            settle(self._examined(inputs, output), without=self.without | {"informative"})
        except Exception:
            return False
        return True

    def _examined(self, inputs: Inputs, output: Any) -> Examination:
        return self.pair.equivalence.examine(inputs, self.reference, output, self._room)

    @property
    def _room(self) -> Allowed:
        return {metric: ROOM * allowed for metric, allowed in self.floor.items()}

    def _inputs(self, workload: Workload, items: list[int] | None) -> Inputs:
        return self.pair.inputs(workload, self.subject, items)

    def _has_one_answer(self, n_items: int) -> bool:
        return "informative" not in self.without and self.passes(
            self._inputs(self.workload, [0] * n_items), self.reference, self.outputs[0]
        )

    def _agrees(self, inputs: Inputs, without: frozenset[str]) -> tuple[Evidence, float]:
        kit, before = self.pair.kit, state.Snapshot(self.pair.kit, self.modules)
        try:
            with self.pair.equivalence.during(inputs):
                output, took_s = elapsed_s(partial(self.pair.sequential, **inputs), kit.wait)
        except Exception as error:
            if not self.pair.picks_items:
                # What a definition refuses is part of its answers.
                self.changes |= state.usual(before, before.now(), everything=True)
                return Evidence(0), 0.0
            raise BadInput(
                f"{self.pair.name} on {self.workload.label}: the definition itself raised {type(error).__name__}: "
                f"{str(error)[:300]}. Expected a workload that it can run."
            ) from error
        self.changes |= state.usual(before, before.now(), everything=not self.pair.picks_items)
        self.autograd = outputs.autograd(kit, output)
        if not self.pair.picks_items:
            # It is its own reference, and has said the same twice (`Pair.reference`).
            return Evidence(0), took_s
        self.outputs.append(output)
        try:
            return settle(self._examined(inputs, output), without=without), took_s
        except NotEquivalent as error:
            if error.rule == "informative":
                raise
            if "definition right" not in self.without:
                told = f"the definition disagrees with the reference: {error}"
                raise NotEquivalent("definition right", told) from error
            return Evidence(0), took_s

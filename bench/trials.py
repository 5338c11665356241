"""The calls that the gate makes of a candidate: on which items, and what is done to the same objects just before."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from .alterations import Alter, items_refilled, model_weights_rolled, nothing_altered, sae_weights_rolled
from .finding import Pair
from .workload import FORMS_WITH_TEXTS, Workload

FEW = 4
"""Items of a trial that needs but a few: enough to have an order, and few enough for a large model in float64."""


@dataclass(frozen=True)
class Trial:
    """One question put to the candidate.

    With `alter` the candidate is called twice with the same objects, which may be changed in between. With `fresh`
    the texts are new ones, drawn from a seed that the candidate cannot know.
    """

    name: str
    why: str
    pick: Callable[[int], Sequence[int]]
    alter: Alter | None = None
    fresh: bool = False
    private: bool = False
    """Whether what lies outside the inputs, such as files, must be this trial's own."""

    def workload(self, workload: Workload, seed: int) -> Workload:
        """The workload that this trial is about."""
        if self.private:
            return replace(workload, seed=seed)
        if not self.fresh:
            return workload
        return replace(workload, form="ragged", seed=seed, n_items=min(FEW, workload.n_items), given=())


def _few(n: int) -> range:
    return range(min(FEW, n))


TRIALS = (
    Trial("all items", "what is going to be timed, asked for twice", range, nothing_altered),
    Trial("backwards", "the answer hangs on the order", lambda n: range(n - 1, -1, -1)),
    Trial("second half", "the answer hangs on which items come along", lambda n: range(n // 2, n)),
    Trial("repeated", "equal items are merged", lambda n: [0, *range(n // 3), 0]),
    Trial("one item", "a single item loses its dimension", lambda n: [n // 2]),
    Trial("fresh texts", "only known texts are answered", _few, fresh=True),
    Trial("refilled list", "the list is known by its identity", _few, items_refilled),
    Trial("other SAE weights", "weights are known by the SAE's name or identity", _few, sae_weights_rolled),
    Trial("other model weights", "activations are known by text or model", _few, model_weights_rolled),
)
"""In the order in which they are made."""
ALTERED = ("other features", "other files", "saved directly", "half saved")
"""Trials that one pair alone has, by the name that it gives them (`Pair.alterations`)."""


def trials_for(pair: Pair, workload: Workload) -> tuple[Trial, ...]:
    """The trials that apply: no weights are altered where there is no model, no texts are drawn where there are none.

    What a pair alone can have altered under its inputs comes last.
    """
    has_texts = workload.form in FORMS_WITH_TEXTS
    of_model = (sae_weights_rolled, model_weights_rolled)
    general = [t for t in TRIALS if (has_texts or not t.fresh) and (pair.uses_model or t.alter not in of_model)]
    return (*general, *(Trial(name, why, _few, alter, private=True) for name, why, alter in pair.alterations))


def new_seed() -> int:
    """A seed that nobody can know beforehand."""
    return random.SystemRandom().getrandbits(32)

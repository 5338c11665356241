"""Trials of pairs that read texts, and of those that run a model: other texts, other weights under the same names."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from speedproof.gate.trials import FEW, few, picked
from speedproof.pairs.trial import Asking, Call, Calls, Trial
from speedproof.pairs.workload import Workload

from .alterations import model_weights_rolled, sae_weights_rolled
from .hostile import hostile_texts
from .oracle import Oracle


def _no_model(subject: Any) -> None:
    return None


def _as_it_is(reference: Any) -> Any:
    return reference


def of_texts(
    model: Callable[[Any], Any] = _no_model, unremembered: Callable[[Any], Any] = _as_it_is
) -> tuple[Trial, ...]:
    """Trials of texts that nobody can have prepared for, and of those that have broken somebody's code.

    `model` is the subject's, for whose tokenizer hostile texts are made. `unremembered` is given the reference, for
    texts that nobody asks about twice.
    """

    def fresh(asking: Asking) -> Calls:
        n_items = min(FEW, asking.workload.n_items)
        workload = replace(asking.workload, form="ragged", seed=asking.seed, n_items=n_items, given=())
        yield Call(asking.inputs(None, workload), unremembered(asking.reference))

    def hostile(asking: Asking) -> Calls:
        found = hostile_texts(model(asking.subject))
        asking.untried |= dict.fromkeys(found.untried)
        for texts in found.calls:
            if kept := tuple(text for text in texts if text not in asking.defects):
                yield Call(asking.inputs(None, _given(asking.workload, kept)), asking.reference)

    def singly(asking: Asking) -> dict[str, Workload]:
        return {text: _given(asking.workload, (text,)) for text in hostile_texts(model(asking.subject)).texts}

    return (
        Trial("fresh texts", "only known texts are answered", fresh, seeded=True),
        Trial("hostile texts", "some texts are read wrongly", hostile, singly=singly),
    )


def _given(workload: Workload, texts: tuple[str, ...]) -> Workload:
    return replace(workload, form="given", given=texts, n_items=len(texts))


OF_MODELS = (
    *of_texts(lambda subject: subject.model, Oracle.unremembered),
    Trial("other SAE weights", "weights are known by the SAE's name or identity", picked(few, sae_weights_rolled)),
    Trial("other model weights", "activations are known by text or model", picked(few, model_weights_rolled)),
)
"""Of every pair that runs a model."""

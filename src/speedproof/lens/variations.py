"""Other values of the arguments that a model's pairs have: models, SAEs, hooks, categories of texts."""

import copy
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from speedproof.pairs.contract import Inputs
from speedproof.pairs.variations import Changed, Variation, plain

from .alterations import roll_features, roll_weights, weights_rolled
from .oracle import Oracle
from .subject import Subject


def _other_models(inputs: Inputs, subject: Subject, oracle: Oracle) -> Iterator[Changed]:
    """Another model of the same shape, loaded anew, with other weights."""
    # A copy will not do: what a bridge's parts hold of each other would still be the first model's.
    model = replace(subject).model
    roll_weights(model, 1)
    subject.settle()
    yield {"model": model}, oracle.of_altered_model(weights_rolled)


def _other_saes(inputs: Inputs, subject: Subject, oracle: Oracle) -> Iterator[Changed]:
    """A copy of the present SAE in which each feature is the next one: no name, hook or shape tells the two apart."""
    rolled = copy.deepcopy(inputs["sae"])
    roll_features(rolled, 1)
    yield {"sae": rolled}, oracle


def _other_sets_of_saes(inputs: Inputs, subject: Subject, oracle: Oracle) -> Iterator[Changed]:
    """Fewer SAEs, the last one first and under another name."""
    saes = inputs["saes"]
    names = list(saes)
    yield (
        {"saes": {"under another name": saes[names[-1]], **{name: saes[name] for name in names[: len(names) // 2]}}},
        oracle,
    )


def _other_hooks(inputs: Inputs, subject: Subject, oracle: Oracle) -> Iterator[Changed]:
    """Other hooks whose values have the same shape: the subject's, and then those of the same kind in other blocks."""
    present = inputs["hook_name"]
    kind = present.split(".", 2)[-1]
    own = [name for name in subject.hook_names if name != present]
    alike = [name for name in inputs["model"].hook_dict if name.split(".", 2)[-1] == kind and name != present]
    for name in dict.fromkeys([*own, *alike]):
        if name.split(".", 2)[-1] == kind:
            yield {"hook_name": name}, oracle


def _other_categories(inputs: Inputs) -> Sequence[Any]:
    """The same names with the members of the next one; then fewer, by other names, each with every other text."""
    names, texts = list(inputs["categories"]), inputs["texts"]
    members = list(inputs["categories"].values())
    rotated = dict(zip(names, [*members[1:], members[0]], strict=True))
    return [rotated, {"odd": texts[1::2], "even": texts[::2], "absent": ["no such text"]}]


OTHER_MODEL = Variation("model", _other_models)
OTHER_SAE = Variation("sae", _other_saes)
OTHER_SAES = Variation("saes", _other_sets_of_saes)
OTHER_HOOK = Variation("hook_name", _other_hooks)
OTHER_CATEGORIES = plain("categories", _other_categories)

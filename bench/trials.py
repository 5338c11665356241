"""The calls that the gate makes of a candidate: on which items, with which arguments, what is altered in between."""

import random
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from .alterations import Alter, items_refilled, model_weights_rolled, nothing_altered, sae_weights_rolled
from .equivalence import Inputs
from .finding import Pair
from .hostile import hostile_texts
from .oracle import Oracle
from .subject import Subject
from .variations import Changed, Variation, together
from .workload import FORMS_WITH_TEXTS, Workload

FEW = 4
"""Items of a trial that needs but a few: enough to have an order, and few enough for a large model in float64."""
VARIED = 8
"""Items of a trial of arguments: one of each of the seven categories and one more, so that counts and ranks differ."""

OTHER_VALUES = 2
"""Values of an argument that are asked about: one may be right by chance, as where a bound is built in."""

How = Literal["by name", "by position", "defaults left out"]


@dataclass(frozen=True)
class Call:
    """One call of the candidate, and the oracle that knows its answer."""

    inputs: Inputs
    oracle: Oracle
    how: How = "by name"


@dataclass
class Asking:
    """What trials are made of, and what a check has to say of them."""

    pair: Pair
    workload: Workload
    subject: Subject
    oracle: Oracle
    seed: int
    left_out: frozenset[str]
    passes: Callable[[Inputs, Oracle, Any], bool]
    """Whether an output would pass for the answer to these inputs."""
    defects: set[str] = field(default_factory=set)
    """Hostile texts on which the definition itself is wrong, so that nothing follows from what a candidate says."""
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
        return self.pair.inputs(workload or self.workload, self.subject, None if items is None else list(items))


Calls = Generator[Call, Any, None]
"""Calls to be made in this order; each is sent the output."""


@dataclass(frozen=True)
class Trial:
    """One question put to the candidate, in one call or in several."""

    name: str
    why: str
    """What is wrong with who fails it."""
    calls: Callable[[Asking], Calls]
    needs: Callable[[Pair, Workload], bool] = lambda pair, workload: True
    """Whether the trial makes sense for a pair and workload."""
    seeded: bool = False
    """Whether the check's seed decides what is asked."""
    may_exceed: bool = False
    """Whether it may ask what the definition is wrong about."""


def _pick(items: Callable[[int], Sequence[int]], alter: Alter | None = None) -> Callable[[Asking], Calls]:
    """A call on these items; with `alter` a second one with the same objects, which may be changed in between."""

    def calls(asking: Asking) -> Calls:
        inputs = asking.inputs(items(asking.workload.n_items))
        yield Call(inputs, asking.oracle)
        if alter:
            with alter(inputs, asking.subject, asking.oracle) as oracle:
                yield Call(inputs, oracle)

    return calls


def _few(n: int) -> range:
    return range(min(FEW, n))


def _fresh_texts(asking: Asking) -> Calls:
    n_items = min(FEW, asking.workload.n_items)
    workload = replace(asking.workload, form="ragged", seed=asking.seed, n_items=n_items, given=())
    yield Call(asking.inputs(None, workload), asking.oracle.unremembered())


def hostile_workload(pair: Pair, workload: Workload, subject: Subject) -> tuple[Workload, tuple[str, ...]]:
    """The hostile texts as a workload, and what is not among them."""
    found = hostile_texts(subject.model if pair.uses_model else None)
    return replace(workload, form="given", given=found.texts, n_items=len(found.texts)), found.untried


def _hostile_texts(asking: Asking) -> Calls:
    workload, untried = hostile_workload(asking.pair, asking.workload, asking.subject)
    asking.untried |= dict.fromkeys(untried)
    kept = tuple(text for text in workload.given if text not in asking.defects)
    if kept:
        yield Call(asking.inputs(None, replace(workload, given=kept, n_items=len(kept))), asking.oracle)


def _varied(variation: Variation) -> Callable[[Asking], Calls]:
    """The same call with other values of one argument, and with the first one again."""

    def calls(asking: Asking) -> Calls:
        if asking.plain is None:
            inputs = asking.inputs(range(min(VARIED, asking.workload.n_items)))
            asking.plain = inputs, (yield Call(inputs, asking.oracle))
        (inputs, output), told_apart = asking.plain, 0
        for changes, oracle in variation.values(inputs, asking.subject, asking.oracle):
            varied = {**inputs, **changes}
            if not asking.passes(varied, oracle, output):
                asking.n_told_apart += 1
                asking.changed.setdefault(variation.argument, (changes, oracle))
                told_apart += 1
                yield Call(varied, oracle)
            if told_apart == OTHER_VALUES:
                break
        if told_apart:
            yield Call(inputs, asking.oracle)
            return
        asking.untried[f"another {variation.argument}, since none that was found changes the answer"] = None

    return calls


def _several(asking: Asking) -> Calls:
    """All that may vary at once, and then, one after another, all but one of it."""
    if asking.plain:
        for varied, oracle in together(asking.changed, asking.plain[0], asking.oracle):
            yield Call(varied, oracle)


def _by_position(asking: Asking) -> Calls:
    yield Call(asking.inputs(_few(asking.workload.n_items)), asking.oracle, "by position")


def _defaults(asking: Asking) -> Calls:
    """With the defaults in force, which the inputs may not be."""
    inputs = asking.inputs(range(min(VARIED, asking.workload.n_items)))
    yield Call({**inputs, **asking.pair.defaults}, asking.oracle, "defaults left out")


def _has_texts(pair: Pair, workload: Workload) -> bool:
    return workload.form in FORMS_WITH_TEXTS


def _has_model(pair: Pair, workload: Workload) -> bool:
    return pair.uses_model


def _varies_much(pair: Pair, workload: Workload) -> bool:
    return len(pair.variations) > 1


def _has_defaults(pair: Pair, workload: Workload) -> bool:
    return bool(pair.defaults)


TRIALS = (
    Trial("all items", "what is going to be timed, asked for twice", _pick(range, nothing_altered)),
    Trial("backwards", "the answer hangs on the order", _pick(lambda n: range(n - 1, -1, -1))),
    Trial("second half", "the answer hangs on which items come along", _pick(lambda n: range(n // 2, n))),
    Trial("repeated", "equal items are merged", _pick(lambda n: [0, *range(n // 3), 0])),
    Trial("one item", "a single item loses its dimension", _pick(lambda n: [n // 2])),
    Trial("fresh texts", "only known texts are answered", _fresh_texts, _has_texts, seeded=True),
    Trial("hostile texts", "some texts are read wrongly", _hostile_texts, _has_texts, may_exceed=True),
    Trial("refilled list", "the list is known by its identity", _pick(_few, items_refilled)),
    Trial(
        "other SAE weights",
        "weights are known by the SAE's name or identity",
        _pick(_few, sae_weights_rolled),
        _has_model,
    ),
    Trial(
        "other model weights", "activations are known by text or model", _pick(_few, model_weights_rolled), _has_model
    ),
    Trial("by position", "arguments are taken by name alone", _by_position),
    Trial("defaults left out", "an argument that has a default must be given", _defaults, _has_defaults),
)
"""Of every pair for which they make sense, in the order in which they are made."""
SEVERAL = Trial("several arguments", "one argument decides how another is read", _several, _varies_much)
"""Comes behind the trials of single arguments, whose refusals say more."""
VARIED_ARGUMENTS = (
    *("model", "sae", "saes", "hook_name", "feature_idx", "top_k", "activation_threshold", "threshold", "categories"),
    *("sae_name", "sae_path", "sae_lens_cache", "hf_cache"),
)
"""Arguments of which a pair may have a variation (`Pair.variations`); the trial of each is named by `OTHER`."""
OTHER = "other {}"
ALTERED = ("features written into", "other files", "saved directly", "half saved")
"""Trials that one pair alone has, by the name that it gives them (`Pair.alterations`)."""


def trials_for(pair: Pair, workload: Workload) -> tuple[Trial, ...]:
    """The trials that apply: no weights are altered where there is no model, no texts are drawn where there are none.

    Then each argument gets another value. What a pair alone can have altered under its inputs comes last.
    """
    general = [trial for trial in TRIALS if trial.needs(pair, workload)]
    several = [SEVERAL] if SEVERAL.needs(pair, workload) else []
    varied = [Trial(v.name, f"the answer does not follow {v.argument}", _varied(v)) for v in pair.variations]
    return (*general, *varied, *several, *(_private(*alteration) for alteration in pair.alterations))


def _private(name: str, why: str, alter: Alter) -> Trial:
    """A trial whose surroundings, such as files, are its own."""

    def calls(asking: Asking) -> Calls:
        workload = replace(asking.workload, seed=asking.seed)
        inputs = asking.inputs(_few(workload.n_items), workload)
        output = yield Call(inputs, asking.oracle)
        with alter(inputs, asking.subject, asking.oracle) as oracle:
            asking.n_told_apart += not asking.passes(inputs, oracle, output)
            yield Call(inputs, oracle)

    return Trial(name, why, calls, seeded=True)


def new_seed() -> int:
    """A seed that nobody can know beforehand."""
    return random.SystemRandom().getrandbits(32)

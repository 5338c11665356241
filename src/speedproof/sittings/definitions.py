"""What a definition answered, kept for the next arm of the same function: the same question has the same answer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from speedproof.gate import outputs, state
from speedproof.gate.baseline import Baseline
from speedproof.gate.check import Check
from speedproof.pairs.contract import Evidence
from speedproof.pairs.references import resolve


@dataclass
class _Answered:
    """A definition's answers to one workload, and all that they hang on."""

    about: tuple[Any, ...]
    without: frozenset[str]
    """Rules that did not count: what was found right by some rules is right by fewer."""
    evidence: Evidence
    took_s: float
    autograd: tuple[bool, bool]
    outputs: list[Any]
    fingerprint: str
    """Of the outputs, so that nobody's writing into them passes for the definition's."""
    changes: state.Usual


class Definitions:
    """Makes checks that share one definition's answers, the last one's: an answer may hold a large graph.

    They are given again for the same pair, workload, subject and content of every weight. Every candidate is still
    asked for itself, and a definition that is refused is asked each time.
    """

    def __init__(self) -> None:
        self._last: _Answered | None = None

    def check(self, *asked: Any) -> Check:
        """As `Check`, with these arguments."""
        check = Check(*asked)
        check.definition = _Remembered(**vars(check.definition), definitions=self)
        check.asking.passes = check.definition.passes
        return check

    def known(self, baseline: Baseline, about: tuple[Any, ...]) -> _Answered | None:
        """What is known of this definition, if that is of exactly this and stands as it was given."""
        last = self._last
        if last is None or last.about != about or not last.without <= baseline.without:
            return None
        return last if _fingerprint(baseline, last.outputs) == last.fingerprint else None

    def keep(self, baseline: Baseline, about: tuple[Any, ...], evidence: Evidence) -> _Answered:
        """Keeps what the definition just answered, in place of what was kept before."""
        kept = list(baseline.outputs)
        self._last = _Answered(
            about,
            baseline.without,
            evidence,
            baseline.took_s,
            baseline.autograd,
            kept,
            _fingerprint(baseline, kept),
            baseline.changes,
        )
        return self._last

    def forget(self) -> None:
        """Lets go of what is kept, so that its memory is free."""
        self._last = None


@dataclass
class _Remembered(Baseline):
    """A definition that is not called for what it has answered already."""

    definitions: Definitions = field(default_factory=Definitions)

    def evidence(self) -> Evidence:
        """As the baseline's own; what is handed out is a copy."""
        # An earlier candidate may have written into the weights, so it is their content that counts.
        about = self.pair, self.workload, self.subject, _content(self.modules)
        known = self.definitions.known(self, about) or self.definitions.keep(self, about, super().evidence())
        self.took_s, self.autograd, self.changes = known.took_s, known.autograd, known.changes
        self.outputs = list(known.outputs)
        return replace(known.evidence, worst_errors=dict(known.evidence.worst_errors))


def _fingerprint(baseline: Baseline, answers: list[Any]) -> str:
    return outputs.fingerprint(baseline.pair.kit, {"answers": answers})


def _content(modules: Mapping[str, Any]) -> tuple[Any, ...]:
    """What every tensor of the modules holds. Where there are modules, their libraries are loaded already."""
    if not modules:
        return ()
    tensors_of: Callable[[Any], Any] = resolve("speedproof.lens.weights:tensors_of")
    content: Callable[[Any], str] = resolve("speedproof.tensors.aspects.content:content")
    return tuple(
        (name, place, str(tensor.dtype), tuple(tensor.shape), content(tensor))
        for name, module in modules.items()
        for place, tensor in tensors_of(module)
    )

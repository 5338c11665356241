"""Plants: changes put into a copy of the twins, and how each must be told.

Those of answers and work lie in twins of different findings, so that one copy holds them all.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from bench.findings import find
from speedproof.clock import elapsed_s
from speedproof.lens.subject import find_subject
from speedproof.pairs.finding import TWINS
from speedproof.pairs.question import Question
from speedproof.sides.outcome import Outcome

SLOWDOWN = 0.05
"""Planted extra time, as a share of the fastest call."""
OLDER = "transformer-lens==3.0.0+sae-lens==6.54.12"
"""The changed dependency: a column of the matrix, so that its environment is made once for both."""
_SIDE = 24
"""Side of the matrices of the extra work: some microseconds a product, so that a short call can be slowed finely."""


@dataclass(frozen=True)
class Plant:
    """A change of one batched twin: code that is put at the end of its file, and how it must be told."""

    name: str
    finding: str
    function: str
    code: str
    found: Callable[[Outcome], bool]
    timed: bool = False

    @property
    def question(self) -> Question:
        """What both sides are asked. Time is asked in one thread, since two wait for each other on a loaded machine."""
        finding = find(self.finding)
        pair = finding.pair(self.function)
        workload = replace(pair.workload("report"), n_threads=1) if self.timed else pair.workload("smoke")
        return Question(finding.target(pair.name), workload, arm=TWINS[1])


def _wrapped(function: str, body: str) -> str:
    """Code that replaces a function by one that does `body`, in which `plain` is what it was."""
    return f"""

def _planted(plain):
    import functools

    @functools.wraps(plain)
    def twin(*args, **kwargs):
        {body}

    return twin


{function} = _planted({function})
"""


def _counts(name: str, more: int) -> Callable[[Outcome], bool]:
    def found(one: Outcome) -> bool:
        before, after = one.body.counts.get(name, (None, None))
        return before is not None and after is not None and after - before == more

    return found


def _differs(one: Outcome) -> bool:
    return bool(one.body.answers and one.body.answers.status in ("rounding", "different"))


def _any(one: Outcome) -> bool:
    return not one.identical


_PASS = "kwargs['model'](kwargs['model'].to_tokens(kwargs['texts'][0]))\n        return plain(*args, **kwargs)"
_SCAN = "_listed(os.fspath(args[1]))\n        return plain(*args, **kwargs)"

EXACT = (
    Plant(
        "one forward pass",
        "text_batching",
        "extract_features",
        _wrapped("extract_features", _PASS),
        _counts("forward_passes", 1),
    ),
    Plant(
        "one directory scan",
        "sae_cache",
        "check_sae_cached",
        _wrapped("_candidates", _SCAN),
        _counts("directory_scans", 1),
    ),
    Plant(
        "sixth digit",
        "grad_mode",
        "collect_activations",
        _wrapped("collect_activations", "return plain(*args, **kwargs) * (1 + 4e-6)"),
        _differs,
    ),
)
"""Changes of answers and work."""

DEPENDENCY = Plant("another TransformerLens", "text_batching", "find_features_for_concept", "", _any)
"""No change of the twins: the other side has another release of a library."""


def unplanted(plant: Plant) -> Plant:
    """The same question of an identical copy, of which nothing may be told."""
    name = "none, timed" if plant.timed else "none"
    return replace(plant, name=name, code="", found=_any)


def slower() -> Plant:
    """A batched twin that takes `SLOWDOWN` longer on this machine, by work of its own and not by sleeping."""
    name, function = f"{SLOWDOWN:.0%} slower", "analyze_specialists"
    plain = Plant(name, "category_lookup", function, "", lambda one: one.time == "slower", timed=True)
    body = f"left = torch.ones({_SIDE}, {_SIDE})\n        for _ in range({_products(plain.question)}):\n"
    body += "            left @ left\n        return plain(*args, **kwargs)"
    return replace(plain, code=_wrapped(function, body))


def _products(question: Question) -> int:
    """How many products make the planted slowdown, by the fastest of many calls."""
    import torch

    pair, workload = question.pair, question.workload
    torch.set_num_threads(workload.n_threads)
    inputs = pair.inputs(workload, find_subject(workload.subject), None)
    left = torch.ones(_SIDE, _SIDE)

    def products() -> None:
        for _ in range(100):
            left @ left

    call_s = min(elapsed_s(partial(pair.batched, **inputs))[1] for _ in range(200))
    product_s = min(elapsed_s(products)[1] for _ in range(200)) / 100
    return max(1, round(SLOWDOWN * call_s / product_s))

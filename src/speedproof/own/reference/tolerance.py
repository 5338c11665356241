"""The tolerance: how far an answer may be off, and where that number comes from.

Floating-point numbers may be off by twice the reference's own error, known from a run in higher precision, and by what
rounding the inputs once would do: the spread of the reference's answer where every floating-point input is moved by at
most one unit in the last place, per element of the answer, times the square root of the number of inputs, which bounds
the longest sum. Source of the first: PyTorch's dynamo benchmarks (`torch/_dynamo/utils.py`, `same`). Of the second: a
backward stable algorithm answers exactly for inputs that close (Higham, Accuracy and Stability of Numerical Algorithms,
section 1.5). Of the square root: Higham and Mary 2019, doi:10.1137/18M1226312, theorem 2.4.
"""

import math
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

from speedproof.own.values.bands import (
    Band,
    distance,
    exceeds,
    known,
    larger,
    largest,
    of_whole_number,
    roundings,
    where_finite,
)
from speedproof.own.values.differences import exact_difference, exact_part
from speedproof.own.values.leaf import Leaf, Leaves
from speedproof.own.values.leaves import given, n_floats, n_values
from speedproof.own.values.precise import Precise
from speedproof.pairs.marks import is_array, numpy

from .nearby import changed, longest_sum, mixer, mover, n_moved, wider
from .outcome import Run
from .rounding import turned

REFERENCE_FACTOR = 2.0
"""Times the reference's own error that a candidate may be off: of two equally good roundings either may be closer."""
FEW = 8
"""Up to so many floating-point inputs are moved one at a time, and the effects added; more are moved together."""
N_MOVES = 8
"""Times that many inputs are moved together, each by -1, 0 or +1 unit in the last place."""
N_MOVES_OF_GRADIENTS = 2
"""The same for a gradient, of which only the farthest number counts."""
SUSPECT = 1_000.0
"""Times the roundings of an answer beyond which it is looked whether it only jumps."""
FARTHER = 1_024
"""Times one unit in the last place that inputs are moved then."""
LINEAR = 32.0
"""An answer that rounding moves goes as far as its inputs, or this many times less far."""
NORMWISE = 32.0
"""Times the largest error in a gradient's tensor that each of its numbers may be off: by luck any may be small."""
TRUSTED = 100.0
"""Times what rounding the inputs does beyond which the reference's own error is none of rounding alone: the reference
is unstable, or takes another way in higher precision."""
OF_INPUTS = "what moving every input by one unit in the last place does"
UNSTABLE = (
    f"{OF_INPUTS}; the reference in higher precision answers otherwise by more than rounding does, so that counts not"
)


class Norm(NamedTuple):
    """A gradient is held to what is allowed of its tensor as a whole: rounding on the way back is as large as what is
    added up there, and not as the sum."""

    trusts_higher_precision: bool
    """Whether the answer itself in higher precision is the same one."""
    of_other_flows: Callable[..., Any]
    """The reference, answering with the gradients of other numbers that flow into the same answer."""


class _Inputs(NamedTuple):
    """Of the inputs what is counted of them; they themselves may be large."""

    n_values: int
    n_floats: int
    n_still: int
    """Floating-point numbers that could not be moved."""
    longest_sum: int

    @classmethod
    def of(cls, run: Run) -> "_Inputs":
        """Counted once, and given back."""
        # Anew each time, since looking at an iterator uses it up.
        held = given(run.inputs())
        n = n_floats(held)
        return cls(n_values(held), n, n - n_moved(dict(run.inputs())), longest_sum(dict(run.inputs())))


def band(run: Run, norm: Norm | None = None) -> Band:
    """How far an answer to the run's draw may be off; of gradients, with what is known of the answer itself."""
    own, inputs = run.outcome.leaves, _Inputs.of(run)
    with _quietly():
        may_trust = norm is None or norm.trusts_higher_precision
        floats = {place: leaf for place, leaf in own.items() if leaf.is_float}
        near = _near(run, inputs, floats, N_MOVES_OF_GRADIENTS if norm else N_MOVES)
        precise = _in_higher_precision(run) if may_trust else None
        errors = {p: distance(leaf.value, (precise or own)[p].value) for p, leaf in floats.items()}
        is_unstable = not norm and any(
            exceeds(errors[place], TRUSTED * near[place], leaf.value) for place, leaf in floats.items()
        )
        if is_unstable:
            precise, errors = None, dict.fromkeys(floats, 0.0)
        # What constants' roundings do to a gradient is far below what is allowed of it.
        by_rounding = {} if norm and precise else _by_turned_rounding(run, norm is not None)
        # Where the right answer is not known, what is held against the reference's is off by its error once more.
        factor = REFERENCE_FACTOR if precise else REFERENCE_FACTOR + 1
        own_error = {p: larger(errors[p], by_rounding.get(p, 0.0)) for p in floats}
        if norm:
            worst = _of_other_flows(run, norm) if precise else {}
            factor *= NORMWISE
            most = {p: factor * max(largest(own_error[p]), worst.get(p, 0.0)) + largest(near[p]) for p in floats}
            room = {p: 0 * own_error[p] + most[p] for p in floats}
        else:
            room = {p: factor * own_error[p] + near[p] for p in floats}
        right = {p: leaf._replace(value=known(leaf.value, (precise or own)[p].value)) for p, leaf in floats.items()}
        allowed = {p: where_finite(leaf.value, of_whole_number(p, leaf, room)) for p, leaf in floats.items()}
    ways = ["in higher precision"] * bool(precise) + ["rounding up and down"] * bool(by_rounding)
    told = UNSTABLE if is_unstable else _told(factor, ways, norm)
    if inputs.n_still > 0:
        told += f", of which {inputs.n_still:,} could not be moved"
    return Band(right, allowed, told)


def _told(factor: float, ways: list[str], norm: Norm | None) -> str:
    """Where a tolerance comes from, in words."""
    if not ways:
        return OF_INPUTS
    times = {2.0: "twice", 3.0: "three times"}.get(factor, f"{factor:.0f} times")
    error = "largest of the reference's own errors" if norm else "reference's own error"
    return f"{times} the {error} ({', and '.join(ways)}), and {OF_INPUTS}"


@contextmanager
def _quietly() -> Iterator[None]:
    """What overflows in higher precision, or near a limit, is not the user's warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if np := numpy():
            with np.errstate(all="ignore"):
                yield
        else:
            yield


def _in_higher_precision(run: Run) -> Leaves | None:
    """The reference's answer with wider inputs; None where it does not run so, or answers something else."""
    if not _holds_wider(given(run.inputs()), given(changed(dict(run.inputs()), wider))):
        return None
    found, own = run.says(run.reference, changed(dict(run.inputs()), wider)), run.outcome.leaves
    if found is None or found.keys() != own.keys():
        return None
    for place, leaf in own.items():
        if leaf.is_float != found[place].is_float or (not leaf.is_float and not _same(leaf, found[place])):
            return None
        if leaf.is_float and is_array(leaf.value) and leaf.value.shape != getattr(found[place].value, "shape", None):
            return None
    # A plain float whose wider run gave one of NumPy's stays a single number.
    return {p: one._replace(value=one.value[()]) if _is_wider_alone(own[p], one) else one for p, one in found.items()}


def _of_other_flows(run: Run, norm: Norm) -> dict[str, float]:
    """Per place: the largest of the reference's own errors where other numbers flow back."""
    ways = run.inputs(), changed(dict(run.inputs()), wider)
    own, precise = (run.says(norm.of_other_flows, inputs) for inputs in ways)
    if own is None or precise is None:
        return {}
    floats = {place: leaf for place, leaf in own.items() if leaf.is_float and place in precise}
    return {place: largest(distance(leaf.value, precise[place].value)) for place, leaf in floats.items()}


def _by_turned_rounding(run: Run, is_gradient: bool) -> dict[str, Any]:
    """Per place: how far the answer moves where the processor rounds up or down, as far as rounding does that."""
    own, found = run.outcome.leaves, dict[str, Any]()
    floats = {place: leaf for place, leaf in own.items() if leaf.is_float}
    scale = max((largest(leaf.value) for leaf in floats.values()), default=0.0)
    for function in turned(run.reference, run.took_cpu_s) if floats else ():
        said = run.says(function, run.inputs())
        if said is None or exact_difference(exact_part(own), exact_part(said)):
            continue
        for place, leaf in floats.items():
            moved = distance(leaf.value, said[place].value) if place in said else 0.0
            # On the way back it may be far larger than what comes out.
            most = math.inf if is_gradient else math.sqrt(_unit(leaf.value)) * scale
            if not exceeds(moved, most, leaf.value):
                found[place] = larger(found.get(place, 0.0), where_finite(leaf.value, moved))
    return found


def _near(run: Run, inputs: _Inputs, floats: Leaves, n_moves: int) -> dict[str, Any]:
    """Per place: what inputs beside the ones that were given may do, and rounding the answer itself."""
    reach = math.sqrt(max(inputs.longest_sum, inputs.n_values))
    spread = _spread(run, inputs, n_moves)
    return {place: reach * (spread.pop(place, 0.0) + roundings(leaf)) for place, leaf in floats.items()}


def _spread(run: Run, inputs: _Inputs, n_moves: int) -> dict[str, Any]:
    """Per place: how far the answer moves where the inputs do."""
    n = inputs.n_floats
    if inputs.longest_sum > 1:
        # The weights are moved too.
        n = max(n, FEW + 1)
    moves = [partial(mover, n, i) for i in range(n)] if n <= FEW else [partial(mixer, i) for i in range(n_moves)]
    found: dict[str, Any] = {}
    for move in moves:
        for place, moved in _without_jumps(run, move).items():
            before = found.get(place, 0.0)
            found[place] = before + moved if n <= FEW else larger(before, moved)
    return found


def _without_jumps(run: Run, move: Callable[..., Any]) -> dict[str, Any]:
    """Per place: how far one move takes the answer. Where it jumps that is none of rounding, and counts nothing.

    It jumps where moving the inputs much farther takes it hardly farther, as where two equal keys are sorted.
    """
    own = run.outcome.leaves
    moved = _moved(run, move())
    suspect = {p: exceeds(far, roundings(own[p], SUSPECT), own[p].value) for p, far in moved.items()}
    if not any(suspect.values()):
        return moved
    farther = _moved(run, move(units=FARTHER))
    for place in (place for place, is_suspect in suspect.items() if is_suspect):
        far, much_farther = moved[place], farther.get(place, 0.0)
        if is_array(far):
            jumps = (far > roundings(own[place], SUSPECT)) & (much_farther < far * FARTHER / LINEAR)
            moved[place] = numpy().where(jumps | ~numpy().isfinite(far), 0.0, far)
        elif not math.isfinite(far) or much_farther < far * FARTHER / LINEAR:
            moved[place] = 0.0
    return moved


def _moved(run: Run, move: Callable[[Any], Any]) -> dict[str, Any]:
    """Per place: how far the answer is from the reference's own where the inputs are moved so."""
    own = run.outcome.leaves
    said = run.says(run.reference, changed(dict(run.inputs()), move))
    if said is None or exact_difference(exact_part(own), exact_part(said)):
        return {}
    floats = ((place, leaf) for place, leaf in own.items() if leaf.is_float and place in said)
    return {place: distance(leaf.value, said[place].value) for place, leaf in floats}


def _holds_wider(own: Leaves, wide: Leaves) -> bool:
    """Whether any number of the inputs became one of more digits, a model's weights among them."""
    return any(
        isinstance(leaf.value, Precise) or leaf.kind != own[place].kind or leaf.kind.startswith("module ")
        for place, leaf in wide.items()
        if place in own
    )


def _unit(value: Any) -> float:
    """Relative distance of two neighbouring numbers of its type."""
    return float(numpy().finfo(value.dtype).eps) if hasattr(value, "dtype") else 2.0**-52


def _is_wider_alone(own: Leaf, wide: Leaf) -> bool:
    return wide.is_float and is_array(wide.value) and not is_array(own.value)


def _same(one: Leaf, other: Leaf) -> bool:
    return exact_difference({"": one}, {"": other}) is None

"""What the reference answers to one draw, how far rounding may move that answer, and where that number comes from.

Floating-point numbers may be off by twice the reference's own error, known from a run in higher precision, and by what
rounding the inputs once would do: the spread of the reference's answer where every floating-point input is moved by at
most one unit in the last place, per element of the answer, times the square root of the number of inputs, which bounds
the longest sum. Source of the first: PyTorch's dynamo benchmarks (`torch/_dynamo/utils.py`, `same`). Of the second: a
backward stable algorithm answers exactly for inputs that close (Higham, Accuracy and Stability of Numerical Algorithms,
section 1.5). Of the square root: Higham and Mary 2019, doi:10.1137/18M1226312, theorem 2.4.
"""

import copy
import dataclasses
import math
import random
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from speedproof.gate import outputs
from speedproof.pairs.contract import TELLING_DISTANCE
from speedproof.pairs.kit import Kit
from speedproof.pairs.marks import is_array, numpy

from .draws import Draw, Drawn
from .leaves import (
    Difference,
    Leaf,
    Leaves,
    exact_difference,
    is_identical,
    is_module,
    is_tensor,
    leaves,
    n_floats,
    torch,
)
from .precise import Precise, distance

REFERENCE_FACTOR = 2.0
"""Times the reference's own error that a candidate may be off: of two equally good roundings either may be closer."""
FEW = 8
"""Up to so many floating-point inputs are moved one at a time, and the effects added; more are moved together."""
N_MOVES = 8
"""Times that many inputs are moved together, each by -1, 0 or +1 unit in the last place."""
ROUNDINGS = 2.0
"""Roundings of the answer itself that any way of working it out may add, in units of half the last place."""


@dataclass(frozen=True)
class Outcome:
    """What a function did with one set of arguments."""

    answer: Any
    error: Exception | None
    after: Leaves
    """The arguments after the call."""
    shares: bool
    """Whether the answer is in memory that an argument holds."""
    drawn: Any = None
    """Where the global random generators stand afterwards, from the draw's own start."""

    @cached_property
    def leaves(self) -> Leaves:
        """The answer, leaf by leaf."""
        return leaves(self.answer)


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


def ask(function: Callable[..., Any], inputs: Mapping[str, Any], kit: Kit, seed: int = 0) -> Outcome:
    """Calls the function, with the global random generators at a start of their own. What it raises is part of the
    outcome."""
    held = outputs.memory(kit, dict(inputs))
    before = random_states()
    seed_all(seed)
    try:
        answer = function(**inputs)
    except Exception as error:
        return Outcome(None, error, leaves(dict(inputs)), False, random_marks())
    else:
        shares = not outputs.memory(kit, answer).isdisjoint(held)
        return Outcome(answer, None, leaves(dict(inputs)), shares, random_marks())
    finally:
        put_back(before)


def seed_all(seed: int) -> None:
    """Sets Python's global generator, and NumPy's and torch's where they are imported."""
    random.seed(seed)
    if np := numpy():
        np.random.seed(seed % 2**32)
    if found := torch():
        found.random.default_generator.manual_seed(seed)


def random_states() -> tuple[Any, Any, Any]:
    """Where the global generators stand."""
    np, found = numpy(), torch()
    return (
        random.getstate(),
        np.random.get_state(legacy=False) if np else None,
        found.random.default_generator.get_state() if found else None,
    )


def put_back(states: tuple[Any, Any, Any]) -> None:
    """Has the global generators stand there again."""
    own, of_numpy, of_torch = states
    random.setstate(own)
    if of_numpy is not None:
        numpy().random.set_state(of_numpy)
    if of_torch is not None:
        torch().random.default_generator.set_state(of_torch)


def random_marks() -> tuple[Any, ...]:
    """The same as something that can be compared."""
    own, of_numpy, of_torch = random_states()
    state = of_numpy and of_numpy["state"]
    told = state and (state["key"].tobytes(), state["pos"], of_numpy["has_gauss"], of_numpy["gauss"])
    return own, told, of_torch if of_torch is None else of_torch.numpy().tobytes()


@dataclass(frozen=True)
class Band:
    """How far each floating-point number of an answer may be from the right one."""

    right: Leaves
    """The answer in higher precision where it can be had, else the reference's own."""
    allowed: Mapping[str, Any]
    """Place -> the largest error, one number or an array of them."""
    origin: str
    """Where that comes from, in words."""

    def difference(self, found: Leaves) -> Difference | None:
        """The place that is farthest beyond what is allowed. Structure is the same already."""
        worst: Difference | None = None
        for place, allowed in self.allowed.items():
            seen = _beyond(place, self.right[place], found[place], allowed, self.origin)
            if seen and (worst is None or (seen.excess or 0) > (worst.excess or 0)):
                worst = seen
        return worst

    def loosened(self, factor: float) -> "Band":
        """The same with more room."""
        return Band(self.right, {place: allowed * factor for place, allowed in self.allowed.items()}, self.origin)

    def worst_share(self, found: Leaves) -> float:
        """The largest error, as a share of what is allowed."""
        shares = [_share(self.right[place], found[place], allowed) for place, allowed in self.allowed.items()]
        return max(shares, default=0.0)


MOST_KEPT_BYTES = 64 * 2**20
"""Bytes of answers that are kept: asking again costs time, and large answers are the fewer the larger they are."""
LEAF_BYTES = 200
"""Bytes that one place of an answer takes, about."""


class Answers:
    """The reference's answers, each asked for once as long as there is room."""

    def __init__(self, reference: Callable[..., Any], kit: Kit) -> None:
        self.reference, self.kit = reference, kit
        self._known: dict[Draw, Answer] = {}
        self.before: Answer | None = None
        """The last one that was told apart from others."""
        self.asked: Draw | None = None
        """What the candidate was asked about last."""

    def of(self, draw: Draw) -> "Answer":
        """The answer to a draw."""
        if draw not in self._known:
            found = Answer(self.reference, draw, self.kit)
            while self._known and found.n_bytes + sum(one.n_bytes for one in self._known.values()) > MOST_KEPT_BYTES:
                self._known.pop(next(iter(self._known)))
            self._known[draw] = found
        return self._known[draw]


class Answer:
    """The reference's answer to one draw; the band around it is worked out where somebody asks for it."""

    def __init__(self, reference: Callable[..., Any], draw: Draw, kit: Kit) -> None:
        self.reference, self.draw, self.kit = reference, draw, kit
        self.outcome = ask(reference, draw.make(), kit, draw.seed)

    @cached_property
    def n_bytes(self) -> int:
        """About how much memory it holds."""
        held = (*self.outcome.after.values(), *(() if self.outcome.error else self.outcome.leaves.values()))
        return sum(leaf.value.nbytes if is_array(leaf.value) else LEAF_BYTES for leaf in held)

    def repeats(self) -> bool:
        """Whether the reference, asked again, says the same."""
        again = ask(self.reference, self.draw.make(), self.kit, self.draw.seed)
        if self.outcome.error or again.error:
            return type(self.outcome.error) is type(again.error)
        return is_identical(self.outcome.leaves, again.leaves)

    @cached_property
    def changes_inputs(self) -> bool:
        """Whether the reference leaves its arguments as others than it got them."""
        return not is_identical(leaves(dict(self.draw.make())), self.outcome.after)

    @cached_property
    def band(self) -> Band:
        """How far an answer to this draw may be off."""
        own, given = self.outcome.leaves, leaves(dict(self.draw.make()))
        with _quietly():
            precise = self._in_higher_precision()
            spread = self._spread(given)
        right = {place: (precise or own)[place] for place, leaf in own.items() if leaf.is_float}
        reach = math.sqrt(max(_longest_sum(dict(self.draw.make())), n_floats(given)))
        allowed = {}
        for place, leaf in right.items():
            own_error = _distance(own[place].value, leaf.value) if precise else 0.0
            unit = ROUNDINGS * _half_unit(own[place].value)
            allowed[place] = REFERENCE_FACTOR * own_error + reach * (spread.get(place, 0.0) + unit)
        told = "twice the reference's own error against a run in higher precision, and " if precise else ""
        told += "what moving every input by one unit in the last place does"
        return Band(right, allowed, told)

    def _in_higher_precision(self) -> Leaves | None:
        """The reference's answer with wider inputs; None where it does not run so, or answers something else."""
        wide = _changed(dict(self.draw.make()), _wider)
        outcome = ask(self.reference, wide, self.kit, self.draw.seed)
        if outcome.error:
            return None
        found = outcome.leaves
        own = self.outcome.leaves
        if found.keys() != own.keys():
            return None
        for place, leaf in own.items():
            if leaf.is_float != found[place].is_float or (not leaf.is_float and not _same(leaf, found[place])):
                return None
            if (
                leaf.is_float
                and is_array(leaf.value)
                and leaf.value.shape != getattr(found[place].value, "shape", None)
            ):
                return None
        return found

    def _spread(self, given: Leaves) -> dict[str, Any]:
        """Per place: how far the answer moves where the inputs do."""
        n, own = n_floats(given), self.outcome.leaves
        if _longest_sum(dict(self.draw.make())) > 1:
            # The weights are moved too.
            n = max(n, FEW + 1)
        moves = [_mover(n, i) for i in range(n)] if n <= FEW else [_mixer(seed) for seed in range(N_MOVES)]
        found: dict[str, Any] = {}
        for move in moves:
            outcome = ask(self.reference, _changed(dict(self.draw.make()), move), self.kit, self.draw.seed)
            if outcome.error or exact_difference(_exact(own), _exact(outcome.leaves)):
                continue
            for place, leaf in own.items():
                if leaf.is_float and place in outcome.leaves:
                    moved = _distance(leaf.value, outcome.leaves[place].value)
                    before = found.get(place, 0.0)
                    found[place] = before + moved if n <= FEW else _larger(before, moved)
        return found

    def tells_apart(self, other: "Answer") -> bool:
        """Whether no output could pass for the answer to both draws."""
        one, two = self.outcome, other.outcome
        if self.changes_inputs and exact_difference(one.after, two.after):
            return True
        if one.error or two.error:
            return type(one.error) is not type(two.error)
        if _kinds(one.leaves) != _kinds(two.leaves) or exact_difference(_exact(one.leaves), _exact(two.leaves)):
            return True
        if is_identical(one.leaves, two.leaves):
            return False
        return self.band.loosened(TELLING_DISTANCE).difference(two.leaves) is not None


def _kinds(found: Leaves) -> dict[str, str]:
    return {place: leaf.kind for place, leaf in found.items()}


def _exact(found: Leaves) -> Leaves:
    return {place: leaf for place, leaf in found.items() if not leaf.is_float}


def _same(one: Leaf, other: Leaf) -> bool:
    return exact_difference({"": one}, {"": other}) is None


def _changed(value: Any, change: Callable[[Any], Any]) -> Any:
    """The value with every floating-point number, array or tensor in it replaced by what `change` makes of it."""
    if isinstance(value, float) or is_array(value) or is_tensor(value) or type(value).__module__ == "numpy":
        return change(value)
    if is_module(value):
        return _changed_module(value, change)
    if type(value) in (list, tuple):
        return type(value)(_changed(one, change) for one in value)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(_changed(one, change) for one in value))
    if type(value) in (dict, Drawn):
        return {key: _changed(one, change) for key, one in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        moved = copy.copy(value)
        for field in dataclasses.fields(value):
            object.__setattr__(moved, field.name, _changed(getattr(value, field.name), change))
        return moved
    return value


def _changed_module(module: Any, change: Callable[[Any], Any]) -> Any:
    """A copy of torch's module whose weights were changed."""
    found = copy.deepcopy(module)
    if change is _wider:
        return found.to(torch().float64)
    with torch().no_grad():
        for weight in (*found.parameters(), *found.buffers()):
            if weight.is_floating_point():
                weight.copy_(change(weight))
    return found


def _longest_sum(value: Any) -> int:
    """The most numbers that any way of working out one number of an answer adds up, as far as the inputs tell."""
    if is_module(value):
        return max((max(weight.shape, default=1) for weight in value.parameters()), default=1)
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return max(map(_longest_sum, parts), default=1)


def _wider(value: Any) -> Any:
    np = numpy()
    if is_tensor(value):
        if not value.is_floating_point() or value.dtype == torch().float64:
            return value
        return value.detach().double().requires_grad_(value.requires_grad)
    if np is not None and isinstance(value, np.ndarray | np.generic):
        if value.dtype.kind not in "fc":
            return value
        wide = np.longdouble if value.dtype.itemsize >= 8 else np.float64
        if value.dtype.kind == "c":
            wide = np.clongdouble if value.dtype.itemsize >= 16 else np.complex128
        return value.astype(wide)
    return Precise(value) if type(value) is float else value


def _mover(n: int, which: int) -> Callable[[Any], Any]:
    """Moves one floating-point number, the `which`-th that is met, by one unit in the last place."""
    met = -1

    def move(value: Any) -> Any:
        nonlocal met
        if not _is_floating(value):
            return value
        size = value.size if is_array(value) else value.numel() if is_tensor(value) else 1
        first, met = met + 1, met + size
        if not first <= which <= met:
            return value
        steps = [int(i == which - first) for i in range(size)]
        return _moved(value, steps)

    return move


def _mixer(seed: int) -> Callable[[Any], Any]:
    """Moves every floating-point number by -1, 0 or +1 unit in the last place."""
    rng = random.Random(seed)

    def move(value: Any) -> Any:
        if not _is_floating(value):
            return value
        if is_array(value) or is_tensor(value):
            size = value.size if is_array(value) else value.numel()
            return _moved(value, numpy().random.default_rng(rng.getrandbits(32)).integers(-1, 2, size))
        return _moved(value, [rng.choice((-1, 0, 1))])

    return move


def _is_floating(value: Any) -> bool:
    if is_tensor(value):
        return bool(value.is_floating_point())
    dtype = getattr(value, "dtype", None)
    return dtype.kind == "f" if dtype is not None else isinstance(value, float)


def _moved(value: Any, steps: Any) -> Any:
    if is_tensor(value):
        flat = value.detach().reshape(-1)
        by = torch().as_tensor(steps)
        to = torch().where(by > 0, math.inf, -math.inf).to(flat.dtype)
        moved = torch().where(by == 0, flat, torch().nextafter(flat, to)).reshape(value.shape)
        return moved.requires_grad_(value.requires_grad)
    if is_array(value):
        np = numpy()
        by = np.asarray(steps).reshape(value.shape)
        to = np.where(by > 0, np.inf, -np.inf).astype(value.dtype)
        return np.where(by == 0, value, np.nextafter(value, to)).astype(value.dtype)
    if not steps[0]:
        return value
    if type(value) is float:
        return math.nextafter(value, math.copysign(math.inf, steps[0]))
    return numpy().nextafter(value, type(value)(math.copysign(math.inf, steps[0])))


def _distance(one: Any, other: Any) -> Any:
    """Absolute, by element; equal infinities and two NaN are no distance, a NaN and a number an infinite one."""
    if is_array(one) or is_array(other):
        np = numpy()
        wide = [np.asarray(each, dtype=np.longdouble) for each in (one, other)]
        with np.errstate(all="ignore"):
            apart = np.abs(wide[0] - wide[1])
        alike = (wide[0] == wide[1]) | (np.isnan(wide[0]) & np.isnan(wide[1]))
        return np.where(alike, 0.0, np.where(np.isnan(apart), np.inf, apart)).astype(np.float64)
    one_f, other_f = float(one), float(other)
    if math.isnan(one_f) and math.isnan(other_f):
        return 0.0
    if isinstance(other, Precise):
        return distance(one_f, other)
    if one_f == other_f:
        # A wider float may hold more than what they have in common.
        return float(abs(other - one)) if math.isfinite(one_f) else 0.0
    apart = abs(one_f - other_f)
    return math.inf if math.isnan(apart) else apart


def _half_unit(value: Any) -> Any:
    """Half a unit in the last place of each number; none of what is not finite."""
    if is_array(value):
        np = numpy()
        return (
            np.where(np.isfinite(value), np.abs(np.spacing(np.where(np.isfinite(value), value, 0))), 0).astype(
                np.float64
            )
            / 2
        )
    dtype = getattr(value, "dtype", None)
    if dtype is not None:
        return float(abs(numpy().spacing(value))) / 2 if math.isfinite(float(value)) else 0.0
    return math.ulp(float(value)) / 2 if math.isfinite(value) else 0.0


def _larger(one: Any, other: Any) -> Any:
    return numpy().maximum(one, other) if is_array(one) or is_array(other) else max(one, other)


def _share(right: Leaf, found: Leaf, allowed: Any) -> float:
    apart = _distance(found.value, right.value)
    if is_array(apart):
        np = numpy()
        with np.errstate(all="ignore"):
            shares = np.where(apart == 0, 0.0, apart / np.asarray(allowed, dtype=np.float64))
        return float(np.nan_to_num(shares, nan=math.inf, posinf=math.inf).max(initial=0.0))
    if apart == 0:
        return 0.0
    return apart / allowed if allowed > 0 else math.inf


def _beyond(place: str, right: Leaf, found: Leaf, allowed: Any, origin: str) -> Difference | None:
    share = _share(right, found, allowed)
    if not share > 1:
        return None
    apart = _distance(found.value, right.value)
    value, expected, limit, more = found.value, right.value, allowed, ""
    if is_array(apart):
        np = numpy()
        with np.errstate(all="ignore"):
            shares = np.nan_to_num(
                np.where(apart == 0, 0, apart / np.asarray(allowed, dtype=np.float64)), nan=np.inf, posinf=np.inf
            )
        at = np.unravel_index(int(shares.argmax()), apart.shape)
        where = ", ".join(str(int(i)) for i in at)
        place, value, expected, apart = f"{place}[{where}]" if where else place, value[at], expected[at], apart[at]
        limit = np.broadcast_to(np.asarray(allowed), shares.shape)[at]
        wrong = int((shares > 1).sum())
        more = f" {wrong} of {shares.size} are beyond it." if shares.size > 1 else ""
    times = (
        f"{share:,.0f} times"
        if math.isfinite(share) and share >= 10
        else f"{share:.1f} times"
        if math.isfinite(share)
        else "infinitely"
    )
    return Difference(
        "element",
        place,
        f"is {float(value)!r}, expected {float(expected)!r}: off by {float(apart):.1e}, {times} the {float(limit):.1e} "
        f"that is allowed ({origin}).{more}",
        share,
    )

"""What the reference answers to one draw, how far rounding may move that answer, and where that number comes from.

Floating-point numbers may be off by twice the reference's own error, known from a run in higher precision, and by what
rounding the inputs once would do: the spread of the reference's answer where every floating-point input is moved by at
most one unit in the last place, per element of the answer, times the square root of the number of inputs, which bounds
the longest sum. Source of the first: PyTorch's dynamo benchmarks (`torch/_dynamo/utils.py`, `same`). Of the second: a
backward stable algorithm answers exactly for inputs that close (Higham, Accuracy and Stability of Numerical Algorithms,
section 1.5). Of the square root: Higham and Mary 2019, doi:10.1137/18M1226312, theorem 2.4.
"""

import math
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any, NamedTuple

from speedproof.callables import name_of
from speedproof.clock import monotonic_s
from speedproof.errors import BadInput, SpeedproofError
from speedproof.failures import reason
from speedproof.gate import outputs
from speedproof.pairs.contract import TELLING_DISTANCE
from speedproof.pairs.kit import Kit
from speedproof.pairs.marks import is_array, numpy

from .draws import Draw, Drawn
from .effects.files import FILES, noted, written_outside
from .effects.process import Place, kept_apart
from .effects.random_numbers import put_back, random_marks, random_states, seed_all
from .gradients import gradients_of
from .nearby import changed, longest_sum, mixer, mover, n_moved, wider
from .rounding import turned
from .values.bands import Band, distance, exceeds, known, larger, of_whole_number, roundings, where_finite
from .values.differences import exact_difference, is_identical
from .values.leaf import Leaf, Leaves
from .values.leaves import given, leaves, n_floats, n_values
from .values.precise import Precise

REFERENCE_FACTOR = 2.0
"""Times the reference's own error that a candidate may be off: of two equally good roundings either may be closer."""
FEW = 8
"""Up to so many floating-point inputs are moved one at a time, and the effects added; more are moved together."""
N_MOVES = 8
"""Times that many inputs are moved together, each by -1, 0 or +1 unit in the last place."""
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
OF_ITSELF = "twice the reference's own error (in higher precision, and rounding up and down), and "
OF_ROUNDING = "three times the reference's own error (rounding up and down), and "
OF_INPUTS = "what moving every input by one unit in the last place does"
UNSTABLE = (
    f"{OF_INPUTS}; the reference in higher precision answers otherwise by more than rounding does, so that counts not"
)


Carry = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""Makes of one side's values the other's: the same, but for objects of classes that each side's tree has."""


def as_they_are(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """What both sides take alike."""
    return values


class Between(NamedTuple):
    """How values go from the candidate's tree to the reference's, and back."""

    there: Carry = as_they_are
    back: Carry = as_they_are

    def reference_inputs(self, inputs: Drawn) -> Drawn:
        """The reference's arguments, of the candidate's."""
        found = Drawn(self.there(inputs))
        found.draw = inputs.draw
        return found


ONE_TREE = Between()


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
    left: Mapping[Place, Any] = field(default_factory=dict)
    """What it left changed in files, and of the process's state, where that was watched."""
    outside: tuple[str, ...] = ()
    """Files that it wrote outside the folder for temporary files, which nobody compares."""

    @cached_property
    def leaves(self) -> Leaves:
        """The answer, leaf by leaf."""
        return leaves(self.answer)

    @property
    def files(self) -> dict[str, Any]:
        """What it left in files, by path."""
        return {path: entry for (aspect, path), entry in self.left.items() if aspect == FILES}


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


def ask(
    function: Callable[..., Any],
    inputs: Mapping[str, Any],
    kit: Kit,
    seed: int = 0,
    of_state: bool = False,
    back: Carry = as_they_are,
) -> Outcome:
    """Calls the function, with the global random generators at a start of their own. What it raises is part of the
    outcome, and so is what it wrote and, with `of_state`, what it changed of the process's state; both are put back.
    `back` makes of its values what they are held against."""
    held = outputs.memory(kit, dict(inputs))
    before = random_states()
    seed_all(seed)
    answer, raised, shares = None, None, False
    try:
        with written_outside() as outside, kept_apart(kit, of_state) as left:
            try:
                answer = function(**inputs)
            except Exception as error:
                raised = error
            else:
                shares = not outputs.memory(kit, answer).isdisjoint(held)
                answer = back({"": answer})[""]
            after, drawn = given(back(inputs)), random_marks()
        return Outcome(answer, raised, after, shares, drawn, left, tuple(outside))
    finally:
        put_back(before)


MOST_KEPT_BYTES = 64 * 2**20
"""Bytes of answers that are kept: asking again costs time, and large answers are the fewer the larger they are."""
LEAF_BYTES = 200
"""Bytes that one place of an answer takes, about."""


class Answers:
    """The reference's answers, each asked for once as long as there is room."""

    def __init__(self, reference: Callable[..., Any], kit: Kit, between: Between = ONE_TREE) -> None:
        self.reference, self.kit, self.between = reference, kit, between
        self._known: dict[Draw, Answer] = {}
        self.of_state = True
        """Whether it is looked what the reference leaves changed of the process's state: until one knows of nothing."""
        self.before: Answer | None = None
        """The last one that was told apart from others."""
        self.first: Answer | None = None
        """Of something, before the candidate was ever called: it must stay what the reference says."""
        self.asked: Draw | None = None
        """What the candidate was asked about last."""

    def of(self, draw: Draw) -> "Answer":
        """The answer to a draw."""
        if draw not in self._known:
            found = self.fresh(draw)
            found.require_written_at_once()
            while self._known and found.n_bytes + sum(one.n_bytes for one in self._known.values()) > MOST_KEPT_BYTES:
                self._known.pop(next(iter(self._known)))
            self._known[draw] = found
            if self.first is None and draw.size > 1 and not found.outcome.error:
                self.first = found
        return self._known[draw]

    def fresh(self, draw: Draw) -> "Answer":
        """The answer to a draw, asked for now, and not kept."""
        return Answer(self.reference, draw, self.kit, self.of_state, self.between)


class Norm(NamedTuple):
    """A gradient is held to what is allowed of its tensor as a whole: rounding on the way back is as large as what is
    added up there, and not as the sum."""

    trusts_higher_precision: bool
    """Whether the answer itself in higher precision is the same one."""


class Answer:
    """The reference's answer to one draw; the band around it is worked out where somebody asks for it."""

    def __init__(
        self,
        reference: Callable[..., Any],
        draw: Draw,
        kit: Kit,
        of_state: bool = False,
        between: Between = ONE_TREE,
        norm: "Norm | None" = None,
    ) -> None:
        self.reference, self.draw, self.kit, self._of_state, self._between = reference, draw, kit, of_state, between
        self._norm = norm
        start_s = monotonic_s()
        self.outcome = self._ask(reference, self.inputs())
        self.took_s = monotonic_s() - start_s
        if self.outcome.left or self.outcome.outside:
            # What it loads or sets up once is no part of what it does.
            self.outcome = self._ask(reference, self.inputs())

    def inputs(self) -> Drawn:
        """The reference's arguments, made anew."""
        return self._between.reference_inputs(self.draw.make())

    def _ask(self, function: Callable[..., Any], inputs: Mapping[str, Any]) -> Outcome:
        return ask(function, inputs, self.kit, self.draw.seed, self._of_state, self._between.back)

    @cached_property
    def gradients(self) -> "Answer":
        """What flows back through it, as an answer of its own."""
        norm = Norm(self.band.origin != UNSTABLE)
        return Answer(gradients_of(self.reference), self.draw, self.kit, between=self._between, norm=norm)

    @cached_property
    def n_bytes(self) -> int:
        """About how much memory it holds."""
        held = (*self.outcome.after.values(), *(() if self.outcome.error else self.outcome.leaves.values()))
        return sum(leaf.value.nbytes if is_array(leaf.value) else LEAF_BYTES for leaf in held)

    def repeats(self) -> bool:
        """Whether the reference, asked again, says the same."""
        again = self._ask(self.reference, self.inputs())
        if self.outcome.error or again.error:
            return type(self.outcome.error) is type(again.error)
        return is_identical(self.outcome.leaves, again.leaves) and self.outcome.files == again.files

    def told_twice(self) -> str:
        """What it says of the same inputs one time and the next."""
        again = self._ask(self.reference, self.inputs())
        if self.outcome.files != again.files:
            return " and ".join(f"the files {', '.join(one.files) or 'none'}" for one in (self.outcome, again))
        return f"{self.outcome.answer!r:.80}, then {again.answer!r:.80}"

    def require_written_at_once(self) -> None:
        """Raises BadInput where the reference writes files only while somebody goes through its answer."""
        if self.outcome.error:
            return
        with written_outside() as outside, noted() as late:
            _ = self.outcome.leaves
        if late or outside:
            path = next(iter(outside), "") or next(iter(late))[1]
            raise BadInput(
                f"{name_of(self.reference)}, the reference, writes {path} while somebody goes through its answer. "
                "Expected a function that has written everything when it returns."
            )

    @cached_property
    def changes_inputs(self) -> bool:
        """Whether the reference leaves its arguments as others than it got them."""
        return not is_identical(given(self.inputs()), self.outcome.after)

    @cached_property
    def band(self) -> Band:
        """How far an answer to this draw may be off. Raises BadInput where that cannot be worked out."""
        try:
            return self._worked_out()
        except SpeedproofError:
            raise
        except Exception as error:
            # No output has a part in it, and none may be blamed.
            raise BadInput(
                f"How far numbers may be off could not be worked out for {self.draw.words}: {reason(error)}. Expected "
                "a tolerance of your own: same=numbers(rel=..., why=...)."
            ) from error

    def _worked_out(self) -> Band:
        own, inputs = self.outcome.leaves, dict(self.inputs())
        held = given(inputs)
        with _quietly():
            may_trust = self._norm is None or self._norm.trusts_higher_precision
            precise, spread = self._in_higher_precision() if may_trust else None, self._spread(held)
            reach = math.sqrt(max(longest_sum(inputs), n_values(held)))
            floats = {place: leaf for place, leaf in own.items() if leaf.is_float}
            near = {place: reach * (spread.get(place, 0.0) + roundings(leaf)) for place, leaf in floats.items()}
            errors = {p: distance(leaf.value, (precise or own)[p].value) for p, leaf in floats.items()}
            by_rounding = self._by_turned_rounding()
            if not self._norm and any(
                exceeds(errors[place], TRUSTED * near[place], leaf.value) for place, leaf in floats.items()
            ):
                precise, errors, told = None, dict.fromkeys(floats, 0.0), UNSTABLE
            else:
                of_itself = OF_ITSELF if precise else OF_ROUNDING if by_rounding else ""
                told = f"{of_itself}{OF_INPUTS}"
            if (n_still := n_floats(held) - n_moved(dict(self.inputs()))) > 0:
                told += f", of which {n_still:,} could not be moved"
            right = {p: leaf._replace(value=known(leaf.value, (precise or own)[p].value)) for p, leaf in floats.items()}
            # Where the right answer is not known, what is held against the reference's is off by its error once more.
            factor = REFERENCE_FACTOR if precise else REFERENCE_FACTOR + 1
            own_error = {p: larger(errors[p], by_rounding.get(p, 0.0)) for p in floats}
            room = {p: factor * own_error[p] + near[p] for p in floats}
            if self._norm:
                room = {p: 0 * room[p] + NORMWISE * factor * _largest(own_error[p]) + _largest(near[p]) for p in floats}
            allowed = {p: where_finite(leaf.value, of_whole_number(p, leaf, room)) for p, leaf in floats.items()}
        return Band(right, allowed, told)

    def _in_higher_precision(self) -> Leaves | None:
        """The reference's answer with wider inputs; None where it does not run so, or answers something else."""
        wide = changed(dict(self.inputs()), wider)
        if not _holds_wider(given(self.inputs()), given(wide)):
            return None
        outcome = self._ask(self.reference, wide)
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
        # A plain float whose wider run gave one of NumPy's stays a single number.
        return {
            p: one._replace(value=one.value[()]) if _is_wider_alone(own[p], one) else one for p, one in found.items()
        }

    def _by_turned_rounding(self) -> dict[str, Any]:
        """Per place: how far the answer moves where the processor rounds up or down, as far as rounding does that."""
        own, found = self.outcome.leaves, dict[str, Any]()
        floats = {place: leaf for place, leaf in own.items() if leaf.is_float}
        scale = max((_largest(leaf.value) for leaf in floats.values()), default=0.0)
        for function in turned(self.reference, self.took_s) if floats else ():
            outcome = self._ask(function, self.inputs())
            if outcome.error or exact_difference(_exact(own), _exact(outcome.leaves)):
                continue
            for place, leaf in floats.items():
                moved = distance(leaf.value, outcome.leaves[place].value) if place in outcome.leaves else 0.0
                # On the way back it may be far larger than what comes out.
                most = math.inf if self._norm else math.sqrt(_unit(leaf.value)) * scale
                if not exceeds(moved, most, leaf.value):
                    found[place] = larger(found.get(place, 0.0), where_finite(leaf.value, moved))
        return found

    def _spread(self, held: Leaves) -> dict[str, Any]:
        """Per place: how far the answer moves where the inputs do."""
        n = n_floats(held)
        if longest_sum(dict(self.inputs())) > 1:
            # The weights are moved too.
            n = max(n, FEW + 1)
        moves = [partial(mover, n, i) for i in range(n)] if n <= FEW else [partial(mixer, i) for i in range(N_MOVES)]
        found: dict[str, Any] = {}
        for move in moves:
            for place, moved in self._without_jumps(move).items():
                before = found.get(place, 0.0)
                found[place] = before + moved if n <= FEW else larger(before, moved)
        return found

    def _without_jumps(self, move: Callable[..., Any]) -> dict[str, Any]:
        """Per place: how far one move takes the answer. Where it jumps that is none of rounding, and counts nothing.

        It jumps where moving the inputs much farther takes it hardly farther, as where two equal keys are sorted.
        """
        own = self.outcome.leaves
        moved = self._moved(move())
        suspect = {p: exceeds(far, SUSPECT * roundings(own[p]), own[p].value) for p, far in moved.items()}
        if not any(suspect.values()):
            return moved
        farther = self._moved(move(units=FARTHER))
        for place in (place for place, is_suspect in suspect.items() if is_suspect):
            far, much_farther = moved[place], farther.get(place, 0.0)
            if is_array(far):
                jumps = (far > SUSPECT * roundings(own[place])) & (much_farther < far * FARTHER / LINEAR)
                moved[place] = numpy().where(jumps | ~numpy().isfinite(far), 0.0, far)
            elif not math.isfinite(far) or much_farther < far * FARTHER / LINEAR:
                moved[place] = 0.0
        return moved

    def _moved(self, move: Callable[[Any], Any]) -> dict[str, Any]:
        """Per place: how far the answer is from the reference's own where the inputs are moved so."""
        own = self.outcome.leaves
        outcome = self._ask(self.reference, changed(dict(self.inputs()), move))
        if outcome.error or exact_difference(_exact(own), _exact(outcome.leaves)):
            return {}
        return {
            place: distance(leaf.value, outcome.leaves[place].value)
            for place, leaf in own.items()
            if leaf.is_float and place in outcome.leaves
        }

    def tells_apart(self, other: "Answer") -> bool:
        """Whether no output could pass for the answer to both draws."""
        one, two = self.outcome, other.outcome
        if self.changes_inputs and exact_difference(one.after, two.after):
            return True
        if one.left != two.left:
            return True
        if one.error or two.error:
            return type(one.error) is not type(two.error)
        if _kinds(one.leaves) != _kinds(two.leaves) or exact_difference(_exact(one.leaves), _exact(two.leaves)):
            return True
        if is_identical(one.leaves, two.leaves):
            return False
        return self.band.loosened(TELLING_DISTANCE).difference(two.leaves) is not None


def _holds_wider(own: Leaves, wide: Leaves) -> bool:
    """Whether any number of the inputs became one of more digits, a model's weights among them."""
    return any(
        isinstance(leaf.value, Precise) or leaf.kind != own[place].kind or leaf.kind.startswith("module ")
        for place, leaf in wide.items()
        if place in own
    )


def _largest(value: Any) -> float:
    """The largest finite number in it."""
    if is_array(value):
        np = numpy()
        return float(np.abs(np.where(np.isfinite(value), value, 0)).max(initial=0.0))
    return abs(float(value)) if math.isfinite(float(value)) else 0.0


def _unit(value: Any) -> float:
    """Relative distance of two neighbouring numbers of its type."""
    return float(numpy().finfo(value.dtype).eps) if hasattr(value, "dtype") else 2.0**-52


def _is_wider_alone(own: Leaf, wide: Leaf) -> bool:
    return wide.is_float and is_array(wide.value) and not is_array(own.value)


def _kinds(found: Leaves) -> dict[str, str]:
    return {place: leaf.kind for place, leaf in found.items()}


def _exact(found: Leaves) -> Leaves:
    return {place: leaf for place, leaf in found.items() if not leaf.is_float}


def _same(one: Leaf, other: Leaf) -> bool:
    return exact_difference({"": one}, {"": other}) is None

"""The reference's answers, and the band around each."""

from collections.abc import Callable
from functools import cached_property
from typing import Any

from speedproof.errors import BadInput, SpeedproofError
from speedproof.failures import reason
from speedproof.own.draws import Draw
from speedproof.own.values.bands import Band
from speedproof.own.values.differences import exact_difference, exact_part, is_identical
from speedproof.own.values.leaf import Leaves
from speedproof.pairs.contract import TELLING_DISTANCE
from speedproof.pairs.kit import Kit

from . import tolerance
from .gradients import OTHER_FLOWS, gradients_of
from .outcome import ONE_TREE, Between, Run
from .tolerance import UNSTABLE, Norm

MOST_KEPT_BYTES = 16 * 2**20
"""Bytes of answers that are kept: asking again costs time, and large answers are the fewer the larger they are."""


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


class Answer(Run):
    """The reference's answer to one draw; the band around it is worked out where somebody asks for it."""

    def __init__(
        self,
        reference: Callable[..., Any],
        draw: Draw,
        kit: Kit,
        of_state: bool = False,
        between: Between = ONE_TREE,
        norm: Norm | None = None,
    ) -> None:
        super().__init__(reference, draw, kit, of_state, between)
        self._norm = norm

    @cached_property
    def gradients(self) -> "Answer":
        """What flows back through it, as an answer of its own."""
        norm = Norm(self.band.origin != UNSTABLE, gradients_of(self.reference, OTHER_FLOWS))
        return Answer(gradients_of(self.reference), self.draw, self.kit, between=self.between, norm=norm)

    @cached_property
    def band(self) -> Band:
        """How far an answer to this draw may be off. Raises BadInput where that cannot be worked out."""
        try:
            return tolerance.band(self, self._norm)
        except SpeedproofError:
            raise
        except Exception as error:
            # No output has a part in it, and none may be blamed.
            raise BadInput(
                f"How far numbers may be off could not be worked out for {self.draw.words}: {reason(error)}. Expected "
                "a tolerance of your own: same=numbers(rel=..., why=...)."
            ) from error

    def tells_apart(self, other: "Answer") -> bool:
        """Whether no output could pass for the answer to both draws."""
        one, two = self.outcome, other.outcome
        if self.changes_inputs and exact_difference(one.after, two.after):
            return True
        if one.left != two.left:
            return True
        if one.error or two.error:
            return type(one.error) is not type(two.error)
        if _kinds(one.leaves) != _kinds(two.leaves) or exact_difference(exact_part(one.leaves), exact_part(two.leaves)):
            return True
        if is_identical(one.leaves, two.leaves):
            return False
        return self.band.loosened(TELLING_DISTANCE).difference(two.leaves) is not None


def _kinds(found: Leaves) -> dict[str, str]:
    return {place: leaf.kind for place, leaf in found.items()}

"""Workloads: plain frozen data that alone decide what is measured."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Literal

from . import texts
from .digest import digest
from .errors import BadInput

Form = Literal["own", "hostile", "ragged", "equal", "long", "given", "hit", "miss", "none"]
"""What the items look like: the project's own texts, hostile ones, generated ones by length; a cached SAE or none."""

WORD_RANGE: dict[str, tuple[int, int]] = {"ragged": (0, 24), "equal": (8, 8), "long": (40, 90)}
"""Shortest and longest generated text of a form, in words."""

N_CATEGORIES = 7
"""Categories of the report's texts."""


@dataclass(frozen=True)
class Workload:
    """What one call of a twin works on.

    `n_items` counts what the finding grows with: texts, links, or files in the hub's cache.
    """

    name: str
    subject: str
    n_items: int
    form: Form = "own"
    seed: int = 0
    dtype: str = "float32"
    n_threads: int = 2
    given: tuple[str, ...] = ()
    """The texts themselves, where a user gave them."""
    n_categories: int = field(default=N_CATEGORIES, repr=False)
    """Categories that finding 3 sorts generated texts into."""

    @property
    def digest(self) -> str:
        """Fingerprint; part of every record and of asv's `version`."""
        data = asdict(self)
        # Younger than the first records: where it says nothing new, theirs still hold.
        if self.n_categories == N_CATEGORIES:
            del data["n_categories"]
        return digest(data)

    def texts(self, order: Sequence[int] | None = None) -> list[str]:
        """The workload's texts, or those that `order` picks; new string objects at every call.

        Nothing can be recognised by identity that way.

        Raises:
            BadInput: the workload has no texts, or none were asked for.
        """
        if self.n_items < 1:
            raise BadInput(f"Workload {self.name!r} has no texts. Expected at least one, got {self.n_items}.")
        if self.form in WORD_RANGE:
            chosen = texts.generated(self.n_items, self.seed, *WORD_RANGE[self.form])
        elif self.form == "hostile":
            chosen = [texts.HOSTILE[i % len(texts.HOSTILE)] for i in range(self.n_items)]
        elif self.form == "given":
            chosen = list(self.given)
        elif self.form == "own":
            chosen = texts.own(self.n_items)
        else:
            raise BadInput(f"Workload {self.name!r} has no texts. Expected a form with texts, got {self.form!r}.")
        return [fresh(chosen[i]) for i in (range(self.n_items) if order is None else order)]


def fresh(text: str) -> str:
    """An equal string that is another object."""
    return text.encode("utf-8", "surrogatepass").decode("utf-8", "surrogatepass")

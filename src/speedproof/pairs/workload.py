"""Workloads: plain frozen data that alone decide what is measured."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Literal

from speedproof.digest import digest, recorded
from speedproof.errors import BadInput

from . import texts

Form = Literal["own", "hostile", "ragged", "equal", "long", "many", "given", "hit", "miss", "unusual", "none"]
"""What the items look like: the project's own texts, hostile ones, generated ones by length, very many; a cached SAE,
none, or one where careless look-ups miss it; what else a careless hand gets wrong."""

WORD_RANGE: dict[Form, tuple[int, int]] = {"ragged": (1, 24), "equal": (8, 8), "long": (40, 90)}
"""Shortest and longest generated text of a form, in words."""

FORMS_WITH_TEXTS: tuple[Form, ...] = ("own", "hostile", *WORD_RANGE, "many", "given")

N_CATEGORIES = 7
"""Categories of the report's texts."""

DTYPES = ("float32", "bfloat16")
"""Floating-point types that a subject may be asked for in; the oracle's float64 is not one of them."""

DIGESTED = ("name", "subject", "n_items", "form", "seed", "dtype", "n_threads", "given", "n_categories")
"""Fields that are always part of a workload's fingerprint. One that is added later only is where it says something."""


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
        """Fingerprint, of the texts too; part of every record and of asv's `version`."""
        data = recorded(type(self), vars(self), DIGESTED)
        if self.form in FORMS_WITH_TEXTS and self.n_items > 0:
            data["texts"] = _texts_digest(self.form, self.n_items, self.seed, self.given)
        return digest(data)

    @property
    def label(self) -> str:
        """Its name, and what it is run on."""
        return f"{self.name!r} ({self.subject}, {self.dtype})"

    def texts(self, order: Sequence[int] | None = None) -> list[str]:
        """The workload's texts, or those that `order` picks; new string objects at every call.

        Nothing can be recognised by identity that way.

        Raises:
            BadInput: the workload has no texts, or none were asked for.
        """
        if self.n_items < 1:
            raise BadInput(f"Workload {self.name!r} has no texts. Expected at least one, got {self.n_items}.")
        if self.form not in FORMS_WITH_TEXTS:
            raise BadInput(f"Workload {self.name!r} has no texts. Expected a form with texts, got {self.form!r}.")
        chosen = _texts(self.form, self.n_items, self.seed, self.given)
        return [fresh(chosen[i]) for i in (range(self.n_items) if order is None else order)]


def fresh(text: str) -> str:
    """An equal string that is another object."""
    return text.encode("utf-8", "surrogatepass").decode("utf-8", "surrogatepass")


def _texts(form: Form, n_items: int, seed: int, given: tuple[str, ...]) -> Sequence[str]:
    if form in WORD_RANGE:
        return _generated(form, n_items, seed)
    if form == "hostile":
        return [texts.HOSTILE[i % len(texts.HOSTILE)] for i in range(n_items)]
    if form == "many":
        return texts.many(n_items, seed)
    return given if form == "given" else texts.own(n_items)


@lru_cache(maxsize=8)
def _generated(form: Form, n_items: int, seed: int) -> tuple[str, ...]:
    """Drawn once: inputs are made anew for every call, and drawing a thousand texts takes longer than many a call."""
    return tuple(texts.generated(n_items, seed, *WORD_RANGE[form]))


@cache
def _texts_digest(form: Form, n_items: int, seed: int, given: tuple[str, ...]) -> str:
    return digest(list(_texts(form, n_items, seed, given)))

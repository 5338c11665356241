"""Subjects: what a pair's functions are run on beside a workload's items. Only the pair's own inputs look inside."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Protocol

from .workload import Workload


class Subject(Hashable, Protocol):
    """Something that a workload names. Two that are equal are one, of which only one is loaded."""

    @property
    def name(self) -> str:
        """Its one name, whatever words it was asked for in."""
        ...

    @property
    def dtype(self) -> str:
        """The floating-point type that it is asked for in."""
        ...

    def release(self) -> None:
        """Forgets what is loaded; it is loaded anew when it is asked for."""
        ...


@dataclass(frozen=True)
class Named:
    """A subject that is nothing but its name."""

    name: str
    dtype: str = "float32"

    def release(self) -> None:
        """Nothing is loaded."""


def by_name(workload: Workload) -> Subject:
    """The subject of a pair that needs none."""
    return Named(workload.subject, workload.dtype)


class Subjects(dict[Subject, Subject]):
    """Subjects, each loaded once."""

    def kept(self, subject: Subject) -> Subject:
        """The one that is equal to it and was there before, or this one."""
        return self.setdefault(subject, subject)


class OneAtATime(Subjects):
    """Subjects of which one is loaded at a time, since a large one fills a good part of the memory."""

    def kept(self, subject: Subject) -> Subject:
        """The one that is equal to it, or this one; all others are forgotten."""
        kept = super().kept(subject)
        for other in [one for one in self.values() if one is not kept]:
            other.release()
            del self[other]
        return kept

"""What a project hands to the command line: the instrument by itself has none of it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from ..bodies import KINDS
from ..finding import Finding
from ..sitting import Sitting
from ..stated import Body

Verb = Callable[..., None]
"""A function whose parameters typer reads; its name is the verb."""
Stage = Callable[[Sitting, Sequence[Finding], bool], None]
"""Something more that `run` does before it times: with these findings, and whether the run is a quick one."""


@dataclass(frozen=True)
class Project:
    """The kinds of records that are read, further verbs, and what `run` does besides."""

    kinds: tuple[type[Body], ...] = KINDS
    verbs: tuple[Verb, ...] = ()
    stages: tuple[Stage, ...] = ()


_handed_in: ContextVar[Project] = ContextVar("project")


@contextmanager
def handed_in(project: Project) -> Iterator[None]:
    """Has the verbs that are run meanwhile know the project. typer has no public way to ask for its context."""
    token = _handed_in.set(project)
    try:
        yield
    finally:
        _handed_in.reset(token)


def project() -> Project:
    """What `main` was given; outside of it the instrument alone."""
    return _handed_in.get(Project())

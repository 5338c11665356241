"""What a project hands to the command line: the instrument by itself has none of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from speedproof.pairs.finding import Finding
from speedproof.records.base import Body
from speedproof.records.kinds import KINDS

if TYPE_CHECKING:
    from speedproof.report.report import Section
    from speedproof.sittings.shares import Further
    from speedproof.sittings.sitting import Sitting

Verb = Callable[..., None]
"""A function whose parameters typer reads; its name is the verb."""
Beside = Callable[["Sitting", Sequence[Finding], bool], Sequence["Further"]]
"""What more `run` has done beside its proofs, of this sitting's that is left: with these findings, and whether the run
is a quick one."""


@dataclass(frozen=True)
class Project:
    """The findings, the kinds of records that are read, what the report says and the command line does more."""

    findings: tuple[Finding, ...] = ()
    kinds: tuple[type[Body], ...] = KINDS
    sections: tuple["Section", ...] = ()
    verbs: tuple[Verb, ...] = ()
    beside: tuple[Beside, ...] = ()

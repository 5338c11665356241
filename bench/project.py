"""This project's own: its findings, and the studies of the instrument, on the command line and in the records."""

from .cli.project import Project
from .findings import FINDINGS
from .studies.kinds import KINDS
from .studies.mutation.verb import mutation
from .studies.planted.verb import planted
from .studies.power.verb import power
from .studies.rewrites.session import rewrites_in_a_run
from .studies.rewrites.verb import rewrites
from .studies.sections import SECTIONS

PROJECT = Project(
    findings=FINDINGS,
    kinds=KINDS,
    sections=SECTIONS,
    verbs=(rewrites, mutation, planted, power),
    stages=(rewrites_in_a_run,),
)

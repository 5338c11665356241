"""This project's own: the studies of the instrument, beside it on the command line and in the records."""

from .cli.project import Project
from .studies.kinds import KINDS
from .studies.mutation.verb import mutation
from .studies.planted.verb import planted
from .studies.power.verb import power
from .studies.rewrites.trying import rewrites_in_a_run
from .studies.rewrites.verb import rewrites

PROJECT = Project(kinds=KINDS, verbs=(rewrites, mutation, planted, power), stages=(rewrites_in_a_run,))

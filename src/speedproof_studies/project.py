"""This project's own: its findings, and the studies of the instrument, on the command line and in the records."""

from bench.findings import FINDINGS
from speedproof.cli.project import Project

from .architectures.verb import architectures
from .breakdown.verb import breakdown
from .bursts.verb import bursts
from .kinds import KINDS
from .latency.verb import latency
from .mutation.verb import mutation
from .peers.verb import peers
from .planted.verb import planted
from .power.verb import power
from .reading.verb import textbook
from .real.verb import fetch
from .reduced.verb import reduced
from .rewrites.session import rewrites_in_a_run
from .rewrites.verb import rewrites
from .sections import SECTIONS

PROJECT = Project(
    findings=FINDINGS,
    kinds=KINDS,
    sections=SECTIONS,
    verbs=(
        rewrites,
        textbook,
        mutation,
        planted,
        power,
        bursts,
        latency,
        peers,
        breakdown,
        architectures,
        reduced,
        fetch,
    ),
    beside=(rewrites_in_a_run,),
)

"""Trials of rewrites in a sitting: how many of which finding, and what of them is left to be made."""

from collections.abc import Mapping, Sequence

from bench.rewrites import REWRITTEN
from speedproof.errors import BadInput
from speedproof.pairs.finding import Finding
from speedproof.sittings.shares import Further
from speedproof.sittings.sitting import Sitting
from speedproof_studies.kinds import Rewritten

TRIALS = "speedproof_studies.rewrites.trying:run_trials"
"""What shows the gate rewrites, by reference: it needs torch, which this process may do without."""

DEFAULT_TRIALS = {"tiny": 1000, "gpt2-small-shape": 30}
"""Subjects that rewrites are tried on, and how many trials suffice there. Their models are `HookedTransformer`s, which
the forward pass by hand is written for."""

IN_A_RUN, IN_A_QUICK_RUN = 30, 9
"""Valid rewrites that a run shows the gate, so that each has a rate of its own; `rewrites` by itself shows more."""


def shares(findings: Sequence[Finding], n_trials: int) -> dict[str, int]:
    """Trials per finding: as equal as can be, earlier findings first; none where none is left."""
    each, more = divmod(n_trials, len(findings))
    counts = {finding.name: each + (k < more) for k, finding in enumerate(findings)}
    return {name: n for name, n in counts.items() if n}


def rewritten_findings(findings: Sequence[Finding]) -> list[Finding]:
    """Those of `findings` that have rewrites."""
    return [finding for finding in findings if finding.name in REWRITTEN]


def default_trials(subject: str) -> int:
    """How many trials suffice on a subject. Raises BadInput where rewrites cannot be tried on it."""
    if subject not in DEFAULT_TRIALS:
        raise BadInput(
            f"Rewrites cannot be tried on subject {subject!r}. Expected one of: {', '.join(DEFAULT_TRIALS)}, whose "
            "weights the forward passes by hand are written for."
        )
    return DEFAULT_TRIALS[subject]


def show_rewrites(sitting: Sitting, trials: Mapping[str, int], subject: str) -> list[Rewritten]:
    """Shows the gate so many valid rewrites of each finding named, in one fresh process. None may be rejected.

    What an earlier stretch of the sitting recorded is not made again.
    """
    found, left = list(sitting.earlier.bodies(Rewritten)), _left(sitting, trials)
    return found + (sitting.keep(sitting.told(TRIALS, left, subject, sitting.seed)) if left else [])


def rewrites_in_a_run(sitting: Sitting, findings: Sequence[Finding], quick: bool) -> list[Further]:
    """A few rewrites of each finding that has some; each finding's are a work by themselves, so that processes which
    work beside each other can share them."""
    rewritten = rewritten_findings(findings)
    trials = shares(rewritten, IN_A_QUICK_RUN if quick else IN_A_RUN) if rewritten else {}
    return [(TRIALS, ({name: n}, "tiny", sitting.seed)) for name, n in _left(sitting, trials).items()]


def _left(sitting: Sitting, trials: Mapping[str, int]) -> dict[str, int]:
    """The trials of findings of which this sitting has none yet."""
    found = {one.finding for one in sitting.earlier.bodies(Rewritten)}
    return {name: n for name, n in trials.items() if name not in found}

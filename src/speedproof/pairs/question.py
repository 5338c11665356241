"""Questions: what the gate is asked, by name, so that they can be sent to another process."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace

from speedproof.errors import unknown

from .finding import TWINS, Finding, Pair
from .references import Target
from .workload import DTYPES, Workload


@dataclass(frozen=True)
class Question:
    """Is this arm of a function equivalent on this workload? By name, so that it can be sent to a process."""

    target: Target
    workload: Workload
    candidate: str | None = None
    arm: str = TWINS[1]
    seed: int | None = None
    """Draws the fresh texts; None for a seed that cannot be foreseen."""
    allow: tuple[str, ...] = ()
    """Aspects of state that the candidate may leave changed, each as "aspect: reason"."""
    texts: str = ""
    """The file that the workload's texts are of, where a user gave one."""

    @property
    def finding(self) -> str:
        """The finding's name."""
        return self.target.finding.name

    @property
    def function(self) -> str:
        """The function's name."""
        return self.target.function

    @property
    def pair(self) -> Pair:
        """The pair that is asked about."""
        return self.target.pair

    @property
    def label(self) -> str:
        """What a progress bar says."""
        which = "" if self.arm == TWINS[1] else f", {self.arm},"
        which += f", {self.candidate}," if self.candidate else ""
        return f"{self.finding}.{self.function}{which} on {self.workload.name} ({self.workload.subject})"

    def command(self, seed: int | None = None, candidate: str = "") -> str:
        """What asks the same again, with that seed or the one that was given; `candidate` is where an arm is that is
        none of the twins."""
        words = ["check", self.finding, "--function", self.function, "--workload", self.workload.name]
        seed = self.seed if seed is None else seed
        options = {
            "subject": self.workload.subject,
            "dtype": self.workload.dtype if self.workload.dtype != self._usual_dtype else "",
            "texts": self.texts,
            "seed": "" if seed is None else str(seed),
            "candidate": self.candidate or candidate,
        }
        words += [word for name, value in options.items() if value for word in (f"--{name}", value)]
        words += [word for one in self.allow for word in ("--allow", one)]
        return f"python -m bench {shlex.join(words)}"

    @property
    def _usual_dtype(self) -> str:
        """The type that the pair's workload of that name asks for."""
        return next((one.dtype for one in self.pair.workloads if one.name == self.workload.name), "float32")


def questions(
    findings: Sequence[Finding],
    workload: str | None = None,
    subject: str | None = None,
    function: str | None = None,
    given: tuple[str, ...] = (),
    candidate: str | None = None,
    dtype: str | None = None,
    seed: int | None = None,
    allow: tuple[str, ...] = (),
    texts: str = "",
) -> list[Question]:
    """Every pair on every workload, or on those named. A subject or type given replaces the workloads' own.

    A candidate is asked about every workload of its pair's small subject, or of the one given. `texts` is the file that
    the texts given are of.

    Raises:
        BadInput: no such workload, subject, function or type.
    """
    if dtype and dtype not in DTYPES:
        raise unknown("dtype", dtype, list(DTYPES))
    asked = []
    for finding in findings:
        # A candidate stands in for one function: the finding's first unless another is named.
        default = finding.pairs[:1] if candidate else finding.pairs
        for pair in [finding.pair(function)] if function else default:
            for chosen in [pair.workload(workload)] if workload else _by_default(pair, candidate, subject, given):
                if subject:
                    chosen = replace(chosen, subject=pair.subject(replace(chosen, subject=subject)).name)
                if dtype:
                    chosen = replace(chosen, dtype=dtype)
                if given:
                    chosen = replace(chosen, form="given", given=given, n_items=len(given))
                asked.append(
                    Question(finding.target(pair.name), chosen, candidate, seed=seed, allow=allow, texts=texts)
                )
    return list(dict.fromkeys(asked))


def _by_default(pair: Pair, candidate: str | None, subject: str | None, given: tuple[str, ...]) -> tuple[Workload, ...]:
    """The workloads that are asked about where none is named: where one subject stands for all, each once."""
    if not candidate and not subject:
        return pair.workloads
    first = pair.workloads[0]
    if given:
        return (first,)
    alike = {
        replace(w, name="", subject=""): w for w in reversed(pair.workloads) if subject or w.subject == first.subject
    }
    return tuple(w for w in pair.workloads if w in alike.values())


def questions_of_rungs(
    findings: Sequence[Finding], workload: str | None = None, subject: str | None = None, only: str | None = None
) -> list[Question]:
    """Every arm above the definition on that workload, or the arm named `only`, for each pair with a ladder.

    Raises:
        BadInput: no such workload or subject.
    """
    return [
        replace(question, arm=name)
        for finding in findings
        for pair in finding.pairs
        if pair.arms
        for question in questions([finding], workload or "report", subject, pair.name)
        for name in pair.ladder[1:]
        if only in (None, name)
    ]

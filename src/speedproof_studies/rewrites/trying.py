"""Trying: a valid rewrite and a workload, both drawn from a seed, shown to the gate. None may be rejected."""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bench.findings import find
from bench.rewrites import find_family
from bench.rewrites.rewrite import Rewrite
from speedproof.digest import digest
from speedproof.gate.certificate import Certificate
from speedproof.gate.check import certify
from speedproof.lens.oracle import Oracle
from speedproof.lens.subject import Subject, find_subject
from speedproof.pairs import texts
from speedproof.pairs.workload import WORD_RANGE, Workload
from speedproof.processes import Saying
from speedproof_studies.gate_source import gate_digest
from speedproof_studies.kinds import Rejected, Rewritten

KNOWN: dict[str, tuple[str, ...]] = {
    "own": tuple(text for members in texts.CATEGORIES.values() for text in members),
    "hostile": texts.HOSTILE,
    "ragged": tuple(texts.generated(400, 1, *WORD_RANGE["ragged"])),
}
"""Texts to draw from. Few enough that the oracle answers for all of them once, before the trials."""


@dataclass(frozen=True)
class Attempt:
    """What one seed stands for: the same rewrite and the same workload whenever it is drawn."""

    finding: str
    subject: str
    seed: int

    def drawn(self) -> tuple[Rewrite, Workload]:
        """The rewrite, and the workload it is tried on."""
        # A seed that is a string is hashed by SHA-512, so it is the same in every process.
        rng = random.Random(f"{self.finding} {self.subject} {self.seed}")
        return find_family(self.finding).draw(rng), _workload(rng, self.subject)

    def judge(self, rewrite: Rewrite, workload: Workload, subject: Subject) -> float | Rejected:
        """The rewrite's largest error as a share of what is allowed, if it passes, as it must; else why it did not.

        Whatever the gate's reason, also one that lies in the definition or the texts, no certificate is a rejection.
        """
        finding = find(self.finding)
        answer = certify(finding, finding.pairs[0], workload, rewrite.function, subject, seed=self.seed)
        if isinstance(answer, Certificate):
            errors, allowed = answer.candidate.worst_errors, answer.allowed
            return max((errors[measure] / allowed[measure] for measure in errors if allowed.get(measure)), default=0.0)
        about = f"{workload.name}, {workload.n_items} texts"
        # The gate's own command would check a file's function; a rewrite is in no file, its seed is how to repeat it.
        reason = f"{answer.code}: {answer.reason.removesuffix(f' Reproduce: {answer.again}')}"
        return Rejected(seed=self.seed, options={**rewrite.options, "workload": about}, reason=reason)


def _forms(subject: str) -> list[str]:
    return list(KNOWN) if subject == "tiny" else ["own"]


def _workload(rng: random.Random, subject: str) -> Workload:
    """A small workload: some of the project's own texts, of the hostile or of the generated ones, in any order."""
    form = rng.choice(_forms(subject))
    n_items = rng.randint(6, 24) if subject == "tiny" else rng.randint(4, 6)
    chosen = rng.sample(KNOWN[form], min(n_items, len(KNOWN[form])))
    # One thread outside, since on so little work more only wait for each other; inside, the rewrite draws its own.
    n_threads = 1 if subject == "tiny" else 2
    return Workload(form, subject, len(chosen), "given", given=tuple(chosen), n_threads=n_threads)


def remember(subject: Subject) -> None:
    """Has the oracle answer for all texts that trials draw from, so that its model is loaded once and not by trial."""
    known = [text for form in _forms(subject.name) for text in KNOWN[form]]
    Oracle(subject).activations(subject.hook_name, known)


def run_trials(trials: Mapping[str, int], subject_name: str, seed: int) -> Iterator[Rewritten | Saying]:
    """Runs in a fresh process. A finding's i-th trial has seed `seed` + i.

    Yields one `Rewritten` per finding, and before each trial what it is.
    """
    # Before the trials, since the files may be edited meanwhile.
    subject, gate = find_subject(subject_name), gate_digest()
    left = sum(trials.values())
    yield Saying(f"rewriting on {subject_name}: the oracle answers first", left)
    remember(subject)
    for finding, n_trials in trials.items():
        options, judged = set(), []
        for attempt in (Attempt(finding, subject_name, seed + i) for i in range(n_trials)):
            yield Saying(f"rewriting {finding} on {subject_name} (seed {attempt.seed})", left)
            left -= 1
            rewrite, workload = attempt.drawn()
            options.add(digest(dict(rewrite.options)))
            judged.append(attempt.judge(rewrite, workload, subject))
        yield Rewritten(
            finding=finding,
            subject=subject_name,
            seed=seed,
            n_trials=n_trials,
            n_rewrites=len(options),
            closest=max((one for one in judged if isinstance(one, float)), default=0.0),
            rejected=tuple(one for one in judged if isinstance(one, Rejected)),
            gate=gate,
        )

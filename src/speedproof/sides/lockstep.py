"""Lockstep: two workers in two environments, one call of one at a time, in random balanced order.

Whatever the machine does meanwhile, it does to both sides. What narrows an interval is fresh pairs of workers.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial

from speedproof.clock import monotonic_s
from speedproof.pairs.question import Question
from speedproof.timing.estimate import TARGET_HALF_WIDTH
from speedproof.timing.launches import Launch
from speedproof.timing.method import TODAYS
from speedproof.timing.rounds import Outcome, Round, Taken, rounds
from speedproof.timing.sampling import SHORTEST_STRETCH_S, Sample, Stretch, cores_for, in_pairs
from speedproof.timing.warmup import Form
from speedproof.wording import duration

from .places import Place
from .remote import Remote, SideFailed, worker
from .slowdown import slowdown

Say = Callable[[str, int], None]
Seconds = Callable[[float], float]
"""Seconds of pairs for a question in one launch, given what its pair of workers took to start."""
STARTED_S = 10.0
"""Seconds that a pair of workers takes to start and load, with the libraries of models: what is told beforehand. How
long samples are taken goes by what it did take."""
WARMED_S = 1.0
"""Seconds that warming up both sides takes for one short call."""
STRETCH_S = 6.0
"""Seconds of pairs that a pair of workers takes for one question where there is time, unless a single pair is longer.

More than in the paired runner, by the formula at `LONGEST_STRETCH_S` there: two workers take longer to start than one
process, and with both on one core they differ by less than their pairs do.
"""


def lockstep(
    places: tuple[Place, Place],
    asked: Sequence[Question],
    budget_s: float,
    seed: int,
    say: Say,
    precision: float = TARGET_HALF_WIDTH,
    most: int = TODAYS.last,
    seconds: Seconds | None = None,
) -> Iterator[Taken[Question]]:
    """Samples for every question until all are decided, the budget is spent or `most` pairs of workers have run.

    Yields each question as soon as it is final. `seconds` of pairs are taken for each, or what the budget allows.
    """
    of_each = seconds or partial(stretch, budget_s, len(asked))

    def launch(left: Sequence[Question], now: Round) -> Iterator[Outcome]:
        return _launch(places, left, now, of_each, say)

    return rounds(asked, launch, partial(_is_decided, precision), budget_s, seed, most)


def stretch(budget_s: float, n_questions: int, started_s: float = STARTED_S) -> float:
    """Seconds of pairs that a pair of workers, which took so long to start, takes for one of so many questions.

    The launches up to the first look are taken whatever the budget, so with many questions and little time each is
    short: started, warmed up and sampled, they fill the budget.
    """
    n = max(1, n_questions)
    return min(STRETCH_S, max(SHORTEST_STRETCH_S, (budget_s / TODAYS.first - started_s) / n - WARMED_S))


def least_s(budget_s: float, n_questions: int) -> float:
    """Seconds until the first look at so many questions, roughly; calls longer than a stretch come on top."""
    return TODAYS.first * (STARTED_S + n_questions * (WARMED_S + stretch(budget_s, n_questions)))


def announced(budget_s: float, n_questions: int) -> str:
    """How long timing will take and why, to be told before the first clock runs."""
    least, each_s = least_s(budget_s, n_questions), stretch(budget_s, n_questions)
    n = f"{n_questions} twin{'s' * (n_questions != 1)}"
    words = (
        f"Timing up to {n} takes {duration(least)} at least: {TODAYS.first} pairs of workers are started, and each "
        f"warms every twin up and times it for {each_s:.1f} s, or for two calls where one takes longer. "
    )
    if least > budget_s:
        return f"{words}That is more than --budget-s {budget_s:g}: name fewer findings (--finding), or 0 for no timing."
    return (
        f"{words}Of {duration(budget_s)} in all, the rest goes to what is undecided. What looks changed is timed again."
    )


def _is_decided(precision: float, taken: Taken[Question]) -> bool:
    return slowdown(taken.launches).decided(precision=precision)


def _launch(
    places: tuple[Place, Place], asked: Sequence[Question], now: Round, seconds: Seconds, say: Say
) -> Iterator[Outcome]:
    """One fresh pair of workers for all questions. A side that fails at one costs that one; a dead one is replaced."""
    left = list(asked)
    while left:
        with ExitStack() as stack:
            start_s = monotonic_s()
            # Who starts first gets its memory first, so the sides take turns at that too.
            order = (0, 1) if now.baseline_first else (1, 0)
            started = {side: stack.enter_context(worker(places[side], now.rng)) for side in order}
            for side in started.values():
                side.begin("settle", *left)
            try:
                for side in started.values():
                    side.end("settle")
            except SideFailed as error:
                yield from (Outcome(None, str(error)) for _ in left)
                return
            stretch_s = seconds(monotonic_s() - start_s)
            while left:
                question = left.pop(0)
                say(f"timing {question.label} (workers {now.number})", len(left) + 1)
                start_s = monotonic_s()
                try:
                    stretch = Stretch(stretch_s, now.baseline_first, quiet_probes=now.quiet_probes)
                    launch = samples((started[0], started[1]), (question, question), now, stretch)
                except SideFailed as error:
                    yield Outcome(None, str(error))
                    break
                yield Outcome(launch, took_s=monotonic_s() - start_s)


def samples(
    sides: tuple[Remote, Remote],
    asked: tuple[Question, Question],
    now: Round,
    stretch: Stretch,
    request: Sequence[str] = ("sample",),
) -> Launch:
    """Warms both sides up, each for its own question, and takes samples of them in turn. Raises SideFailed.

    `request` is what a worker is told to give one sample.
    """
    # Both sides take as many calls a sample, so that neither gains by what calls share.
    cores = cores_for(asked[0].workload.n_threads, now.rng)
    form: Form = max(sides[side].ask("warm", asked[side], cores) for side in ((0, 1) if now.baseline_first else (1, 0)))

    def sample(side: int) -> Sample:
        taken: Sample = sides[side].ask(*request, asked[side], form, cores)
        return taken

    return in_pairs(sample, (form.n_calls,) * 2, stretch, now.rng)

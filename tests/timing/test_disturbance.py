"""Disturbed samples: told by what the machine did, whatever the arm and however long it took; and what they cost."""

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from speedproof.machine.phases import SLOW_PHASE
from speedproof.machine.surroundings import Seen
from speedproof.sides.slowdown import slowdown
from speedproof.timing import rounds, sampling
from speedproof.timing.disturbance import (
    BY,
    LEAST_PREEMPTED,
    LEAST_STOLEN_S,
    WAITED_SHARE,
    columns,
    disturbance,
    is_slow,
    least_s,
    quiet_times,
    rows,
)
from speedproof.timing.estimate import Estimate
from speedproof.timing.launches import LONGEST_AGAIN_S, Launch, disturbances, logs, sort, spans, usable
from speedproof.timing.method import (
    ALL_PAIRS,
    BOUNDED,
    BY_DEFAULT,
    ERROR_RATE,
    PLAIN,
    QUIET_PAIRS,
    TODAYS,
    USUAL_PHASE,
    Method,
)
from speedproof.timing.rounds import MOST_LOST, Outcome, Taken
from speedproof.timing.sampling import MOST_PAIRS, MOST_TRIES, Sample, Stretch, in_pairs
from tests.synthetic import N_SITTINGS, World, looked_at, stopped


@pytest.fixture(autouse=True)
def only_quiet_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    """As outside the tests, where they do not disturb each other."""
    for module in (rounds, sampling):
        monkeypatch.setattr(module, "TODAYS", BY_DEFAULT)


QUIET = {"scattered": 1e-4}
IN_A_QUIET_PHASE: Seen = {"scattered": 1e-4, "waited_s": 0.0}
HIT: Seen = {"scattered": 1e-4, "waited_s": 1.0}


@pytest.mark.parametrize(
    ("seconds", "seen", "by"),
    [
        (1.0, {"waited_s": 2 * WAITED_SHARE}, BY[0]),
        (1.0, {"waited_s": WAITED_SHARE / 2}, ""),
        (1.0, {"waited_s": 0.0, "n_preempted": 1e4}, ""),
        (1.0, {"n_preempted": 1e4}, BY[0]),
        (1e-3, {"n_preempted": LEAST_PREEMPTED - 1}, ""),
        (1.0, {"stolen_s": 0.5}, BY[1]),
        (1e-3, {"stolen_s": LEAST_STOLEN_S / 2}, ""),
        (10.0, {"stolen_s": 0.5}, ""),
        (1.0, {"n_faulted": 1e3}, BY[2]),
        (1.0, {"n_faulted": 1}, ""),
        (1.0, {}, ""),
    ],
)
def test_a_sample_is_disturbed_by_what_happened_beside_it(seconds: float, seen: Seen, by: str) -> None:
    assert disturbance(seconds, seen, n_cores=2) == by


def test_what_was_never_probed_has_no_phase() -> None:
    assert not is_slow({"scattered": 9.0}, {}) and not is_slow({}, QUIET)
    assert quiet_times([]) == {}


@pytest.mark.parametrize(("times", "slow"), [(0.9, False), (1.1, True)])
def test_a_sample_is_of_a_slow_phase_where_a_probe_took_far_longer_than_it_can(times: float, slow: bool) -> None:
    assert is_slow({"scattered": times * SLOW_PHASE * 1e-4, "streamed": 1e-4}, {**QUIET, "streamed": 1e-4}) is slow


def test_quiet_times_are_the_machines_best_but_for_a_few_and_never_forget_a_better_one() -> None:
    seen = [{"scattered": 1e-9}, *({"scattered": 1e-4 + n * 1e-6} for n in range(19))]
    assert quiet_times(seen)["scattered"] == pytest.approx(1e-4, rel=0.05)
    assert quiet_times(seen, [{"scattered": 5e-5}])["scattered"] == 5e-5


def test_what_was_seen_beside_samples_is_kept_by_name_and_given_back_by_sample() -> None:
    seen = [{"cpu_s": 1.0, "mhz": 2e3}, {"cpu_s": 2.0}]
    assert columns(seen) == {"cpu_s": (1.0, 2.0)}
    assert list(rows(columns(seen), 2)) == [{"cpu_s": 1.0}, {"cpu_s": 2.0}]
    assert columns([]) == {}


def launch_of(logs: list[float], hit: list[int], side: int = 0) -> Launch:
    """A launch whose pairs have these log speed-ups; those in `hit` were disturbed, on that side."""
    ones = (1.0,) * len(logs)
    waited = [tuple(1e9 * (n in hit and at == side) for n in range(len(logs))) for at in (0, 1)]
    seen = ({"waited_s": waited[0]}, {"waited_s": waited[1]})
    return Launch(0, tuple(map(math.exp, logs)), ones, (True,) * len(logs), (1, 1), seen)


@pytest.mark.parametrize("side", [0, 1])
def test_a_disturbed_pair_does_not_count_whichever_arm_was_hit(side: int) -> None:
    launches = [launch_of([0.1, 0.1, 9.0, 9.0, 9.0], [2, 3, 4], side)] * 4
    found = sort(launches, QUIET_PAIRS)
    assert logs(found.usable) == pytest.approx([0.1] * 4)
    assert logs(found.disturbed) == pytest.approx([9.0] * 4)
    assert disturbances(launches) == {BY[0]: 12}


def test_a_launch_without_a_quiet_pair_is_none() -> None:
    launches = [launch_of([0.1], []), launch_of([9.0], [0]), launch_of([0.2], [])]
    assert logs(sort(launches, QUIET_PAIRS).usable) == pytest.approx([0.1, 0.2])


def test_the_phase_is_told_by_the_machines_best_of_the_whole_measurement() -> None:
    """Where the first processes lived in a slow phase, the later ones show it."""

    def launch(log: float, probe_s: float) -> Launch:
        seen = {"scattered": (probe_s,) * 2}
        return Launch(0, (math.exp(log),) * 2, (1.0,) * 2, (True, False), (1, 1), (seen, seen), {"scattered": probe_s})

    slow, fast = launch(0.7, 5e-4), launch(0.2, 1e-4)
    assert logs(sort([slow, slow], QUIET_PAIRS).usable) == pytest.approx([0.7, 0.7])
    assert logs(sort([slow, fast], QUIET_PAIRS).usable) == pytest.approx([0.2])
    assert logs(sort([slow, fast], QUIET_PAIRS).slow) == pytest.approx([0.7])


def test_where_quiet_phases_are_rare_all_phases_count() -> None:
    """Else nothing could be measured on a machine whose neighbour is seldom idle; the figure says which it is of."""
    slow = launch_of([0.7], []), {"scattered": 5e-4}
    fast = launch_of([0.2], []), {"scattered": 1e-4}
    launches = [replace(one, seen=({name: (s,) for name, s in seen.items()}, {})) for one, seen in (slow, slow, fast)]
    found = sort(launches, QUIET_PAIRS)
    assert found.is_of_all_phases and logs(found.usable) == pytest.approx([0.7, 0.7, 0.2])
    assert not sort(launches[1:], QUIET_PAIRS).is_of_all_phases


def phased(*logs_of: tuple[float, float], n_quiet: int) -> list[Launch]:
    """Launches of ten pairs, of which so many were taken in quiet phases and say the first number, the others the
    second."""
    found = []
    for quiet, slow in logs_of:
        one = launch_of([quiet] * n_quiet + [slow] * (10 - n_quiet), [])
        probes = (1e-4,) * n_quiet + (5e-4,) * (10 - n_quiet)
        found.append(replace(one, seen=({"scattered": probes}, {}), quiet_probes={"scattered": 1e-4}))
    return found


@pytest.mark.parametrize(("n_quiet", "all_count"), [(1, True), (4, True), (5, False), (9, False)])
def test_quiet_phases_alone_count_where_most_pairs_are_of_them(n_quiet: int, all_count: bool) -> None:
    """One quiet pair in each process is no reason to leave out the others: it says far less than they do together."""
    launches = phased((0.2, 0.7), (0.2, 0.7), n_quiet=n_quiet)
    found = sort(launches, USUAL_PHASE)
    assert found.is_of_all_phases is all_count
    assert sum(one.n_pairs for one in found.usable) == (20 if all_count else 2 * n_quiet)
    # What was recorded by the rule of before is read by it.
    assert not sort(launches, QUIET_PAIRS).is_of_all_phases


def test_an_interval_of_a_machine_that_is_seldom_quiet_is_of_all_its_pairs() -> None:
    """Nine slow pairs that agree and a quiet one that scatters: the rule of before takes the one."""
    launches = phased((0.3, 0.01), (-0.4, 0.02), (0.2, 0.0), (-0.1, 0.01), n_quiet=1)
    by_rule = {m.name: slowdown(launches, m) for m in (QUIET_PAIRS, USUAL_PHASE)}
    wide, narrow = (by_rule[m.name].half_width for m in (QUIET_PAIRS, USUAL_PHASE))
    assert narrow < 0.05 < 0.5 < wide


class Hits:
    """Samples of which those at the given numbers, counted from 0, were disturbed."""

    def __init__(self, hit: Callable[[int], bool], seconds: float = 0.125) -> None:
        self.hit, self.seconds, self.n = hit, seconds, 0

    def __call__(self, side: int) -> Sample:
        self.n += 1
        return Sample(self.seconds, HIT if self.hit(self.n - 1) else IN_A_QUIET_PHASE)

    def now_s(self) -> float:
        return self.n * self.seconds


@pytest.fixture
def pairs(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[int], bool]], Launch]:
    """A stretch of four pairs, had nothing been hit."""

    def taken(hit: Callable[[int], bool]) -> Launch:
        sample = Hits(hit)
        monkeypatch.setattr(sampling, "monotonic_s", sample.now_s)
        return in_pairs(sample, (1, 1), Stretch(1.0, True, quiet_probes=QUIET), random.Random(1))

    return taken


Pairs = Callable[[Callable[[int], bool]], Launch]


def test_a_disturbed_pair_is_taken_again_in_the_same_order_and_both_stay_among_the_samples(pairs: Pairs) -> None:
    launch, undisturbed = pairs(lambda n: n == 1), pairs(lambda n: False)
    assert launch.n_pairs == undisturbed.n_pairs + 1 == 5
    assert launch.baseline_first[0] == launch.baseline_first[1]
    assert launch.baseline_first[1:] == undisturbed.baseline_first
    assert [bool(words) for words in launch.disturbances] == [True] + [False] * undisturbed.n_pairs


def test_a_pair_is_given_up_after_some_tries(pairs: Pairs) -> None:
    launch, undisturbed = pairs(lambda n: True), pairs(lambda n: False)
    assert launch.n_pairs == MOST_TRIES * undisturbed.n_pairs <= MOST_TRIES * MOST_PAIRS


class LongBesideShort:
    """A sample of 30 s that is always disturbed, beside one of 1 s that is until a moment."""

    def __init__(self, quiet_from_s: float, long: int) -> None:
        self.quiet_from_s, self.long, self.s = quiet_from_s, long, 0.0
        self.sides: list[int] = []

    def __call__(self, side: int) -> Sample:
        self.sides.append(side)
        seconds = 30.0 if side == self.long else 1.0
        self.s += seconds
        is_hit = side == self.long or self.s < self.quiet_from_s
        return Sample(seconds, {**HIT, "waited_s": 5.0 if side == self.long else 0.9} if is_hit else IN_A_QUIET_PHASE)

    def pause(self, seconds: float) -> None:
        self.s += seconds


@pytest.mark.parametrize("long", [0, 1])
@pytest.mark.parametrize(("quiet_from_s", "n_again"), [(0.0, 0), (40.0, 3), (1e9, 10)])
def test_the_shorter_sample_of_a_long_pair_is_taken_until_it_is_undisturbed(
    quiet_from_s: float, n_again: int, long: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It costs little, and leaves the bounds of the longer one alone; for as long as that took, whichever arm it is."""
    sample = LongBesideShort(quiet_from_s, long)
    monkeypatch.setattr(sampling, "monotonic_s", lambda: sample.s)
    monkeypatch.setattr(sampling, "pause", sample.pause)
    stretch = Stretch(1.0, not long, longest_s=0.0, quiet_probes=QUIET)
    launch = in_pairs(sample, (1, 1), stretch, random.Random(1))
    assert launch.n_pairs == 1 and sample.sides == [long, *[1 - long] * (1 + n_again)]
    low, high = launch.log_span
    assert (high - low == pytest.approx(math.log(30 / 25))) is (quiet_from_s < 1e9)


@pytest.mark.parametrize(("longer", "n"), [(0.9, MOST_TRIES), (1.1, 1)])
def test_a_long_pair_is_not_taken_again_at_once(monkeypatch: pytest.MonkeyPatch, longer: float, n: int) -> None:
    """What comes and goes by the minute meets it again."""
    sample = Hits(lambda n: True, longer * LONGEST_AGAIN_S / 2)
    monkeypatch.setattr(sampling, "monotonic_s", sample.now_s)
    stretch = Stretch(1.0, True, longest_s=0.0, quiet_probes=QUIET)
    assert in_pairs(sample, (1, 1), stretch, random.Random(1)).n_pairs == n


def test_a_launch_that_was_disturbed_is_replaced_by_another() -> None:
    spoilt = iter([True, False, True, *[False] * 9])

    def launch(things: Sequence[str], now: rounds.Round) -> list[Outcome]:
        return [Outcome(launch_of([0.1], [0] if next(spoilt) else []))]

    (done,) = rounds.rounds(["a"], launch, lambda taken: True, 0.0, 1)
    assert not done.failure and done.n_usable == TODAYS.first and len(done.launches) == TODAYS.first + 2


def test_a_sitting_in_which_everything_is_disturbed_is_void_and_says_what_to_do() -> None:
    def launch(things: Sequence[str], now: rounds.Round) -> list[Outcome]:
        return [Outcome(launch_of([0.1, 0.1], [0, 1]))]

    (done,) = rounds.rounds(["a"], launch, lambda taken: False, 1e9, 1)
    assert len(done.launches) == MOST_LOST + 1
    assert "in 10 pairs by other processes. Expected a quieter machine: stop what else runs" in done.failure


def test_where_a_machine_never_is_quiet_all_pairs_may_count_and_the_record_says_so(
    pairs: Pairs, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (rounds, sampling):
        monkeypatch.setattr(module, "TODAYS", ALL_PAIRS)
    assert pairs(lambda n: True).n_pairs == pairs(lambda n: False).n_pairs
    assert not Taken("a").after(Outcome(launch_of([0.1], [0]))).failure
    hit = (launch_of([0.1], [0]),) * TODAYS.first
    assert len(usable(hit, ALL_PAIRS)) == len(hit) and not usable(hit, BY_DEFAULT)
    assert ALL_PAIRS.name != BY_DEFAULT.name


def test_a_sitting_in_which_half_is_disturbed_is_not_void() -> None:
    """The companion."""
    taken = Taken("a")
    for number in range(20):
        taken = taken.after(Outcome(launch_of([0.1], [0] if number % 2 else [])))
    assert not taken.failure and taken.n_usable == 10


def hit_by(waited_s: float, times: float = 30.0, contender_s: float = 1.0, n_pairs: int = 1) -> Launch:
    """A launch whose baseline took so many times as long as its contender, of which its threads waited."""
    seen = {"waited_s": (waited_s,) * n_pairs}, {"waited_s": (0.0,) * n_pairs}
    taken = (times * contender_s,) * n_pairs, (contender_s,) * n_pairs
    return Launch(0, *taken, (True,) * n_pairs, (1, 1), seen)


@pytest.mark.parametrize(
    ("seen", "least"),
    [
        ({"waited_s": 3.0}, 7.0),
        ({"waited_s": 3.0, "stolen_s": 1.0}, 6.0),
        ({"waited_s": 11.0}, None),
        ({"n_preempted": 1e6}, None),
        ({"waited_s": 3.0, "n_faulted": 1e6}, None),
    ],
)
def test_a_disturbed_sample_would_have_taken_at_least_what_waiting_leaves(seen: Seen, least: float | None) -> None:
    assert least_s(10.0, seen) == least


def test_a_launch_of_long_disturbed_pairs_counts_by_their_bounds() -> None:
    launch = hit_by(waited_s=10.0)
    assert [math.exp(end) for end in launch.log_span] == pytest.approx([20.0, 30.0])
    assert usable([launch], BOUNDED) == (launch,)
    low, high = Estimate(spans([launch] * TODAYS.first, BOUNDED), BOUNDED).interval
    assert (low, high) == pytest.approx((20.0, 30.0))


@pytest.mark.parametrize(
    ("launch", "method"),
    [
        (hit_by(waited_s=10.0), USUAL_PHASE),
        (hit_by(waited_s=10.0), QUIET_PAIRS),
        (hit_by(waited_s=0.1, contender_s=0.01), BOUNDED),
        (hit_by(waited_s=31.0), BOUNDED),
        (replace(hit_by(waited_s=0.0), seen=({"n_preempted": (1e6,)}, {})), BOUNDED),
    ],
    ids=["rule of before", "rule before that", "short", "waited all the time", "waiting cannot be read"],
)
def test_any_other_disturbed_launch_does_not_count(launch: Launch, method: Method) -> None:
    assert launch.disturbances == (BY[0],) and not usable([launch], method)


def test_where_a_launch_has_an_undisturbed_pair_that_alone_counts() -> None:
    launch = hit_by(waited_s=10.0, n_pairs=2)
    mixed = replace(launch, seen=({"waited_s": (10.0, 0.0)}, launch.seen[1]))
    assert [one.n_pairs for one in usable([mixed], BOUNDED)] == [1]
    assert spans([mixed], BOUNDED) == ((math.log(30.0),) * 2,)


def test_calls_of_one_sample_share_what_was_seen_beside_it() -> None:
    """Waiting is of the whole sample, seconds are of one call of it."""
    launch = replace(hit_by(waited_s=20.0), n_calls=(2, 2))
    assert [math.exp(end) for end in launch.log_span] == pytest.approx([20.0, 30.0])


def test_bounds_know_no_arm() -> None:
    one = hit_by(waited_s=10.0)
    other = replace(one, baseline_s=one.contender_s, contender_s=one.baseline_s, seen=one.seen[::-1])
    assert other.log_span == pytest.approx([-end for end in reversed(one.log_span)])
    assert slowdown([one] * 4, BOUNDED).interval == pytest.approx(
        Estimate(spans([other] * 4, BOUNDED), BOUNDED).interval
    )


def test_what_nothing_disturbed_is_read_as_by_the_rule_of_before() -> None:
    launches = [launch_of([0.1 * n, 0.2], [1]) for n in range(TODAYS.first)]
    assert slowdown(launches, BOUNDED).interval == slowdown(launches, USUAL_PHASE).interval


@pytest.mark.parametrize("waited_s", [0.0, 2.0, 10.0, 25.0, 28.9, 29.1])
def test_a_change_is_certain_exactly_where_the_bounds_leave_no_room_for_none(waited_s: float) -> None:
    """The p-value and the interval are of the same ends."""
    launches = [hit_by(waited_s, times=30.0 + 0.01 * n) for n in range(TODAYS.first)]
    found = Estimate(spans(launches, BOUNDED), BOUNDED)
    assert (found.p_value < ERROR_RATE) is (found.interval[0] > 1) is (waited_s < 29)
    assert found.interval[0] < found.factor < found.interval[1]


def test_what_would_have_been_seen_is_coarser_where_threads_waited_longer() -> None:
    seen = [
        Estimate(spans([hit_by(waited_s, 30 + 0.1 * n) for n in range(4)], BOUNDED), BOUNDED).detectable
        for waited_s in (0.0, 3.0, 9.0)
    ]
    assert seen == sorted(seen) and seen[1] > 30 / 27 - 1


def test_a_sitting_of_minute_long_calls_that_are_all_disturbed_has_a_figure() -> None:
    """The companion of the void one: nothing is measured again in vain."""

    def launch(things: Sequence[str], now: rounds.Round) -> list[Outcome]:
        return [Outcome(hit_by(waited_s=10.0))]

    (done,) = rounds.rounds(["a"], launch, lambda taken: True, 0.0, 1)
    assert not done.failure and len(done.launches) == TODAYS.first


HELD_UP = World(process_sd=0.05, n_pairs=1, held_share=1.0)
"""Each call of the baseline is held up, by some part of what its threads waited."""


@pytest.mark.parametrize("effect", [0.0, 0.05, 3.0])
@pytest.mark.parametrize("share", [0.3, 1.0])
def test_intervals_from_bounds_hold_the_truth_as_often_as_promised(share: float, effect: float) -> None:
    rng = np.random.default_rng(6)
    world = replace(HELD_UP, held_share=share, effect=effect)
    low, high, _ = stopped(world.spans(rng), rng)
    assert ((low > effect) | (high < effect)).mean() <= ERROR_RATE + TOLERANCE


def test_intervals_that_take_held_up_calls_for_undisturbed_ones_miss_it() -> None:
    """The companion: the same sittings, read without bounds."""
    rng = np.random.default_rng(6)
    highs = HELD_UP.spans(rng)[1]
    low, high, _ = stopped((highs, highs), rng)
    assert ((low > 0) | (high < 0)).mean() > 4 * ERROR_RATE


HICCUPS = World(process_sd=0.02, hiccup_share=0.1, n_pairs=2, seen_share=0.8)
"""One call in ten takes five times as long, as two clocks on a shared machine see eight of ten of them."""
UNEVEN = replace(HICCUPS, hiccup_share=0.02, longer=8.0)
"""The definition is eight times as long, and hit eight times as often."""
TOLERANCE = 3 * math.sqrt(ERROR_RATE * (1 - ERROR_RATE) / N_SITTINGS)


def missed(world: World, seed: int) -> float:
    rng = np.random.default_rng(seed)
    low, high, _ = stopped(world.spans(rng), rng)
    return float(((low > world.effect) | (high < world.effect)).mean())


@pytest.mark.parametrize("world", [HICCUPS, UNEVEN, replace(UNEVEN, n_pairs=1), replace(HICCUPS, seen_share=1.0)])
@pytest.mark.parametrize("effect", [0.0, 0.05, 1.5])
def test_the_interval_covers_the_truth_under_hiccups(world: World, effect: float) -> None:
    assert missed(replace(world, effect=effect), 11) < ERROR_RATE + TOLERANCE


def widths(world: World, method_name: str) -> np.ndarray:
    """Half-widths on the log scale at eight launches, by today's method or the plain one."""
    method = TODAYS if method_name == "todays" else PLAIN
    _, errors = looked_at(world.launches(np.random.default_rng(12)), method)
    at = method.numbers.index(8)
    return np.asarray(errors[:, at] * method.looks[at].critical)


def test_one_hiccup_in_ten_calls_does_not_double_the_interval_and_without_the_rules_it_would() -> None:
    quiet_world = replace(HICCUPS, hiccup_share=0.0)
    usual = np.median(widths(quiet_world, "todays"))
    assert np.median(widths(HICCUPS, "todays")) < 2 * usual
    # The companion: the plain t test over pairs that nobody looked at.
    assert np.median(widths(replace(HICCUPS, seen_share=0.0), "plain")) > 5 * usual

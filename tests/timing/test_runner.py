"""The runner's loop: who goes on, until when, and what a process does before its samples count."""

import os
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from bench.findings import find
from speedproof.failures import Failed
from speedproof.gate.certificate import Certificate
from speedproof.gate.check import certify
from speedproof.machine.rates import GFLOP_S
from speedproof.processes import ProcessDied, TookTooLong, Usage
from speedproof.tensors import rates
from speedproof.timing import rounds, runner, sampling, warmup
from speedproof.timing.launches import Launch
from speedproof.timing.method import TODAYS
from speedproof.timing.plan import Plan
from speedproof.timing.rounds import Outcome, Taken, in_time
from speedproof.timing.runner import measure
from speedproof.timing.sampling import Stretch, take
from speedproof.timing.warmup import (
    LONG_IN_ANY_CASE_S,
    LONGEST_REHEARSED_S,
    LONGEST_WARM_UP_S,
    LONGEST_WITH_INPUTS_S,
    MOST_CALLS,
    SHORTEST_SAMPLE_S,
    Form,
    settled,
    warm_up,
)
from tests.reporting import plan_of


def certificate_of(name: str) -> Certificate:
    finding = find(name)
    answer = certify(finding, finding.pairs[0], finding.pairs[0].workload("smoke"))
    assert isinstance(answer, Certificate)
    return answer


@pytest.fixture(scope="module")
def plans() -> list[Plan]:
    first, second = certificate_of("feature_links"), certificate_of("sae_cache")
    return [plan_of(first), plan_of(second), plan_of(first, first)]


class Machine:
    """Stands in for fresh processes: each plan has a spread between launches and a duration; the clock is ours."""

    def __init__(
        self,
        monkeypatch: pytest.MonkeyPatch,
        spreads: dict[str, float],
        took_s: dict[str, float],
        effect: float = 1.0,
    ) -> None:
        self.spreads, self.took_s, self.effect = spreads, took_s, effect
        self.rng = np.random.default_rng(0)
        self.now_s = 0.0
        self.asked: list[list[str]] = []
        monkeypatch.setattr(rounds, "monotonic_s", lambda: self.now_s)
        monkeypatch.setattr(runner, "in_fresh_process", self.process)

    def process(self, usage: Usage, work: Any, plans: list[Plan], *conditions: Any) -> Iterator[Outcome]:
        self.now_s += 5.0
        self.asked.append([plan.label for plan in plans])
        for plan in plans:
            self.now_s += self.took_s[plan.label]
            ratio = float(np.exp(self.effect + self.rng.normal(0, self.spreads[plan.label])))
            yield Outcome(Launch(0, (ratio,), (1.0,), (True,), (1, 1)), took_s=self.took_s[plan.label])


LINKS, CACHE, NULL = "feature_links.feature_links", "sae_cache.check_sae_cached", "A/A"


def test_undecided_plans_alone_go_on(plans: list[Plan], monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(monkeypatch, {LINKS: 1e-4, CACHE: 0.3, NULL: 1e-4}, dict.fromkeys((LINKS, CACHE, NULL), 1.0))
    done = list(measure(plans, 1e6, 1, Usage()))
    assert {m.what.label: len(m.launches) for m in done} == {LINKS: 4, CACHE: TODAYS.last, NULL: 4}
    assert [len(labels) for labels in machine.asked] == [3] * 4 + [1] * (TODAYS.last - 4)


def test_a_tighter_precision_takes_more_processes(plans: list[Plan], monkeypatch: pytest.MonkeyPatch) -> None:
    taken = []
    for precision in (0.2, 0.01):
        Machine(monkeypatch, {NULL: 0.02}, {NULL: 1.0}, effect=0.0)
        (done,) = measure(plans[2:], 1e6, 1, Usage(), precision=precision)
        taken.append(len(done.launches))
    assert taken[0] < taken[1]


def test_processes_up_to_the_first_look_run_whatever_the_budget(
    plans: list[Plan], monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = Machine(monkeypatch, dict.fromkeys((LINKS, CACHE, NULL), 0.3), dict.fromkeys((LINKS, CACHE, NULL), 1.0))
    done = list(measure(plans, 1.0, 1, Usage()))
    assert len(machine.asked) == TODAYS.first and all(len(m.launches) == TODAYS.first for m in done)


def test_the_budget_is_kept_and_every_measurement_ends_at_a_look(
    plans: list[Plan], monkeypatch: pytest.MonkeyPatch
) -> None:
    took_s = {LINKS: 1.0, CACHE: 60.0, NULL: 2.0}
    machine = Machine(monkeypatch, dict.fromkeys(took_s, 0.3), took_s)
    budget_s = 4 * (5 + 63) + 60
    done = list(measure(plans, budget_s, 1, Usage()))
    n_launches = {m.what.label: len(m.launches) for m in done}
    assert machine.now_s <= budget_s
    # The slow plan's next look does not fit; the quick ones go on with what is left.
    assert n_launches[CACHE] == TODAYS.first and n_launches[LINKS] >= n_launches[NULL] > TODAYS.first
    assert set(n_launches.values()) <= set(TODAYS.numbers)


def test_plans_are_taken_in_another_order_from_process_to_process_and_in_the_same_for_a_seed(
    plans: list[Plan], monkeypatch: pytest.MonkeyPatch
) -> None:
    orders = []
    for seed in (1, 1, 2):
        machine = Machine(
            monkeypatch, dict.fromkeys((LINKS, CACHE, NULL), 0.3), dict.fromkeys((LINKS, CACHE, NULL), 1.0)
        )
        list(measure(plans, 1e6, seed, Usage()))
        orders.append(machine.asked)
    assert orders[0] == orders[1] != orders[2]
    assert len({tuple(labels) for labels in orders[0]}) > 1


def test_a_plan_that_fails_stops_alone(plans: list[Plan], monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(monkeypatch, dict.fromkeys((LINKS, CACHE, NULL), 1e-4), dict.fromkeys((LINKS, CACHE, NULL), 1.0))
    whole = machine.process

    def failing(*arguments: Any) -> Iterator[Outcome]:
        for label, outcome in zip([p.label for p in arguments[2]], whole(*arguments), strict=True):
            yield Outcome(None, "differs in 1 of 70 rows") if label == CACHE else outcome

    monkeypatch.setattr(runner, "in_fresh_process", failing)
    done = {m.what.label: m for m in measure(plans, 1e6, 1, Usage())}
    assert done[CACHE].failure and not done[LINKS].failure and len(machine.asked[1]) == 2


def test_the_quickest_go_on_where_not_all_can(plans: list[Plan]) -> None:
    four = (Launch(0, (1.0,), (1.0,), (True,), (1, 1)),) * TODAYS.first
    slow, quick = Taken(plans[0], four, took_s=9.0), Taken(plans[1], four, took_s=2.0)
    assert in_time([slow, quick], 5.0, 64.0) == [slow, quick]
    assert in_time([slow, quick], 5.0, 63.0) == [quick]
    assert in_time([slow, quick], 5.0, 27.0) == []


def test_what_is_between_two_looks_goes_on_whatever_time_is_left_and_what_it_needs_is_not_given_twice(
    plans: list[Plan],
) -> None:
    one = Launch(0, (1.0,), (1.0,), (True,), (1, 1))
    between, waiting = Taken(plans[0], (one,) * 6, took_s=1.0), Taken(plans[1], (one,) * TODAYS.first, took_s=1.0)
    assert in_time([between, waiting], 0.0, 0.0) == [between]
    assert in_time([between, waiting], 0.0, 5.0) == [between]
    assert in_time([between, waiting], 0.0, 6.0) == [between, waiting]


def test_a_stretch_of_pairs_is_balanced(tiny: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "disturbance", lambda *seen: "")
    certificate = certificate_of("feature_links")
    launch = runner._samples(plan_of(certificate), tiny, 3, Stretch(0.1, True))
    n_pairs = len(launch.baseline_first)
    assert n_pairs % 2 == 0 and sum(launch.baseline_first) == n_pairs // 2


def test_beside_long_samples_of_a_model_the_rate_of_products_is_taken_and_beside_no_others(
    tiny: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, other = certificate_of("grad_mode"), certificate_of("feature_links")
    for of, from_s, is_rated in ((model, 0.0, True), (model, 60.0, False), (other, 0.0, False)):
        monkeypatch.setattr(runner, "RATED_FROM_S", from_s)
        monkeypatch.setattr(rates, "NOW", rates.SHAPES[:1])
        launch = runner._samples(plan_of(of), tiny, 3, Stretch(0.01, True))
        assert [GFLOP_S in side for side in launch.seen] == [is_rated] * 2


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this system cannot keep a process on a core")
def test_both_sides_of_a_launch_run_on_the_same_cores_and_all_are_free_again_after_it(
    tiny: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    allowed = os.sched_getaffinity(0)
    seen = []

    def take(*arguments: Any) -> Any:
        seen.append(os.sched_getaffinity(0))
        return sampling.take(*arguments)

    monkeypatch.setattr(runner, "take", take)
    finding = find("feature_links")
    workload = replace(finding.pairs[0].workload("smoke"), n_threads=1)
    certificate = certify(finding, finding.pairs[0], workload)
    assert isinstance(certificate, Certificate)
    for seed in range(4):
        seen.clear()
        runner._samples(plan_of(certificate), tiny, seed, Stretch(0.1, True))
        assert len(seen) > 1 and all(cores == seen[0] for cores in seen)
        assert len(seen[0]) == 1 and os.sched_getaffinity(0) == allowed


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this system cannot keep a process on a core")
def test_cores_are_drawn_by_chance_and_none_where_all_are_needed() -> None:
    allowed = os.sched_getaffinity(0)
    assert {core for seed in range(99) for core in sampling.cores_for(1, random.Random(seed))} == (
        allowed if len(allowed) > 1 else set()
    )
    assert sampling.cores_for(len(allowed), random.Random(1)) == frozenset()
    with sampling.on_cores(frozenset()):
        assert os.sched_getaffinity(0) == allowed


def seconds_of(monkeypatch: pytest.MonkeyPatch, seconds: Callable[[int, int], float]) -> list[int]:
    """Replaces the warm-up's clock: a sample's seconds by its number and calls. Returns the calls of each sample."""
    calls: list[int] = []

    def elapsed_s(work: Callable[[], int], wait: Any) -> tuple[int, float]:
        n = work()
        calls.append(n)
        return n, seconds(len(calls) - 1, n)

    monkeypatch.setattr(warmup, "elapsed_s", elapsed_s)
    return calls


def call(n: int) -> Callable[[], int]:
    return lambda: n


def test_warm_up_goes_on_while_samples_get_faster_and_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    falling = seconds_of(monkeypatch, lambda i, n: n * 1e-4 * (1 + 4 * max(0, 12 - i) / 12 + 0.01 * (i % 3)))
    assert warm_up(call, [(1.0, call(1))]).n_calls == pytest.approx(SHORTEST_SAMPLE_S / 1e-4, rel=0.1)
    steady = seconds_of(monkeypatch, lambda i, n: n * 1e-4 * (1 + 0.01 * (i % 3)))
    warm_up(call, [(1.0, call(1))])
    assert len(steady) < len(falling)


def test_warm_up_ends_even_if_samples_never_settle(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds_of(monkeypatch, lambda i, n: 0.02 * 0.99**i)
    assert 1 <= warm_up(call, [(1.0, call(1))]).n_calls <= MOST_CALLS


def test_warm_up_ends_where_inputs_take_long_to_make(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = 0.0

    def slowly_made(n: int) -> Callable[[], int]:
        nonlocal now_s
        now_s += n * 1e-3
        return call(n)

    monkeypatch.setattr(warmup, "monotonic_s", lambda: now_s)
    never_settled = seconds_of(monkeypatch, lambda i, n: n * 1e-5 * 0.99**i)
    warm_up(slowly_made, [(1.0, call(1))])
    assert len(never_settled) < 9
    assert now_s < LONGEST_WITH_INPUTS_S + 9


def test_a_short_call_is_rehearsed_and_a_long_one_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    for seconds, rehearsed in ((0.001, True), (2 * LONGEST_REHEARSED_S, False)):
        seconds_of(monkeypatch, lambda i, n, each=seconds: n * each)  # type: ignore[misc]
        assert warm_up(call, [(1.0, call(1))]).rehearsed is rehearsed


def test_a_sample_times_its_calls_alone_each_with_inputs_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[object] = []
    timed: list[int] = []

    def elapsed_s(work: Callable[[], object], wait: Any) -> tuple[object, float]:
        before, output = len(seen), work()
        timed.append(len(seen) - before)
        return output, 0.06

    monkeypatch.setattr(sampling, "elapsed_s", elapsed_s)
    inputs, output, seconds = take(lambda x: seen.append(x) or x, Form(3, True), lambda: {"x": object()})  # type: ignore[func-returns-value]
    assert len(seen) == 4 and timed == [3] and seconds.seconds == pytest.approx(0.02)
    assert len(set(map(id, seen))) == 4 and output is inputs["x"] is seen[-1]


def test_a_long_call_is_warmed_up_by_a_part_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = seconds_of(monkeypatch, lambda i, n: 0.5)
    assert warm_up(call, [(0.5 / (2 * LONGEST_WARM_UP_S), call(1))]) == Form(1)
    assert len(calls) == 1


@pytest.mark.parametrize(
    ("whole_s", "n_calls"),
    [
        (2 * LONG_IN_ANY_CASE_S, 1),
        (0.9 * LONG_IN_ANY_CASE_S, 2),
        (0.9 * LONGEST_WARM_UP_S, 3),
        (0.4 * LONGEST_WARM_UP_S, 4),
    ],
)
def test_what_is_long_without_a_doubt_is_warmed_up_by_its_first_items_alone(
    whole_s: float, n_calls: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is not, is asked for more of them, and a shorter one for all: once, or until its calls have settled."""
    shares = [0.02, 0.06, 1.0]
    calls = seconds_of(monkeypatch, lambda i, n: whole_s * shares[min(i, 2)])
    warm_up(call, [(share, call(i)) for i, share in enumerate(shares[:2])])
    assert calls[:2] == [0, 1][:n_calls] and (len(calls) == n_calls or n_calls == 4 <= len(calls))


@pytest.mark.parametrize(
    ("once_s", "n_calls"),
    [
        # (longer, shorter) -> calls behind a sample of the shorter.
        ((60.0, 1.5), 4),
        ((30.0, 1.0), 3),
        ((9.0, 1.0), 1),
        ((60.0, 7.0), 1),
        ((5.0, 0.2), 2),
        ((1.0, 0.002), 50),
        ((60.0, 0.002), 100),
    ],
)
def test_a_shorter_call_is_repeated_where_that_costs_a_tenth_of_the_longer(
    once_s: tuple[float, float], n_calls: int
) -> None:
    longer, shorter = (Form(1, once_s=seconds) for seconds in once_s)
    assert [form.n_calls for form in warmup.evened((longer, shorter))] == [1, n_calls]
    assert [form.n_calls for form in warmup.evened((shorter, longer))] == [n_calls, 1]


def test_what_is_to_be_repeated_is_called_once_to_know_how_long_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two items of seventy say seven seconds of a batched twin that takes one."""
    called: list[str] = []

    def arms(*guessed_s: float) -> tuple[Form, Form]:
        monkeypatch.setattr(sampling, "warm", lambda arm, *_: Form(1, once_s=guessed_s[["one", "other"].index(arm())]))

        def elapsed_s(whole: Callable[[], str], wait: Any) -> tuple[None, float]:
            called.append(whole())
            return None, 1.0

        monkeypatch.setattr(sampling, "elapsed_s", elapsed_s)
        pair = SimpleNamespace(inputs_of=lambda arm: lambda *_: {}, kit=SimpleNamespace(wait=None))
        called.clear()
        return sampling.warm_both((lambda: "one", lambda: "other"), pair, None, None)  # type: ignore[arg-type]

    assert arms(60.0, 7.0) == (Form(1), Form(4)) and called == ["other"]
    assert arms(7.0, 60.0) == (Form(4), Form(1)) and called == ["one"]
    # Both take long, or one is short and was called often: then the guess is as good as is needed.
    assert arms(60.0, 40.0) == (Form(1), Form(1)) and called == []
    assert arms(60.0, 0.5)[1].n_calls == 4 and called == []


def test_the_items_of_a_warm_up_are_a_few_and_then_more_but_never_more_than_there_are() -> None:
    asked: list[int] = []

    def arm(items: Sequence[int]) -> None:
        asked.append(len(items))

    def inputs(workload: Any, subject: Any, items: Sequence[int] | None) -> dict[str, Any]:
        return {"items": list(range(workload.n_items)) if items is None else items}

    kit = SimpleNamespace(use_threads=lambda n: None, wait=lambda: None)
    for n_items, sizes in ((70, [2, 6]), (4, [2, 4]), (2, [2]), (1, [1])):
        asked.clear()
        pair = SimpleNamespace(kit=kit, inputs_of=lambda arm: inputs)
        sampling.warm(arm, pair, SimpleNamespace(n_threads=1, n_items=n_items), None)  # type: ignore[arg-type]
        assert asked[: len(sizes)] == sizes and set(asked[len(sizes) :]) == {n_items}


def test_a_trend_is_not_settled_and_scatter_is() -> None:
    assert not settled([3.0, 2.9, 2.8], [2.7, 2.6, 2.5])
    assert settled([3.0, 2.8, 2.9], [2.9, 3.1, 2.7])
    assert settled([1.0, 1.0, 1.0], [1.0, 1.0, 1.0])


def test_no_plan_starts_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(monkeypatch, {}, {})
    assert list(measure([], 1e6, 1, Usage())) == [] and machine.asked == []


@pytest.mark.parametrize("error", [ProcessDied("its process was killed"), Failed("MemoryError"), TookTooLong("hangs")])
def test_a_process_that_fails_costs_the_plan_that_it_was_at_and_those_after_it(
    plans: list[Plan], error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Outcome(Launch(0, (1.0,), (1.0,), (True,), (1, 1)))

    def process(*arguments: Any) -> Iterator[Outcome]:
        yield first
        raise error

    monkeypatch.setattr(runner, "in_fresh_process", process)
    outcomes = runner._launch(plans, (1, Stretch(1.0, True)), 1, Usage(), None)
    assert outcomes[0] is first and [one.failure for one in outcomes[1:]] == [str(error)] * 2


@pytest.mark.parametrize(("error", "words"), [(SystemExit(3), "it called sys.exit(3)"), (MemoryError(), "memory ran")])
def test_a_twin_that_exits_or_has_no_memory_while_it_is_timed_costs_its_own_plan(
    plans: list[Plan], error: BaseException, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def samples(plan: Plan, *arguments: Any) -> Launch:
        if plan is plans[0]:
            raise error
        return Launch(0, (1.0,), (1.0,), (True,), (1, 1))

    monkeypatch.setattr(runner, "_samples", samples)
    monkeypatch.setattr(runner, "retain_memory", lambda: None)
    outcomes = list(runner.sample_all(plans, 1, Stretch(1.0, True)))
    assert outcomes[0].failure.startswith(words) and all(one.launch for one in outcomes[1:])

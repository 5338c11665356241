"""Two sides compared for real: in workers of their own, over copies of the twins with changes planted into them."""

import inspect
import random
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.findings import find
from speedproof.cli.guard import ACCEPTED
from speedproof.counters.tally import count
from speedproof.environment import current_environment
from speedproof.folders import ROOT
from speedproof.lens.subject import Subject
from speedproof.pairs.finding import TWINS
from speedproof.pairs.question import Question, questions
from speedproof.records.kinds import Counted
from speedproof.records.sides import Compared
from speedproof.sides import lockstep
from speedproof.sides.changes import changes, counts_of, read_accepted, read_baseline
from speedproof.sides.comparing import Pairing, asked_of_both
from speedproof.sides.outcome import outcomes
from speedproof.sides.places import Place, place_of
from speedproof.sides.remote import SideFailed, worker
from speedproof.sides.side import IMPLEMENTATIONS, parse_side
from speedproof.sittings.proving import prove_all
from speedproof.sittings.shares import Left
from speedproof.tensors.counters import operators
from speedproof_studies.kinds import Planted
from speedproof_studies.planted.plants import EXACT, slower, unplanted
from speedproof_studies.planted.rates import detection
from speedproof_studies.planted.study import study

CACHE_FINDING = "sae_cache"
WARM = pytest.mark.usefixtures("warm_workers")
"""Tests that claim nothing of how a worker starts."""


def asked(*names: str) -> list[Question]:
    return asked_of_both([q for name in names for q in questions([find(name)], "smoke")])


def silent(what: str, left: int) -> None:
    pass


@pytest.fixture
def copy(tmp_path: Path) -> Callable[..., Place]:
    """A place whose twins are the working tree's, with some code at the end of one file."""

    def make(name: str = "", code: str = "") -> Place:
        folder = tmp_path / f"copy{len(list(tmp_path.iterdir()))}"
        for part in IMPLEMENTATIONS:
            shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        if name:
            with (folder / "impl_batched" / f"{name}.py").open("a") as file:
                file.write(code)
        return place_of(parse_side(str(folder)), tmp_path)

    return make


@WARM
def test_planted_changes_are_told_and_an_identical_copy_is_not(tmp_path: Path) -> None:
    found = [(one.plant, one.found) for one in study(1, 0, 5, tmp_path, ["exact"], silent)]
    assert found == [*[("none", False)] * len(EXACT), *((plant.name, True) for plant in EXACT)]


def test_a_slowed_twin_is_planted_with_work_of_its_own_and_the_same_answer(tiny: Subject) -> None:
    plant = slower()
    pair = find(plant.finding).pair(plant.function)
    file = inspect.getsourcefile(pair.batched)
    assert file is not None
    planted: dict[str, Any] = {"__name__": "planted"}
    exec(compile(Path(file).read_text() + plant.code, file, "exec"), planted)
    inputs = pair.inputs(pair.workload("smoke"), tiny, None)
    plain, slowed = (count([operators], twin, inputs)["operators"] for twin in (pair.batched, planted[plant.function]))
    assert slowed > plain and planted[plant.function](**inputs) == pair.batched(**inputs)
    assert not unplanted(plant).code and unplanted(plant).question == plant.question


@WARM
def test_identical_copies_are_alike_in_answers_and_work(copy: Callable[..., Place]) -> None:
    bodies = list(Pairing(copy(), copy(), asked(CACHE_FINDING, "category_lookup"), 1, silent).answered())
    assert len(bodies) == 4 and all(one.identical for one in outcomes(bodies)), bodies


@WARM
def test_times_are_taken_in_turn_and_in_both_orders(
    copy: Callable[..., Place], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lockstep, "STRETCH_S", 0.3)
    (body,) = Pairing(copy(), copy(), asked("feature_links")[:1], 1, silent).compared(budget_s=1)
    assert len(body.launches) >= 4
    for launch in body.launches:
        assert len(launch.baseline_first) >= 2
        assert sum(launch.baseline_first) * 2 == len(launch.baseline_first)
        assert launch.n_calls[0] == launch.n_calls[1]


@WARM
def test_a_twin_that_kills_its_process_costs_that_row_alone(copy: Callable[..., Place]) -> None:
    after = copy(CACHE_FINDING, "\n\ndef check_sae_cached(*args, **kwargs):\n    os._exit(3)\n")
    bodies = list(Pairing(copy(), after, asked(CACHE_FINDING, "feature_links"), 1, silent).answered())
    failed = {(body.function, body.twin): body.failure for body in bodies}
    assert "ended by itself with exit status 3" in failed.pop(("check_sae_cached", "batched"))
    assert len(failed) == 3 and not any(failed.values())


@WARM
def test_a_twin_with_another_signature_is_unsupported(copy: Callable[..., Place]) -> None:
    after = copy(CACHE_FINDING, "\n\ndef check_sae_cached(path):\n    return path\n")
    (before, other) = Pairing(copy(), after, asked(CACHE_FINDING), 1, silent).answered()
    assert not before.failure and "TypeError" in other.failure
    (_, outcome) = outcomes([before, other])
    assert outcome.changed and outcome.answers.startswith("unsupported(")


@WARM
def test_a_side_that_does_not_import_is_told_in_its_own_words(copy: Callable[..., Place]) -> None:
    after = copy(CACHE_FINDING, "\n\nimport no_such_module\n")
    with pytest.raises(SideFailed, match="No module named 'no_such_module'") as told:
        list(Pairing(copy(), after, asked(CACHE_FINDING), 1, silent).answered())
    assert told.value.exit_status == 2


@WARM
def test_one_function_that_does_not_import_leaves_the_others_their_answers(copy: Callable[..., Place]) -> None:
    after = copy("category_lookup", "\n\nimport no_such_module\n")
    told = list(Pairing(copy(), after, asked("category_lookup", "feature_links"), 1, silent).answered())
    broken, others = ([one for one in told if (one.finding == "category_lookup") is it] for it in (True, False))
    # Both of its twins: a pair is asked whole.
    assert len(broken) == 2 and all("No module named 'no_such_module'" in one.failure for one in broken)
    assert others and all(one.answers and one.answers.status == "same" for one in others)


def test_a_worker_that_hangs_is_killed_in_time(copy: Callable[..., Place]) -> None:
    place = copy(CACHE_FINDING, "\n\ndef check_sae_cached(*args, **kwargs):\n    import time\n    time.sleep(600)\n")
    (question,) = (q for q in asked(CACHE_FINDING) if q.arm == TWINS[1])
    with worker(place, random.Random(1)) as side:
        side.ask("hello")
        with pytest.raises(SideFailed, match="no answer to 'answer' within 1 s"):
            side.ask("answer", question, limit_s=1)
        # It is gone, and does not go on in the background.
        time.sleep(0.1)
        with pytest.raises(SideFailed):
            side.ask("hello")


def test_sides_that_work_at_once_leave_each_other_the_cores_and_a_timed_one_keeps_its_own(
    copy: Callable[..., Place], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    telling = "    import os\n    raise ValueError(os.environ.get('OMP_WAIT_POLICY'))\n"
    place = copy(CACHE_FINDING, f"\n\ndef check_sae_cached(*args, **kwargs):\n{telling}")
    (question,) = (q for q in asked(CACHE_FINDING) if q.arm == TWINS[1])
    (at_once,) = Pairing(place, place, [question], 1, silent).answered()
    assert "ValueError: passive" in at_once.failure
    with worker(place, random.Random(1)) as timed, pytest.raises(SideFailed, match="ValueError: None"):
        timed.ask("answer", question)


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    smoke = questions([find(name) for name in (CACHE_FINDING, "feature_links", "grad_mode")], "smoke")
    ((given, claims),) = Left((), tuple(smoke), ()).shared_out(str(tmp_path_factory.mktemp("claims")), in_two=False)
    return counts_of([one for one in prove_all(given, claims) if isinstance(one, Counted)])


def test_the_committed_counts_are_those_of_today(counted: dict[str, int]) -> None:
    saved = read_baseline(ROOT / "results" / "counts.json")
    if saved.versions != current_environment().versions:
        pytest.skip("the counts were saved with other versions of the libraries, whose operators may be others")
    before = {row: n for row, n in saved.counts.items() if row.split(".")[0] in {r.split(".")[0] for r in counted}}
    assert not [change.words for change in changes(before, counted, read_accepted(ACCEPTED)) if change.stops]


def test_a_count_that_moved_would_be_seen(counted: dict[str, int]) -> None:
    saved = read_baseline(ROOT / "results" / "counts.json")
    row = "check_sae_cached.batched.directory_scans"
    assert [c.kind for c in changes({row: saved.counts[row] - 1}, {row: counted[row]})] == ["more work"]


@WARM
def test_a_comparison_is_read_again_as_it_was_written(copy: Callable[..., Place]) -> None:
    (body,) = Pairing(copy(), copy(), asked("feature_links")[:1], 1, silent).answered()
    assert Compared.model_validate_json(body.model_dump_json()) == body


def test_planted_trials_are_counted_by_change_and_budget_with_exact_intervals() -> None:
    common: dict[str, Any] = {"answers": "same", "work": (), "time": "alike", "launches": 4}
    told = [
        ("one", 0.0, True, None),
        ("one", 0.0, False, None),
        ("two", 45.0, True, 1.05),
        ("two", 60.0, False, 1.0),
        ("two", 60.0, False, 1.21),
    ]
    rates = detection([Planted(plant=p, budget_s=s, found=f, slowdown=r, **common) for p, s, f, r in told])
    assert [(rate.plant, rate.n_found, rate.n_trials) for rate in rates] == [
        ("one", 1, 2),
        ("two, 45 s of timing", 1, 1),
        ("two, 60 s of timing", 0, 2),
    ]
    assert [rate.slowdown for rate in rates] == [None, pytest.approx(1.05), pytest.approx(1.1)]
    assert [rate.measured for rate in rates] == ["not timed", "1.050", "1.100"]
    # By hand: the upper end of none of n is 1 - 0.025 ** (1 / n).
    assert rates[2].shown == "0.0% [0.0%, 84.2%]"
    assert (rates[2].low, rates[2].high) == pytest.approx((0.0, 1 - 0.025**0.5))


SABOTAGED = "raise SystemExit('this is the ruler of another checkout')\n"


def test_another_checkout_never_brings_its_own_ruler_nor_anything_but_its_twins(copy: Callable[..., Place]) -> None:
    after = copy("feature_links", "\n\ndef feature_links(*args, **kwargs):\n    return ['another answer']\n")
    for name in (
        "bench/__init__.py",
        "src/speedproof/sides/__init__.py",
        "src/speedproof/sides/worker.py",
        "random.py",
    ):
        (after.tree / name).parent.mkdir(parents=True, exist_ok=True)
        (after.tree / name).write_text(SABOTAGED)
    for name in ("torch", "typing", "pickle"):
        (after.tree / f"{name}.py").write_text(SABOTAGED)
    pairing = Pairing(copy(), after, asked("feature_links"), 1, silent)
    bodies = {body.twin: body for body in pairing.answered()}
    assert not any(body.failure for body in bodies.values()), bodies
    # Its twins are asked.
    assert {twin: body.answers and body.answers.status for twin, body in bodies.items()} == {
        "sequential": "same",
        "batched": "different",
    }


@WARM
def test_twins_that_come_from_elsewhere_are_noticed(copy: Callable[..., Place], tmp_path: Path) -> None:
    lost = replace(copy(), tree=tmp_path)
    with pytest.raises(SideFailed, match=r"(its twins came from|No module named 'impl_batched')"):
        list(Pairing(copy(), lost, asked("feature_links"), 1, silent).answered())


@WARM
@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import sys; os.fork(); sys.exit(3)", "it called sys.exit(3)"),
        ("raise MemoryError", "memory ran out"),
        ("os.closerange(3, 256)", "at 'answer' its process"),
        ("os.fork() or __import__('time').sleep(600); os._exit(5)", "exit status 5"),
    ],
)
def test_a_twin_that_ends_in_its_own_way_is_told_and_costs_that_row_alone(
    code: str, words: str, copy: Callable[..., Place]
) -> None:
    after = copy(CACHE_FINDING, f"\n\nimport os\n\ndef check_sae_cached(*args, **kwargs):\n    {code}\n")
    bodies = list(Pairing(copy(), after, asked(CACHE_FINDING, "feature_links"), 1, silent).answered())
    failed = {(body.function, body.twin): body.failure for body in bodies}
    assert words in failed.pop(("check_sae_cached", "batched"))
    assert len(failed) == 3 and not any(failed.values())

"""Error rates: how many trials there must be, which is next, and what the table adds up."""

import json
import random
import sys
from pathlib import Path

import pytest
from scipy import stats

from speedproof import cli
from speedproof.environment import current_environment
from speedproof.records.record import Record, Recorder
from speedproof_studies.kinds import Powered
from speedproof_studies.power.aims import (
    AIM,
    BY_DEFAULT,
    INJECTED,
    MOST_WALL_S,
    OURS,
    PEER_AIM,
    TODAY,
    Kind,
    aims,
    expected_s,
    missing,
    next_kind,
    next_load,
    peer_budget_s,
    told,
)
from speedproof_studies.power.rates import pool
from speedproof_studies.project import PROJECT
from speedproof_studies.proportion import clopper_pearson, upper

ENVIRONMENT = current_environment()


def trial(tool: str, injected: float, loaded: bool = False, alarm: bool = False, **more: object) -> Powered:
    said = {"budget_s": 1.0, "alarms": {"r": alarm, "never": False}, "wall_s": 2.0, "rule": BY_DEFAULT}
    return Powered.model_validate({"tool": tool, "injected": injected, "loaded": loaded, **said, **more})


def recorded(*bodies: Powered, day: int = 1, processor: str = "one") -> list[Record]:
    environment = ENVIRONMENT.model_copy(update={"processor": processor})
    written = f"2026-11-{day:02}T00:00:00+00:00"
    return [Record(written=written, sitting="s", environment=environment, body=body) for body in bodies]


def test_the_aims_are_split_evenly_and_a_number_given_replaces_them() -> None:
    aimed = aims([OURS, "asv"])
    for injected in INJECTED:
        assert sum(aimed[Kind(OURS, injected, loaded)] for loaded in (False, True)) == AIM[injected]
        assert [aimed[Kind("asv", injected, loaded)] for loaded in (False, True)] == [PEER_AIM / 2] * 2
    assert AIM[0.0] >= 300 and min(AIM[0.05], AIM[0.10]) >= 100 and PEER_AIM >= 20
    odd = aims([OURS], 3)
    assert set(odd) == set(aims([OURS])) and {kind.loaded: n for kind, n in odd.items()} == {False: 2, True: 1}


def test_none_false_of_the_aim_bounds_false_alarms_at_one_per_cent() -> None:
    assert upper(0, AIM[0.0]) < 0.01 < upper(0, AIM[0.0] - 5)


def test_what_is_missing_is_the_aim_less_what_is_there_and_never_less_than_nothing() -> None:
    aimed = aims([OURS], 4)
    known = [trial(OURS, 0.0)] * 5 + [trial(OURS, 0.05)] + [trial("asv", 0.05, loaded=True)]
    left = missing(aimed, known)
    assert Kind(OURS, 0.0, False) not in left
    assert left[Kind(OURS, 0.05, False)] == 1 and left[Kind(OURS, 0.05, True)] == 2
    assert sum(left.values()) == 20 - 2 - 1


def test_the_kind_that_is_furthest_behind_its_aim_is_next() -> None:
    rng = random.Random(1)
    aimed = {Kind(OURS, 0.0, False): 100, Kind(OURS, 0.05, False): 10, Kind("asv", 0.0, False): 10}
    half = [trial(OURS, 0.0)] * 50
    assert next_kind(aimed, [*half, *[trial(OURS, 0.05)] * 6, *[trial("asv", 0.0)] * 4], False, rng) == Kind(
        "asv", 0.0, False
    )
    assert next_kind(aimed, [*half, *[trial(OURS, 0.05)] * 4, *[trial("asv", 0.0)] * 6], False, rng) == Kind(
        OURS, 0.05, False
    )
    assert next_kind(aimed, half, True, rng) is None
    first = {next_kind(aims([OURS, "asv"]), [], False, random.Random(seed)) for seed in range(40)}
    assert {kind.injected for kind in first if kind} == set(INJECTED), "the order of what is injected is chance"
    assert {kind.tool for kind in first if kind} == {OURS}, "a peer is given the time that ours took"


def test_the_load_of_which_more_is_missing_is_next() -> None:
    aimed = aims([OURS], 4)
    assert next_load(aimed, []) is False
    assert next_load(aimed, [trial(OURS, 0.0)]) is True
    assert next_load(aimed, [trial(OURS, 0.0), trial(OURS, 0.05, loaded=True)]) is False


def test_how_long_it_takes_is_told_by_trials_of_the_same_tool_and_load() -> None:
    known = [trial(OURS, 0.0, rule=TODAY, wall_s=10.0), trial(OURS, 0.0, rule=TODAY, loaded=True, wall_s=30.0)]
    assert expected_s(Kind(OURS, 0.25, True), known) == 30.0 and expected_s(Kind(OURS, 0.25, False), known) == 10.0
    assert expected_s(Kind(OURS, 0.0, False), [trial(OURS, 0.0, rule="old", wall_s=7.0)]) == 7.0
    assert expected_s(Kind("asv", 0.0, False), known) == MOST_WALL_S
    left = {Kind(OURS, 0.0, False): 60, Kind(OURS, 0.0, True): 110}
    assert told(left, known) == f"Trials missing: 170 ({OURS} 170), about 1 h 5 min by what those on record took."
    assert told({}, known) == "No trial is missing."


def test_a_peer_is_given_the_wall_time_that_ours_took_at_the_same_load() -> None:
    own = [trial(OURS, 0.0, wall_s=wall_s) for wall_s in (30.0, 40.0, 50.0)]
    assert peer_budget_s("asv", False, []) == MOST_WALL_S
    assert peer_budget_s("asv", False, [*own, trial(OURS, 0.0, loaded=True, wall_s=90.0)]) == 40.0
    slow = trial("asv", 0.0, budget_s=40.0, wall_s=80.0)
    assert peer_budget_s("asv", False, [*own, slow]) == 20.0
    assert peer_budget_s("pyperf", False, [*own, slow]) == 40.0
    # One that ends early is given no more than all of it.
    assert peer_budget_s("asv", False, [*own, trial("asv", 0.0, budget_s=40.0, wall_s=20.0)]) == 40.0


def test_false_alarms_and_detections_are_counted_apart_with_exact_intervals_and_by_load() -> None:
    said = [(0.0, False), (0.0, False), (0.0, True), (0.05, True), (0.05, True), (0.05, False)]
    quiet = [trial("one", injected, alarm=alarm) for injected, alarm in said]
    loaded = [trial("one", injected, loaded=True, alarm=alarm, wall_s=4.0) for injected, alarm in said]
    both = pool(recorded(*quiet, *loaded))
    rule, never = both.rows
    assert rule == {
        "tool, by its rule": "one, r",
        "machine": "both",
        "false alarms": "2 of 6 [4%, 78%]",
        "sees 5%": "4 of 6 [22%, 96%]",
        "wall, s": "3",
    }
    assert never["false alarms"] == "0 of 6 [0%, 46%]"
    apart = both.rows_by_load[:3]
    assert [row["machine"] for row in apart] == ["both", "quiet", "loaded"] and apart[0] == rule
    assert apart[1]["false alarms"] == apart[2]["false alarms"] == "1 of 3 [1%, 91%]"
    assert both.own_by_load == [], "these rows are this tool's alone"
    own = pool(recorded(trial(OURS, 0.0), trial("one", 0.05, loaded=True))).own_by_load
    assert [(row["machine"], row["sees 5%"]) for row in own] == [("quiet", "-")] * 2


def test_hundreds_of_trials_are_told_in_tenths() -> None:
    (row, _) = pool(recorded(*[trial(OURS, 0.0)] * 300)).rows
    assert row["false alarms"] == "0 of 300 [0.0%, 1.2%]"


def test_trials_of_other_rules_are_left_out_and_told() -> None:
    old = recorded(*[trial(OURS, 0.0, rule="", alarm=True)] * 3, day=9)
    found = pool([*recorded(trial(OURS, 0.0)), *old])
    assert found.rows[0]["false alarms"].startswith("0 of 1 [")
    assert found.line == f"1 trial on one machine, by the rule '{BY_DEFAULT}'; 3 trials of other rules left out."
    assert "same wall time" in found.budget


def test_withheld_verdicts_count_as_no_alarm_and_are_told() -> None:
    found = pool(recorded(trial(OURS, 0.05, alarm=True), trial(OURS, 0.05, withheld="disturbed")))
    assert found.rows[0]["sees 5%"].startswith("1 of 2 [")
    assert "2 trials on one machine" in found.line and ", 1 of them withheld, which is no alarm." in found.line


def test_where_none_is_of_todays_rule_the_newest_is_shown_and_told() -> None:
    older = recorded(*[trial(OURS, 0.0, rule="older")] * 2, day=1)
    newer = recorded(trial(OURS, 0.0, rule="", alarm=True, budget_s=12.0), day=2)
    found = pool([*newer, *older])
    assert found.rows[0]["false alarms"].startswith("1 of 1 [")
    assert found.line == (
        "None by today's rule yet; shown is the newest other: 1 trial on one machine, by the rule of "
        "records that name none; 2 trials of other rules left out."
    )
    assert found.budget == "at 12 s of timing a question"
    assert pool([]).line == "No trial is on record."


def test_records_of_several_machines_add_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for processor, alarm in (("one", False), ("another", True)):
        Recorder(tmp_path, ENVIRONMENT.model_copy(update={"processor": processor}), "s").write(
            trial(OURS, 0.0, alarm=alarm)
        )
    assert len(list((tmp_path / "records").glob("*.jsonl"))) == 2
    out, _ = shown(monkeypatch, capsys, tmp_path)
    assert out.startswith(f"2 trials on 2 machines, by the rule '{BY_DEFAULT}'.\n") and "1 of 2 [1%, 99%]" in out


def test_the_table_is_shown_from_records_in_each_form(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert shown(monkeypatch, capsys, tmp_path, "--format", "csv")[0].strip() == ""
    Recorder(tmp_path, ENVIRONMENT, "s").write(trial("one", 0.0, loaded=True))
    out, err = shown(monkeypatch, capsys, tmp_path, "--format", "csv")
    assert out.splitlines()[1] == '"one, r",both,"0 of 1 [0%, 98%]",2' and "1 trial on one machine" in err
    rows = json.loads(shown(monkeypatch, capsys, tmp_path, "--format", "json")[0])
    assert [row["machine"] for row in rows] == ["both", "loaded"] * 2


def shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], results: Path, *words: str
) -> tuple[str, str]:
    monkeypatch.setattr(sys, "argv", ["bench", "power", "--show", "--results", str(results), *words])
    with pytest.raises(SystemExit) as ended:
        cli.main(PROJECT)
    assert ended.value.code == 0
    return capsys.readouterr()


@pytest.mark.parametrize("n", [1, 7, 80, 3000])
def test_intervals_are_the_librarys(n: int) -> None:
    for happened in {0, 1, n // 3, n - 1, n}:
        told = stats.binomtest(happened, n).proportion_ci(0.95, "exact")
        assert clopper_pearson(happened, n) == pytest.approx((told.low, told.high), abs=1e-9)
        one_sided = stats.binomtest(happened, n, alternative="less").proportion_ci(0.95, "exact")
        assert upper(happened, n) == pytest.approx(one_sided.high, abs=1e-9)


def test_intervals_are_what_one_works_out_by_hand() -> None:
    # 1 - 0.025 ** (1 / n).
    assert clopper_pearson(0, 100) == pytest.approx((0.0, 1 - 0.025**0.01))
    assert clopper_pearson(100, 100)[1] == 1.0

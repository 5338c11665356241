"""Planted faults: made where they matter, tried apart, noticed by what should notice them; survivors need a reason."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch

from speedproof_studies.gate_source import path_of

pytest.importorskip("cosmic_ray", reason="cosmic-ray is not installed; it comes with the extra 'mutation'")

from bench.findings import find
from speedproof import cli
from speedproof.errors import BadInput
from speedproof.lens.subject import Subject
from speedproof.pairs.subjects import Subjects
from speedproof.records.record import read
from speedproof_studies import forks
from speedproof_studies.forks import forked
from speedproof_studies.kinds import KINDS, Mutated, Survived
from speedproof_studies.mutation import session
from speedproof_studies.mutation.mutants import OTHER_WORDS, Mutant, mutants_of, sampled
from speedproof_studies.mutation.probes import Asked, first_wrong, gate_probes, twin_probes
from speedproof_studies.mutation.source_map import read_places
from speedproof_studies.mutation.survivors import FILE, entry_for, read_reasons, stale, survived
from speedproof_studies.mutation.tally import Tally, tally
from speedproof_studies.mutation.trying import Bench, fates, show_gate
from speedproof_studies.project import PROJECT

ROOT = Path(__file__).parents[2]

TOY = '''"""A toy."""
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    SIZE = 3


@dataclass(frozen=True)
class Toy:
    size: int | None = 4

    def grown(self, by: "int | None" = 5) -> "int | None":
        if by == 0:
            raise ValueError(f"by: expected more than {0 + 1}, got {by}")
        pairs = zip([by], [self.size], strict=True)
        return sum(one + (two or 6) for one, two in pairs)
'''


@pytest.fixture(scope="module")
def toys() -> list[Mutant]:
    return mutants_of("speedproof.gate.rules", TOY)


@pytest.fixture(scope="module")
def links() -> list[Mutant]:
    return mutants_of("impl_batched.feature_links")


@pytest.fixture(autouse=True)
def threads_as_before() -> Iterator[None]:
    before, path = torch.get_num_threads(), list(sys.path)
    yield
    torch.set_num_threads(before)
    sys.path[:] = path


def test_each_mutant_is_one_fault_at_the_place_it_names(toys: list[Mutant]) -> None:
    original = TOY.splitlines()
    for mutant in toys:
        lines = mutant.source.splitlines()
        if mutant.operator == "RemoveDecorator":
            assert mutant.line == f"{original[mutant.number - 1]} (removed)" and "@dataclass" not in mutant.source
        else:
            assert [i for i, line in enumerate(lines) if line != original[i]] == [mutant.number - 1]
            assert mutant.line == " ".join(lines[mutant.number - 1].split())
    assert len({mutant.source for mutant in toys}) == len(toys)


def test_faults_are_planted_where_they_can_matter_and_nowhere_else(toys: list[Mutant]) -> None:
    planted = {(mutant.function, mutant.line) for mutant in toys}
    assert ("Toy.grown", "if not by == 0:") in planted and ("Toy.grown", "if by != 0:") in planted
    assert ("", "size: int | None = 5") in planted and ("", "@dataclass(frozen=True) (removed)") in planted
    lines = {line for _, line in planted}
    for skipped in ("SIZE = 4", "int & None", "strict=False", "frozen=False", "{0 - 1}"):
        assert not any(skipped in line for line in lines), skipped


@pytest.mark.parametrize(
    ("line", "text", "why"),
    [
        (6, "3", "type checker"),
        (9, "True", "dataclass"),
        (11, "int | None", "annotation"),
        (15, "0 + 1", "message"),
        (16, "True", "strict"),
    ],
)
def test_every_skipped_place_says_why(line: int, text: str, why: str) -> None:
    places = read_places(TOY)
    assert why in places.why_skipped((line, TOY.splitlines()[line - 1].index(text)))
    assert not places.why_skipped((17, 20))


def test_a_default_belongs_to_the_module_and_a_body_to_its_function() -> None:
    places = read_places(TOY)
    assert places.function((13, TOY.splitlines()[12].index("5"))) == ""
    assert places.function((14, 12)) == "Toy.grown"


def test_a_sample_is_the_same_for_its_seed_and_outlives_edits(toys: list[Mutant]) -> None:
    drawn = sampled(toys, 4, seed=3)
    assert drawn == sampled(toys, 4, seed=3) and len(drawn) == 4 and drawn != sampled(toys, 4, seed=4)
    shifted = mutants_of("speedproof.gate.rules", TOY.replace('"""A toy."""', '"""A toy."""\n'))
    assert [mutant.key for mutant in sampled(shifted, 4, seed=3)] == [mutant.key for mutant in drawn]
    assert sampled(toys, None, seed=3) == toys


def fork_of(what: str) -> object:
    if what == "hangs":
        time.sleep(60)
    if what == "dies":
        signal.raise_signal(signal.SIGKILL)
    return what


def test_a_fork_that_hangs_or_dies_costs_only_itself() -> None:
    jobs = [(what, partial(fork_of, what), 0.5 if what == "hangs" else 30.0) for what in ("hangs", "dies", "well")]
    found = dict(forked(jobs, workers=2))
    assert found["hangs"].ended == "timeout" and found["dies"].ended == "exit status -9"
    assert found["well"].answer == "well" and not found["well"].ended


def fork_that(how: str) -> object:
    if how == "raises":
        raise MemoryError
    if how == "exits":
        os._exit(3)
    return how


@pytest.mark.parametrize(
    ("how", "ended", "why"),
    [("raises", "exit status 1", "memory ran out"), ("exits", "exit status 3", "ended by itself with exit status 3")],
)
def test_a_fork_that_cannot_answer_says_why(how: str, ended: str, why: str) -> None:
    ((_, outcome),) = forked([("", partial(fork_that, how), 30.0)], workers=1)
    assert outcome.answer is None and outcome.ended == ended and outcome.why.startswith(why)


@pytest.mark.parametrize("said", [b"{", b"[]", b"{}", b"\xff", b""])
def test_what_a_fork_sent_and_cannot_be_read_is_no_answer(said: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forks, "_say", lambda pipe, answer: os.write(pipe, said))
    ((_, outcome),) = forked([("", partial(fork_that, "well"), 30.0)], workers=1)
    assert outcome.answer is None and outcome.ended == "exit status 0" and outcome.why


def test_the_links_mutants_are_killed_by_the_gates_rules_and_the_known_survivors_live(links: list[Mutant]) -> None:
    answers = {fate.mutant.line: fate for fate in fates(links, workers=2)}
    assert answers["if not min(feature_idxs, default=0) < 0:"].how == "raises"
    assert answers["if min(feature_idxs, default=0) < -1:"].how == "refusals"
    reasons = read_reasons()
    assert all(survived(fate.mutant, reasons).reason for fate in answers.values() if fate.survived)


def test_a_gate_that_sees_no_hooks_is_noticed_by_the_control_for_it_and_survives_where_that_is_missing(
    tmp_path: Path,
) -> None:
    line, without = " *MODULES,", " *(aspect for aspect in MODULES if aspect.name != 'hooks'),"
    source = path_of("speedproof.tensors.kit").read_text()
    assert line in source
    blind = Mutant("speedproof.tensors.kit", "", "by hand", "", 1, source.replace(line, without))
    hooks, other = (f"control text_batching {name} smoke" for name in ("hook_left_on_the_model", "first_token"))
    asked = ((other, hooks), (other,))
    jobs = [(names, partial(show_gate, str(tmp_path), blind, dict.fromkeys(names, "")), 100.0) for names in asked]
    found = {names: outcome.answer for names, outcome in forked(jobs, workers=2)}
    assert found == {(other, hooks): [hooks, "passes"], (other,): ["", ""]}


def test_a_gate_that_judges_right_in_other_words_is_noticed_by_them(tmp_path: Path) -> None:
    source, name = path_of("speedproof.gate.check").read_text(), "own added_at_once"
    assert "n_checks=" in source
    as_today = Mutant("speedproof.gate.check", "", "by hand", "", 1, source)
    counting = replace(as_today, source=source.replace("n_checks=", "n_checks=1 + "))
    words = next(probe for probe in gate_probes(Subjects()) if probe.name == name).ask().words
    both = (as_today, counting)
    jobs = [(mutant, partial(show_gate, str(tmp_path), mutant, {name: words}), 100.0) for mutant in both]
    found = {mutant: outcome.answer for mutant, outcome in forked(jobs, workers=2)}
    assert words and found == {as_today: ["", ""], counting: [name, OTHER_WORDS]}


def test_a_gate_that_does_not_load_is_noticed(tmp_path: Path) -> None:
    broken = Mutant("speedproof.gate.state", "", "by hand", "", 1, "import bench.nothing_of_the_kind")
    ((_, outcome),) = forked([("", partial(show_gate, str(tmp_path), broken, {}), 100.0)], workers=1)
    assert outcome.answer == ["import", "raises ModuleNotFoundError"]


def test_a_twin_with_a_fault_is_refused_and_the_twin_itself_passes(tiny: Subject) -> None:
    module = type(sys)("impl_batched.feature_links")
    subjects = Subjects({tiny: tiny})
    module.feature_links = find("feature_links").pairs[0].batched  # type: ignore[attr-defined]
    assert first_wrong(twin_probes(module, subjects)) == ("", "")
    module.feature_links = lambda sae_name, feature_idxs: []  # type: ignore[attr-defined]
    assert first_wrong(twin_probes(module, subjects)) == ("feature_links smoke", "shape")
    module.feature_links = lambda sae_name: []  # type: ignore[attr-defined]
    assert first_wrong(twin_probes(module, subjects)) == ("feature_links signature", "signature")


def test_only_probes_that_run_the_function_are_asked() -> None:
    asked = [
        Asked("through", "", "", 1.0, frozenset({("speedproof.gate.state", "snapshot")})),
        Asked("past", "", "", 1.0, frozenset({("speedproof.gate.state", "restored")})),
    ]
    bench = Bench(asked, lambda mutant, names: list(names))
    in_function = Mutant("speedproof.gate.state", "snapshot", "AddNot", "x", 1, "")
    assert bench.job(in_function)[1]() == ["through"]
    assert bench.job(Mutant("speedproof.gate.state", "", "AddNot", "x", 1, ""))[1]() == ["through", "past"]


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int | str | None:
    monkeypatch.setattr(sys, "argv", ["bench", *words])
    with pytest.raises(SystemExit) as exit_:
        cli.main(PROJECT)
    return exit_.value.code


@pytest.mark.usefixtures("warm_processes")
def test_a_survivor_without_a_reason_fails_the_verb_which_says_what_to_add(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bare = tmp_path / "reasons.toml"
    bare.write_text("")
    words = ["mutation", "impl_batched.feature_links", "--results", str(tmp_path)]
    assert run(monkeypatch, *words, "--reasons", str(bare)) == 1
    told = capsys.readouterr().out
    assert f"its reason to {bare}" in told and "without a reason" in told
    (record,) = read(tmp_path, KINDS).records
    assert isinstance(record.body, Mutated) and record.body.n_killed + len(record.body.survived) == record.body.n_tried
    pasted = told[told.index("[[survivor]]") :].split("SURVIVED")[0].split("\n\n")[0]
    bare.write_text(pasted.split('why = ""')[0].replace('kind = ""', 'kind = "equivalent"') + 'why = "so"\n')
    assert len(read_reasons(bare)) == 1


def test_every_mutant_with_a_reason_exists_and_no_other_would_be_missed(links: list[Mutant]) -> None:
    reasons = read_reasons()
    assert stale(reasons, ["impl_batched.feature_links"], links, []) == []
    (first, *_) = links
    assert "no such mutant" in stale({("m", "f", "o", "l"): None}, ["m"], links, [])[0]  # type: ignore[dict-item]
    assert "killed now" in stale({first.key: None}, [first.module], links, [first])[0]  # type: ignore[dict-item]


def test_the_mutant_of_every_reason_exists() -> None:
    """An edit of its line makes a reason stale, also where nobody tries that module's mutants for a while."""
    reasons = read_reasons()
    asked: dict[str, set[tuple[str, str]]] = {}
    for module, function, operator, _ in reasons:
        asked.setdefault(module, set()).add((function, operator))
    made = [one for module, only in asked.items() for one in mutants_of(module, only=only)]
    assert stale(reasons, [*asked], made, []) == []
    # The companion: the same reason of a line that is not there.
    (module, function, operator, line), reason = next(iter(reasons.items()))
    assert "no such mutant" in stale({(module, function, operator, f"{line} + 1"): reason}, [module], made, [])[0]


@pytest.mark.parametrize(
    "entry", ['kind = "equivalent"', 'kind = "because"\nwhy = "so"', 'kind = "elsewhere"\nwhy = "so"']
)
def test_a_reason_that_gives_none_is_refused(entry: str, tmp_path: Path) -> None:
    path = tmp_path / "reasons.toml"
    path.write_text(f'[[survivor]]\nmodule = "m"\nfunction = "f"\noperator = "o"\nlines = ["l"]\n{entry}\n')
    with pytest.raises(BadInput, match="not whole"):
        read_reasons(path)


def test_a_test_that_a_reason_names_exists() -> None:
    for reason in read_reasons(FILE).values():
        if "::" in reason.also:
            file, name = reason.also.split("::")
            assert f"def {name}(" in (ROOT / file).read_text(), reason.also


def test_an_entry_can_be_pasted(tmp_path: Path) -> None:
    one = Survived(function="f", operator="o", line='x = "a\\n" + "b"', kind="", reason="")
    path = tmp_path / "reasons.toml"
    path.write_text(entry_for("m", one).replace('kind = ""', 'kind = "speed"').replace('why = ""', 'why = "so"'))
    assert list(read_reasons(path)) == [("m", "f", "o", one.line)]


def test_an_unknown_module_is_bad_input() -> None:
    assert session.chosen_modules(["twins"]) == session.TWINS and path_of(session.TWINS[0]).exists()
    with pytest.raises(BadInput, match="Unknown module"):
        session.chosen_modules(["speedproof.report.report"])


def test_a_tally_counts_the_newest_run_and_those_without_a_reason() -> None:
    bare = Survived(function="f", operator="o", line="l", kind="", reason="")
    body = Mutated(
        module="m", source="s", n_mutants=9, n_tried=4, killed={"raises": 3}, survived=(bare,), seed=1, gate="g"
    )
    assert Tally((body,)).words == "4 mutants (drawn from 9), 3 killed, 1 survivors, 1 without a reason"
    assert tally([]) is None

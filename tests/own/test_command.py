"""The command on a user's own pair: its exit status, its card, its JSON and the files that it writes."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import speedproof
from speedproof import __main__ as command
from speedproof.errors import BadInput, NotEquivalent
from speedproof.own import cards, proof
from speedproof.own.asking import check_pair
from speedproof.own.cards import pairs_in
from speedproof.own.proving import prove
from speedproof.pairs.question import Question
from speedproof.processes import Usage, in_fresh_process
from speedproof.records.kinds import Certified
from speedproof.timing.plan import plans_of_pairs
from speedproof.timing.runner import sample_all
from speedproof.timing.sampling import Stretch

MINE = """\
import os
import sys
import time

import numpy as np


def slow(items):
    found = []
    for item in items:
        if item not in found:
            found.append(item)
    return found


def fast(items):
    return list(dict.fromkeys(items))


def wrong(items):
    return sorted(set(items))


def extended(items):
    items.append(0)
    return list(dict.fromkeys(items[:-1]))


def hanging(items):
    while items:
        time.sleep(0.01)
    return []


def paused(items):
    time.sleep(0.02)
    return fast(items)


def exiting(items):
    sys.exit(5)


def ending(items):
    os._exit(5)


def raising(items):
    raise RuntimeError("always")


def other(items, more):
    return items


EXAMPLE = {"items": [3, 1, 3]}


def always_five(size, rng: "random.Random"):
    return {"items": [rng.randrange(4) for _ in range(5)]}


def make(size, rng: "random.Random"):
    return {"items": [rng.randrange(size + 1) for _ in range(size)]}


def numpys(size, rng):
    return rng.standard_normal(size)


def total(items):
    return float(sum(items))


def total_in_single(items):
    return float(np.sum(np.asarray(items, np.float32)))


def unseeded(size, rng):
    return [time.perf_counter_ns()]


value = 3
"""


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A user's folder with a file in it, which is where they are."""
    folder = tmp_path / "user"
    folder.mkdir()
    (folder / "mine.py").write_text(MINE, encoding="utf-8")
    monkeypatch.chdir(folder)
    monkeypatch.setattr(cards, "CACHE", tmp_path / "cache")
    monkeypatch.setenv("SPEEDPROOF_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("SPEEDPROOF_RESULTS", str(tmp_path / "results"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    modules, path = set(sys.modules), list(sys.path)
    yield folder
    for name in [name for name in sys.modules if name not in modules and "mine" in name]:
        del sys.modules[name]
    sys.path[:] = path


def asked(*words: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    """`speedproof WORDS`, ended, as a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "speedproof", *words], capture_output=True, text=True, env={**os.environ, **variables}
    )


def here(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """The status of the same in this process, which starts others where the user's code runs."""
    monkeypatch.setattr(sys, "argv", ["speedproof", *words])
    with pytest.raises(SystemExit) as ended:
        command.main()
        raise SystemExit(0)
    return int(ended.value.code or 0)


CHECK = ("check", "mine.py:slow")
INPUTS = ("--inputs", "mine.py:make")
QUICK = ("--sizes", "0,1,2,8", "--faults", "0")


# What is found.


@pytest.mark.parametrize(
    ("inputs", "largest"),
    [("mine.py:make", 8), ("mine.py:always_five", None), ("mine.py:EXAMPLE", None)],
    ids=["by size", "whatever the size", "an example"],
)
def test_up_to_which_size_was_asked_is_said_where_sizes_mean_something(
    mine: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], inputs: str, largest: int | None
) -> None:
    words = ("mine.py:slow", "mine.py:fast", "--inputs", inputs, *QUICK)
    assert here(monkeypatch, "check", *words, "--json") == 0
    assert json.loads(capsys.readouterr().out)["largest_size"] == largest
    assert here(monkeypatch, "check", *words) == 0
    assert ("up to size 8" in capsys.readouterr().out) is (largest == 8)


def test_measuring_checks_from_the_seed_that_it_is_given(
    mine: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for verb in ("measure", "run"):
        assert (
            here(monkeypatch, verb, "mine.py:slow", "mine.py:wrong", *INPUTS, "--sizes", "0,1,2,8", "--seed", "7") == 1
        )
        assert capsys.readouterr().out.rstrip().endswith("--seed 7")


def test_the_same_is_status_0_and_a_card(mine: Path) -> None:
    found = asked(*CHECK, "mine.py:fast", *INPUTS, "--sizes", "0,1,2,8")
    assert found.returncode == 0, found.stderr
    lines = found.stdout.splitlines()
    assert lines[0] == "SAME ANSWER: fast gives what slow gives."
    assert any(line.split() == "compared".split() + line.split()[1:] and "exactly" in line for line in lines)
    assert any("planted in the candidate were seen" in line for line in lines)
    assert "speedproof measure mine.py:slow mine.py:fast --inputs mine.py:make" in lines[-1]
    assert "Traceback" not in found.stderr


def test_another_answer_is_status_1_with_the_smallest_inputs_a_file_that_shows_it_and_no_certificate(
    mine: Path,
) -> None:
    found = asked(
        *CHECK, "mine.py:wrong", *INPUTS, *QUICK, "--reproduce", "shown.py", "--seed", "3", "--certificate", "no.json"
    )
    assert found.returncode == 1 and not (mine / "no.json").exists()
    lines = found.stdout.splitlines()
    assert lines[0] == "NOT THE SAME: wrong does not give what slow gives."
    told = {line[2:20].strip(): line[20:] for line in lines[1:]}
    assert told["smallest inputs"].startswith("items=[") and told["reference"] != told["candidate"]
    assert (
        told["see it again"]
        == f"speedproof {' '.join(CHECK)} mine.py:wrong {' '.join(INPUTS)} --sizes 0,1,2,8 --seed 3"
    )
    shown = subprocess.run(
        [
            sys.executable,
            "-I",
            "-c",
            f"import runpy, sys\nsys.modules['speedproof'] = None\nrunpy.run_path({str(mine / 'shown.py')!r})",
        ],
        capture_output=True,
        text=True,
        cwd="/",
    )
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.splitlines() == [f"reference: {told['reference']}", f"candidate: {told['candidate']}"]


def test_answers_that_hold_the_words_of_a_refusal_are_told_whole(
    mine: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What a refusal says is put together of parts; an answer may hold whatever stands between two of them."""
    hostile = "x Trial: y (z). Reproduce: rm -r /"
    (mine / "words.py").write_text(
        f"def slow(items):\n    return [{hostile!r}]\n\n\ndef fast(items):\n    return ['y']\n"
    )
    words = ("words.py:slow", "words.py:fast", "--inputs", "mine.py:make", *QUICK, "--seed", "3")
    assert here(monkeypatch, "check", *words) == 1
    told = {line[2:20].strip(): line[20:] for line in capsys.readouterr().out.splitlines()[1:]}
    assert hostile in told["because"]
    assert told["see it again"] == f"speedproof check {' '.join(words).replace(' --faults 0', '')}"
    assert told["asked"].startswith("size")
    with pytest.raises(NotEquivalent) as found:
        speedproof.check("words.py:slow", "words.py:fast", "mine.py:make", sizes=(0, 1, 2, 8))
    lines = str(found.value).splitlines()
    assert hostile in lines[0] and lines[1].startswith("  asked: size") and "rm -r" not in lines[1] + lines[-1]


def test_a_change_of_arguments_is_in_the_file_too(mine: Path) -> None:
    found = asked(*CHECK, "mine.py:extended", *INPUTS, *QUICK, "--reproduce", "shown.py")
    assert found.returncode == 1 and "changes its arguments" in found.stdout
    shown = subprocess.run([sys.executable, mine / "shown.py"], capture_output=True, text=True, cwd="/")
    assert "and leaves its arguments as {'items': [0]}" in shown.stdout


def test_json_has_its_fields_and_nothing_else_on_standard_output(mine: Path) -> None:
    found = asked(*CHECK, "mine.py:fast", *INPUTS, *QUICK, "--json")
    told: dict[str, Any] = json.loads(found.stdout)
    assert found.returncode == 0 and told["verdict"] == "same"
    assert (told["reference"], told["candidate"]) == ("mine.py:slow", "mine.py:fast")
    assert told["n_calls"] > 10 and told["n_compared"] > 10 and told["worst_share_of_allowed"] == 0.0
    assert told["not_asked"] == [] and told["allowed_to"] == {}
    assert told["next"].startswith("speedproof measure")
    found = asked("check", "mine.py:total", "mine.py:total_in_single", "--inputs", "mine.py:numpys", *QUICK, "--json")
    told = json.loads(found.stdout)
    assert found.returncode == 1 and told["verdict"] == "not the same" and told["rule"] == "element"
    assert set(told["counter_example"]) == {"inputs", "expected", "got", "draw"}
    assert "dtype=float64" in told["counter_example"]["inputs"]
    assert told["next"].startswith("speedproof check") and "--seed" in told["next"]


def test_a_certificate_is_valid_until_something_changes(mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = asked(*CHECK, "mine.py:fast", *INPUTS, *QUICK, "--seed", "12", "--certificate", "proof.json")
    assert found.returncode == 0
    told = json.loads((mine / "proof.json").read_text())
    assert str(mine) not in (mine / "proof.json").read_text()
    assert told["seed"] == 12
    assert list(told["sources"]) == ["mine.py"] and told["asked"][:2] == ["mine.py:slow", "mine.py:fast"]
    assert str(speedproof.verify("proof.json")) == "VALID"
    monkeypatch.chdir("/")
    assert speedproof.verify(mine / "proof.json").is_valid
    (mine / "mine.py").write_text(MINE + "\n\nmore = 1\n", encoding="utf-8")
    assert str(speedproof.verify(mine / "proof.json")) == "STALE (mine.py changed)"
    (mine / "mine.py").unlink()
    assert str(speedproof.verify(mine / "proof.json")) == "STALE (mine.py is gone)"
    # Of libraries it names those that the files import, so that another's new version makes nothing stale.
    assert set(told["versions"]) == {"python", "speedproof", "numpy"}
    assert {"torch", "pandas"} & set(proof.versions(proof.LIBRARIES))
    told["versions"]["python"] = "2.7"
    (mine / "proof.json").write_text(json.dumps(told))
    assert "was 2.7" in str(speedproof.verify(mine / "proof.json"))


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "null", '{"format": 9}', "\xff", '{"format": 1, "sources": [], "versions": {}}']
)
def test_what_is_no_certificate_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "proof.json").write_text(text, encoding="latin-1")
    with pytest.raises(BadInput, match="is no certificate"):
        speedproof.verify(tmp_path / "proof.json")
    with pytest.raises(BadInput, match="Expected a certificate"):
        speedproof.verify(tmp_path / "none.json")


# Candidates that end or hang the process.


@pytest.mark.parametrize(
    ("candidate", "words"),
    [("hanging", "--budget-s 2"), ("exiting", "sys.exit"), ("ending", "")],
)
def test_a_candidate_that_hangs_or_ends_the_process_is_status_2_and_one_line(
    mine: Path, candidate: str, words: str
) -> None:
    found = asked(*CHECK, f"mine.py:{candidate}", *INPUTS, *QUICK, "--budget-s", "2")
    said = found.stdout + found.stderr
    assert found.returncode == 2, said
    assert words in said and "Traceback" not in said
    assert not found.stdout or found.stdout.startswith("NOT JUDGED")


HANGS_LATER = """
CALLS = 0

def late(items):
    global CALLS
    CALLS += 1
    while CALLS > 30:
        pass
    return sorted(items) if len(items) < 8 else []

def make_few(size, rng):
    return {"items": [rng.randrange(9) for _ in range(size)]}
"""


def test_a_verdict_stands_whatever_becomes_of_the_search_for_smaller_inputs(mine: Path) -> None:
    # The search asks some hundred times; the check itself finds it wrong before that.
    (mine / "later.py").write_text(f"def slow(items):\n    return sorted(items)\n{HANGS_LATER}", encoding="utf-8")
    found = asked(
        *("check", "later.py:slow", "later.py:late", "--inputs", "later.py:make_few"),
        *("--sizes", "0,1,2,8", "--faults", "0", "--budget-s", "3"),
    )
    said = found.stdout + found.stderr
    assert found.returncode == 1, said
    assert found.stdout.startswith("NOT THE SAME") and "Left out: " in found.stderr and "Traceback" not in said


# Bad input.

PAIRS = """\
from speedproof import Pair

ONE = Pair('mine.py:slow', 'mine.py:fast', inputs='mine.py:make', sizes=(0, 1, 5))
"""


ODD = """
import math
number, listed, none = 3, [1] * 500, None

class Thing:
    pass

def f(items):
    return items
"""
"""What has names that mean no functions."""


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["mine.py:slow"], "Two functions are held against each other, got 1"),
        (["mine.py:slow", "mine.py:fast", "mine.py:wrong"], "got 3"),
        (["mine.py:slow", "mine.py:fats", *INPUTS], "nothing is called 'fats' there. The nearest name"),
        (["mien.py:slow", "mine.py:fast", *INPUTS], "there is no file 'mien.py'. The nearest name is mine.py"),
        (["mine.py:slow", "mine.py:other", *INPUTS], "The two functions take other parameters"),
        (
            ["odd.py:math", "mine.py:fast", *INPUTS],
            "odd.py:math is the module math, and no function. In that file is f",
        ),
        (
            ["mine.py:slow", "odd.py:math", *INPUTS],
            "odd.py:math is the module math, and no function. In that file is f",
        ),
        (["mine.py:slow", "odd.py:number", *INPUTS], "odd.py:number is an int, 3, and no function. In that file is f"),
        (["mine.py:slow", "odd.py:listed", *INPUTS], "odd.py:listed is a list, and no function. In that file is f"),
        (["mine.py:slow", "odd.py:none", *INPUTS], "odd.py:none is None, and no function. In that file is f. Expected"),
        (
            ["mine.py:slow", "odd.py:Thing", *INPUTS],
            "odd.py:Thing is a class, and is called as one. In that file is",
        ),
        (["mine.py:slow", "math:pi", *INPUTS], "math:pi is a float, 3.141592653589793, and no function. Expected one"),
        (["mine.py:slow", "mine.py:fast"], "def make(size, rng):"),
        (["mine.py:slow", "mine.py:fast", "--inputs", "make"], "names nothing. Expected FILE.py:NAME"),
        (["mine.py:slow", "mine.py:fast", "--inputs", "mine.py:unseeded"], "ignores its seed"),
        (["HEAD:mine.py:slow", "mine.py:fast", *INPUTS], "Expected a file of a git repository"),
        (["mine.py:slow", "mine.py:fast", *INPUTS, "--sizes", "a"], "are no sizes"),
        (["mine.py:slow", "mine.py:fast", *INPUTS, "--exceptions", "all"], "Expected type, text or any"),
        (["mine.py:slow", "mine.py:fast", *INPUTS, "--same", "close(rel=1)"], "is no way to compare"),
        (["mine.py:slow", "mine.py:fast", *INPUTS, "--pairs", "mine.py"], "--inputs and --pairs together"),
        (["mine.py:slow", "mine.py:fast", *INPUTS, "--same", "sets"], "nothing says why. Expected such as --same"),
        (["--pairs", "of_names.py", "--same", "nonsense("], "--same beside --pairs of_names.py: a pair says itself"),
        (["--pairs", "of_names.py", "--sizes", "0,1"], "--sizes beside --pairs of_names.py: a pair says itself"),
        (["--pairs", "of_names.py", "--exceptions", "any"], "--exceptions beside --pairs of_names.py"),
        (["--pairs", "of_names.py", "--allow", "files: a log"], "--allow beside --pairs of_names.py"),
        (["--pairs", "of_names.py", "--budget-s", "9"], "--budget-s beside --pairs of_names.py"),
        (["mine.py:slow", "mine.py:fast", *INPUTS, "--dtype", "bfloat16"], "--dtype is for the project's findings"),
        (["mine.py:slow", "mine.py:fast", *INPUTS, "--candidate", "a.py:f"], "--candidate is for the project's"),
        (["--pairs", "mine.py"], "there is no pair in it"),
        (["--pairs", "none.py"], "there is no such file"),
    ],
)
def test_bad_input_is_one_clear_error_and_status_2(
    words: list[str], told: str, mine: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (mine / "of_names.py").write_text(PAIRS, encoding="utf-8")
    (mine / "odd.py").write_text(ODD, encoding="utf-8")
    assert here(monkeypatch, "check", *words) == 2
    said = "".join(capfd.readouterr())
    assert told in " ".join(said.split()) or told in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((*INPUTS, "--results", "/dev/null/x"), "/dev/null/x"),
        ((*INPUTS, "--certificate", "no/such/proof.json"), "--certificate no/such/proof.json"),
    ],
)
def test_what_cannot_be_written_is_one_clear_error(
    words: tuple[str, ...], told: str, mine: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert here(monkeypatch, *CHECK, "mine.py:fast", *words, *QUICK) == 2
    said = "".join(capfd.readouterr())
    assert told in said and "Traceback" not in said


def test_a_counter_example_that_cannot_be_written_is_one_clear_error(
    mine: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert here(monkeypatch, *CHECK, "mine.py:wrong", *INPUTS, *QUICK, "--reproduce", "no/such/file.py") == 2
    said = "".join(capfd.readouterr())
    assert "--reproduce no/such/file.py" in said and "Traceback" not in said


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full device")
def test_a_full_disk_is_one_clear_error(
    mine: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert here(monkeypatch, *CHECK, "mine.py:fast", *INPUTS, *QUICK, "--certificate", "/dev/full") == 2
    said = "".join(capfd.readouterr())
    assert "No space left" in said and "Traceback" not in said


def test_a_cache_that_cannot_be_written_is_one_clear_error(
    mine: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cards, "CACHE", mine / "mine.py")
    assert here(monkeypatch, *CHECK, "mine.py:fast", *INPUTS, *QUICK) == 2
    said = "".join(capfd.readouterr())
    assert "SPEEDPROOF_CACHE names another folder" in said and "Traceback" not in said


# Pairs that stay.


def test_pairs_of_a_file_go_by_name_and_work_in_this_process(
    mine: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (mine / "held.py").write_text(
        "from speedproof import Pair\nimport mine\n"
        "ONE = Pair(mine.slow, mine.fast, inputs=mine.make, sizes=(0, 1, 5))\n"
        "TWO = Pair('mine.py:fast', 'mine.py:wrong', inputs='mine.py:make', sizes=(0, 1, 5))\n",
        encoding="utf-8",
    )
    assert here(monkeypatch, "check", "slow", "--pairs", "held.py", "--faults", "0") == 0
    assert "SAME ANSWER" in capfd.readouterr().out
    assert here(monkeypatch, "check", "--pairs", "held.py", "--faults", "0", "--json") == 1
    told = json.loads(capfd.readouterr().out)
    assert [one["verdict"] for one in told] == ["same", "not the same"]
    again = told[1]["next"]
    assert again.startswith("speedproof check fast --pairs held.py --seed ") and told[1]["reason"].endswith(again)
    assert here(monkeypatch, "check", "slwo", "--pairs", "held.py") == 2
    assert "Expected one of: slow, fast" in capfd.readouterr().err
    found = pairs_in(mine / "held.py")
    assert list(found) == ["slow", "fast"] and check_pair(found["slow"], seed=1).certificate.n_checks > 5


def test_samples_of_a_pair_come_from_a_process_of_its_own(mine: Path) -> None:
    (mine / "held.py").write_text(
        "from speedproof import Pair\n"
        "ONE = Pair('mine.py:paused', 'mine.py:paused', inputs='mine.py:make', sizes=(0, 1, 5))\n",
        encoding="utf-8",
    )
    (pair,) = pairs_in(mine / "held.py").values()
    question = Question(pair.finding.target(pair.name), pair.workload("report"), seed=1)
    (proven,) = (told for told in in_fresh_process(Usage(), prove, question, 0) if isinstance(told, Certified))
    plan, null = plans_of_pairs([pair.finding], [proven.certificate])
    (outcome,) = in_fresh_process(Usage(), sample_all, [plan], 1, Stretch(0.0, True))
    assert null.null and outcome.failure == "" and outcome.launch is not None


def test_two_pairs_of_one_name_are_told(mine: Path) -> None:
    (mine / "held.py").write_text(
        "from speedproof import Pair\n"
        "ONE = Pair('mine.py:slow', 'mine.py:fast')\nTWO = Pair('mine.py:slow', 'mine.py:wrong')\n",
        encoding="utf-8",
    )
    with pytest.raises(BadInput, match="two pairs are called 'slow'"):
        pairs_in(mine / "held.py")


def test_waivers_and_rules_are_part_of_the_command_that_repeats_it(
    mine: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    words = ("--allow", "files: a log", "--same", "sets(why='a cloud')")
    assert here(monkeypatch, *CHECK, "mine.py:wrong", *INPUTS, *QUICK, *words, "--json") == 0
    told = json.loads(capfd.readouterr().out)
    assert told["allowed_to"] == {"files": "a log"}
    assert "--allow 'files: a log'" in told["next"] and "sets(why=" in told["next"]


# What a first user met.


def test_a_reproduction_knows_the_classes_of_the_users_own_files(mine: Path) -> None:
    (mine / "points.py").write_text(
        "from dataclasses import dataclass\n\n\n@dataclass\nclass Point:\n    x: float\n    y: float\n\n\n"
        "def ordered(points):\n    return sorted(points, key=lambda p: (p.x, p.y))\n\n\n"
        "def by_x(points):\n    return sorted(points, key=lambda p: p.x)\n",
        encoding="utf-8",
    )
    (mine / "inputs.py").write_text(
        "from points import Point\n\n\ndef make(size, rng):\n"
        "    return {'points': [Point(float(rng.randrange(3)), rng.random()) for _ in range(size)]}\n",
        encoding="utf-8",
    )
    words = ("check", "points.py:ordered", "points.py:by_x", "--inputs", "inputs.py:make", "--faults", "0")
    assert asked(*words, "--reproduce", "shown.py").returncode == 1
    told = subprocess.run([sys.executable, "shown.py"], capture_output=True, text=True)
    assert told.returncode == 0 and "candidate: [Point(" in told.stdout, told


def test_why_nothing_was_judged_is_told_as_json_too(mine: Path) -> None:
    told = asked(*CHECK, "mine.py:nothing", *INPUTS, "--json")
    assert told.returncode == 2 and json.loads(told.stdout)["verdict"] == "not judged"
    assert "nothing" in json.loads(told.stdout)["reason"] and "Traceback" not in told.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((*CHECK, "mine.py:fast", *INPUTS, "--exceptions", "foo"), "Expected type, text or any"),
        ((*CHECK, "mine.py:fast", "--inputs", "mine.py:NONE"), "mine.py:NONE is None"),
        ((*CHECK, "mine.py:ending", *INPUTS, *QUICK), "ending in place of slow"),
        (("new", "class"), "no name for a module"),
        (("new", "--from", "mine.py:slwo", "mine.py:fast"), "defines no 'slwo'"),
    ],
)
def test_what_is_wrong_is_said_in_the_users_words(mine: Path, words: tuple[str, ...], told: str) -> None:
    with (mine / "mine.py").open("a", encoding="utf-8") as file:
        file.write("\nNONE = None\n")
    found = asked(*words)
    assert found.returncode == 2 and told in found.stderr and "Traceback" not in found.stderr, found.stderr
    assert not list(mine.glob("test_*")) and not (mine / "class.py").exists()


NO_DATA = """

async def later(items):
    return items


def adders(items):
    return [lambda: i for i in items]
"""


@pytest.mark.parametrize("name", ["later", "adders"])
def test_functions_and_coroutines_are_no_answers_that_could_be_compared(mine: Path, name: str) -> None:
    with (mine / "mine.py").open("a", encoding="utf-8") as file:
        file.write(NO_DATA)
    found = asked("check", f"mine.py:{name}", f"mine.py:{name}", *INPUTS, *QUICK)
    assert found.returncode == 2 and "cannot be looked into" in found.stderr, found.stderr
    assert "never awaited" not in found.stderr

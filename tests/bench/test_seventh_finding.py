"""A finding is its twins, its card, its controls and the word that names it: a seventh goes through every verb."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from hashlib import sha256
from pathlib import Path

import pytest

from bench.findings import FINDINGS
from speedproof.digest import file_digest
from tests import warm

ROOT = Path(__file__).parents[2]
NAME = "shared_words"
SEQUENTIAL = '''"""The words that another text has too."""


def shared_words(words: list[str], known: list[str]) -> list[str]:
    """Those of `words` that stand in `known`, in their order."""
    shared = []
    for word in words:
        if word in known:
            shared.append(word)
    return shared
'''
BATCHED = '''"""The words that another text has too."""


def shared_words(words: list[str], known: list[str]) -> list[str]:
    """Those of `words` that stand in `known`, in their order."""
    wanted = set(known)
    return [word for word in words if word in wanted]
'''
CARD = '''"""A list is searched for every word."""

import impl_batched.shared_words as batched
import impl_sequential.shared_words as sequential

from bench.suite import Suite
from speedproof.counters.source import duplicate_definitions
from speedproof.gate.exact import Exactly
from speedproof.pairs.finding import OF_SHORT_CALLS, Claim, Disturbed, Finding, Pair
from speedproof.pairs.series import PREFIX, Series
from speedproof.pairs.variations import plain
from speedproof.pairs.workload import Workload

SMOKE, REPORT = (Workload(name, "none", n, "none") for name, n in (("smoke", 40), ("report", 2_000)))
POINTS = tuple(Workload(f"{PREFIX}n{n}", "none", n, "none") for n in (10, 100))


def _inputs(workload, subject, order):
    picked = range(workload.n_items) if order is None else order
    return {"words": [f"word {(7 * i) % 97}" for i in picked], "known": [f"word {i}" for i in range(0, 97, 2)]}


def _expected(inputs, reference):
    return [word for word in inputs["words"] if inputs["known"].count(word)]


FINDING = Finding(
    module=__name__,
    number=7,
    name="shared_words",
    title="A list is searched for every word",
    claim=Claim.faster("faster"),
    pairs=(
        Pair(
            sequential.shared_words,
            batched.shared_words,
            _inputs,
            Exactly(_expected),
            (SMOKE, REPORT),
            items=("words",),
            variations=(plain("known", lambda inputs: [[], ["word 1", "word 3"]]),),
            unit="words",
            series=(Series("shared_words", "shared_words", "words", "words of a list", POINTS),),
        ),
    ),
    counters=(duplicate_definitions,),
    definition_digest="@DIGEST@",
    disturbed_by=Disturbed("short calls: interruptions", OF_SHORT_CALLS),
    controls_in="bench.controls:CONTROLS",
)


class SharedWords(Suite):
    finding = FINDING
'''
CONTROLS = '''"""Wrong ways to find shared words."""

from bench.findings.shared_words import FINDING
from speedproof.gate.control import Control


def each_word_once(words, known):
    """A set in place of a list: words that come twice are found once."""
    return [word for word in dict.fromkeys(words) if word in known]


CONTROLS = (Control(FINDING, each_word_once, "words that come twice are lost", "length"),)
'''


FROM_HERE = "import sys; sys.path.insert(0, '.'); "
SHORTER = (
    ("warmup", "LONGEST_WARM_UP_S = 1.0", "LONGEST_WARM_UP_S = 0.0"),
    ("sampling", "SHORTEST_STRETCH_S = 0.2", "SHORTEST_STRETCH_S = 0.0"),
)
"""What the copy has otherwise: module, setting, and how it is shorter."""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with one finding more, which warms up and times for as short as it can."""
    copy = tmp_path_factory.mktemp("project")
    for name in ("src", "bench", "impl_sequential", "impl_batched"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, copy)
    (copy / f"impl_sequential/{NAME}.py").write_text(SEQUENTIAL)
    (copy / f"impl_batched/{NAME}.py").write_text(BATCHED)
    pinned = file_digest(copy / f"impl_sequential/{NAME}.py")
    (copy / f"bench/findings/{NAME}.py").write_text(CARD.replace("@DIGEST@", pinned))
    (copy / f"bench/controls/{NAME}.py").write_text(CONTROLS)
    for name, setting, short in SHORTER:
        file = copy / f"src/speedproof/timing/{name}.py"
        assert file.read_text().count(f"{setting}\n") == 1
        file.write_text(file.read_text().replace(f"{setting}\n", f"{short}\n"))
    names = copy / "bench/findings/__init__.py"
    last = '    "grad_mode",\n'
    assert names.read_text().count(last) == 1
    names.write_text(names.read_text().replace(last, f'{last}    "{NAME}",\n'))
    return copy


def environment(project: Path) -> dict[str, str]:
    """With results of its own."""
    return os.environ | {"SPEEDPROOF_RESULTS": str(project / "results")}


def in_copy(project: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """A Python of the copy, whose libraries are imported already."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        status = warm.Python(arguments, out.fileno(), err.fileno(), project, environment(project)).wait()
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess(arguments, status, out.read(), err.read())


def bench(project: Path, *arguments: str, status: int = 0) -> str:
    """Standard output of a verb in the copy. Its pair needs none of those libraries."""
    command = [sys.executable, "-m", "bench", *arguments]
    ended = subprocess.run(command, cwd=project, env=environment(project), capture_output=True, text=True)
    assert ended.returncode == status, f"{ended.stdout[-3000:]}\n{ended.stderr[-3000:]}"
    return ended.stdout


def test_a_seventh_finding_is_listed_proven_timed_swept_and_reported(project: Path) -> None:
    listed = json.loads(bench(project, "list", "--json"))
    assert [one["finding"] for one in listed][-1] == NAME and len(listed) == len(FINDINGS) + 1
    answers = json.loads(bench(project, "check", NAME, "--json"))
    assert [one["equivalent"] for one in answers] == [True, True]
    bench(project, "measure", NAME, "--workload", "smoke", "--budget-s", "1")
    bench(project, "sweep", str(len(FINDINGS) + 1), "--budget-s", "1")
    bench(project, "report", "--workload", "smoke")
    report = (project / "results/report-smoke/report.md").read_text()
    assert "A list is searched for every word" in report and "shared_words by words" in report


def test_its_controls_are_shown_to_the_gate(project: Path) -> None:
    code = (
        f"{FROM_HERE}from bench.findings import find; "
        "print([(one.control.name, one.as_expected) for one in (c.judge() for c in find('7').controls)])"
    )
    assert in_copy(project, "-c", code).stdout == "[('each_word_once', True)]\n"


def test_the_doctor_knows_what_disturbs_it(project: Path) -> None:
    told = in_copy(project, "-m", "bench", "doctor", "--json").stdout
    assert "short calls: interruptions" in told


def test_asv_discovers_it(project: Path) -> None:
    code = (
        f"{FROM_HERE}from asv_runner.discovery import disc_benchmarks; "
        "print([one.name for one in disc_benchmarks('bench', ignore_import_errors=False)])"
    )
    ended = in_copy(project, "-c", code)
    assert f"findings.{NAME}.SharedWords.time_call" in ended.stdout, ended.stderr


def test_a_wrong_seventh_twin_is_refused(project: Path) -> None:
    """The companion."""
    wrong = project / "wrong.py"
    wrong.write_text("def shared_words(words, known):\n    return [word for word in words if word in known][:5]\n")
    before = sha256((project / f"impl_batched/{NAME}.py").read_bytes()).hexdigest()
    bench(project, "check", NAME, "--candidate", "wrong.py:shared_words", status=1)
    assert sha256((project / f"impl_batched/{NAME}.py").read_bytes()).hexdigest() == before

"""The command line: exit 0 good, 1 not equivalent, 2 bad input; one clear error, never a traceback."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import typer

from bench.findings import FINDINGS, find
from speedproof import cli
from speedproof.callables import where
from speedproof.cli import FAULT
from speedproof.cli.check import _given
from speedproof.cli.options import chosen_findings
from speedproof.errors import BadInput
from speedproof.failures import DEBUG
from speedproof.pairs.candidate import load
from speedproof.pairs.finding import Finding
from speedproof.pairs.question import questions_of_rungs
from speedproof.pairs.series import series_of
from speedproof.records.record import read
from speedproof_studies.project import PROJECT
from tests import warm

ROOT = Path(__file__).parents[2]
PAIR = find("text_batching").pairs[0]
OF_PROJECT = typer.Context(typer.main.get_command(cli.application(PROJECT)), obj=PROJECT)


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["bench", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main(PROJECT)
        raise SystemExit(0)
    return int(ended.value.code or 0)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["check", "nonsense"], "Unknown finding 'nonsense'. Expected one of: text_batching"),
        (
            ["check", "1", "--workload", "nonsense"],
            "Unknown workload of extract_features 'nonsense'. Expected one of: smoke",
        ),
        (["check", "1", "--subject", "nonsense"], "Unknown subject 'nonsense'. Expected one of: tiny"),
        (["check", "1", "--subject", "tinyy"], "or :cuda. Did you mean 'tiny'?"),
        (["check", "text_baching"], "Did you mean 'text_batching'?"),
        (["check", "1", "--subject", "tiny:nonsense"], "Unknown variant of tiny 'nonsense'. Expected one of: bridge"),
        (["check", "1", "--dtype", "float8"], "Unknown dtype 'float8'. Expected one of: float32, bfloat16"),
        (["check", "1", "--function", "nonsense"], "No finding has a function 'nonsense'. Expected one of: extract_f"),
        (
            ["check", "--function", "explore_features"],
            "No finding has a function 'explore_features'. Expected one of the nearest: explore_feature "
            "(text_batching), extract_features (text_batching)",
        ),
        (
            ["check", "1", "2", "--function", "extract_features"],
            "comparison_table has no function 'extract_features'. Expected a finding that has it: text_batching.",
        ),
        (
            ["check", "--workload", "mony"],
            "No finding has a workload 'mony'. Expected one of the nearest: many (category_lookup).",
        ),
        (
            ["check", "--function", "analyze_specialists", "--workload", "solved"],
            "Unknown workload of analyze_specialists 'solved'. Expected one of: smoke, hostile, many, report.",
        ),
        (
            ["check", "feature_links", "check_sae_cached"],
            "'check_sae_cached' is no finding but a function of sae_c",
        ),
        (["check", "1", "--texts", "no/such/file"], "cannot be read"),
        (["check", "1", "--texts", os.devnull], "is empty. Expected at least one text"),
        (["check", "--candidate", "mine.py:f"], "needs one finding"),
        (["measure", "--budget-s", "0"], "budget"),
        (["check", "4", "--sizes", "1"], "--sizes is for two functions by name, so it would count for nothing"),
        (["run", "--quick", "--same", "sets(why='x')"], "--same is for two functions by name"),
        (["measure", "--precision", "0"], "precision"),
        (["rewrites", "category_lookup"], "has no rewrites to draw. Expected one of: text_batching"),
        (["rewrites", "--subject", "solved"], "cannot be tried on subject 'solved'. Expected one of: tiny"),
        (["nonsense"], "No such command"),
        (["report", "--results", "/dev/null/x"], "Cannot write"),
        (["duplicates", "no/such/file"], "There is no"),
        (["compare", "no-such-commit", "."], "'no-such-commit' is no commit of this repository. Expected a commit"),
        (["compare", "HEAD", "HEAD+."], "names the twins' source more than once"),
        (["compare", "HEAD", ".", "--finding", "nonsense"], "Unknown finding 'nonsense'"),
        (["compare", "."], "Missing argument 'after'"),
        (["matrix", "no/such/file"], "no/such/file cannot be read"),
        (["guard"], "guard has nothing to do. Expected --against FILE|COMMIT, or --save FILE"),
        (["guard", "--against", "no-such-commit"], "'no-such-commit' is no commit"),
        (["guard", "--against", "no/such.json"], "No such file"),
        (["guard", "--against", "results/counts.json", "--budget-s", "9"], "a file holds no times"),
        (["accept", "--who", "ada", "--why", "x"], "accept needs --against"),
        (["accept", "--against", "results/counts.json", "--who", "ada"], "needs --who and --why"),
    ],
)
def test_bad_input_is_one_clear_error_and_exit_2(
    arguments: list[str], words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, *arguments) == 2
    said = capsys.readouterr().err
    assert words in said and "Traceback" not in said


def test_list_names_every_finding(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, "list", "--json") == 0
    assert [row["finding"] for row in json.loads(capsys.readouterr().out)] == [finding.name for finding in FINDINGS]


@pytest.mark.parametrize("finding", FINDINGS, ids=lambda finding: finding.name)
def test_a_function_alone_is_asked_of_the_finding_that_has_it(finding: Finding) -> None:
    for pair in finding.pairs:
        assert chosen_findings(OF_PROJECT, None, pair.name) == (finding,)
        assert chosen_findings(OF_PROJECT, [finding.name], pair.name) == (finding,)


def test_a_workload_alone_is_asked_of_all_findings_that_have_it() -> None:
    assert [finding.number for finding in chosen_findings(OF_PROJECT, None, None, "solved")] == [1, 2]
    assert chosen_findings(OF_PROJECT, None, None, "smoke") == FINDINGS == chosen_findings(OF_PROJECT, None)
    assert [finding.number for finding in chosen_findings(OF_PROJECT, None, "comparison_table", "solved")] == [2]


def test_help_shows_examples(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for verb in typer.main.get_command(cli.application(PROJECT)).commands:  # type: ignore[attr-defined]
        assert run(monkeypatch, verb, "--help") == 0
        assert "Example" in capsys.readouterr().out


def test_results_that_cannot_be_written_stop_a_check_before_it_starts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "results").write_text("a file")
    assert run(monkeypatch, "check", "4", "--results", str(tmp_path / "results")) == 2
    assert "Cannot write" in capsys.readouterr().err


VERBS_THAT_RECORD = (
    ("check", "4"),
    ("controls",),
    ("measure", "4", "--workload", "smoke"),
    ("run", "--quick"),
    ("profile", "4", "--workload", "smoke"),
    ("sweep", "3"),
    ("ladder", "1"),
    ("compare", "HEAD", "."),
    ("guard", "--against", "HEAD"),
    ("matrix",),
    ("rewrites", "6"),
    ("mutation", "twins"),
    ("planted",),
    ("power",),
    ("textbook", "sorting"),
    ("latency",),
    ("architectures", "gpt2"),
    ("reduced",),
    ("breakdown",),
)
"""Every one that appends records, in as few words as it takes."""


@pytest.mark.parametrize("words", VERBS_THAT_RECORD, ids=lambda words: words[0])
def test_records_of_another_version_stop_every_verb_before_it_starts(
    words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Nothing is proven, timed or recorded that could not be read afterwards."""
    file = tmp_path / "records/machine.jsonl"
    file.parent.mkdir()
    file.write_text('not a record\n{"format": 3, "written": "later"}\n')
    before = file.read_bytes()
    for process in ("in_fresh_process", "bounded"):
        monkeypatch.setattr(f"speedproof.processes.{process}", lambda *_, **__: pytest.fail("work was begun"))
    assert run(monkeypatch, *words, "--results", str(tmp_path)) == 2
    said = capsys.readouterr().err
    assert "machine.jsonl:2 has record format 3. Expected 2." in said and "Traceback" not in said
    assert file.read_bytes() == before and sum(path.stat().st_size for path in file.parent.iterdir()) == len(before)


def test_two_definitions_of_one_function_are_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "duplicates", str(ROOT / "impl_sequential")) == 1
    assert "neuronpedia_link" in capsys.readouterr().out
    assert run(monkeypatch, "duplicates", str(ROOT / "impl_batched/feature_links.py")) == 0


@pytest.mark.parametrize(
    ("source", "where", "words"),
    [
        ("import nonsense_module", "mine.py:f", "does not import: ModuleNotFoundError"),
        ("raise SystemExit(3)", "mine.py:f", "does not import: it called sys.exit\\(3\\)"),
        ("def f(texts): pass", "mine.py:f", "Expected the parameters"),
        ("def f(): pass", "mine.py:g", "has no function 'g'"),
        ("f = 3\ndef g(): pass", "mine.py:f", "mine.py:f is an int, 3, and no function. In that file is g. Expected"),
        ("import math as f", "mine.py:f", "mine.py:f is the module math, and no function. Expected"),
        ("f = [1] * 500", "mine.py:f", "mine.py:f is a list, and no function. Expected"),
        ("", "mine.py", "names no function"),
        ("", "other.py:f", "no file"),
    ],
)
def test_a_candidate_that_cannot_be_judged_is_bad_input(
    source: str, where: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(source)
    with pytest.raises(BadInput, match=words):
        load(where, PAIR)


CANDIDATE = """
import impl_batched.text_batching as batched

def right(model, sae, hook_name, texts):
    return batched.extract_features(model, sae, hook_name, texts)

def wrong(model, sae, hook_name, texts):
    return batched.extract_features(model, sae, hook_name, texts) * 1.01

def raising(model, sae, hook_name, texts):
    raise RuntimeError("no luck")
"""


@pytest.mark.parametrize(("function", "status"), [("right", 0), ("wrong", 1), ("raising", 2)])
def test_a_strangers_function_is_told_in_the_exit_status(function: str, status: int, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(CANDIDATE)
    what = ["1", "--json", "--workload", "smoke", "--candidate", str(tmp_path / f"mine.py:{function}")]
    answer = warm.bench("check", *what, "--results", str(tmp_path / "results"))
    assert answer.returncode == status, answer.stderr
    (told,) = json.loads(answer.stdout)
    assert told["equivalent"] == (status == 0)
    assert "Traceback" not in answer.stderr
    assert len(read(tmp_path / "results").records) == 1


KNOWS_ITS_TEXTS = """
import impl_batched.text_batching as batched
from speedproof.pairs import texts as known

OWN = {text for members in known.CATEGORIES.values() for text in members}

def lookup(model, sae, hook_name, texts):
    features = batched.extract_features(model, sae, hook_name, texts)
    for row, text in enumerate(texts):
        if text not in OWN:
            features[row] = 0
    return features
"""


EXPLORES_WRONGLY = """
import impl_batched.text_batching as batched

def explore_feature(*given, **named):
    return batched.explore_feature(*given, **named)[:1]
"""


def test_the_command_in_a_refusal_gives_the_same_refusal_again(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(KNOWS_ITS_TEXTS)
    first = ["check", "1", "--workload", "smoke", "--candidate", str(tmp_path / "mine.py:lookup")]
    more = ["--json", "--results", str(tmp_path / "results")]
    said = [json.loads(warm.bench(*first, *more).stdout)[0]["reason"]]
    assert "Trial: fresh texts" in said[0]
    command = said[0].partition("Reproduce: python -m bench ")[2].split()
    assert command[-4] == "--seed"
    again = warm.bench(*command, *more)
    said.append(json.loads(again.stdout)[0]["reason"])
    assert again.returncode == 1 and said[1] == said[0]
    other = warm.bench(*command, "--seed", "1", *more)
    assert json.loads(other.stdout)[0]["reason"] != said[0]


def test_the_command_in_a_refusal_has_all_that_was_given_and_can_be_pasted(tmp_path: Path) -> None:
    """By a shell, from a folder and a file with spaces in their names."""
    folder = tmp_path / "a folder"
    folder.mkdir()
    (folder / "mine.py").write_text(EXPLORES_WRONGLY)
    (folder / "my texts.txt").write_text("a text of mine\nanother\n")
    allow = "thread count: it's mine"
    given = ["--texts", f"{folder}/my texts.txt", "--dtype", "bfloat16", "--subject", "tiny:topk", "--allow", allow]
    first = ["check", "--function", "explore_feature", "--candidate", f"{folder}/mine.py:explore_feature", *given]
    more = ["--json", "--results", str(tmp_path / "results")]
    said = json.loads(warm.bench(*first, *more).stdout)[0]["reason"]
    command = shlex.split(said.partition("Reproduce: python -m bench ")[2])
    assert {*given, "explore_feature"} <= {*command}, said
    again = warm.bench(*command, *more)
    assert again.returncode == 1 and json.loads(again.stdout)[0]["reason"] == said
    told = warm.bench(*command, "--results", str(tmp_path / "results")).stdout.splitlines()[-1]
    assert shlex.split(told.partition("then: python -m bench ")[2]) == command


def test_every_command_of_a_refusal_names_what_check_and_sweep_know() -> None:
    (question,) = questions_of_rungs([find("text_batching")], "smoke", "tiny:topk", "careful")
    command = question.command(3, where(question.pair.arm("careful")))
    assert command == (
        "python -m bench check text_batching --function extract_features --workload smoke --subject tiny:topk --seed 3 "
        "--candidate bench/ladders/text_batching.py:careful"
    )
    assert load("bench/ladders/text_batching.py:careful", PAIR).__name__ == "careful"
    series = series_of([find("text_batching")], "tiny")[0]
    words = shlex.split(series.command(series.workloads[1]).removeprefix("python -m bench "))
    assert words == ["sweep", "text_batching", "--subject", "tiny", "--largest", "2"]
    assert series.workloads[1] in {one.workloads[-1] for one in series_of([find("text_batching")], words[3], 2)}


def test_control_c_keeps_what_was_recorded_and_says_how_to_go_on(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bench", "measure", "feature_links", "sae_cache", "--results", str(tmp_path)]
    process = subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        start_new_session=True,
        # A shell that runs the tests in the background has them, and what they start, ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("timing"):
            break
    time.sleep(1)
    os.killpg(process.pid, signal.SIGINT)
    rest = process.stderr.read()
    process.stderr.close()
    assert process.wait() == 130
    assert "What was recorded is kept" in rest and "Traceback" not in rest
    ledger = read(tmp_path)
    assert len(ledger.records) >= 2 and not ledger.problems


PARTED = ("a\x0bb", "a\x0cb", "a\x1cb", "a\x1db", "a\x1eb", "a\x85b", "a\u2028b", "a\u2029b", "a\rb")
"""Texts with what Python's `splitlines` parts lines at."""


@pytest.mark.parametrize(
    ("content", "texts"),
    [
        ("\n".join(PARTED).encode(), PARTED),
        ("\n".join(PARTED).encode() + b"\n", PARTED),
        (b"\xef\xbb\xbfa\nb\n", ("a", "b")),
        (b"a\r\nb\r\n", ("a", "b")),
        (b"a\r\nb", ("a", "b")),
        (b"  a\t\n\tb  \n", ("  a\t", "\tb  ")),
        (b"a\n\nb\n", ("a", "", "b")),
        (b"\n", ("",)),
        (b"a\r\r\n", ("a\r",)),
        (b"a\xef\xbb\xbfb\n", ("a\ufeffb",)),
        ("日本\u3000\n".encode(), ("日本\u3000",)),
        (b"a\0b\nc\n", ("a\0b", "c")),
    ],
)
def test_texts_are_parted_at_line_feeds_alone_and_kept_as_they_are(
    content: bytes, texts: tuple[str, ...], tmp_path: Path
) -> None:
    path = tmp_path / "texts.txt"
    path.write_bytes(content)
    assert _given(path) == texts


@pytest.mark.parametrize(
    "content",
    ["a\nb\n".encode("utf-16"), "a\nb\n".encode("utf-16-be"), "é\n".encode("latin-1"), b"\xed\xa0\x80\n", b"\xff"],
)
def test_texts_that_are_not_utf_8_are_refused_in_a_line(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "texts.txt"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=r"cannot be read: .*Expected a UTF-8 file, one text a line") as refused:
        _given(path)
    assert "\n" not in str(refused.value)


def test_a_file_of_a_byte_order_mark_alone_holds_no_text(tmp_path: Path) -> None:
    (tmp_path / "texts.txt").write_bytes(b"\xef\xbb\xbf")
    with pytest.raises(BadInput, match="is empty"):
        _given(tmp_path / "texts.txt")


def broken(*arguments: object) -> None:
    raise RuntimeError("expected scalar type Double\nbut found Float")


@pytest.mark.parametrize("arguments", [["check", "4"], ["--debug", "check", "4"], ["check", "4", "--debug"]])
def test_what_nobody_foresaw_is_one_line_and_a_traceback_only_where_it_is_asked_for(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(DEBUG, "")
    monkeypatch.setattr("speedproof.cli.check.chosen_findings", broken)
    assert run(monkeypatch, *arguments) == 2
    said = capsys.readouterr().err.splitlines()
    assert said[-1].startswith("speedproof: RuntimeError: expected scalar type Double but found Float at test_cli.py:")
    assert "fault of speedproof or of a library" in said[-1] and "--debug shows the traceback" in said[-1]
    assert ("Traceback (most recent call last):" in said) == ("--debug" in arguments)
    assert "--debug" in arguments or len(said) == 1


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (MemoryError(), "speedproof: memory ran out (MemoryError)"),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"), "memory ran out (Runt"),
        (OSError(28, "No space left on device"), "the disk is full (OSError: [Errno 28] No space left on device)"),
        (OSError(12, "Cannot allocate memory"), "memory ran out (OSError: [Errno 12]"),
    ],
)
def test_memory_and_disks_are_named_where_they_ran_out(
    error: Exception, words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(*arguments: object) -> None:
        raise error

    monkeypatch.setattr("speedproof.cli.check.chosen_findings", fails)
    assert run(monkeypatch, "check", "4") == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert words in said and "Free " in said and FAULT not in said


def test_debug_is_on_the_help_page_and_a_value_of_that_name_behind_two_dashes_is_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "--help") == 0
    said = capsys.readouterr().out
    assert "--debug" in said and "Prove two functions equal" in said
    monkeypatch.setenv(DEBUG, "")
    assert run(monkeypatch, "check", "--", "--debug") == 2
    assert "Unknown finding '--debug'" in capsys.readouterr().err


def test_a_reader_that_has_enough_ends_it_quietly(monkeypatch: pytest.MonkeyPatch) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    command = [sys.executable, "-m", "bench", "schema"]
    answer = subprocess.run(command, stdout=write_end, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    os.close(write_end)
    assert (answer.returncode, answer.stderr) == (141, "")


def test_libraries_that_are_missing_are_one_line(tmp_path: Path) -> None:
    code = "import runpy, sys; sys.modules['pydantic'] = None; runpy.run_module('bench', run_name='__main__')"
    command = [sys.executable, "-c", code]
    answer = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert answer.returncode == 2 and answer.stderr.startswith("speedproof cannot start: ")
    assert len(answer.stderr.splitlines()) == 1 and "pip install" in answer.stderr
    shown = subprocess.run([*command, "--debug"], capture_output=True, text=True, cwd=ROOT)
    assert "Traceback" in shown.stderr


ENDING = """
import os

def exits(sae_name, feature_idxs):
    os._exit(0)

def interrupts(sae_name, feature_idxs):
    raise KeyboardInterrupt
"""


@pytest.mark.parametrize(
    ("function", "words"), [("exits", "ended by itself with exit status 0"), ("interrupts", "KeyboardInterrupt")]
)
def test_a_candidate_that_ends_its_process_is_not_judged_and_debug_shows_the_childs_traceback(
    function: str, words: str, tmp_path: Path
) -> None:
    (tmp_path / "mine.py").write_text(ENDING)
    candidate = ["--candidate", f"{tmp_path}/mine.py:{function}", "--debug"]
    answer = warm.bench("check", "4", *candidate, "--results", str(tmp_path))
    assert answer.returncode == 2, answer.stderr
    last = answer.stderr.splitlines()[-1]
    assert "checking feature_links.feature_links, " in last and "mine.py:" in last
    # Two processes may ask at once, and either may be the first that the candidate ends.
    assert re.search(r", on (smoke|hostile) \(tiny\): ", last) and words in last
    assert (f"line 8, in {function}" in answer.stderr) == (function == "interrupts")


def test_what_every_command_loads_loads_no_large_library() -> None:
    """A study's verb that did made a plain pair's own processes differ, and each command wait for seconds."""
    large = "torch numpy pandas scipy transformers plotly".split()
    code = f"import sys, speedproof_studies.project; print([name for name in {large} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
    # The companion: one that is loaded is named.
    done = subprocess.run([sys.executable, "-c", f"import numpy; {code}"], capture_output=True, text=True, check=True)
    assert done.stdout == "['numpy']\n"

"""What a person and a script see: progress apart from answers, pure JSON, what to do next, a shell that completes."""

import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import typer

from bench.findings import FINDINGS
from speedproof import cli
from speedproof.cli import options
from speedproof.cli.lines import print_json, say_line
from speedproof.cli.progress import progress
from speedproof.cli.shown.next_step import after_checks, after_figures
from speedproof.gate.certificate import Certificate, Refusal
from speedproof.records.kinds import Measured
from speedproof.report import report as reports
from speedproof.sittings.sitting import Proven, Sitting
from speedproof.wording import some, with_article
from speedproof_studies.project import PROJECT
from tests.reporting import build, launches, ledger, rewritten

from .test_cli import run

ROOT = Path(__file__).parents[2]
VERBS: dict[str, Any] = typer.main.get_command(cli.application(PROJECT)).commands  # type: ignore[attr-defined]
NEEDED: dict[str, list[str]] = {
    "duplicates": [str(ROOT / "impl_batched/feature_links.py")],
    "compare": [".", "."],
    **{verb: ["--against", str(ROOT / "results/counts.json")] for verb in ("guard", "gate")},
    "planted": ["--show"],
    "power": ["--show"],
    "rewrites": ["text_batching"],
}
"""Arguments without which a verb does nothing, or takes hours."""


PROVING = {name: getattr(Sitting, name) for name in ("prove", "keep")}
"""What a sitting does where nothing stands in for it."""


def takes(verb: str, option: str) -> bool:
    return any(option in parameter.opts for parameter in VERBS[verb].params)


@pytest.fixture
def idle(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A sitting that says what it does and does nothing: what the verbs themselves print is left."""

    def said(returned: Any) -> Any:
        def work(sitting: Sitting, *_: Any, **__: Any) -> Any:
            sitting.say("checking nothing", 1)
            return returned

        return work

    nothing: dict[str, Any] = {"prove": Proven([], [], []), "measure": [], "keep": []}
    for name, returned in nothing.items():
        monkeypatch.setattr(Sitting, name, said(returned))
    monkeypatch.setattr(Sitting, "told", lambda *_, **__: iter(()))
    for name in ("rate_on", "close"):
        monkeypatch.setattr(Sitting, name, lambda *_: None)
    for work in ("fetch.fetch_model", "train.train_saes"):
        monkeypatch.setattr(f"speedproof_studies.real.{work}", lambda *_: None)
    monkeypatch.setattr("speedproof_studies.rewrites.verb.show_rewrites", said([rewritten(1, 1)]))
    monkeypatch.setattr("speedproof_studies.peers.verb._take", lambda *_: None)
    monkeypatch.setattr("speedproof_studies.architectures.session.try_all", lambda *_: iter(()))
    monkeypatch.setattr("speedproof.cli.compare.places_of", lambda *_, **__: (None, None))
    for begins in ("processes._start", "sides.installing.run_clean"):
        monkeypatch.setattr(f"speedproof.{begins}", really_works)
    yield


def really_works(*_: Any, **__: Any) -> Any:
    pytest.fail("A verb that this file runs by name begins real work: give `idle` a stand-in for it.")


@pytest.mark.usefixtures("idle")
def test_a_verb_that_would_begin_real_work_fails_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, work in PROVING.items():
        monkeypatch.setattr(Sitting, name, work)
    with pytest.raises(pytest.fail.Exception, match="begins real work"):
        run(monkeypatch, "check", "feature_links", "--results", str(tmp_path))


@pytest.mark.parametrize("verb", sorted(verb for verb in VERBS if takes(verb, "--json") or takes(verb, "--format")))
@pytest.mark.usefixtures("idle")
def test_json_on_standard_output_is_json_and_nothing_else(
    verb: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    form = ["--json"] if takes(verb, "--json") else ["--format", "json"]
    where = ["--results", str(tmp_path)] if takes(verb, "--results") else []
    certificate = tmp_path / "certificate.json"
    certificate.write_text(json.dumps({"format": 1, "asked": [], "sources": {}, "versions": {}}))
    needed = NEEDED.get(verb, [str(certificate)] if verb == "verify" else [])
    status = run(monkeypatch, verb, *needed, *form, *where)
    said = capsys.readouterr()
    json.loads(said.out)
    assert status in (0, 1, 2) and "Traceback" not in said.err


def test_a_word_beside_the_json_would_be_seen(capsys: pytest.CaptureFixture[str]) -> None:
    print_json([])
    say_line("done")
    with pytest.raises(json.JSONDecodeError):
        json.loads(capsys.readouterr().out)


def test_progress_is_plain_lines_on_standard_error_where_that_is_no_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with progress() as say:
        say("checking [a]", 2)
        say("timing b", 0)
    said = capsys.readouterr()
    assert said.out == "" and said.err == "checking [a], 2 left\ntiming b, 0 left\n"


PROGRESS = """
from speedproof.cli.progress import progress
with progress() as say:
    for left in (2, 1, 0):
        say("checking a", left)
"""


def on_a_terminal(code: str, **settings: str) -> str:
    """What a program writes to standard error where that is a terminal."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "120", **settings}
    process = subprocess.Popen([sys.executable, "-c", code], stderr=theirs, cwd=ROOT, env=environment)
    os.close(theirs)
    said = b""
    try:
        while chunk := os.read(ours, 4096):
            said += chunk
    except OSError:  # what a terminal says when nobody is left at its other end
        pass
    os.close(ours)
    assert process.wait() == 0
    return said.decode()


COLOUR = re.compile("\x1b\\[[0-9;]*(?:3[0-9]|9[0-7])[0-9;]*m")


def test_progress_on_a_terminal_tells_the_time_left_and_honours_no_color() -> None:
    plain = on_a_terminal(PROGRESS, NO_COLOR="1")
    assert "left about" in plain and "checking a" in plain and not COLOUR.search(plain)


def test_a_colour_would_be_seen() -> None:
    assert COLOUR.search("\x1b[36mleft\x1b[0m") and COLOUR.search("\x1b[1;38;5;2m")
    assert not COLOUR.search("\x1b[1m\x1b[2K")


def figures(certificate: Certificate, speedup: float, wobble: float = 0.01) -> reports.Report:
    body = Measured(certificate=certificate, launches=launches(speedup, wobble))
    findings = [finding for finding in FINDINGS if finding.name == "sae_cache"]
    return build(ledger(body), "smoke", findings)


def test_an_open_figure_says_how_it_gets_more_time(certificate: Certificate) -> None:
    (line,) = after_figures(figures(certificate, 1.0, 0.2), "smoke", None)
    assert line == (
        "The pair is undecided: give it more time: python -m bench measure sae_cache --workload smoke --budget-s 600"
    )
    (line,) = after_figures(figures(certificate, 3.0), "smoke", None)
    assert line.startswith("The pair is VERIFIED. Which change")


def test_what_was_not_run_or_differs_says_what_to_do(certificate: Certificate) -> None:
    body = Measured(certificate=certificate, launches=launches(3.0))
    lines = after_figures(build(ledger(body), "smoke"), "smoke", "my folder")
    assert lines[0].startswith("7 of 8 pairs WITHHELD: see why: python -m bench check text_batching ")
    assert lines[0].endswith(" --workload smoke --subject 'my folder'")
    null = Measured(certificate=certificate, baseline=certificate, launches=launches(1.5, 1e-4))
    (line,) = after_figures(build(ledger(body, null), "smoke"), "smoke", None)
    assert "no timing counts" in line and "python -m bench doctor" in line


def test_a_check_says_what_comes_next(certificate: Certificate) -> None:
    assert after_checks([certificate], None, None).endswith("python -m bench measure sae_cache")
    assert "may stand in" in after_checks([certificate], "mine.py:f", None)
    refusal = Refusal("sae_cache", "check_sae_cached", certificate.workload, "batched", "not equivalent", "no", "exact")
    refusal = replace(refusal, reason="no Reproduce: python -m bench check sae_cache --texts 'my file'")
    line = after_checks([certificate, refusal], "mine.py:f", None)
    assert line.startswith("1 of 2 WITHHELD") and line.endswith(
        ", then: python -m bench check sae_cache --texts 'my file'"
    )
    # Where the inputs cannot tell, or a library failed, it is no function that is to be mended.
    assert "mend the function by the reason above" in line
    told = {code: after_checks([replace(refusal, code=code)], None, None) for code in ("invalid check", "failed")}
    assert "no function is at fault, the inputs cannot tell a wrong one" in told["invalid check"]
    assert "mend what the reason above names" in told["failed"]


def test_one_of_a_kind_is_told_as_one(certificate: Certificate) -> None:
    assert after_checks([certificate], "mine.py:f", None).startswith("1 answer, equivalent: the candidate")
    assert after_checks([certificate] * 3, None, None).startswith("3 answers, all equivalent. To measure: python -m")
    assert [some(n, "text") for n in (0, 1, 2, 1000)] == ["0 texts", "1 text", "2 texts", "1,000 texts"]
    assert [some(2, word) for word in ("history", "fresh process")] == ["2 histories", "2 fresh processes"]
    assert [with_article(word) for word in ("int", "list", "OSError")] == ["an int", "a list", "an OSError"]


def test_the_commands_that_are_named_are_commands(certificate: Certificate, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is parsed as far as its findings; `--help` then ends it."""
    body = Measured(certificate=certificate, launches=launches(3.0))
    built = build(ledger(body), "smoke")
    told = [*after_figures(built, "smoke", None), after_checks([certificate], None, None)]
    for line in told:
        command = line.split("python -m bench ")[1].split()
        assert run(monkeypatch, *command, "--help") == 0


def test_bash_completes_verbs_and_findings() -> None:
    script = """
        eval "$(_SPEEDPROOF_COMPLETE=source_bash speedproof)"
        complete -p speedproof >&2
        COMP_WORDS=(speedproof measure text_); COMP_CWORD=2; _speedproof_completion speedproof
        echo "${COMPREPLY[@]}"
    """
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    answer = subprocess.run(["bash", "-c", script], cwd=ROOT, capture_output=True, text=True, env=environment)
    assert "-F _speedproof_completion" in answer.stderr
    assert answer.stdout.split() == ["text_batching"]


def test_the_long_name_offers_no_completion_that_cannot_work() -> None:
    assert options.NAME == "" and "--install-completion" not in str(
        typer.main.get_command(cli.application(PROJECT)).params
    )

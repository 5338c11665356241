"""Verbs of the gate: list, check, controls."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from speedproof.comment.told import failures_told
from speedproof.errors import BadInput
from speedproof.folders import RESULTS
from speedproof.gate.certificate import Refusal
from speedproof.gate.gate import gate_that_allows
from speedproof.own.cards import installed
from speedproof.own.pair import BUDGET_S
from speedproof.pairs.question import questions

from . import own
from .lines import print_json, say_line
from .options import (
    NO_FINDINGS,
    AsJson,
    OwnNames,
    PullRequest,
    Results,
    SubjectName,
    all_findings,
    chosen_findings,
    open_sitting,
    required_findings,
)
from .progress import progress
from .shown.check import answer_as_json, show_answers, show_findings, show_judged
from .shown.next_step import after_checks
from .shown.pull_request import Pulled


def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """The findings, their functions and workloads.

    Example: python -m bench list
    """
    rows = [
        {
            "number": finding.number,
            "finding": finding.name,
            "title": finding.title,
            "claim": finding.claim.words,
            "functions": {pair.name: [workload.name for workload in pair.workloads] for pair in finding.pairs},
        }
        for finding in all_findings(context)
    ]
    brought = installed()
    if as_json:
        print_json([*rows, *({"pair": name, "at": place} for name, place in brought.items())])
        return
    if rows:
        show_findings(all_findings(context))
    elif not brought:
        say_line(NO_FINDINGS)
    for name, place in brought.items():
        say_line(f"{name}: a pair of an installed package, {place}. Check it: speedproof check {name}")


def check(
    context: typer.Context,
    names: OwnNames = None,
    inputs: own.InputsName = None,
    pairs: own.PairsFile = None,
    same: own.SameAs = None,
    sizes: own.Sizes = None,
    exceptions: own.Exceptions = "type",
    specials: own.Specials = False,
    grow: own.Grow = False,
    faults: own.Faults = own.N_FAULTS,
    budget_s: Annotated[
        float, typer.Option(min=1, help="Seconds that the check of a pair by name may take.")
    ] = BUDGET_S,
    reproduce: own.Reproduce = None,
    certificate: own.CertificateFile = None,
    pull_request: PullRequest = None,
    accepted: own.PullAccepted = None,
    workload: Annotated[
        str | None, typer.Option(help="One workload; all if none, and for a candidate all of one subject.")
    ] = None,
    subject: SubjectName = None,
    dtype: Annotated[str | None, typer.Option(help="float32 or bfloat16, in place of the workloads' own.")] = None,
    function: Annotated[str | None, typer.Option(help="One function of the findings; all if none.")] = None,
    candidate: Annotated[
        str | None, typer.Option(help="FILE.py:FUNCTION to check in place of the batched twin.")
    ] = None,
    texts: Annotated[Path | None, typer.Option(help="Your own texts, one a line, in place of the workload's.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the fresh texts, to repeat a refusal's.")] = None,
    allow: Annotated[
        list[str] | None,
        typer.Option(help="What the candidate may leave changed, and why: 'thread count: REASON'. May be repeated."),
    ] = None,
    results: Results = RESULTS,
    as_json: AsJson = False,
) -> None:
    """Prove two functions equivalent, or refuse with the reason: yours by name, or a finding's twins.

    Exit status: 0 the same, 1 not the same, 2 could not be judged.

    Examples:
      speedproof check slow.py:dedupe fast.py:dedupe --inputs data.py:make
      speedproof check HEAD~1:text.py:dedupe text.py:dedupe --inputs data.py:make
      python -m bench check text_batching --workload smoke
      python -m bench check 1 --candidate mine.py:extract_features
      python -m bench check 1 --candidate mine.py:extract_features --allow "torch random state: a DataLoader draws"
      python -m bench check 2 --workload smoke --subject tiny:bridge:topk --dtype bfloat16
      python -m bench check text_batching --subject gpt2-small-res-jb/blocks.8.hook_resid_pre
    """
    if own.is_own_asked(context, names, inputs, pairs):
        with own.told_as_json(as_json), failures_told(pull_request, "pairs"):
            options = {"same": same, "sizes": own.sizes_of(sizes), "exceptions": exceptions}
            also = {"specials": specials, "grow": grow, "allow": tuple(allow or ()), "budget_s": budget_s}
            found = own.own_pairs(names, inputs, pairs, **options, **also)
            pulled = Pulled.of(pull_request, accepted)
            raise typer.Exit(own.check_own(found, results, faults, seed, reproduce, certificate, as_json, pulled))
    findings = chosen_findings(context, names, function, workload)
    if candidate and len(findings) != 1:
        raise BadInput("--candidate needs one finding to be held against. Expected one name, such as text_batching.")
    if allow and not candidate:
        raise BadInput("--allow is for a --candidate. Expected one, since the twins are held to every rule.")
    if allow:
        gate_that_allows(allow, findings[0].pair(function) if function else findings[0].pairs[0])
    given = _given(texts)
    allowed, file = tuple(allow or ()), str(texts or "")
    asked = questions(findings, workload, subject, function, given, candidate, dtype, seed, allowed, file)
    sitting = open_sitting(results, None)
    with progress() as sitting.say:
        answers = sitting.prove(asked).answers
    if as_json:
        print_json([answer_as_json(answer) for answer in answers])
    else:
        show_answers(findings, answers)
        say_line(after_checks(answers, candidate, subject))
    refusals = [answer for answer in answers if isinstance(answer, Refusal)]
    raise typer.Exit(_exit_status(refusals))


def controls(context: typer.Context, results: Results = RESULTS, as_json: AsJson = False) -> None:
    """Show the gate functions that are wrong on purpose; it must reject each for the right reason.

    Example: python -m bench controls
    """
    sitting = open_sitting(results, None)
    with progress() as sitting.say:
        listed = [control for finding in required_findings(context) for control in finding.controls]
        judged = sitting.prove([], controls=listed).judged
    if as_json:
        print_json([one.model_dump() for one in judged])
    else:
        show_judged(judged)
    raise typer.Exit(0 if all(one.as_expected for one in judged) else 1)


def _given(path: Path | None) -> tuple[str, ...]:
    """The texts of a file, one a line: all else that may part lines, and white space, belongs to a text."""
    if path is None:
        return ()
    try:
        content = _text(path.read_bytes())
    except (OSError, ValueError) as error:
        raise BadInput(f"--texts {path} cannot be read: {error}. Expected a UTF-8 file, one text a line.") from error
    if not content:
        raise BadInput(f"--texts {path} is empty. Expected at least one text, one a line.")
    return tuple(line.removesuffix("\r") for line in content.removesuffix("\n").split("\n"))


def _text(content: bytes) -> str:
    """Raises ValueError for what is not UTF-8. English in UTF-16 is, by the letter, with every other byte zero."""
    if 3 * content.count(b"\0") > len(content):
        raise ValueError("every other byte of it is zero, as in UTF-16")
    return content.decode("utf-8-sig")


def _exit_status(refusals: Sequence[Refusal]) -> int:
    """1 where something was judged to be wrong, 2 where nothing could be judged."""
    if any(refusal.code == "not equivalent" for refusal in refusals):
        return 1
    return 2 if refusals else 0

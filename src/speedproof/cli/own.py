"""Anybody's pairs on the command line: two names and their inputs, a file of pairs, or pairs that a package brings."""

import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, get_args

import typer

from speedproof.errors import BadInput, SpeedproofError
from speedproof.failures import reason
from speedproof.folders import PROJECT, RESULTS, RESULTS_NAMED, named_folder
from speedproof.gate.certificate import Certificate, Refusal
from speedproof.gate.trials import new_seed
from speedproof.own import proof
from speedproof.own.cards import installed, pair_at, pairs_in, written
from speedproof.own.doors.writing import new_pair, new_test
from speedproof.own.pair import BUDGET_S, OwnPair
from speedproof.own.pair import Exceptions as Exceptions_
from speedproof.own.same import KINDS
from speedproof.pairs import files
from speedproof.pairs.question import Question
from speedproof.sittings.sitting import Sitting
from speedproof.timing.runner import sample_all
from speedproof.wording import some

from .lines import print_json, say_line, warn_line
from .options import AsJson, open_sitting
from .progress import progress
from .shown.own import Found, card_lines, pair_as_json
from .shown.pull_request import Pulled

PROVE = "speedproof.own.proving:prove"
"""What proves a pair, by reference: it imports the user's code, which this process does without."""
PROFILE = "speedproof.own.profiling:profile"
"""What profiles a pair, by reference."""
N_FAULTS = 60
"""Faults that are planted unless told otherwise."""


InputsName = Annotated[
    str | None,
    typer.Option("--inputs", help="FILE.py:NAME of make(size, rng), of one example, or of a Hypothesis strategy."),
]
PairsFile = Annotated[
    Path | None, typer.Option("--pairs", help="A file with PAIR = Pair(...), whose pairs go by name.")
]
SameAs = Annotated[
    str | None,
    typer.Option("--same", help="What counts as the same: \"numbers(rel=1e-6, why='...')\", or FILE.py:NAME."),
]
Sizes = Annotated[str | None, typer.Option("--sizes", help="Sizes to ask about, as 0,1,10,100.")]
Exceptions = Annotated[str, typer.Option(help="What must be the same of an exception: type, text or any.")]
Specials = Annotated[bool, typer.Option("--specials", help="Ask about NaN, infinity, minus zero and tiny numbers too.")]
Grow = Annotated[bool, typer.Option("--grow", help="Ask about other orders, repeats, fewer, none and ragged rows too.")]
Faults = Annotated[int, typer.Option(min=0, help="Faults to plant in the candidate; 0 for none.")]
Reproduce = Annotated[Path | None, typer.Option(help="Write a file that shows a counter-example without this project.")]
CertificateFile = Annotated[Path | None, typer.Option("--certificate", help="Write a certificate to this file.")]


PullAccepted = Annotated[Path | None, typer.Option("--accepted", help="File of accepted changes, for --pull-request.")]


@contextmanager
def told_as_json(as_json: bool) -> Iterator[None]:
    """Also as JSON, where that is asked for, why nothing could be judged."""
    try:
        yield
    except SpeedproofError as error:
        if as_json:
            print_json({"verdict": "not judged", "reason": f"{type(error).__name__}: {error}"})
        raise


def is_own(names: Sequence[str] | None, inputs: str | None, pairs: Path | None) -> bool:
    """Whether the pair is the user's own or an installed package's, and none of the project's findings."""
    return bool(inputs or pairs or any(":" in name for name in names or ()) or (names and _all_installed(names)))


OF_FINDINGS = ("workload", "subject", "dtype", "function", "candidate", "texts", "quick", "fresh")
"""Options that mean nothing to a user's own pair."""
OF_OWN = (
    *("same", "sizes", "exceptions", "specials", "grow", "faults", "reproduce", "certificate"),
    *("pull_request", "accepted"),
)
"""Options that mean nothing to the project's findings."""


def is_own_asked(context: typer.Context, names: Sequence[str] | None, inputs: str | None, pairs: Path | None) -> bool:
    """Whether the pair is the user's own, of a verb that is for both. Raises BadInput for options of the other kind."""
    found = is_own(names, inputs, pairs)
    for name in OF_FINDINGS if found else OF_OWN:
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            name = name.replace("_", "-")
            what = "the project's findings, and this is a pair by name" if found else "two functions by name"
            raise BadInput(f"--{name} is for {what}, so it would count for nothing. Expected none.")
    return found


def _all_installed(names: Sequence[str]) -> bool:
    known = installed()
    return all(name in known for name in names)


def own_pairs(
    names: Sequence[str] | None, inputs: str | None, pairs: Path | None, **options: Any
) -> tuple[OwnPair, ...]:
    """The pairs that are meant. Raises BadInput."""
    names = names or ()
    if pairs or (names and not inputs and _all_installed(names)):
        _require_none_given(options, f"--pairs {pairs}" if pairs else " ".join(names))
    if pairs:
        if inputs:
            raise BadInput(
                "--inputs and --pairs together: the pairs of a file have inputs of their own. Expected one of them."
            )
        known = pairs_in(pairs)
        if strangers := [name for name in names if name not in known]:
            raise BadInput(f"--pairs {pairs} has no pair {strangers[0]!r}. Expected one of: {', '.join(known)}.")
        return tuple(known[name].asked_as(name, "--pairs", str(pairs)) for name in names or known)
    if names and not inputs and _all_installed(names):
        return tuple(pair_at(installed()[name]).asked_as(name) for name in names)
    if len(names) != 2:
        told = f"got {len(names)}: {' '.join(names)}" if names else "got none"
        raise BadInput(
            f"Two functions are held against each other, {told}. Expected REFERENCE CANDIDATE, each {files.FORMS}."
        )
    if (how := options.get("exceptions") or "type") not in get_args(Exceptions_):
        raise BadInput(f"--exceptions {how!r} is no way to compare them. Expected type, text or any.")
    if (same := options.get("same")) in KINDS:
        raise BadInput(f"--same {same}: nothing says why. Expected such as --same \"{same}(why='...')\".")
    if inputs:
        inputs = files.absolute(inputs)
    given = {name: value for name, value in options.items() if value}
    return (written(names[0], names[1], {**given, "inputs": inputs, "asked_by": _asked_by(names, options, inputs)}),)


def _require_none_given(options: dict[str, Any], what: str) -> None:
    """Raises BadInput for what a pair says itself: what is given beside it would count for nothing."""
    usual = {"exceptions": "type", "budget_s": BUDGET_S}
    given = [name for name, value in options.items() if value and value != usual.get(name)]
    if given:
        option = f"--{given[0].replace('_', '-')}"
        raise BadInput(
            f"{option} beside {what}: a pair says itself what counts, on which sizes, and how long that may take. "
            f"Expected {given[0]}= where the Pair is made, or two functions by name."
        )


def _asked_by(names: Sequence[str], options: dict[str, Any], inputs: str | None) -> list[str]:
    """The words of the command, without the seed."""
    asked = [*names, *(["--inputs", _as_given(inputs)] if inputs else [])]
    for name, value in options.items():
        if value in (None, False, (), "type") or name == "budget_s":
            continue
        for one in value if isinstance(value, tuple | list) and name == "allow" else (value,):
            told = ",".join(map(str, one)) if isinstance(one, tuple | list) else str(one)
            asked += [f"--{name}"] if value is True else [f"--{name}", told]
    return asked


def _as_given(inputs: str) -> str:
    name = files.parsed(inputs)
    where = Path(name.where)
    if where.is_absolute() and where.is_relative_to(Path.cwd()):
        return f"{where.relative_to(Path.cwd())}:{name.attribute}"
    return inputs


def sizes_of(text: str | None) -> list[int] | None:
    """Raises BadInput for what are no sizes."""
    if text is None:
        return None
    try:
        found = [int(part) for part in text.split(",")]
    except ValueError:
        found = []
    if not found or min(found) < 0:
        raise BadInput(f"--sizes {text!r} are no sizes. Expected whole numbers from 0 on, as 0,1,10,100.")
    return found


def own_results(results: Path) -> Path:
    """Where the records of a user's own pairs go: where the user is, unless a folder is named."""
    if results != RESULTS:
        return results
    return named_folder(RESULTS_NAMED) or Path.cwd() / f"{PROJECT}-results"


def check_own(
    pairs: Sequence[OwnPair],
    results: Path,
    n_faults: int,
    seed: int | None,
    reproduce: Path | None,
    certificate: Path | None,
    as_json: bool,
    pulled: Pulled,
) -> int:
    """Checks the pairs and shows what was found. The exit status: 0 the same, 1 not, 2 could not be judged."""
    sitting = open_sitting(own_results(results), None, quietly=True)
    shown, status = [], 0
    seed = new_seed() if seed is None else seed
    for pair in pairs:
        with progress() as sitting.say:
            bodies = proven(sitting, pair, n_faults, seed, counts=pulled.wanted)
        found = Found.of(bodies)
        pulled.add(pair, bodies, seed)
        answer = found.answer
        status = max(status, exit_status(answer))
        if reproduce and found.example:
            _write(reproduce, found.example.file)
        elif reproduce and exit_status(answer) == 1:
            warn_line(f"Left out: {reproduce}, since no inputs could be told on which they differ by themselves.")
        if certificate and isinstance(answer, Certificate):
            proof.write_certificate(certificate, pair, answer, found.faulted, seed)
        if as_json:
            shown.append(pair_as_json(pair, found))
        else:
            for line in card_lines(pair, found):
                say_line(line)
    if as_json:
        print_json(shown if len(shown) > 1 else shown[0])
    return max(status, pulled.written())


def proven(sitting: Sitting, pair: OwnPair, n_faults: int, seed: int | None, counts: bool = False) -> list[Any]:
    """What the gate says of a pair, recorded; with `counts` how much work both functions do too."""
    question = Question(pair.finding.target(pair.name), pair.workload("report"), seed=seed)
    then = [sample_all] if counts else []
    found: list[Any] = []
    try:
        for body in sitting.told(PROVE, question, n_faults, counts, then=then):
            found += sitting.keep([body])
    except SpeedproofError as error:
        if not found:
            raise
        # The verdict was there before; what was to be told beside it is not.
        warn_line(f"Left out: {error}")
    return found


def exit_status(answer: Certificate | Refusal) -> int:
    """0 the same, 1 not the same, 2 could not be judged."""
    if isinstance(answer, Certificate):
        return 0
    return 1 if answer.code == "not equivalent" else 2


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise BadInput(f"--reproduce {path}: {reason(error)}. Expected a file that can be written.") from error


def new(
    names: Annotated[list[str], typer.Argument(metavar="NAME", help="The pair's name, or two functions with --from.")],
    of_two: Annotated[bool, typer.Option("--from", help="Write a test of two functions that are there.")] = False,
    inputs: InputsName = None,
    folder: Annotated[Path, typer.Option(help="Folder that the files go to.")] = Path(),
) -> None:
    """Write a pair with its test, both right as they are; or a test that holds two functions against each other.

    Examples:
      speedproof new dedupe
      speedproof new --from slow.py:dedupe fast.py:dedupe --inputs data.py:make
    """
    if len(names) != (2 if of_two else 1):
        wanted = "REFERENCE CANDIDATE after --from" if of_two else "one NAME"
        raise BadInput(f"new got {some(len(names), 'name')}: {' '.join(names)}. Expected {wanted}.")
    made = new_test(names[0], names[1], inputs, folder) if of_two else new_pair(names[0], folder)
    for path in made:
        say_line(f"Written: {path}")
    say_line(f"Try it: pytest {made[-1]}")


def verify(
    path: Annotated[Path, typer.Argument(metavar="CERTIFICATE", help="A file that check --certificate wrote.")],
    as_json: AsJson = False,
) -> None:
    """Say whether a certificate still holds: VALID, or STALE with what changed. Exit status: 0 valid, 1 stale.

    Example: speedproof verify dedupe.json
    """
    found = proof.verify(path)
    if as_json:
        print_json({"valid": found.is_valid, "changed": list(found.changed)})
    else:
        say_line(str(found))
        if not found.is_valid:
            asked = shlex.join(proof.read_certificate(path)["asked"])
            where = "" if path.parent == Path() else f", in {path.parent}"
            say_line(f"Ask again{where}: speedproof check {asked} --certificate {path.name}")
    raise typer.Exit(0 if found.is_valid else 1)

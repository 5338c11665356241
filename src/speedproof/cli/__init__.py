"""The command line. Progress goes to standard error, answers to standard output."""

import inspect
import os
import re
import sys
import traceback
import warnings
from collections.abc import Sequence
from typing import NoReturn

import typer

from speedproof.errors import SpeedproofError
from speedproof.extras import what_is_missing
from speedproof.failures import DEBUG, disk_is_full, in_words, is_debugging, memory_ran_out

from . import check, comment, compare, doctor, guard, ladder, measure, own, profile, records, sweep, tensorboard
from .lines import fail
from .options import NAME, everywhere
from .project import Project, Verb

VERBS: tuple[Verb, ...] = (
    *(check.list_, check.check, check.controls),
    *(own.new, own.verify),
    *(measure.measure, measure.report, measure.run),
    *(profile.profile, tensorboard.dashboards, ladder.ladder, sweep.sweep),
    *(compare.compare, compare.matrix, guard.guard, guard.accept, comment.comment),
    *(records.records, doctor.doctor, doctor.duplicates, doctor.schema_),
)
"""The instrument's own, in the order of the help page; a project's stand behind them."""


def application(project: Project) -> typer.Typer:
    """All verbs, each under its function's name."""
    made = typer.Typer(
        add_completion=bool(NAME),
        help="Prove two functions equal, then measure which is faster.",
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    made.callback(help=made.info.help)(everywhere)
    for verb in (*VERBS, *project.verbs):
        made.command(verb.__name__.removesuffix("_"), help=_help(verb))(verb)
    # What continuous integration elsewhere may still call it.
    made.command("gate", hidden=True)(guard.guard)
    return made


def _help(verb: Verb) -> str:
    """A verb's own words; its examples stay as they are written, a line each."""
    return re.sub(r"\n\n(Examples?:)", r"\n\n\b\n\1", inspect.getdoc(verb) or "")


def main(project: Project) -> None:
    """Runs the command line over a project's findings.

    Every failure is one clear line and an exit status, with a traceback where asked for.
    """
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    # The profiler's library otherwise writes to standard error at every start and stop.
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")
    try:
        # Outside its standalone mode the parser returns the status of an Exit, and 130 after Control-C.
        name, arguments = NAME or "python -m bench", _without_debug(sys.argv[1:])
        status = application(project)(arguments, standalone_mode=False, prog_name=name, obj=project) or 0
        sys.stdout.flush()
    except SpeedproofError as error:
        _fail(error, f"{type(error).__name__}: {error}", error.exit_status)
    except KeyboardInterrupt:
        status = INTERRUPTED
    except (BrokenPipeError, SystemExit) as ended:
        # Who read the answer wants no more of it, which the parser would tell as 1, as if something had been judged.
        if not isinstance(ended.__context__ or ended, BrokenPipeError):
            raise
        # Nothing may be written at the end either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        status = NOBODY_READS
    except Exception as error:
        if hasattr(error, "format_message"):
            # Wrong use, in the parser's words.
            _fail(error, f"{error.format_message()} See: {NAME or 'python -m bench'} --help", 2)
        if missing := what_is_missing(error):
            _fail(error, f"speedproof: {missing}", 2)
        whose = "" if memory_ran_out(error) or disk_is_full(error) else FAULT
        _fail(error, in_words("speedproof", error) + whose, 2)
    if status == INTERRUPTED:
        fail(
            "Stopped. What was recorded is kept. Give the same command again: 'run' goes on where it stopped, the "
            "others start a new sitting.",
            INTERRUPTED,
        )
    raise SystemExit(status)


def _without_debug(arguments: Sequence[str]) -> list[str]:
    """The arguments without `--debug`, which may stand before or after the verb. Processes of ours are told too."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    if "--debug" in arguments[:end]:
        os.environ[DEBUG] = "1"
    return [*(one for one in arguments[:end] if one != "--debug"), *arguments[end:]]


def _fail(error: BaseException, words: str, status: int) -> NoReturn:
    if is_debugging():
        traceback.print_exception(error)
    fail(words, status)


INTERRUPTED = 130
"""Exit status after Control-C: 128 and the signal's number, as shells have it."""
NOBODY_READS = 141
"""Exit status where standard output was closed, as by `head`: 128 and the signal's number."""
FAULT = " This is a fault of speedproof or of a library that it uses, and no answer about your code."
"""After the words of an exception that nobody foresaw."""

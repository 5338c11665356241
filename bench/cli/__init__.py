"""The command line: python -m bench. Progress goes to standard error, answers to standard output.

Each module here holds some verbs; importing it puts them into the application.
"""

import os
import warnings

from .. import terminal
from ..errors import SpeedproofError
from . import (
    compare,
    dashboards,
    figures,
    gate,
    gating,
    ladder,
    mutation,
    power,
    records,
    rewrites,
    sweep,
    tools,
    traces,
)
from .options import NAME, app

VERBS = (gate, rewrites, mutation, figures, traces, dashboards, ladder, sweep, compare, gating, records, power, tools)
"""The modules that hold the verbs, in the order of the help page."""


def main() -> None:
    """Runs the command line; every expected failure is one clear line and an exit status."""
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    # The profiler's library otherwise writes to standard error at every start and stop.
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")
    try:
        # Outside its standalone mode the parser returns the status of an Exit, and 130 after Control-C.
        status = app(standalone_mode=False, prog_name=NAME or "python -m bench") or 0
    except SpeedproofError as error:
        terminal.fail(f"{type(error).__name__}: {error}", error.exit_status)
    except KeyboardInterrupt:
        status = INTERRUPTED
    except Exception as error:
        # Wrong use, in the parser's words; anything else is a defect of ours and shows where it is.
        if not hasattr(error, "format_message"):
            raise
        terminal.fail(f"{error.format_message()} See: python -m bench --help", 2)
    if status == INTERRUPTED:
        terminal.fail(
            "Stopped. What was recorded is kept. Give the same command again: 'run' goes on where it stopped, the "
            "others start a new sitting.",
            INTERRUPTED,
        )
    raise SystemExit(status)


INTERRUPTED = 130
"""Exit status after Control-C: 128 and the signal's number, as shells have it."""

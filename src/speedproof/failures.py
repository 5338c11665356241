"""What an exception that is not ours means to a user: in one line, with its own words and what to do next."""

import errno
import os
import traceback

from .errors import SpeedproofError
from .extras import what_is_missing

DEBUG = "SPEEDPROOF_DEBUG"
"""The environment variable that `--debug` sets, so that processes of ours know it too."""
MOST_WORDS = 600
"""Characters of an exception's own words that are shown."""
NO_MEMORY = ("can't allocate memory", "not enough memory", "out of memory", "cannot allocate memory", "bad_alloc")
"""What libraries say where memory ran out and no MemoryError is raised: torch's allocators, the C library, C++."""
FREE_MEMORY = "Free memory, or take a smaller subject or workload."
FREE_SPACE = "Free space, or name other folders with SPEEDPROOF_RESULTS and SPEEDPROOF_CACHE."


class Failed(SpeedproofError):
    """A library or the code under test raised where no answer could be given. Nothing was judged."""


def reason(error: BaseException) -> str:
    """What happened, in one line: the exception's kind and own words, or that memory or the disk ran out."""
    words = " ".join(str(error).split())[:MOST_WORDS]
    own = f"{type(error).__name__}: {words}" if words else type(error).__name__
    if isinstance(error, SystemExit):
        return f"it called sys.exit({error.code!r})"
    if memory_ran_out(error):
        return f"memory ran out ({own})"
    return f"the disk is full ({own})" if disk_is_full(error) else own


def memory_ran_out(error: BaseException) -> bool:
    """Whether that is what the exception says."""
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error).lower() for words in NO_MEMORY)


def disk_is_full(error: BaseException) -> bool:
    """Whether the exception says that the disk, or the user's share of it, is full."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def next_step(error: BaseException) -> str:
    """What to do, where the exception itself tells it; else how to see more."""
    if memory_ran_out(error):
        return FREE_MEMORY
    if missing := what_is_missing(error):
        return missing
    return FREE_SPACE if disk_is_full(error) else "--debug shows the traceback."


def place(error: BaseException) -> str:
    """The file and line that raised, such as `linear.py:125`; nothing where no code of Python's did. Of what cannot be
    parsed it is the place that cannot."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{os.path.basename(error.filename)}:{error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    return f"{os.path.basename(frames[-1].filename)}:{frames[-1].lineno}" if frames else ""


def in_words(stage: str, error: BaseException) -> str:
    """The line: at what, what happened and where, what was expected, what next."""
    where = f" at {place(error)}" if place(error) else ""
    return (
        f"{stage}: {reason(error)}{where}. Expected an answer, so nothing was judged. What was recorded before is "
        f"kept. {next_step(error)}"
    )


def note_traceback(told: BaseException, error: BaseException, whose: str) -> None:
    """Puts the traceback of `error`, which is shown where a user asks for it, into `told`."""
    told.add_note(f"{whose}:\n{''.join(traceback.format_exception(error)).rstrip()}")


def is_debugging() -> bool:
    """Whether tracebacks are to be shown."""
    return bool(os.environ.get(DEBUG))


def show_where_asked(error: BaseException) -> None:
    """Prints the traceback of what is told otherwise than by raising, where `--debug` asks for it."""
    if is_debugging():
        traceback.print_exception(error)


def failed(stage: str, error: BaseException, whose: str) -> Failed:
    """The error that a user is told in place of one that is not ours."""
    told = Failed(in_words(stage, error))
    note_traceback(told, error, whose)
    return told

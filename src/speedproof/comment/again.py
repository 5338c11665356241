"""The command that shows a row again. It is put together here: what a stranger wrote is never shown as a command."""

import re
import shlex
import sys

from .told import Row, Told

OPTIONS = frozenset({"--inputs", "--pairs", "--sizes", "--exceptions", "--specials", "--grow", "--seed"})
"""Options that a pair may be asked with; none of them writes a file."""
WORD = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:/,=+<>~^-]{0,119}", re.ASCII)
"""What a word of a command may be: no option, no path from the root. It is quoted where a shell would read it."""
COMMIT = re.compile(r"[0-9a-f]{40}", re.ASCII)


def command(told: Told, row: Row | None) -> str:
    """What to type in a clone with the pull request checked out; empty where that cannot be said safely."""
    if told.asked == "pairs":
        return f"speedproof check {shlex.join(row.again)}" if row and row.again and all(map(_safe, row.again)) else ""
    finding = shlex.quote(row.finding) if row and row.finding else ""
    if not told.before or not all(_safe(word) for word in (told.before, told.after, finding) if word):
        return ""
    if told.asked == "commits":
        return " ".join(filter(None, ("python -m bench guard", finding, f"--against {shlex.quote(told.before)}")))
    is_commit = COMMIT.fullmatch(told.before)
    sides = ["../before" if is_commit else shlex.quote(told.before), shlex.quote(told.after or ".")]
    asked = " ".join(("python -m bench compare", *sides, *(("--finding", finding) if finding else ())))
    return f"git worktree add ../before {told.before} && {asked}" if is_commit else asked


def _safe(word: str) -> bool:
    if word in OPTIONS:
        return True
    if not WORD.fullmatch(word) or ".." in word or "//" in word:
        return False
    # Python's own functions are no part of a pull request, and some of them do harm.
    roots = {part.split(".")[0] for part in word.split(":")[:-1]}
    return ".py:" in word or roots.isdisjoint(sys.stdlib_module_names)

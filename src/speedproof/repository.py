"""Git: asked about the folder that the code lies in, whatever its own variables say. Its reasons are told in a line."""

import os
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

LIMIT_S = 60.0
"""Seconds that git may take. A status over a slow network folder takes some ten."""
OTHERS = (
    *("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES"),
    *("GIT_COMMON_DIR", "GIT_PREFIX", "GIT_NAMESPACE", "GIT_SHALLOW_FILE", "GIT_GRAFT_FILE", "GIT_IMPLICIT_WORK_TREE"),
    *("GIT_NO_REPLACE_OBJECTS", "GIT_REPLACE_REF_BASE", "GIT_INTERNAL_SUPER_PREFIX", "GIT_CEILING_DIRECTORIES"),
)
"""Variables by which git means another repository than the folder's. Hooks set some. Source: `git rev-parse
--local-env-vars`, without those that hold settings, since by them a user may have said that a folder is safe."""
MOST_WORDS = 300
"""Characters of git's own words that are shown."""


@dataclass(frozen=True)
class Said:
    """What git said: its answer, or why there is none."""

    answer: bytes = b""
    why_not: str = ""

    @property
    def text(self) -> str:
        """The answer as text, without the newline at its end."""
        return self.answer.decode(errors="surrogateescape").rstrip("\n")


def ask(folder: Path, *arguments: str) -> Said:
    """What git says in that folder."""
    command = ["git", "-C", str(folder), *arguments]
    variables = {name: value for name, value in os.environ.items() if name not in OTHERS}
    variables |= {"LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}
    try:
        ended = subprocess.run(command, capture_output=True, env=variables, timeout=LIMIT_S, stdin=subprocess.DEVNULL)
    except FileNotFoundError:
        return Said(why_not="git is not installed, or not on the PATH")
    except subprocess.TimeoutExpired:
        return Said(why_not=f"git gave no answer within {LIMIT_S:.0f} s")
    except OSError as error:
        return Said(why_not=f"git cannot be started: {error.strerror}")
    if ended.returncode:
        return Said(why_not=_reason(folder, ended.stderr.decode(errors="replace")))
    return Said(ended.stdout)


@cache
def why_unusable(folder: Path) -> str:
    """Why git can say nothing about that folder at all, in a line; nothing where it can."""
    seen = ask(folder, "rev-parse", "--is-inside-work-tree")
    if not seen.why_not and seen.text != "true":
        return f"{folder} lies in a bare repository, which has no files. Take a clone with a working tree"
    return seen.why_not


def is_shallow(folder: Path) -> bool:
    """Whether older commits were left out of the clone."""
    return ask(folder, "rev-parse", "--is-shallow-repository").text == "true"


def _reason(folder: Path, said: str) -> str:
    """Git's reason in a line, with the way out where there is a usual one."""
    if "dubious ownership" in said:
        return (
            f"git takes nothing from {folder}, which belongs to another user. Where you trust it: "
            f"git config --global --add safe.directory '{folder}'"
        )
    if "not a git repository" in said:
        return f"{folder} is not a git repository"
    lines = [line.strip() for line in said.splitlines() if line.strip() and not line.startswith(("hint:", "warning:"))]
    return " ".join(lines).removeprefix("fatal: ")[:MOST_WORDS] or "git failed and said nothing"

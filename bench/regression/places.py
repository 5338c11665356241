"""Places: the interpreter and the twins' source of a side, made where they are lacking and kept for the next time.

An environment is known by what goes into it, so two sides that ask for the same share one. It counts as made only when
its last step has written `MADE`; what a killed process left is made anew.
"""

import fcntl
import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from ..digest import digest, file_digest
from ..errors import SpeedproofError
from .side import IMPLEMENTATIONS, ROOT, Side, tree_digest

MADE = "made"
NEEDED = ("psutil", "pydantic")
"""What the ruler's own modules need in a worker, beside what the twins need."""
MOST_REASON = 600
"""Characters of a resolver's reason that are shown."""

Run = Callable[[Sequence[str]], "subprocess.CompletedProcess[str]"]


class Unsupported(SpeedproofError):
    """A side that cannot be had: its requirements cannot be met together, or the twins do not run there."""

    exit_status = 1


@dataclass(frozen=True)
class Place:
    """Where a side runs: an interpreter, and the folder that its twins are imported from."""

    side: Side
    python: Path
    tree: Path


def place_of(side: Side, cache: Path, run: Run | None = None) -> Place:
    """The side's place, made if need be.

    Raises:
        Unsupported: the environment cannot be made; the resolver's own reason is told.
    """
    python = _environment(side, cache, run or _run) if side.own_environment else Path(sys.executable)
    return Place(side, python, _tree(side, cache))


def places_of(sides: tuple[Side, Side], cache: Path, say: Callable[[str, int], None]) -> tuple[Place, Place]:
    """Both sides' places, made at the same time where both are lacking. Raises Unsupported."""
    say("building environments", 2)
    with ThreadPoolExecutor(2) as pool:
        made = [pool.submit(place_of, side, cache) for side in sides]
        before = made[0].result()
        say("building environments", 1)
        return before, made[1].result()


def wanted(side: Side, root: Path = ROOT) -> tuple[list[str], list[str]]:
    """What pip is asked for, and the constraints that it is held to: the tested set but for what the side names."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = [*project["dependencies"], *(t for t in project["optional-dependencies"]["bench"] if _name(t) in NEEDED)]
    asked = [text for text in needed if _name(text) not in side.names]
    lines = (root / "constraints.txt").read_text(encoding="utf-8").splitlines()
    tested = [line for line in lines if line.strip() and not line.startswith("#")]
    return [*asked, *side.requirements, *map(str, side.libraries)], [t for t in tested if _name(t) not in side.names]


def _name(requirement: str) -> str:
    return canonicalize_name(Requirement(requirement).name)


def environment_key(side: Side, root: Path = ROOT) -> str:
    """Fingerprint of all that goes into the side's environment."""
    asked, constraints = wanted(side, root)
    content = [_content(path) for path in side.libraries]
    return digest([sys.version, sys.platform, sorted(asked), sorted(constraints), content])


def _content(path: Path) -> str:
    if path.is_file():
        return file_digest(path)
    kept = [p for p in sorted(path.rglob("*")) if p.is_file() and not {".git", "__pycache__", "build"} & set(p.parts)]
    return digest([[str(p.relative_to(path)) for p in kept], file_digest(*kept)])


def _environment(side: Side, cache: Path, run: Run) -> Path:
    folder = cache / "environments" / environment_key(side)
    python = folder / "bin" / "python"
    with _alone(folder):
        if (folder / MADE).exists():
            return python
        shutil.rmtree(folder, ignore_errors=True)
        asked, constraints = wanted(side)
        _require(side, run([sys.executable, "-m", "venv", str(folder)]))
        _install(side, asked, constraints, folder, run)
        (folder / MADE).write_text("\n".join(asked) + "\n", encoding="utf-8")
    return python


def _install(side: Side, asked: Sequence[str], constraints: Sequence[str], folder: Path, run: Run) -> None:
    """Installs with all of the tested set that the side leaves, or with torch alone held where that cannot be met.

    torch stays, so that two sides differ in what was named and in what that needs.
    """
    pip = [str(folder / "bin" / "python"), "-m", "pip", "--no-input", "--disable-pip-version-check", "install"]
    torch_alone = [line for line in constraints if _name(line) == "torch"]
    for held in (constraints, torch_alone):
        (folder / "constraints.txt").write_text("\n".join(held) + "\n", encoding="utf-8")
        ended = run([*pip, "--prefer-binary", "--constraint", str(folder / "constraints.txt"), *asked])
        if not ended.returncode:
            return
    _require(side, ended)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Holds the folder's lock: of two that want the same environment, one makes it and the other waits."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _run(command: Sequence[str]) -> "subprocess.CompletedProcess[str]":
    # A virtual environment in use, or a folder on the path, must not leak into the one that is made.
    clean = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")}
    return subprocess.run(command, capture_output=True, text=True, env=clean)


def _require(side: Side, ended: "subprocess.CompletedProcess[str]") -> None:
    if ended.returncode:
        raise Unsupported(
            f"No environment for {side.text!r}: {_reason(ended.stdout, ended.stderr)} Expected requirements that can "
            "be met together; pin what they fight over, as in transformer-lens==2.18.0+numpy<2."
        )


def _reason(out: str, err: str) -> str:
    """The resolver's own words: what fights with what, or its errors."""
    _, found, conflict = out.partition("The conflict is caused by:")
    lines = conflict.split("To fix this")[0].splitlines() if found else []
    lines = [line.strip() for line in [*lines, *err.splitlines()] if line.strip() and "WARNING" not in line]
    return " ".join(lines)[:MOST_REASON]


def _tree(side: Side, cache: Path) -> Path:
    """The folder that holds the side's twins; a commit's are put into one of their own."""
    if not side.commit:
        return side.tree
    folder = cache / "trees" / tree_digest(side)
    with _alone(folder):
        if not (folder / MADE).exists():
            shutil.rmtree(folder, ignore_errors=True)
            packed = subprocess.run(
                ["git", "-C", str(ROOT), "archive", side.commit, *IMPLEMENTATIONS], capture_output=True, check=True
            )
            with tarfile.open(fileobj=BytesIO(packed.stdout)) as archive:
                archive.extractall(folder, filter="data")
            (folder / MADE).touch()
    return folder

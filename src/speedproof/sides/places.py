"""Places: the interpreter and the twins' source of a side, made where they are lacking and kept for the next time.

An environment is known by what goes into it, so two sides that ask for the same share one. It counts as made only when
its last step has written `MADE`; what a killed process left is made anew.
"""

import fcntl
import shutil
import sys
import tarfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import IO

from speedproof.folders import ROOT
from speedproof.repository import ask

from .installing import Run, Unsupported, environment_key, install, require, run_clean, wanted
from .side import IMPLEMENTATIONS, Side, tree_digest

MADE = "made"
AT_ONCE = 2
"""Environments that are made at a time: each keeps about one core busy."""


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
    try:
        python = _environment(side, cache, run) if side.own_environment else Path(sys.executable)
        return Place(side, python, _tree(side, cache))
    except OSError as error:
        raise Unsupported(
            f"No place for {side.text!r}: {error}. Expected a folder with room that can be written; "
            "SPEEDPROOF_CACHE names another."
        ) from error


def places_or_reasons(
    sides: Sequence[Side], cache: Path, say: Callable[[str, int], None], run: Run | None = None
) -> list[Place | Unsupported]:
    """Every side's place, in the order of the sides, or why there is none. `AT_ONCE` are made at the same time."""
    found: dict[int, Place | Unsupported] = {}
    say("building environments", len(sides))
    pool = ThreadPoolExecutor(AT_ONCE)
    try:
        waiting = {pool.submit(place_of, side, cache, run): number for number, side in enumerate(sides)}
        for done in as_completed(waiting):
            number = waiting[done]
            try:
                found[number] = done.result()
            except Unsupported as error:
                found[number] = error
            say(f"building environments: {sides[number].text} is done", len(sides) - len(found))
    finally:
        # After Control-C none that waits for its turn is begun.
        pool.shutdown(cancel_futures=True)
    return [found[number] for number in range(len(sides))]


def places_of(sides: tuple[Side, Side], cache: Path, say: Callable[[str, int], None]) -> tuple[Place, Place]:
    """Both sides' places. Raises Unsupported for the first of them that cannot be had."""
    before, after = (required(found) for found in places_or_reasons(sides, cache, say))
    return before, after


def required(found: Place | Unsupported) -> Place:
    """The place. Raises Unsupported where there is none."""
    if isinstance(found, Unsupported):
        raise found
    return found


def _environment(side: Side, cache: Path, run: Run | None) -> Path:
    folder = cache / "environments" / environment_key(side)
    python = folder / "bin" / "python"
    with _alone(folder) as lock:
        # The installer holds the lock too: where we are killed and it is not, nobody else writes beside it.
        run = run or partial(run_clean, [lock])
        if (folder / MADE).exists():
            return python
        shutil.rmtree(folder, ignore_errors=True)
        asked, constraints = wanted(side)
        require(side, run([sys.executable, "-P", "-m", "venv", str(folder)]))
        install(side, asked, constraints, folder, run)
        (folder / MADE).write_text("\n".join(asked) + "\n", encoding="utf-8")
    return python


@contextmanager
def _alone(folder: Path) -> Iterator[IO[str]]:
    """Holds the folder's lock: of two that want the same environment, one makes it and the other waits."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock


def _tree(side: Side, cache: Path) -> Path:
    """The folder that holds the side's twins; a commit's are put into one of their own."""
    if not side.commit:
        return side.tree
    folder = cache / "trees" / tree_digest(side)
    with _alone(folder):
        if not (folder / MADE).exists():
            shutil.rmtree(folder, ignore_errors=True)
            # A conversion of line ends would give other sources than those that were committed.
            packed = ask(ROOT, "-c", "core.autocrlf=false", "archive", side.commit, *IMPLEMENTATIONS)
            if packed.why_not:
                raise Unsupported(f"No place for {side.text!r}: {packed.why_not}. Expected git to hand out the commit.")
            with tarfile.open(fileobj=BytesIO(packed.answer)) as archive:
                archive.extractall(folder, filter="data")
            (folder / MADE).touch()
    return folder

"""What is installed for a side: what it names in its own words, and the tested set for all else.

asv runs this as `python -m speedproof.sides.installing CHECKOUT` in an environment that has pip, `packaging` and little
else, so nothing that it imports may need more.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import IO

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from speedproof.digest import digest, file_digest
from speedproof.errors import SpeedproofError
from speedproof.folders import ROOT

from .side import IMPLEMENTATIONS, Side, parse_side

MOST_REASON = 600
"""Characters of a resolver's reason that are shown."""

LENS, WITHOUT = "transformer-lens", ("sae-lens",)
"""SAELens takes TransformerLens below 4. A side of a newer one goes without: SAEs are read from their files there."""
BEYOND = 4
"""The first release of TransformerLens that no SAELens takes."""

VARIABLE = "SPEEDPROOF_SIDE"
"""The environment variable in which asv is told a side."""

Run = Callable[[Sequence[str]], "subprocess.CompletedProcess[str]"]


class Unsupported(SpeedproofError):
    """A side that cannot be had: its requirements cannot be met together, or there is no room for it."""


def wanted(side: Side, root: Path = ROOT) -> tuple[list[str], list[str]]:
    """What pip is asked for, and the constraints that it is held to: the tested set but for what the side names."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    needed = [*project["project"]["optional-dependencies"]["lens"], *project["dependency-groups"]["ruler"]]
    without = WITHOUT if _is_beyond_saelens(side) else ()
    asked = [text for text in needed if _name(text) not in (*side.names, *without)]
    lines = (root / "constraints.txt").read_text(encoding="utf-8").splitlines()
    tested = [line for line in lines if line.strip() and not line.startswith("#")]
    return [*asked, *side.requirements, *map(str, side.libraries)], [
        line for line in tested if _name(line) not in (*side.names, *without)
    ]


def _is_beyond_saelens(side: Side) -> bool:
    """Whether the side names a TransformerLens that no SAELens takes, and names no SAELens that might."""
    if side.names & set(WITHOUT):
        return False
    bounds = [
        Version(bound.version.removesuffix(".*")).major
        for one in map(Requirement, side.requirements)
        for bound in one.specifier
        if canonicalize_name(one.name) == LENS and bound.operator in ("==", "~=", ">=", ">")
    ]
    return max(bounds, default=0) >= BEYOND


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


def install(side: Side, asked: Sequence[str], constraints: Sequence[str], folder: Path, run: Run) -> None:
    """Installs with all of the tested set that the side leaves, or with torch alone held where that cannot be met.

    torch stays, so that two sides differ in what was named and in what that needs.

    Raises:
        Unsupported: not even then.
    """
    pip = [str(folder / "bin" / "python"), "-P", "-m", "pip", "--no-input", "--disable-pip-version-check", "install"]
    torch_alone = [line for line in constraints if _name(line) == "torch"]
    for held in (constraints, torch_alone):
        (folder / "constraints.txt").write_text("\n".join(held) + "\n", encoding="utf-8")
        ended = run([*pip, "--prefer-binary", "--constraint", str(folder / "constraints.txt"), *asked])
        if not ended.returncode:
            return
    require(side, ended)


def run_clean(held: Sequence[IO[str]], command: Sequence[str]) -> "subprocess.CompletedProcess[str]":
    """Runs a command that knows nothing of the environment in use, and keeps `held` open as long as it lives."""
    # A virtual environment in use, or a folder on the path, must not leak into the one that is made.
    foreign = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PYTHONSAFEPATH")
    clean = {k: v for k, v in os.environ.items() if k not in foreign}
    return subprocess.run(command, capture_output=True, text=True, env=clean, pass_fds=[file.fileno() for file in held])


def require(side: Side, ended: "subprocess.CompletedProcess[str]") -> None:
    """Raises Unsupported where the command failed."""
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


def put_twins(checkout: Path, installed: Path) -> None:
    """The twins of a commit, as its checkout has them, in place of another commit's."""
    for name in IMPLEMENTATIONS:
        shutil.rmtree(installed / name, ignore_errors=True)
        shutil.copytree(checkout / name, installed / name)


def main() -> None:
    """Fills the environment that this runs in: with what today's ruler and the side need, and with a commit's twins.

    The project itself is not installed, since the ruler comes from the working tree, whatever commit is measured.
    """
    try:
        side = parse_side(os.environ[VARIABLE]) if VARIABLE in os.environ else Side("the tested set")
        install(side, *wanted(side), Path(sys.prefix), partial(run_clean, []))
    except SpeedproofError as error:
        raise SystemExit(str(error)) from None
    put_twins(Path(sys.argv[1]), Path(sysconfig.get_path("purelib")))


if __name__ == "__main__":
    main()

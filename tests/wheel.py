"""The wheel: built of a copy of the sources, held against them, and installed into an environment of its own."""

import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile

from .base_environment import ROOT, base_environment

TREE = ("src", "bench", "impl_sequential", "impl_batched", "tests")
"""All folders of code: what belongs into no wheel must be there to be left out."""
FILES = ("pyproject.toml", "MANIFEST.in", "README.md", "LICENSE")
FOR_READERS = "README.md"
"""What explains a folder to who reads the repository; no code reads it."""
INFORMATION = ("METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE", "top_level.txt")
"""What tells of a distribution, beside the packages."""
FOREIGN = ("PYTHON", "SPEEDPROOF_", "VIRTUAL_ENV", "XDG_")
"""How variables begin that would lead out of the environment, or to somebody's folders."""

Ended = subprocess.CompletedProcess[str]


@dataclass(frozen=True)
class Built:
    """What the build made, and the copy that it was made of."""

    wheel: Path
    source_distribution: Path
    sources: Path


def build(folder: Path) -> Built:
    """What `python -m build` makes: the source distribution, and of that the wheel. It asks no package index."""
    sources, made = folder / "sources", folder / "made"
    for name in TREE:
        unwanted = shutil.ignore_patterns("__pycache__", "*.egg-info")
        shutil.copytree(ROOT / name, sources / name, ignore=unwanted)
    for name in FILES:
        shutil.copy(ROOT / name, sources)
    done = ended([sys.executable, "-m", "build", "--no-isolation", "--outdir", str(made)], sources)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,), (source_distribution,) = made.glob("*.whl"), made.glob("*.tar.gz")
    return Built(wheel, source_distribution, sources)


def differences(wheel: Path, sources: Path) -> list[str]:
    """What the wheel lacks of the package, and what it holds beside that."""
    name, version, *_ = wheel.name.split("-")
    with ZipFile(wheel) as archive:
        held = {entry for entry in archive.namelist() if not entry.endswith("/")}
    files = (path for path in (sources / "src" / name).rglob("*") if path.is_file() and path.name != FOR_READERS)
    expected = {path.relative_to(sources / "src").as_posix() for path in files}
    expected |= {f"{name}-{version}.dist-info/{file}" for file in INFORMATION}
    return [f"lacks {one}" for one in sorted(expected - held)] + [f"holds {one}" for one in sorted(held - expected)]


@dataclass(frozen=True)
class Installed:
    """An environment that holds the wheel and what pip finds that it needs."""

    folder: Path
    home: Path

    @property
    def packages(self) -> Path:
        """Where its packages lie."""
        (found,) = self.folder.glob("lib/python*/site-packages")
        return found

    def command(self, *arguments: str, cwd: Path) -> Ended:
        """What the command `speedproof` answers, started in that folder."""
        return self._ended("speedproof", arguments, cwd)

    def python(self, *arguments: str, cwd: Path) -> Ended:
        """What this environment's Python answers, started in that folder."""
        return self._ended("python", arguments, cwd)

    def _ended(self, program: str, arguments: Sequence[str], cwd: Path) -> Ended:
        return ended([str(self.folder / "bin" / program), *arguments], cwd, self.home)


def install(wheel: Path, folder: Path) -> Installed:
    """A fresh environment with the wheel.

    No package index is asked: what the base needs is linked from here, and pip must find all that the wheel asks for.
    """
    made = Installed(folder / "environment", folder / "home")
    made.home.mkdir()
    venv.create(made.folder)
    base_environment(made.packages)
    for linked in ("speedproof", "__pycache__"):
        # The instrument is to come from the wheel, and what Python compiles is to stay in this environment.
        (made.packages / linked).unlink(missing_ok=True)
    pip = [sys.executable, "-m", "pip", "--python", str(made.folder), "--disable-pip-version-check", "--no-input"]
    done = ended([*pip, "install", "--no-index", str(wheel)], folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return made


def files_below(folder: Path) -> set[str]:
    """The files of a folder, but for what Python compiles. Links are not followed."""
    found = (os.path.join(place, name) for place, _, names in os.walk(folder) for name in names)
    return {os.path.relpath(path, folder) for path in found if not path.endswith(".pyc")}


def ended(command: Sequence[str], cwd: Path, home: Path | None = None) -> Ended:
    """A command that has ended, which knew nothing of the environment that these tests run in."""
    known = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    # But for one thing: beside other tests hardly a pair is undisturbed.
    variables = known | {"SPEEDPROOF_ALL_PAIRS": "1"} | ({"HOME": str(home)} if home else {})
    return subprocess.run(command, cwd=cwd, env=variables, capture_output=True, text=True)

"""An environment that holds the instrument's base dependencies and nothing else, made of what is installed here."""

import os
import re
import tomllib
from collections.abc import Iterator, Sequence
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent


def needed(lines: Sequence[str], extras: Sequence[str] = ()) -> Iterator[Distribution]:
    """The distributions that requirements name, and all that those need; of extras, only those asked for."""
    for wanted in map(Requirement, lines):
        if wanted.marker is None or any(wanted.marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            found = distribution(wanted.name)
            yield found
            yield from needed(found.requires or (), sorted(wanted.extras))


def base_environment(folder: Path) -> Path:
    """A folder for the search path, with links to the base dependencies and to the instrument."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for one in needed(project["dependencies"]):
        for part in top_level(one):
            place = Path(str(one.locate_file(part)))
            if place.exists() and not (folder / part).exists():
                os.symlink(place, folder / part)
    os.symlink(ROOT / "src/speedproof", folder / "speedproof")
    return folder


def top_level(one: Distribution) -> set[str]:
    """The folders and files that a distribution put side by side into the environment."""
    return {file.parts[0] for file in one.files or () if re.match(r"\w", file.parts[0])}

"""Sides: what is held against what. A commit, a dependency set, a wheel or a folder, or several of these together."""

import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from ..digest import digest
from ..errors import BadInput
from ..folders import ROOT

IMPLEMENTATIONS = ("impl_sequential", "impl_batched")
EXPECTED = (
    "Expected a commit (HEAD~1), a requirement with a version (transformer-lens==3.5.1), a wheel, a folder with "
    "impl_sequential/ and impl_batched/ ('.' is the working tree), a folder of a library, or several joined by '+'"
)
_LOCAL_LABEL = re.compile(r"\+(?=(?:cpu|cu\d+|rocm[\d.]+)(?:\+|$))")
"""The plus in a version such as 2.13.0+cpu joins no parts."""


@dataclass(frozen=True)
class Side:
    """One side, taken apart.

    `implementation` is the commit or the folder that the twins come from; empty for the working tree. `requirements`
    are what must be installed, in pip's words; none for the environment in use.
    """

    text: str
    commit: str = ""
    tree: Path = ROOT
    requirements: tuple[str, ...] = ()
    libraries: tuple[Path, ...] = ()

    @property
    def own_environment(self) -> bool:
        """Whether it needs an environment of its own."""
        return bool(self.requirements or self.libraries)

    @property
    def names(self) -> frozenset[str]:
        """Canonical names of the packages that the requirements pin."""
        return frozenset(canonicalize_name(Requirement(text).name) for text in self.requirements)


def parse_side(text: str, root: Path = ROOT) -> Side:
    """The side that `text` stands for.

    Raises:
        BadInput: a part is nothing that exists, or two parts say where the twins come from.
    """
    parts = [part.replace("\0", "+").strip() for part in _LOCAL_LABEL.sub("\0", text).split("+")]
    commits: list[str] = []
    requirements: list[str] = []
    trees: list[Path] = []
    libraries: list[Path] = []
    for part in parts:
        if _is_requirement(part):
            requirements.append(str(Requirement(part)))
        elif (path := Path(part)).exists() and part:
            (trees if _is_tree(path) else libraries).append(_usable(path, text))
        else:
            commits.append(_commit(part, text, root))
    if len(commits) + len(trees) > 1:
        raise BadInput(f"Side {text!r} names the twins' source more than once. Expected one commit or one folder.")
    commit, tree = "".join(commits), trees[0] if trees else root
    return Side(text, commit, tree, tuple(sorted(requirements)), tuple(libraries))


def _is_requirement(part: str) -> bool:
    try:
        return bool(Requirement(part).specifier)
    except InvalidRequirement:
        return False


def _is_tree(path: Path) -> bool:
    return all((path / name).is_dir() for name in IMPLEMENTATIONS)


def _usable(path: Path, text: str) -> Path:
    installable = path.suffix == ".whl" or any((path / name).exists() for name in ("pyproject.toml", "setup.py"))
    if not (installable or _is_tree(path)):
        raise BadInput(f"Side {text!r}: {path} can neither be installed nor does it hold the twins. {EXPECTED}.")
    return path.resolve()


def _commit(part: str, text: str, root: Path) -> str:
    found = git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{part}^{{commit}}") if part else ""
    if not found:
        raise BadInput(f"Side {text!r}: {part!r} is no commit of this repository. {EXPECTED}.")
    missing = [name for name in IMPLEMENTATIONS if not git(root, "rev-parse", "--verify", "--quiet", f"{found}:{name}")]
    if missing:
        raise BadInput(f"Side {text!r}: commit {found[:10]} has no {missing[0]}/. Expected a commit with both twins.")
    return found


def uncommitted(root: Path = ROOT) -> Sequence[str]:
    """Files of the twins that differ from the last commit: no commit's side has these changes."""
    return [line[3:] for line in git(root, "status", "--porcelain", "--", *IMPLEMENTATIONS).splitlines()]


def git(root: Path, *arguments: str) -> str:
    """What git says, or nothing where it fails."""
    try:
        answer = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True)
    except OSError:
        return ""
    return answer.stdout.rstrip("\n") if answer.returncode == 0 else ""


def tree_digest(side: Side, root: Path = ROOT) -> str:
    """Fingerprint of the twins' source on that side, whatever commit it stands in."""
    if side.commit:
        return digest([git(root, "rev-parse", f"{side.commit}:{name}") for name in IMPLEMENTATIONS])
    files = sorted(p for name in IMPLEMENTATIONS for p in (side.tree / name).rglob("*.py"))
    return digest([[str(p.relative_to(side.tree)), p.read_text(encoding="utf-8")] for p in files])

"""Sides: what is held against what. A commit, a dependency set, a wheel or a folder, or several of these together."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from speedproof.digest import digest
from speedproof.errors import BadInput
from speedproof.folders import ROOT
from speedproof.repository import ask, is_shallow, why_unusable

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
        raise BadInput(f"Side {text!r}: {part!r} is no commit of this repository{_why(root)}. {EXPECTED}.")
    missing = [name for name in IMPLEMENTATIONS if not git(root, "rev-parse", "--verify", "--quiet", _of(found, name))]
    if missing:
        raise BadInput(f"Side {text!r}: commit {found[:10]} has no {missing[0]}/. Expected a commit with both twins.")
    return found


def _of(commit: str, name: str) -> str:
    """A commit's folder as git names it, also where the project lies within a larger repository."""
    return f"{commit}:./{name}"


def _why(root: Path) -> str:
    """Git's own reason, where it is not that the words name no commit."""
    if reason := why_unusable(root):
        return f": {reason}"
    if is_shallow(root):
        return ", which is shallow: older commits were left out. To have them: git fetch --unshallow"
    return ""


def uncommitted(root: Path = ROOT) -> Sequence[str]:
    """Files of the twins that differ from the last commit: no commit's side has these changes."""
    told = git(root, "status", "--porcelain", "-z", "--no-renames", "--", *IMPLEMENTATIONS)
    return [line[3:] for line in told.split("\0") if line]


def git(root: Path, *arguments: str) -> str:
    """What git says, or nothing where it fails."""
    return ask(root, *arguments).text


def tree_digest(side: Side, root: Path = ROOT) -> str:
    """Fingerprint of the twins' source on that side, whatever commit it stands in."""
    if side.commit:
        return digest([git(root, "rev-parse", _of(side.commit, name)) for name in IMPLEMENTATIONS])
    files = sorted(p for name in IMPLEMENTATIONS for p in (side.tree / name).rglob("*.py"))
    return digest([[str(p.relative_to(side.tree)), p.read_text(encoding="utf-8")] for p in files])

"""A certificate that stands by itself: what was held against what, on which inputs, by which rules and versions.

Nothing in it is trusted that can be worked out again: `verify` looks at today's sources and versions, and says what
changed. Paths in it are relative to its own folder, so that it can lie in a repository.
"""

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from speedproof.clock import now
from speedproof.digest import file_digest
from speedproof.errors import BadInput
from speedproof.failures import reason
from speedproof.gate.certificate import Certificate
from speedproof.pairs import files
from speedproof.records.kinds import Faulted

from .pair import OwnPair

FORMAT = 1
LIBRARIES = ("numpy", "torch", "pandas", "polars", "scipy")
"""Whose versions are part of a certificate where the pair has imported them."""


@dataclass(frozen=True)
class Verified:
    """Whether a certificate still holds: what changed since, nothing where it does."""

    changed: tuple[str, ...]

    @property
    def is_valid(self) -> bool:
        """Whether nothing changed."""
        return not self.changed

    def __str__(self) -> str:
        return "VALID" if self.is_valid else f"STALE ({', '.join(self.changed)})"


def write_certificate(path: Path, pair: OwnPair, answer: Certificate, faulted: Faulted | None) -> None:
    """Writes what `verify` reads. Raises BadInput where it cannot be written."""
    told = content(path, pair, answer, faulted)
    try:
        path.write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise BadInput(f"--certificate {path}: {reason(error)}. Expected a file that can be written.") from error


def content(path: Path, pair: OwnPair, answer: Certificate, faulted: Faulted | None) -> dict[str, Any]:
    """What stands in a certificate, as plain data."""
    asked = [_relative(one, path.parent) for one in pair.asked_by]
    return {
        "format": FORMAT,
        "written": str(now()),
        "asked": asked,
        "sources": _sources(pair, path.parent),
        "sizes": list(pair.sizes),
        "gate": answer.gate,
        "n_calls": answer.n_checks,
        "n_compared": answer.candidate.n_compared,
        "worst_share_of_allowed": answer.candidate.worst_errors.get("element", 0.0),
        "not_asked": list(answer.untried),
        "allowed_to": dict(answer.allowed_to),
        "faults": faulted and {"planted": faulted.n_planted, "seen": faulted.n_seen, "unseen": list(faulted.unseen)},
        "versions": versions(),
    }


def versions() -> dict[str, str]:
    """Python's, this project's, and those of libraries that answers may hang on."""
    found = {"python": ".".join(map(str, sys.version_info[:3]))}
    for name in ("speedproof", *LIBRARIES):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _relative(word: str, folder: Path) -> str:
    """A name whose file is told from the certificate's folder on."""
    try:
        name = files.parsed(word)
    except BadInput:
        return word
    if not name.is_file or not Path(name.where).is_file():
        return word
    where = os.path.relpath(Path(name.where).resolve(), folder.resolve())
    return ":".join([*([name.revision] if name.revision else []), where, name.attribute])


def _sources(pair: OwnPair, folder: Path) -> dict[str, str]:
    """Fingerprints of the files that hold the pair's functions, and of the files beside them that they import."""
    named = [one for one in (pair.given_names()) if one]
    found = {}
    for text in named:
        path = files.file_named(text)
        for one in _with_imports(path) if path else ():
            found[os.path.relpath(one, folder.resolve())] = file_digest(one)
    return found


def _with_imports(path: Path) -> list[Path]:
    """A file, and the files below its folder that it imports; found in its text, and nothing is run."""
    import ast

    found: dict[Path, None] = {}
    waiting = [path.resolve()]
    root = path.resolve().parent
    while waiting:
        one = waiting.pop()
        if one in found or not one.is_file():
            continue
        found[one] = None
        try:
            tree = ast.parse(one.read_bytes())
        except SyntaxError:
            continue
        for node in ast.walk(tree):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                base = node.module or ""
                names = [base, *(f"{base}.{alias.name}".lstrip(".") for alias in node.names)]
            for name in names:
                inside = root.joinpath(*name.split(".")) if name else root
                waiting += [inside.with_suffix(".py"), inside / "__init__.py"]
                waiting += [one.parent.joinpath(*name.split(".")).with_suffix(".py")] if name else []
    return list(found)


def verify(path: str | Path) -> Verified:
    """Whether a certificate still holds for the sources and versions that are here today.

    Example:
        `str(verify("dedupe.json"))` is `VALID`, or `STALE (fast.py changed)`.

    Raises:
        BadInput: no such file, or it is no certificate.
    """
    told = read_certificate(Path(path))
    folder = Path(path).resolve().parent
    changed = []
    for name, known in told["sources"].items():
        file = folder / name
        if not file.is_file():
            changed.append(f"{name} is gone")
        elif file_digest(file) != known:
            changed.append(f"{name} changed")
    here = versions()
    for name, known in told["versions"].items():
        if here.get(name) != known:
            changed.append(f"{name} is {here.get(name, 'not installed')}, was {known}")
    return Verified(tuple(changed))


def read_certificate(path: Path) -> Mapping[str, Any]:
    """What stands in it. Raises BadInput."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        if told["format"] != FORMAT:
            raise ValueError(f"format {told['format']!r}, of which nothing is known here")
        if not all(isinstance(told[name], dict) for name in ("sources", "versions")) or not isinstance(
            told["asked"], list
        ):
            raise ValueError("sources, versions or the command are missing")
    except OSError as error:
        raise BadInput(f"{path}: {reason(error)}. Expected a certificate that check --certificate wrote.") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise BadInput(
            f"{path} is no certificate: {reason(error)}. Expected a file that check --certificate wrote."
        ) from error
    found: Mapping[str, Any] = told
    return found

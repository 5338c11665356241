"""A certificate that stands by itself: what was held against what, on which inputs, by which rules and versions.

Nothing in it is trusted that can be worked out again: `verify` looks at today's sources and versions, and says what
changed. Paths in it are relative to its own folder, so that it can lie in a repository.
"""

import ast
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
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
"""Whose versions are part of a certificate where the pair's files import them."""
BELOW = {"pandas": ("numpy",), "scipy": ("numpy",)}
"""Libraries whose answers hang on others."""


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


def write_certificate(path: Path, pair: OwnPair, answer: Certificate, faulted: Faulted | None, seed: int) -> None:
    """Writes what `verify` reads. Raises BadInput where it cannot be written."""
    told = content(path, pair, answer, faulted, seed)
    try:
        path.write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise BadInput(f"--certificate {path}: {reason(error)}. Expected a file that can be written.") from error


def content(path: Path, pair: OwnPair, answer: Certificate, faulted: Faulted | None, seed: int) -> dict[str, Any]:
    """What stands in a certificate, as plain data."""
    asked = [_relative(one, path.parent) for one in pair.asked_by]
    sources = _sources(pair, path.parent)
    return {
        "format": FORMAT,
        "written": str(now()),
        "asked": asked,
        "sources": sources,
        "seed": seed,
        "sizes": list(pair.sizes),
        "gate": answer.gate,
        "n_calls": answer.n_checks,
        "n_compared": answer.candidate.n_compared,
        "worst_share_of_allowed": answer.candidate.worst_errors.get("element", 0.0),
        "not_asked": list(answer.untried),
        "allowed_to": dict(answer.allowed_to),
        "faults": faulted and {"planted": faulted.n_planted, "seen": faulted.n_seen, "unseen": list(faulted.unseen)},
        "versions": versions(_libraries([path.parent / name for name in sources])),
    }


def versions(libraries: Iterable[str]) -> dict[str, str]:
    """Python's, this project's, and those of libraries that answers may hang on."""
    found = {"python": ".".join(map(str, sys.version_info[:3]))}
    for name in ("speedproof", *libraries):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _libraries(sources: Sequence[Path]) -> list[str]:
    """Those that the files import, and what those hang on; all where they import what may itself hang on any."""
    named, own = set[str](), {"speedproof", "hypothesis"}
    for file in sources:
        own |= {file.stem, *file.parts}
        with suppress(OSError, SyntaxError, ValueError):
            for node in ast.walk(ast.parse(file.read_bytes())):
                if isinstance(node, ast.Import):
                    named |= {alias.name.partition(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and not node.level:
                    named.add((node.module or "").partition(".")[0])
    if not sources or named - own - {*LIBRARIES} - sys.stdlib_module_names:
        return [*LIBRARIES]
    below = {other for name in named for other in BELOW.get(name, ())}
    return [name for name in LIBRARIES if name in named | below]


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
    """A file, and the user's files that it imports, and those that they do; found in their text, and nothing is run."""
    found: dict[Path, None] = {}
    waiting = [path.resolve()]
    while waiting:
        one = waiting.pop()
        if one in found or not one.is_file():
            continue
        found[one] = None
        with suppress(SyntaxError):
            waiting += _imported_by(one, ast.parse(one.read_bytes()))
    return list(found)


def _imported_by(file: Path, tree: ast.Module) -> Iterator[Path]:
    """Where modules would lie that a file imports, if they are the user's: beside it, or below its package's root."""
    root = file.parent
    while (root / "__init__.py").is_file():
        root = root.parent
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (
                place for alias in node.names for folder in (root, file.parent) for place in _at(folder, alias.name)
            )
        elif isinstance(node, ast.ImportFrom):
            above = file.parent
            for _ in range(node.level - 1):
                above = above.parent
            for folder in (above,) if node.level else (root, file.parent):
                base = node.module or ""
                yield from _at(folder, base)
                yield from (place for alias in node.names for place in _at(folder, f"{base}.{alias.name}".lstrip(".")))


def _at(folder: Path, module: str) -> Iterator[Path]:
    """The files that a module's name means below a folder: its own, and those of the packages that it is in."""
    place = folder
    for part in filter(None, module.split(".")):
        place = place / part
        yield place.with_suffix(".py")
        yield place / "__init__.py"


def verify(path: str | Path) -> Verified:
    """Whether a certificate still holds for the sources and versions that are here today.

    Example:
        `str(verify("dedupe.json"))` is `VALID`, or `STALE (fast.py changed)`.

    Raises:
        BadInput: no such file, or it is no certificate.
    """
    told = read_certificate(Path(path))
    folder = Path(path).resolve().parent
    changed = [f"{name} is not in the certificate" for name in _missing(told, folder)]
    for name, known in told["sources"].items():
        file = folder / name
        if not file.is_file():
            changed.append(f"{name} is gone")
        elif file_digest(file) != known:
            changed.append(f"{name} changed")
    here = versions(LIBRARIES)
    for name, known in told["versions"].items():
        if here.get(name) != known:
            changed.append(f"{name} is {here.get(name, 'not installed')}, was {known}")
    return Verified(tuple(changed))


def _missing(told: Mapping[str, Any], folder: Path) -> list[str]:
    """Files that what was asked hangs on today, of which the certificate says nothing."""
    found: dict[str, None] = {}
    for word in told["asked"]:
        with suppress(BadInput):
            name = files.parsed(str(word))
            file = (folder / name.where).resolve()
            if name.is_file and not name.revision and file.is_file():
                found |= dict.fromkeys(os.path.relpath(one, folder) for one in _with_imports(file))
    return [name for name in found if name not in told["sources"]]


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
        raise BadInput(f"{path}: {error.strerror}. Expected a certificate that check --certificate wrote.") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise BadInput(
            f"{path} is no certificate: {reason(error)}. Expected a file that check --certificate wrote."
        ) from error
    found: Mapping[str, Any] = told
    return found

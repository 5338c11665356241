"""Where pairs are written down, so that every process finds them by name: a user's file, a package, or the cache."""

from collections.abc import Mapping
from importlib.metadata import entry_points
from inspect import isclass
from pathlib import Path
from typing import Any

from speedproof.digest import digest
from speedproof.errors import BadInput
from speedproof.failures import reason
from speedproof.folders import CACHE
from speedproof.pairs import files
from speedproof.pairs.apart import imported
from speedproof.pairs.finding import TWINS
from speedproof.pairs.references import given_to, resolve

from .pair import OwnPair

GROUP = "speedproof.pairs"
"""Entry points by which an installed package names its pairs."""
FILE = '''"""A pair that was named on the command line."""

from speedproof import Pair

PAIR = Pair(
    {reference!r},
    {candidate!r},
{options})
'''


def written(reference: str, candidate: str, options: Mapping[str, Any]) -> OwnPair:
    """The pair of two names, written to a file in the cache.

    Raises:
        BadInput: a name that cannot be one, no such file or commit, or a cache that cannot be written.
    """
    lines = "".join(f"    {name}={value!r},\n" for name, value in options.items() if value not in (None, ()))
    text = FILE.format(reference=files.absolute(reference), candidate=files.absolute(candidate), options=lines)
    path = CACHE / "pairs" / f"{digest(text)}.py"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise BadInput(
            f"{path}: {reason(error)}. Expected room for it; SPEEDPROOF_CACHE names another folder."
        ) from error
    return pair_at(f"{path}:PAIR")


def pair_at(card: str) -> OwnPair:
    """The pair that is written down there. Raises BadInput where there is none."""
    found = resolve(card)
    if not isinstance(found, OwnPair):
        raise BadInput(f"{card!r} is {type(found).__name__}. Expected a speedproof.Pair.")
    object.__setattr__(found, "card_at", card)
    return found


def pairs_in(path: Path) -> dict[str, OwnPair]:
    """The pairs of a file, by name. Raises BadInput where there is no such file, or no pair in it."""
    if not path.is_file():
        raise BadInput(f"--pairs {path}: there is no such file. Expected a Python file with PAIR = Pair(...).")
    module = imported(path, f"--pairs {path}")
    found = {name: one for name, one in vars(module).items() if isinstance(one, OwnPair)}
    if not found:
        raise BadInput(
            f"--pairs {path}: there is no pair in it. Expected PAIR = Pair(reference, candidate, inputs=make)."
        )
    pairs: dict[str, OwnPair] = {}
    for name in found:
        pair = pair_at(f"{path.resolve()}:{name}")
        if pair.name in pairs:
            raise BadInput(f"--pairs {path}: two pairs are called {pair.name!r}. Expected one name for each reference.")
        pairs[pair.name] = pair
    return pairs


def require_functions(pair: OwnPair) -> None:
    """Raises BadInput where two names of functions cannot be held against each other, with what they are."""
    try:
        _ = pair.functions
    except BadInput as error:
        for given in (given_to(pair, name) for name in TWINS):
            if isinstance(given, str):
                _require_function(given, error)
        raise


def _require_function(given: str, error: BadInput) -> None:
    """Raises BadInput in place of the error where the name means no function."""
    found, path, name = files.load(given), files.file_named(given), files.parsed(given)
    shown = f"{Path(name.where).name if name.is_file else name.where}:{name.attribute}"
    listed = files.functions_in(path) if path else ""
    if not callable(found):
        raise BadInput(f"{shown} {files.no_function(found)}{listed} Expected one that can be called.") from error
    if isclass(found):
        raise BadInput(f"{error} {shown} is a class, and is called as one.{listed}") from error


def installed() -> dict[str, str]:
    """Where installed packages say that their pairs are, by name; nothing is imported."""
    return {one.name: one.value for one in entry_points(group=GROUP)}

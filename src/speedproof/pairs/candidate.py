"""A stranger's function, named FILE.py:FUNCTION, to be held against a finding's definition."""

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from speedproof.errors import BadInput
from speedproof.failures import place, reason
from speedproof.processes import bounded
from speedproof.search_path import add_users_folders

from .finding import Pair

LONGEST_IMPORT_S = 600.0
"""Seconds that a candidate's file may take to be imported: as long as a worker may take for one answer."""


def load(where: str, pair: Pair) -> Callable[..., Any]:
    """The function, imported from its file.

    Raises:
        BadInput: the name has another form, the file is missing or does not import, or the function is missing or
            takes other parameters than the definition.
    """
    file_name, _, function_name = where.rpartition(":")
    path = Path(file_name)
    if not file_name.endswith(".py") or not function_name:
        raise BadInput(f"--candidate {where!r} names no function. Expected FILE.py:FUNCTION.")
    if not path.is_file():
        raise BadInput(f"--candidate: there is no file {file_name!r}. Expected a Python file.")
    function = getattr(_import(path), function_name, None)
    if not callable(function):
        raise BadInput(f"--candidate: {file_name} has no function {function_name!r}. Expected one to check.")
    try:
        pair.require_signature(function)
    except (TypeError, ValueError) as error:
        raise BadInput(f"--candidate: {function_name} cannot stand in for {pair.name}. {error}") from error
    return function


def _import(path: Path) -> Any:
    resolved = path.resolve()
    for module in list(sys.modules.values()):
        if getattr(module, "__file__", None) and Path(str(module.__file__)).resolve() == resolved:
            return module
    spec = importlib.util.spec_from_file_location(f"candidate_{path.stem}", resolved)
    if spec is None or spec.loader is None:
        raise BadInput(f"--candidate: {path} cannot be imported. Expected a Python file.")
    # What lies beside it is found too, and is not taken for a library that has the same name.
    add_users_folders(str(resolved.parent))
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        with bounded(LONGEST_IMPORT_S, f"importing {path}"):
            spec.loader.exec_module(module)
    except BaseException as error:
        sys.modules.pop(spec.name, None)
        where = f" at {place(error)}" if place(error) else ""
        raise BadInput(
            f"--candidate: {path} does not import: {reason(error)}{where}. Expected a module that imports without side "
            "effects."
        ) from error
    return module

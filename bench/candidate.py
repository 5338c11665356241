"""A stranger's function, named FILE.py:FUNCTION, to be held against a finding's definition."""

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .errors import BadInput
from .finding import Pair


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
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException as error:
        raise BadInput(
            f"--candidate: {path} does not import: {type(error).__name__}: {str(error)[:300]}. Expected a module that "
            "imports without side effects."
        ) from error
    return module

"""A stranger's function, named FILE.py:FUNCTION, to be held against a finding's definition."""

from collections.abc import Callable
from inspect import isclass
from pathlib import Path
from typing import Any

from speedproof.errors import BadInput

from .apart import imported
from .files import functions_in, no_function
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
    module, listed = imported(path, f"--candidate: {path}"), functions_in(path)
    if not hasattr(module, function_name):
        raise BadInput(f"--candidate: {file_name} has no function {function_name!r}.{listed} Expected one to check.")
    function: Any = getattr(module, function_name)
    if not callable(function):
        raise BadInput(f"--candidate {where} {no_function(function)}{listed} Expected one to check.")
    try:
        pair.require_signature(function)
    except (TypeError, ValueError) as error:
        what = f"{function_name}, a class," if isclass(function) else function_name
        raise BadInput(f"--candidate: {what} cannot stand in for {pair.name}. {error}") from error
    return function  # type: ignore[no-any-return]

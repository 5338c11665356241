"""A stranger's function, named FILE.py:FUNCTION, to be held against a finding's definition."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from speedproof.errors import BadInput

from .apart import imported
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
    function = getattr(imported(path, f"--candidate: {path}"), function_name, None)
    if not callable(function):
        raise BadInput(f"--candidate: {file_name} has no function {function_name!r}. Expected one to check.")
    try:
        pair.require_signature(function)
    except (TypeError, ValueError) as error:
        raise BadInput(f"--candidate: {function_name} cannot stand in for {pair.name}. {error}") from error
    return function

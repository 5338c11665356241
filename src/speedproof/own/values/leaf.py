"""What stands at one place of a value, and which libraries' values there are."""

import sys
from functools import cache
from typing import Any, NamedTuple

from speedproof.pairs.marks import numpy
from speedproof.search_path import INSTALLED

OPAQUE = "object that cannot be looked into"
READ_ONLY = ", read-only"
SHOWN = 60
"""Characters of a value that are shown."""


class Leaf(NamedTuple):
    """What stands at one place: its kind in words, and its value. Floating-point numbers are a float or an array."""

    kind: str
    value: Any
    is_float: bool = False


Leaves = dict[str, Leaf]


def class_name(kind: type) -> str:
    """With its module where that is a library's; a user's class may lie in another file, or another commit."""
    if kind.__module__ == "builtins":
        return kind.__name__
    package = kind.__module__.partition(".")[0]
    return f"{kind.__module__}.{kind.__qualname__}" if is_library(package) else kind.__qualname__


def package_of(value: Any) -> str:
    """The package that a value's class is of."""
    return type(value).__module__.partition(".")[0]


@cache
def is_library(package: str) -> bool:
    """Whether a package is an installed one or Python's own, and not the user's."""
    where = str(getattr(sys.modules.get(package), "__file__", None) or "")
    return package in sys.stdlib_module_names or any(folder in where for folder in INSTALLED)


def is_scalar_of_numpy(value: Any) -> bool:
    """Whether it is one of NumPy's numbers."""
    np = numpy()
    return np is not None and isinstance(value, np.generic)


def torch() -> Any:
    """torch where somebody has imported it, or None."""
    return sys.modules.get("torch")


def is_tensor(value: Any) -> bool:
    """Whether it is one of torch's tensors."""
    found = torch()
    return found is not None and isinstance(value, found.Tensor)


def is_module(value: Any) -> bool:
    """Whether it is a module of torch's, such as a model."""
    found = torch()
    return found is not None and isinstance(value, found.nn.Module)

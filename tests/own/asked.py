"""What the tests of users' own pairs share: asking for a check of few sizes, and what a refusal says."""

from collections.abc import Callable
from typing import Any

import pytest

from speedproof.errors import BadInput, NotEquivalent
from speedproof.own.asking import Checked, check_pair
from speedproof.own.pair import OwnPair

FEW_SIZES = (0, 1, 5, 30)
"""Enough for these functions, and quicker than what a user gets unasked."""


def asked(
    reference: Callable[..., Any] | str, candidate: Callable[..., Any] | str, inputs: Any = None, **options: Any
) -> Checked:
    """The check, from a seed that is the same each time."""
    faults, seed = options.pop("faults", 0), options.pop("seed", 1)
    options.setdefault("sizes", FEW_SIZES)
    return check_pair(OwnPair(reference, candidate, inputs, **options), faults, seed)


def refused(
    reference: Callable[..., Any] | str, candidate: Callable[..., Any] | str, inputs: Any = None, **options: Any
) -> NotEquivalent:
    """The refusal, which there must be."""
    with pytest.raises(NotEquivalent) as found:
        asked(reference, candidate, inputs, **options)
    return found.value


def unsound(
    reference: Callable[..., Any] | str, candidate: Callable[..., Any] | str, inputs: Any = None, **options: Any
) -> str:
    """The words of the error that says why nothing could be judged."""
    with pytest.raises(BadInput) as found:
        asked(reference, candidate, inputs, **options)
    return str(found.value)

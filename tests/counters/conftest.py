"""Counters collect garbage before each call; what other tests have left alive is not gone through each time."""

import gc
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="package", autouse=True)
def others_frozen() -> Iterator[None]:
    """Until the last of these tests ends: to look through all that is alive takes longer than most of them."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(autouse=True)
def nothing_frozen(others_frozen: None) -> None:
    """In place of the one for all tests, which would let go of the others after each."""

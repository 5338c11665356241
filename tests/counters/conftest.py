"""Counters collect garbage before each call; what other tests have left alive is not gone through each time."""

import gc

import pytest


@pytest.fixture(autouse=True)
def others_frozen(nothing_frozen: None) -> None:
    """Until the test ends."""
    gc.collect()
    gc.freeze()

"""What a call leaves changed of the process: the candidate must do there what the reference does."""

import decimal
import logging
import os
import random
import signal
import tempfile
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from .asked import asked, refused


def make(size: int, rng: random.Random) -> dict[str, Any]:
    return {"xs": [rng.randrange(9) for _ in range(size)]}


def only_sorted(xs: list[int]) -> list[int]:
    return sorted(xs)


def with_environment(value: Callable[[list[int]], str]) -> Callable[[list[int]], list[int]]:
    def function(xs: list[int]) -> list[int]:
        os.environ["RUN_SIZE"] = value(xs)
        return sorted(xs)

    return function


def to_the_temporary_folder(xs: list[int]) -> list[int]:
    os.chdir(tempfile.gettempdir())
    return sorted(xs)


def numpy_quiet(xs: list[int]) -> list[int]:
    np.seterr(all="ignore")
    return sorted(xs)


def fifty_digits(xs: list[int]) -> list[int]:
    decimal.getcontext().prec = 50
    return sorted(xs)


def no_warnings(xs: list[int]) -> list[int]:
    warnings.simplefilter("ignore")
    return sorted(xs)


def no_interrupts(xs: list[int]) -> list[int]:
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    return sorted(xs)


CHANGES = [
    (with_environment(lambda xs: str(len(xs))), "environment variables"),
    (to_the_temporary_folder, "working directory"),
    (numpy_quiet, "numpy error state"),
    (fifty_digits, "number formats"),
    (no_warnings, "warnings filters"),
    (no_interrupts, "signal handlers"),
]


@pytest.mark.parametrize("function, aspect", CHANGES)
def test_what_the_reference_changes_the_candidate_must_change_too(function: Callable[..., Any], aspect: str) -> None:
    here, environment = os.getcwd(), dict(os.environ)

    error = refused(function, only_sorted, make)
    assert error.rule == aspect and "leaves the" in str(error)
    assert refused(only_sorted, function, make).rule == aspect
    assert asked(function, function, make)
    assert (os.getcwd(), dict(os.environ)) == (here, environment)


def test_to_another_value_is_another_thing() -> None:
    sized, none = with_environment(lambda xs: str(len(xs))), with_environment(lambda xs: "0")

    assert "'0'" in str(refused(sized, none, make))
    assert asked(sized, with_environment(lambda xs: f"{len(xs)}"), make)
    assert asked(none, with_environment(lambda xs: "0"), make)


def test_what_is_set_up_once_is_nobodys_doing() -> None:
    done: list[bool] = []

    def sets_up(xs: list[int]) -> list[int]:
        if not done:
            warnings.filterwarnings("ignore", message="of a library that is loaded late")
            done.append(True)
        return sorted(xs)

    assert asked(sets_up, only_sorted, make)


def test_handlers_go_by_their_name() -> None:
    def ignores(xs: list[int]) -> list[int]:
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)
        return sorted(xs)

    def prints(xs: list[int]) -> list[int]:
        signal.signal(signal.SIGUSR1, print)
        return sorted(xs)

    assert refused(ignores, prints, make).rule == "signal handlers"
    assert asked(prints, prints, make)


def test_a_handler_that_is_made_anew_in_each_call_is_the_same() -> None:
    def adds(xs: list[int]) -> list[int]:
        logging.getLogger().addHandler(logging.NullHandler())
        return sorted(xs)

    n_before = len(logging.getLogger().handlers)
    assert asked(adds, adds, make)
    assert refused(adds, only_sorted, make).rule == "logging"
    assert len(logging.getLogger().handlers) == n_before

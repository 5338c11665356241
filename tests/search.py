"""How inputs are searched for: the same ones each time, unless more are asked for; and what a property compares."""

import os
from collections.abc import Callable
from typing import Any

from hypothesis import Phase, settings

settings.register_profile("fixed", derandomize=True, database=None, deadline=None, print_blob=True)
settings.register_profile("search", database=None, deadline=None, print_blob=True)
settings.load_profile(os.environ.get("SPEEDPROOF_EXAMPLES", "fixed"))

Twin = Callable[..., Any]


def to_hold(n_examples: int) -> settings:
    """For a property that must hold."""
    return settings(max_examples=n_examples)


def to_be_broken(n_examples: int) -> settings:
    """For a function known to be wrong: no time is spent on making the example small."""
    phases = [Phase.explicit, Phase.generate]
    return settings(max_examples=n_examples, phases=phases, report_multiple_bugs=False)


def raised_by(function: Twin, inputs: dict[str, Any]) -> type[Exception] | None:
    """The type of what `function` raises, or None."""
    try:
        function(**inputs)
    except Exception as error:
        return type(error)
    return None

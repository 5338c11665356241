"""The pytest plugin: a fixture that proves two functions equal in a test. It loads nothing until it is asked for."""

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from speedproof.own.asking import Certified, Checked


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--speedproof-measure` also times what tests prove."""
    group = parser.getgroup("speedproof")
    group.addoption(
        "--speedproof-measure",
        action="store_true",
        help="Also time what tests prove, in fresh processes; figures are told at the end and never fail a test.",
    )
    group.addoption(
        "--speedproof-budget-s",
        type=float,
        default=10.0,
        help="Seconds of timing each pair; starting processes comes on top.",
    )


class Speedproof:
    """What a test is given as `speedproof`."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    def check(self, reference: Any, candidate: Any, inputs: Any = None, **options: Any) -> "Checked":
        """Proves that the candidate does what the reference does; takes what `speedproof.check` takes.

        Raises:
            NotEquivalent: it does not, with the counter-example; the test fails by it.
            BadInput: what was asked is not sound.
        """
        # The test's own traceback ends here.
        __tracebackhide__ = True
        from speedproof.own.asking import check

        checked = check(reference, candidate, inputs, **options)
        if self._config.getoption("--speedproof-measure"):
            self._config.stash.setdefault(TO_MEASURE, []).append(checked)
        return checked

    def certified(self, reference: Any, candidate: Any, inputs: Any = None, **options: Any) -> "Certified":
        """The candidate once it is proven, for pytest-benchmark's `benchmark`."""
        __tracebackhide__ = True
        from speedproof.own.asking import Certified

        return Certified(self.check(reference, candidate, inputs, **options))


TO_MEASURE: pytest.StashKey[list["Checked"]] = pytest.StashKey()


@pytest.fixture(scope="session")
def speedproof(pytestconfig: pytest.Config) -> Speedproof:
    """Proves two functions equal: `speedproof.check(reference, candidate, inputs=make)`."""
    return Speedproof(pytestconfig)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """The figures, where they were asked for."""
    waiting = config.stash.get(TO_MEASURE, [])
    if not waiting:
        return
    from .measuring import figure_of

    terminalreporter.section("speedproof: measured")
    for checked in waiting:
        terminalreporter.write_line(figure_of(checked, config.getoption("--speedproof-budget-s")))

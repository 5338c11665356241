"""What a test has imported of its own is forgotten after it: a user's process has imported nothing before."""

import os
import sys
from collections.abc import Iterator

import pytest

from speedproof.pairs import apart, files


@pytest.fixture(autouse=True)
def forgotten(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The search path as it was, and no module of a folder that a test made."""
    path = list(sys.path)
    yield
    sys.path[:] = path
    base = tmp_path_factory.getbasetemp()
    made = tuple(str(folder) + os.sep for folder in (base, base.resolve()))
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None) or "").startswith(made):
            del sys.modules[name]
    apart._roots.clear()
    apart._modules_of.clear()
    apart.apart.cache_clear()
    files._of_revision.cache_clear()


@pytest.fixture(autouse=True)
def few_draws(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer draws than a user gets, but where a test asks for all: what is asked of one draw is asked of each."""
    if "all_draws" in request.fixturenames:
        return
    monkeypatch.setattr("speedproof.own.trials.N_DRAWS", 0)
    for module in ("trials", "inputs"):
        monkeypatch.setattr(f"speedproof.own.{module}.N_EXAMPLES", 10)


@pytest.fixture
def all_draws() -> None:
    """Asks for as many draws as a user gets."""

"""A mutant in place of its module, for whoever imports it from now on in this process."""

import importlib
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from types import CodeType, ModuleType
from typing import Any

from speedproof_studies.gate_source import path_of

from .mutants import Mutant

RULER = ("speedproof", "speedproof_studies", "bench")
"""The packages whose modules hold each other's names."""


class _Loader(SourceFileLoader):
    """Gives the mutant's code under the file's own name, so that whoever fingerprints the file sees it unchanged."""

    def __init__(self, mutant: Mutant) -> None:
        super().__init__(mutant.module, str(path_of(mutant.module)))
        self._mutant = mutant

    def get_code(self, fullname: str) -> CodeType:
        return compile(self._mutant.source, self.path, "exec", dont_inherit=True)


class _Finder(MetaPathFinder):
    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: Any = None) -> ModuleSpec | None:
        if fullname != self._mutant.module:
            return None
        return spec_from_file_location(fullname, path_of(fullname), loader=_Loader(self._mutant))


def plant(mutant: Mutant) -> ModuleType:
    """Imports the mutant in its module's place: a twin's with all twins, which may share it, a module of the ruler with
    all of the ruler, since its modules hold each other's names. The process is of no other use afterwards."""
    sys.meta_path.insert(0, _Finder(mutant))
    package = mutant.module.split(".")[0]
    if package in RULER:
        forget_ruler()
    else:
        _forget(package)
    return importlib.import_module(mutant.module)


def _forget(*packages: str) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] in packages]:
        del sys.modules[name]


def forget_ruler() -> None:
    """Whoever imports the ruler from now on gets new modules."""
    _forget(*RULER)

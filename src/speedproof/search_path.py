"""Where modules are searched for: our own by name in their folder, the libraries where they are installed.

The current folder is no such place: a `random.py` that lies there is no module of ours nor of a library. A user's own
folder is, as the last of all, once a function of theirs is asked for.

Imports nothing that is not loaded when Python starts, since until `own_code_alone` has run the current folder may come
first.
"""

import os
import sys

SOURCE = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
"""The folder that holds the instrument: `src` of a checkout, or where packages are installed."""
ROOT = os.path.dirname(SOURCE)
"""A checkout's folder, which holds the findings and their twins."""
OWN = {SOURCE: ("speedproof", "speedproof_studies"), ROOT: ("bench", "impl_sequential", "impl_batched")}
"""The packages of this project, by the folder that they lie in."""
INSTALLED = ("site-packages", "dist-packages")


def own_code_alone(own: dict[str, tuple[str, ...]] = OWN) -> None:
    """Takes the current folder out, and has our packages found in their folders, which give nothing else.

    Behind Python's own library and before what is installed, so that an installed copy is not taken for ours.
    """
    out = {os.path.realpath(folder) for folder in (*own, _current_folder()) if folder}
    sys.path[:] = [p for p in sys.path if os.path.isabs(p) and (_is_library(p) or os.path.realpath(p) not in out)]
    for folder, names in own.items():
        find_only(folder, names)


def find_only(root: str, names: tuple[str, ...]) -> None:
    """Has the packages of these names found in `root`, with those named before, and nothing else that lies there."""
    entry = entry_of(root)
    if entry not in sys.path:
        installed = (n for n, path in enumerate(sys.path) if is_installed_into(path))
        sys.path.insert(next(installed, len(sys.path)), entry)
    _restrict(entry, names)


def entry_of(root: str) -> str:
    """How a folder is written that gives packages by name: unlike the same folder where it is a user's."""
    return os.path.join(root, "")


def call_in_child(module: str, function: str, *arguments: object) -> None:
    """Calls a function in a process that was handed our search path by its parent, and imports it only then.

    Where the parent found our packages by name, what lies beside them is no module here either.
    """
    for folder, names in OWN.items():
        if entry_of(folder) in sys.path:
            _restrict(entry_of(folder), names)
    from importlib import import_module

    getattr(import_module(module), function)(*arguments)


def add_users_folders(folder: str) -> None:
    """Has modules found in `folder`, and then in the current one, where no module of that name is found before."""
    for one in (folder, _current_folder()):
        if one and one not in sys.path:
            sys.path.append(one)


def stay_somewhere() -> None:
    """Goes to the folder of the code where the current one is gone or may not be entered: no process starts there."""
    try:
        os.chdir(os.getcwd())
    except OSError:
        os.chdir(ROOT)


def _restrict(entry: str, names: tuple[str, ...]) -> None:
    from importlib.machinery import SOURCE_SUFFIXES, FileFinder, ModuleSpec, SourceFileLoader
    from types import ModuleType

    known = {*names, *getattr(sys.path_importer_cache.get(entry), "names", ())}

    class ByName(FileFinder):
        names = known

        def find_spec(self, fullname: str, target: ModuleType | None = None) -> ModuleSpec | None:
            return super().find_spec(fullname, target) if fullname in self.names else None

    sys.path_importer_cache[entry] = ByName(entry, (SourceFileLoader, SOURCE_SUFFIXES))


def _is_library(path: str) -> bool:
    """Whether Python's own modules or installed ones lie there, also where that is the current folder."""
    own = os.path.dirname(os.__file__)
    return path == own or path.startswith(os.path.join(own, "")) or is_installed_into(path)


def is_installed_into(folder: str) -> bool:
    """Whether packages are installed there: by the folder's name, or by what an installer left, `pip --target` too."""
    if os.path.basename(folder) in INSTALLED:
        return True
    try:
        return any(name.endswith(".dist-info") for name in os.listdir(folder))
    except OSError:
        return False


def _current_folder() -> str:
    try:
        return os.getcwd()
    except OSError:
        return ""

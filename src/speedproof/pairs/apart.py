"""Importing a user's module, such that it finds the modules of its own folder or commit, and others find theirs."""

import ast
import functools
import importlib.util
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Any

from speedproof.errors import BadInput
from speedproof.failures import place, reason
from speedproof.processes import bounded
from speedproof.search_path import INSTALLED, add_users_folders

STANDARD = os.path.dirname(os.__file__) + os.sep
"""Where Python's own modules lie."""
APART = "given_"
"""How the names begin of modules that were imported from a file by itself."""
LONGEST_IMPORT_S = 600.0
"""Seconds that a user's file may take to be imported: as long as a worker may take for one answer."""

_roots: dict[Path, None] = {}
"""Folders that users' files were imported from so far."""
_modules_of: dict[Path, dict[str, ModuleType]] = {}
"""The modules of each folder or commit that was imported apart: each is there once, whatever file was asked for."""


def imported(path: Path, text: str = "") -> ModuleType:
    """The module of a user's file. A file of a package is imported as that package's module.

    Raises:
        BadInput: it does not import; the first line of the reason is told.
    """
    resolved = path.resolve()
    if then := apart(path, text or str(path)):
        return then.module
    if found := _loaded(resolved):
        return found
    root, dotted = package(resolved)
    # What lies beside it is found too, and is not taken for a library that has the same name.
    add_users_folders(str(root))
    if root != resolved.parent:
        add_users_folders(str(resolved.parent))
    return _imported_from(resolved, root, dotted, text or str(path))


def _loaded(file: Path) -> ModuleType | None:
    """The module of a file, where it was imported before."""
    for module in list(sys.modules.values()):
        place = str(getattr(module, "__file__", None) or "")
        # There are thousands of modules, and to resolve a path takes a look at each of its folders.
        if (os.path.basename(place) == file.name or os.path.islink(place)) and Path(place).resolve() == file:
            return module
    return None


def _imported_from(resolved: Path, root: Path, dotted: str, text: str) -> ModuleType:
    """The module of a file: the one that `import` finds, so that its classes are there once; where another module is
    found by that name, under a name of its own."""
    with told(text):
        if _finds(dotted, resolved):
            return importlib.import_module(dotted)
    name = f"{APART}{sha256(str(resolved).encode()).hexdigest()[:8]}_{resolved.stem}"
    spec = importlib.util.spec_from_file_location(name, resolved)
    if spec is None or spec.loader is None:
        raise BadInput(f"{text}: it cannot be imported. Expected a Python file.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        with told(text):
            spec.loader.exec_module(module)
    except BadInput:
        sys.modules.pop(name, None)
        raise
    return module


def _finds(dotted: str, file: Path) -> bool:
    """Whether that file is what `import` finds by that name."""
    try:
        spec = importlib.util.find_spec(dotted)
    except ValueError:
        # What is there by that name says of itself that it came from nowhere.
        return False
    return bool(spec and spec.origin and Path(spec.origin).resolve() == file)


@contextmanager
def told(text: str) -> Iterator[None]:
    """Whatever an import raises becomes one line."""
    given = sys.argv
    # What reads a command's arguments when it is imported would take ours.
    sys.argv = [text]
    try:
        with bounded(LONGEST_IMPORT_S, f"importing {text}"):
            yield
    except BaseException as error:
        where = f" at {place(error)}" if place(error) else ""
        wanted = "that Python can read" if isinstance(error, SyntaxError) else "that imports without side effects"
        raise BadInput(f"{text} does not import: {reason(error)}{where}. Expected a module {wanted}.") from error
    finally:
        sys.argv = given


def package(path: Path) -> tuple[Path, str]:
    """The folder that modules are searched in, and the file's name as a module's."""
    root, parts = path.parent, [path.stem] if path.stem != "__init__" else []
    while (root / "__init__.py").is_file():
        parts.insert(0, root.name)
        root = root.parent
    return root, ".".join(parts)


@dataclass(frozen=True)
class Apart:
    """A commit's module, and what it takes to have others of its tree found, and none of today's."""

    module: ModuleType
    modules: dict[str, ModuleType]
    """All of the tree that were imported so far."""
    names: frozenset[str]
    """Packages and modules that the tree has, or that today's has: none of today's is to be found."""
    path: list[str]
    tree: Path
    is_late: bool
    """Whether a function of the tree imports something when it is called."""


def of_tree(tree: Path, file: Path, top: Path, text: str) -> Apart:
    """A module of an exported tree, beside today's of the user's own tree `top`, with the modules of its own tree."""
    root, dotted = package(tree / file)
    in_package = root != (tree / file).parent
    names = {_top_name(key) for key, one in sys.modules.items() if _lies_in(one, top)}
    names |= {_top_name(dotted)} if in_package else set()
    names |= _modules_in(root) - {_top_name(key) for key, one in sys.modules.items() if not _lies_in(one, top)}
    places = [*_path_then(top, tree), str(root), *([str((tree / file).parent)] if in_package else [])]
    return _importedapart(tree / file, frozenset(names - sys.stdlib_module_names), places, tree, text)


@functools.cache
def apart(path: Path, text: str) -> Apart | None:
    """A file whose folder has modules of names that another user's folder has too: each gets those beside it."""
    file = path.resolve()
    if not file.is_file() or _loaded(file):
        return None
    root, _ = package(file)
    mine = _modules_in(root)
    shared = {one for other in _roots if other != root for one in mine & _modules_in(other)} - sys.stdlib_module_names
    _roots[root] = None
    if not shared or shared == {file.stem}:
        return None
    others = [str(other) for other in _roots if other != root]
    places = [*(one for one in sys.path if os.path.realpath(one) not in others), str(root)]
    places += [str(file.parent)] if root != file.parent else []
    return _importedapart(file, frozenset(shared), places, root, text)


def _importedapart(file: Path, names: frozenset[str], places: list[str], tree: Path, text: str) -> Apart:
    modules = _modules_of.setdefault(tree.resolve(), {})
    then = partial(Apart, modules=modules, names=names, path=places, tree=tree)
    with found_meanwhile(then(module=ModuleType(""), is_late=False)):
        importlib.invalidate_caches()
        root, dotted = package(file)
        module = _imported_from(file, root, dotted, text)
    return then(module=module, is_late=any(map(_is_late, [module, *modules.values()])))


def _modules_in(folder: Path) -> set[str]:
    """Names of the modules and packages that lie in a folder."""
    inside = folder.iterdir() if folder.is_dir() else ()
    return {one.stem for one in inside if one.suffix == ".py" or (one / "__init__.py").is_file()}


def _is_late(module: ModuleType) -> bool:
    return bool(getattr(module, "__file__", None)) and _imports_late(Path(str(module.__file__)))


def _top_name(module: str) -> str:
    return module.partition(".")[0]


def _path_then(top: Path, tree: Path) -> list[str]:
    """Where modules are searched for today, with the commit's folders for those of the user's tree."""
    found = []
    for one in sys.path:
        folder = Path(one).resolve()
        is_users = folder.is_relative_to(top.resolve()) and not any(part in INSTALLED for part in folder.parts)
        found.append(str(tree / folder.relative_to(top.resolve())) if is_users else one)
    return found


@contextmanager
def found_meanwhile(then: Apart) -> Iterator[None]:
    """Meanwhile modules of the tree are found, and none of today's of the same names."""
    path, before = list(sys.path), set(sys.modules)
    today = {key: sys.modules.pop(key) for key in before if _top_name(key) in then.names or key in then.modules}
    sys.modules.update(then.modules)
    sys.path[:] = then.path
    try:
        yield
    finally:
        for key in [*sys.modules]:
            is_new = key not in before and _lies_in(sys.modules[key], then.tree)
            if _top_name(key) in then.names or key in then.modules or is_new:
                then.modules[key] = sys.modules.pop(key)
        sys.modules.update(today)
        sys.path[:] = path


def _lies_in(module: Any, folder: Path) -> bool:
    file = str(getattr(module, "__file__", None) or "")
    if not file or "site-packages" in file or file.startswith(STANDARD):
        return False
    return Path(file).resolve().is_relative_to(folder.resolve())


def _imports_late(path: Path) -> bool:
    """Whether a function in the file imports something when it is called."""
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError):
        return False
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return any(isinstance(inner, ast.Import | ast.ImportFrom) for node in functions for inner in ast.walk(node))


def there(function: Callable[..., Any], then: Apart) -> Callable[..., Any]:
    """The function with the modules of its own tree also where it imports them when it is called."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        with found_meanwhile(then):
            return function(*args, **kwargs)

    return call

"""A user's code by name: `FILE.py:NAME` or `package.module:NAME`, as it is or, with `REV:` before it, as it was."""

import ast
import difflib
import functools
import importlib.util
import inspect
import os
import sys
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from importlib.machinery import ModuleSpec
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import Any

from speedproof.errors import BadInput
from speedproof.failures import place, reason
from speedproof.folders import CACHE
from speedproof.processes import bounded
from speedproof.repository import ask
from speedproof.search_path import INSTALLED, add_users_folders

LONGEST_IMPORT_S = 600.0
"""Seconds that a user's file may take to be imported: as long as a worker may take for one answer."""
FORMS = "FILE.py:NAME or package.module:NAME, with REV: before it for a commit's"
MADE = ".made"
"""Stands in a commit's folder once all of it is there."""


@dataclass(frozen=True)
class Name:
    """What a user calls something: a file or a module, what in it, and in which commit."""

    where: str
    attribute: str
    revision: str = ""

    @property
    def is_file(self) -> bool:
        """Whether it names a file, and no module."""
        return self.where.endswith(".py")


def parsed(text: str) -> Name:
    """Raises BadInput for what has another form."""
    where, _, attribute = text.rpartition(":")
    revision = ""
    if ":" in where and not Path(where).is_file():
        revision, _, where = where.partition(":")
        if len(revision) == 1 and where.startswith(("\\", "/")):
            revision, where = "", f"{revision}:{where}"
    if not where or not attribute or not all(part.isidentifier() for part in attribute.split(".")):
        raise BadInput(f"{text!r} names nothing. Expected {FORMS}.")
    return Name(where, attribute, revision)


def absolute(text: str) -> str:
    """The same name with the whole path of its file and a commit's own number, so that it holds everywhere.

    Raises:
        BadInput: another form, or no such file or commit.
    """
    name = parsed(text)
    if not name.is_file:
        found = _spec(name.where)
        if found is None or not found.origin or not found.origin.endswith(".py"):
            if name.revision or found is None:
                raise BadInput(_no_module(name, text))
            return text
        if not name.revision and _is_installed(found.origin):
            return text
        name = Name(found.origin, name.attribute, name.revision)
    path = Path(name.where).expanduser()
    if not name.revision:
        if not path.is_file():
            raise BadInput(
                f"{text!r}: there is no file {name.where!r}.{_near(path.name, _beside(path))} Expected {FORMS}."
            )
        return f"{path.resolve()}:{name.attribute}"
    top = _top(path, text)
    return f"{_commit(top, name.revision, text)}:{path.resolve()}:{name.attribute}"


def load(text: str) -> Any:
    """What the name means; its module is imported where that has not happened.

    Raises:
        BadInput: no such file, module, commit or name, or an import that fails.
    """
    name = parsed(text)
    file = Path(name.where)
    then = _of_revision(name, text) if name.revision else _apart(file, text) if name.is_file else None
    if then is None:
        return attribute_of(_module(name, text), name.attribute, text)
    found = attribute_of(then.module, name.attribute, text)
    return _there(found, then) if then.is_late and inspect.isroutine(found) else found


def attribute_of(module: Any, attribute: str, text: str) -> Any:
    """What stands in the module under that name, also inside a class. Raises BadInput, with the nearest names."""
    found = module
    for part in attribute.split("."):
        if not hasattr(found, part):
            public = [one for one in vars(found) if not one.startswith("_")]
            raise BadInput(
                f"{text!r}: nothing is called {part!r} there.{_near(part, public)} Expected a name in that file."
            )
        found = getattr(found, part)
    return found


def imported(path: Path, text: str = "") -> ModuleType:
    """The module of a user's file. A file of a package is imported as that package's module.

    Raises:
        BadInput: it does not import; the first line of the reason is told.
    """
    resolved = path.resolve()
    if then := _apart(path, text or str(path)):
        return then.module
    if found := _loaded(resolved):
        return found
    root, dotted = _package(resolved)
    # What lies beside it is found too, and is not taken for a library that has the same name.
    add_users_folders(str(root))
    if root != resolved.parent:
        add_users_folders(str(resolved.parent))
    return _imported_from(resolved, root, dotted, text or str(path))


def _loaded(file: Path) -> ModuleType | None:
    """The module of a file, where it was imported before."""
    having = (module for module in list(sys.modules.values()) if getattr(module, "__file__", None))
    return next((module for module in having if Path(str(module.__file__)).resolve() == file), None)


def _imported_from(resolved: Path, root: Path, dotted: str, text: str) -> ModuleType:
    """The module of a file: of its package where that is found, else under a name of its own."""
    if root != resolved.parent:
        spec = importlib.util.find_spec(dotted)
        if spec and spec.origin and Path(spec.origin).resolve() == resolved:
            with _told(text):
                return importlib.import_module(dotted)
    name = f"given_{sha256(str(resolved).encode()).hexdigest()[:8]}_{resolved.stem}"
    spec = importlib.util.spec_from_file_location(name, resolved)
    if spec is None or spec.loader is None:
        raise BadInput(f"{text}: it cannot be imported. Expected a Python file.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        with _told(text):
            spec.loader.exec_module(module)
    except BadInput:
        sys.modules.pop(name, None)
        raise
    return module


@contextmanager
def _told(text: str) -> Iterator[None]:
    """Whatever an import raises becomes one line."""
    given = sys.argv
    # What reads a command's arguments when it is imported would take ours.
    sys.argv = [text]
    try:
        with bounded(LONGEST_IMPORT_S, f"importing {text}"):
            yield
    except BaseException as error:
        where = f" at {place(error)}" if place(error) else ""
        raise BadInput(
            f"{text} does not import: {reason(error)}{where}. Expected a module that imports without side effects."
        ) from error
    finally:
        sys.argv = given


def _package(path: Path) -> tuple[Path, str]:
    """The folder that modules are searched in, and the file's name as a module's."""
    root, parts = path.parent, [path.stem] if path.stem != "__init__" else []
    while (root / "__init__.py").is_file():
        parts.insert(0, root.name)
        root = root.parent
    return root, ".".join(parts)


def _module(name: Name, text: str) -> ModuleType:
    if name.is_file:
        path = Path(name.where)
        if not path.is_file():
            raise BadInput(
                f"{text!r}: there is no file {name.where!r}.{_near(path.name, _beside(path))} Expected {FORMS}."
            )
        return imported(path, text)
    if _spec(name.where) is None:
        raise BadInput(_no_module(name, text))
    with _told(text):
        return importlib.import_module(name.where)


def _spec(module: str) -> ModuleSpec | None:
    add_users_folders("")
    try:
        return importlib.util.find_spec(module)
    except (ImportError, ValueError):
        return None


def _no_module(name: Name, text: str) -> str:
    file = Path(f"{name.where}.py")
    hint = f" Did you mean {file}:{name.attribute}?" if file.is_file() else ""
    return f"{text!r}: there is no module {name.where!r}.{hint} Expected {FORMS}."


def _is_installed(origin: str) -> bool:
    """Whether a file is Python's own, or was installed: such are imported by their names."""
    path = Path(origin).resolve()
    own = Path(os.__file__).resolve().parent
    return path.is_relative_to(own) or any(part in INSTALLED for part in path.parts)


def _beside(path: Path) -> list[str]:
    return [one.name for one in path.parent.glob("*.py")] if path.parent.is_dir() else []


def _near(name: str, known: list[str]) -> str:
    found = difflib.get_close_matches(name, known, 3, 0.5)
    return f" The nearest {'names are' if len(found) > 1 else 'name is'} {', '.join(found)}." if found else ""


def file_named(text: str) -> Path | None:
    """The file that a name means, which is not imported; None where there is none. Raises BadInput."""
    name = parsed(text)
    if name.is_file and not name.revision:
        return Path(name.where)
    if name.revision:
        tree, file = _exported(name, text)
        return tree / file
    return None


def _top(path: Path, text: str) -> Path:
    """The working tree that a file lies in, or lay in."""
    folder = path.resolve().parent
    while not folder.is_dir():
        folder = folder.parent
    said = ask(folder, "rev-parse", "--show-toplevel")
    if said.why_not:
        raise BadInput(f"{text!r}: {said.why_not}. Expected a file of a git repository where a commit is named.")
    return Path(said.text)


def _commit(top: Path, revision: str, text: str) -> str:
    said = ask(top, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    if said.why_not or not said.text:
        raise BadInput(
            f"{text!r}: there is no commit {revision!r} in {top.name}. Expected a commit, tag or branch of it."
        )
    return said.text


def _exported(name: Name, text: str) -> tuple[Path, Path]:
    """The folder that holds the commit's whole tree, and the file's path in it. The user's own tree is not touched."""
    path = _present_file(name, text)
    top = _top(path, text)
    commit = _commit(top, name.revision, text)
    folder = CACHE / "commits" / sha256(str(top).encode()).hexdigest()[:8] / commit
    file = path.resolve().relative_to(top.resolve())
    if not (folder / MADE).exists():
        packed = ask(top, "-c", "core.autocrlf=false", "archive", commit)
        if packed.why_not:
            raise BadInput(f"{text!r}: {packed.why_not}. Expected git to hand out the commit.")
        try:
            with tarfile.open(fileobj=BytesIO(packed.answer)) as archive:
                archive.extractall(folder, filter=_harmless)
            (folder / MADE).touch()
        except OSError as error:
            raise BadInput(
                f"{text!r}: {reason(error)}. Expected room in {CACHE}; SPEEDPROOF_CACHE names another."
            ) from error
    if not (folder / file).is_file():
        raise BadInput(f"{text!r}: commit {name.revision} has no file {file}. Expected one that it has.")
    return folder, file


def _harmless(member: tarfile.TarInfo, folder: str) -> tarfile.TarInfo | None:
    """What Python's own filter lets pass; a link out of the tree is left out, since no module of it is there."""
    try:
        return tarfile.data_filter(member, folder)
    except tarfile.FilterError:
        return None


def _present_file(name: Name, text: str) -> Path:
    if name.is_file:
        return Path(name.where)
    spec = _spec(name.where)
    if spec is None or not spec.origin:
        raise BadInput(
            f"{text!r}: there is no module {name.where!r} today. Expected REV:FILE.py:NAME where it is gone."
        )
    return Path(spec.origin)


@dataclass(frozen=True)
class _Then:
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


@functools.cache
def _of_revision(name: Name, text: str) -> _Then:
    """The module as it was, beside today's, with the modules of its own tree, which nobody else finds."""
    tree, file = _exported(name, text)
    top = _top(_present_file(name, text), text)
    root, dotted = _package(tree / file)
    in_package = root != (tree / file).parent
    names = {_top_name(key) for key, one in sys.modules.items() if _lies_in(one, top)}
    names |= {_top_name(dotted)} if in_package else set()
    names |= _modules_in(root) - {_top_name(key) for key, one in sys.modules.items() if not _lies_in(one, top)}
    path = [*_path_then(top, tree), str(root), *([str((tree / file).parent)] if in_package else [])]
    modules: dict[str, ModuleType] = {}
    then = partial(_Then, modules=modules, names=frozenset(names - sys.stdlib_module_names), path=path, tree=tree)
    with _found_then(then(module=ModuleType(""), is_late=False)):
        importlib.invalidate_caches()
        module = _imported_from(tree / file, root, dotted, text)
    return then(module=module, is_late=any(map(_is_late, [module, *modules.values()])))


_roots: dict[Path, None] = {}
"""Folders that users' files were imported from so far."""


@functools.cache
def _apart(path: Path, text: str) -> _Then | None:
    """A file whose folder has modules of names that another user's folder has too: each gets those beside it."""
    file = path.resolve()
    if not file.is_file() or _loaded(file):
        return None
    root, dotted = _package(file)
    mine = _modules_in(root)
    shared = {one for other in _roots if other != root for one in mine & _modules_in(other)} - sys.stdlib_module_names
    _roots[root] = None
    if not shared or shared == {file.stem}:
        return None
    others = [str(other) for other in _roots if other != root]
    places = [*(one for one in sys.path if os.path.realpath(one) not in others), str(root)]
    places += [str(file.parent)] if root != file.parent else []
    modules: dict[str, ModuleType] = {}
    then = partial(_Then, modules=modules, names=frozenset(shared), path=places, tree=root)
    with _found_then(then(module=ModuleType(""), is_late=False)):
        importlib.invalidate_caches()
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
def _found_then(then: _Then) -> Iterator[None]:
    """Meanwhile modules of the tree are found, and none of today's of the same names."""
    path, before = list(sys.path), set(sys.modules)
    today = {key: sys.modules.pop(key) for key in before if _top_name(key) in then.names}
    sys.modules.update(then.modules)
    sys.path[:] = then.path
    try:
        yield
    finally:
        for key in [*sys.modules]:
            if _top_name(key) in then.names or (key not in before and _lies_in(sys.modules[key], then.tree)):
                then.modules[key] = sys.modules.pop(key)
        sys.modules.update(today)
        sys.path[:] = path


def _lies_in(module: Any, folder: Path) -> bool:
    file = getattr(module, "__file__", None)
    return (
        bool(file) and Path(str(file)).resolve().is_relative_to(folder.resolve()) and "site-packages" not in str(file)
    )


def _imports_late(path: Path) -> bool:
    """Whether a function in the file imports something when it is called."""
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError):
        return False
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return any(isinstance(inner, ast.Import | ast.ImportFrom) for node in functions for inner in ast.walk(node))


def _there(function: Callable[..., Any], then: _Then) -> Callable[..., Any]:
    """The function with the modules of its own tree also where it imports them when it is called."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        with _found_then(then):
            return function(*args, **kwargs)

    return call

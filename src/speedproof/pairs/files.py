"""A user's code by name: `FILE.py:NAME` or `package.module:NAME`, as it is or, with `REV:` before it, as it was."""

import ast
import difflib
import functools
import importlib.util
import inspect
import os
import tarfile
from dataclasses import dataclass
from hashlib import sha256
from importlib.machinery import ModuleSpec
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import Any

from speedproof.errors import BadInput
from speedproof.failures import reason
from speedproof.folders import CACHE
from speedproof.repository import ask
from speedproof.search_path import INSTALLED, add_users_folders
from speedproof.wording import with_article

from .apart import Apart, apart, imported, of_tree, there, told

FORMS = "FILE.py:NAME or package.module:NAME, with REV: before it for a commit's"
MOST_NAMED = 5
"""Functions of a file that an error lists."""
PLAIN, LONG = (int, float, complex, str, bytes), 40
"""What is shown where a name means no function, and from how many characters on it is not."""
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
    is_name = attribute and all(part.isidentifier() for part in attribute.split("."))
    # What ends so behind a commit is a file, whose function was forgotten.
    if not where or not is_name or (attribute.endswith(".py") and not where.endswith(".py")):
        raise BadInput(f"{text!r} names nothing.{_functions_of(text)} Expected {FORMS}.")
    return Name(where, attribute, revision)


def _functions_of(text: str) -> str:
    """What a file has that could be meant, where somebody names the file alone."""
    return functions_in(Path(text.rpartition(":")[2] if not Path(text).is_file() else text))


def functions_in(path: Path) -> str:
    """A file's functions, to stand behind another sentence; nothing is run."""
    try:
        tree = ast.parse(path.read_bytes()) if path.suffix == ".py" else None
    except (OSError, SyntaxError, ValueError):
        return ""
    found = [one.name for one in (tree.body if tree else ()) if isinstance(one, ast.FunctionDef)]
    more = f" and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else ""
    return f" In that file {'are' if len(found) > 1 else 'is'} {', '.join(found[:MOST_NAMED])}{more}." if found else ""


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
            raise BadInput(_no_file(path, name, text))
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
    then = _of_revision(name, text) if name.revision else apart(file, text) if name.is_file else None
    if then is None:
        return attribute_of(_module(name, text), name.attribute, text)
    found = attribute_of(then.module, name.attribute, text)
    return there(found, then) if then.is_late and inspect.isroutine(found) else found


def no_function(found: Any) -> str:
    """What something is that stands where a function should."""
    if isinstance(found, ModuleType):
        return f"is the module {found.__name__}, and no function."
    value = "" if found is None else f", {found!r}" if isinstance(found, PLAIN) and len(repr(found)) < LONG else ""
    return f"is {'None' if found is None else with_article(type(found).__name__)}{value}, and no function."


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


def _module(name: Name, text: str) -> ModuleType:
    if name.is_file:
        path = Path(name.where)
        if not path.is_file():
            raise BadInput(_no_file(path, name, text))
        return imported(path, text)
    if _spec(name.where) is None:
        raise BadInput(_no_module(name, text))
    with told(text):
        return importlib.import_module(name.where)


def _spec(module: str) -> ModuleSpec | None:
    add_users_folders("")
    try:
        return importlib.util.find_spec(module)
    except (ImportError, ValueError):
        return None


def _no_file(path: Path, name: Name, text: str) -> str:
    if path.is_dir():
        return f"{text!r}: {name.where!r} is a folder. Expected {FORMS}."
    return f"{text!r}: there is no file {name.where!r}.{_near(path.name, _beside(path))} Expected {FORMS}."


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


def tree_of(text: str) -> Apart | None:
    """The commit's tree that a name is of; None for today's. Raises BadInput."""
    name = parsed(text)
    return _of_revision(name, text) if name.revision else None


@functools.cache
def _of_revision(name: Name, text: str) -> Apart:
    """The module as it was, beside today's."""
    tree, file = _exported(name, text)
    return of_tree(tree, file, _top(_present_file(name, text), text), text)

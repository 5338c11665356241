"""The folder in which functions may write: each call finds in it what its inputs hold, and what it leaves is compared.

It stands for the folder of temporary files while inputs are made and while functions are called. Names that `tempfile`
gives are the same in every call, so that inputs with a path in them are the same as well. All that is ever deleted or
written again lies in this folder, which nobody else knows.
"""

import itertools
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from hashlib import sha256
from typing import Any, NamedTuple

from speedproof.errors import BadInput
from speedproof.failures import reason
from speedproof.gate import watching
from speedproof.processes import at_end, folder_of_process

FILES = "files"
"""The rule of what is written."""
OF_LIBRARIES = ("torchinductor", "pymp-")
"""How the names begin of what libraries keep there from call to call: compiled kernels, sockets of processes."""
MOST_BYTES = 64 * 2**20
"""Bytes of files that inputs may hold: they are kept in memory, so that each call finds them anew."""
KEPT_BYTES = 2**20
"""Bytes of a file up to which it is kept whole; of a larger one that a call left, the fingerprint."""

SHOWN = 40
"""Bytes that a refusal shows of a file."""
NOTHING = "nothing"
"""What stands where nothing stands any more."""


class Entry(NamedTuple):
    """What stands under a name: a file with its content or its fingerprint, a folder, or a link with its target."""

    kind: str
    permissions: int
    content: bytes | str = b""
    n_bytes: int = 0
    n_names: int = 1
    """Hard links to it."""

    def apart(self, other: "Entry") -> str:
        """How another one differs from it, in words."""
        if self.kind != other.kind:
            return f"is a {other.kind}, where the reference leaves a {self.kind}"
        if self.content != other.content:
            return f"holds {other.told(self)}, where the reference writes {self.told(other)}"
        return f"has the permissions {other.permissions:o}, where the reference leaves {self.permissions:o}"

    def told(self, beside: "Entry") -> str:
        """Its content from a little before the first place in which another's is different."""
        if not isinstance(self.content, bytes) or not isinstance(beside.content, bytes):
            return f"{self.n_bytes:,} bytes" if self.kind == "file" else repr(self.content)
        both = zip(self.content, beside.content, strict=False)
        first = next((n for n, (one, other) in enumerate(both) if one != other), min(self.n_bytes, beside.n_bytes))
        start = max(0, first - SHOWN // 2)
        shown = repr(self.content[start : start + SHOWN])[1:]
        return f"{shown} from byte {start:,} on" if start else shown


Entries = Mapping[str, Entry]

_above: list[str] = []
"""The folder that holds it, and what is put aside, once there is one."""


def area() -> str:
    """The folder above it, which is ours alone; a fork of this process has the same one. Raises BadInput."""
    if not _above or not _is_folder(_above[0]):
        try:
            _above[:] = [os.path.realpath(tempfile.mkdtemp(prefix=folder_of_process(os.getppid(), os.getpid())))]
        except OSError as error:
            raise BadInput(
                f"No folder for temporary files: {reason(error)}. Expected room there; TMPDIR names another."
            ) from error
        at_end(partial(_removed, os.getpid()))
    return _above[0]


def folder() -> str:
    """The folder of this process. Raises BadInput where there can be none."""
    return _inside("files")


def _inside(name: str) -> str:
    """A folder in the area. Whoever puts a link in its place has it replaced, and what that leads to stays as it is."""
    found = os.path.join(area(), name)
    if not _is_folder(found):
        if os.path.lexists(found):
            os.unlink(found)
        os.mkdir(found, 0o700)
    return found


def _is_folder(place: str) -> bool:
    try:
        return stat.S_ISDIR(os.lstat(place).st_mode)
    except OSError:
        return False


def _removed(owner: int) -> None:
    if os.getpid() == owner:
        shutil.rmtree(_above[0], ignore_errors=True)


@contextmanager
def stands_for_temporary(front: str) -> Iterator[None]:
    """Meanwhile `tempfile` gives names in the folder that begin so, the same ones in the same order."""
    # Known first, since it is else looked for when ours is there.
    tempfile.gettempdir()
    before = tempfile.tempdir, getattr(tempfile, "_name_sequence", None)
    tempfile.tempdir = folder()
    tempfile._name_sequence = map(f"{front}{{:04}}".format, itertools.count())  # type: ignore[attr-defined]
    try:
        yield
    finally:
        tempfile.tempdir, tempfile._name_sequence = before  # type: ignore[attr-defined]


Named = Callable[[], Iterable[str]]
"""The paths that inputs name; looked for only where it matters."""


@contextmanager
def made_anew(draw: str) -> Iterator[Callable[[Named], None]]:
    """Inputs of that draw are made meanwhile, and find the folder empty.

    What is given is to be called as soon as they are made: what they name that was made for an earlier draw, and once
    for several, is there again.
    """
    with _told():
        aside = _inside("aside")
        for before in _put:
            _put_back(before, entries())
        _put.clear()
        for name in _names():
            _remove(os.path.join(aside, name))
            os.rename(os.path.join(folder(), name), os.path.join(aside, name))

    def bring_back(named: Named) -> None:
        known = set(os.listdir(aside)) - set(_names())
        paths = [os.path.relpath(path, folder()) for path in named() if os.path.isabs(path)] if known else []
        for name in known & {path.partition(os.sep)[0] for path in paths}:
            os.rename(os.path.join(aside, name), os.path.join(folder(), name))

    with stands_for_temporary(f"{draw}_"):
        yield bring_back


@contextmanager
def noted() -> Iterator[dict[tuple[str, str], Any]]:
    """A function is called meanwhile. Afterwards the folder is as it was, and the mapping says what the call left in
    it: by the rule and the path in the folder the entry, or `NOTHING` where it was deleted."""
    left: dict[tuple[str, str], Any] = {}
    with stands_for_temporary("called_"):
        with _told():
            before = entries()
        if other := next((path for path, entry in before.items() if entry.n_names > 1), ""):
            raise BadInput(
                f"The inputs hold {other}, a file that has another name too: who writes into one writes into both. "
                "Expected a copy of it."
            )
        if (n_bytes := sum(entry.n_bytes for entry in before.values())) > MOST_BYTES:
            raise BadInput(
                f"The inputs hold {n_bytes / 2**20:,.0f} MiB of files. Expected at most {MOST_BYTES / 2**20:.0f}."
            )
        try:
            yield left
        finally:
            with _told():
                after = entries(KEPT_BYTES)
                left |= {(FILES, path): after.get(path, NOTHING) for path in _changed(before, after)}
                if left:
                    _put_back(before, after)


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BadInput(
            f"The folder for temporary files: {reason(error)}. Expected room in it, and to read it."
        ) from error


def _changed(before: Entries, after: Entries) -> list[str]:
    return [path for path in {**before, **after} if not _is_one(before.get(path), after.get(path))]


def _is_one(one: Entry | None, other: Entry | None) -> bool:
    if one is None or other is None or one.n_bytes <= KEPT_BYTES:
        return one == other
    content = _fingerprint(one.content) if isinstance(one.content, bytes) else one.content
    return other in (one, one._replace(content=content))


def _names() -> list[str]:
    """What lies in the folder, but for libraries' own."""
    return [name for name in os.listdir(folder()) if not name.startswith(OF_LIBRARIES)]


def entries(kept_bytes: int = MOST_BYTES) -> dict[str, Entry]:
    """All of it, by its path in the folder; links are not followed."""
    found: dict[str, Entry] = {}
    left = _names()
    while left:
        path = left.pop()
        place = os.path.join(folder(), path)
        try:
            found[path] = _entry(place, os.lstat(place), kept_bytes)
            if found[path].kind == "folder" and os.access(place, os.R_OK | os.X_OK):
                left += [os.path.join(path, name) for name in os.listdir(place)]
        except FileNotFoundError:
            # A thread goes on meanwhile.
            found.pop(path, None)
    return found


def _entry(place: str, about: os.stat_result, kept_bytes: int) -> Entry:
    permissions = stat.S_IMODE(about.st_mode)
    if stat.S_ISLNK(about.st_mode):
        return Entry("link", 0, os.readlink(place))
    if stat.S_ISDIR(about.st_mode):
        return Entry("folder", permissions)
    if not stat.S_ISREG(about.st_mode):
        return Entry("special file", permissions)
    if not os.access(place, os.R_OK):
        return Entry("file", permissions, "", about.st_size)
    with open(place, "rb") as file:
        if about.st_size <= kept_bytes:
            content = file.read()
            return Entry("file", permissions, content, len(content), about.st_nlink)
        return Entry("file", permissions, _of_stream(file), about.st_size, about.st_nlink)


def _of_stream(file: Any) -> str:
    digest = sha256()
    while chunk := file.read(2**20):
        digest.update(chunk)
    return digest.hexdigest()


def _fingerprint(content: bytes) -> str:
    return sha256(content).hexdigest()


_put: list[Entries] = []
"""What stood there before something was put, so that a folder that is made once for all inputs is again as it was."""


def put(left: Mapping[str, Any]) -> None:
    """Makes the folder hold what a call left in it, where it is known whole, until inputs are made again."""
    before = entries()
    _put.append(before)
    wanted = {path: entry for path, entry in left.items() if entry == NOTHING or _is_whole(entry)}
    after = {path: entry for path, entry in (before | wanted).items() if entry != NOTHING}
    with _told():
        _put_back(after, before)


def _is_whole(entry: Entry) -> bool:
    return entry.kind in ("folder", "link") or (entry.kind == "file" and isinstance(entry.content, bytes))


def _put_back(before: Entries, after: Entries) -> None:
    """Makes the folder hold again what it held. What is new goes first, and links are never followed."""
    for path, entry in after.items():
        stays = path in before and (_is_one(before[path], entry) or {entry.kind, before[path].kind} == {"folder"})
        if not stays:
            _remove(os.path.join(folder(), path))
    for path in sorted(before, key=len):
        place, entry = os.path.join(folder(), path), before[path]
        if _is_one(entry, after.get(path)):
            continue
        if entry.kind == "folder":
            os.makedirs(place, exist_ok=True)
        elif entry.kind == "link":
            os.symlink(entry.content, place)
            continue
        elif entry.kind == "file" and isinstance(entry.content, bytes):
            with open(place, "wb") as file:
                file.write(entry.content)
        os.chmod(place, entry.permissions)


def _remove(place: str) -> None:
    """A file, a link, or a folder with all that is in it."""
    if os.path.isdir(place) and not os.path.islink(place):
        for parent, _, _ in os.walk(place):
            os.chmod(parent, 0o700)
        shutil.rmtree(place)
    elif os.path.lexists(place):
        os.unlink(place)


@contextmanager
def written_outside() -> Iterator[dict[str, None]]:
    """Afterwards the mapping names the files that were written meanwhile outside the folder."""
    found: dict[str, None] = {}
    n_before = len(watching.written())
    with watching.watching((folder(),)):
        yield found
    found |= dict.fromkeys(watching.written()[n_before:])

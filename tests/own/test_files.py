"""A user's code by name: a file, a module, a method, a commit; what names nothing is told with the nearest name."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from speedproof.errors import BadInput
from speedproof.pairs import files

from .asked import asked, refused, unsound

GIT = (
    *("git", "-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "init.defaultBranch=main"),
    *("-c", "commit.gpgsign=false", "-c", "advice.detachedHead=false"),
)
OLD = """\
from .numbers import factor


def scaled(items):
    return [item * factor() for item in items]


def late(items):
    from . import numbers
    from .deep import inner
    return [item * numbers.factor() + inner.more() for item in items]


class Scale:
    by = 2

    def late(items):
        from .deep.inner import more
        return [more() for _ in items]

    @staticmethod
    def all(items):
        return [item * 2 for item in items]

    @classmethod
    def of_class(cls, items):
        return [item * cls.by for item in items]
"""
NUMBERS = "def factor():\n    return {}\n"


@pytest.fixture(autouse=True)
def own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Commits are exported below the test's folder, and what was imported there is forgotten."""
    modules, path = dict(sys.modules), list(sys.path)
    monkeypatch.setattr(files, "CACHE", tmp_path / "cache")
    monkeypatch.chdir(tmp_path)
    yield
    files._of_revision.cache_clear()
    for name, module in list(sys.modules.items()):
        if name not in modules and str(getattr(module, "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]
    sys.path[:] = path


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def git(folder: Path, *words: str) -> None:
    subprocess.run([*GIT, *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A package in two commits: first by two, then by three; and a file that only the second has."""
    folder = tmp_path / "repository"
    write(folder / "pkg/__init__.py", "")
    write(folder / "pkg/deep/__init__.py", "")
    write(folder / "pkg/deep/inner.py", "def more():\n    return 10\n")
    write(folder / "pkg/text.py", OLD)
    write(folder / "pkg/numbers.py", NUMBERS.format(2))
    write(folder / "alone.py", "def half(items):\n    return [item / 2 for item in items]\n")
    git(folder, "init")
    git(folder, "add", ".")
    git(folder, "commit", "-m", "by two")
    git(folder, "tag", "old")
    write(folder / "pkg/numbers.py", NUMBERS.format(3))
    write(folder / "pkg/deep/inner.py", "def more():\n    return 20\n")
    write(folder / "pkg/new.py", "def only():\n    return 1\n")
    write(folder / "alone.py", "def half(items):\n    return [item * 0.5 for item in items]\n")
    git(folder, "add", ".")
    git(folder, "commit", "-m", "by three")
    return folder


def make(size, rng):  # type: ignore[no-untyped-def]
    return {"items": [rng.randrange(9) for _ in range(size)]}


# Names that mean something.


def test_a_function_of_a_file_and_of_a_module(tmp_path: Path) -> None:
    path = write(tmp_path / "mine.py", "def twice(n):\n    return 2 * n\n")
    assert files.load(f"{path}:twice")(4) == 8
    assert files.load("mine.py:twice")(4) == 8
    assert files.load("mine:twice")(4) == 8
    assert files.load("os.path:join") is os.path.join
    assert files.load("math:sqrt")(4.0) == 2.0


def test_a_method_of_a_class(tmp_path: Path) -> None:
    path = write(tmp_path / "classes.py", OLD.partition("class")[1] + OLD.partition("class")[2])
    assert files.load(f"{path}:Scale.all")([1]) == [2]
    assert files.load(f"{path}:Scale.of_class")([1]) == [2]


def test_a_file_is_imported_once(tmp_path: Path) -> None:
    path = write(tmp_path / "once.py", "made = []\n")
    files.load(f"{path}:made").append(1)
    assert files.load(f"{path}:made") == [1]


def test_two_files_of_one_name_in_two_folders_are_two(tmp_path: Path) -> None:
    one = write(
        tmp_path / "one/fast.py", "from helper import value\n\n\ndef f(items):\n    return [value for _ in items]\n"
    )
    other = write(tmp_path / "other/fast.py", "def f(items):\n    return [2 for _ in items]\n")
    write(tmp_path / "one/helper.py", "value = 1\n")
    assert files.load(f"{one}:f")([0]) == [1]
    assert files.load(f"{other}:f")([0]) == [2]
    assert "[0] is 2" in str(refused(f"{one}:f", f"{other}:f", make))


@pytest.mark.parametrize("name", ["random", "numpy", "json", "speedproof", "typing", "ast"])
def test_a_file_that_is_called_like_a_library_is_the_users_and_the_library_stays(tmp_path: Path, name: str) -> None:
    path = write(
        tmp_path / f"{name}.py", "import random\nlibrary = random.random\n\n\ndef mine(items):\n    return 7\n"
    )
    library = sys.modules[name]
    assert files.load(f"{path}:mine")([]) == 7
    assert files.load(f"{name}.py:mine")([]) == 7
    assert sys.modules[name] is library
    assert files.load(f"{path}:library").__module__ == "random" or files.load(f"{path}:library").__self__


def test_a_file_of_a_package_is_imported_as_its_module(repository: Path) -> None:
    assert files.load(f"{repository}/pkg/text.py:scaled")([1, 2]) == [3, 6]
    assert files.load(f"{repository}/pkg/text.py:late")([1]) == [23]


def test_a_commits_file_is_its_whole_tree_as_it_was(repository: Path) -> None:
    path = repository / "pkg/text.py"
    old, today = files.load(f"old:{path}:scaled"), files.load(f"{path}:scaled")
    assert old([1, 2]) == [2, 4] and today([1, 2]) == [3, 6]
    assert files.load(f"HEAD~1:{path}:scaled")([1]) == [2] and files.load(f"HEAD:{path}:scaled")([1]) == [3]
    assert files.load(f"main:{path}:Scale.all")([1]) == [2]


def test_a_commits_function_that_imports_when_it_is_called_finds_its_own_tree(repository: Path) -> None:
    path = repository / "pkg/text.py"
    today, old = files.load(f"{path}:late"), files.load(f"old:{path}:late")
    for _ in range(2):
        assert old([1]) == [12]
        assert today([1]) == [23]
    assert files.load(f"old:{path}:Scale.late")([1]) == [10]
    assert files.load(f"{path}:Scale.late")([1]) == [20]
    assert old([1]) == [12]


def test_a_commits_file_that_is_in_no_package(repository: Path, tmp_path: Path) -> None:
    asked(f"old:{repository}/alone.py:half", f"{repository}/alone.py:half", make)
    assert files.load(f"old:{repository}/alone.py:half").__code__.co_filename.startswith(str(tmp_path / "cache"))


@pytest.mark.parametrize("name", ["random", "numpy", "json"])
def test_a_commits_file_that_is_called_like_a_library_leaves_that_to_others(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "named"
    path = write(
        folder / f"{name}.py", "import random\n\n\ndef mine(items):\n    import json\n    return json.dumps(1)\n"
    )
    write(
        folder / "user.py", f"import {name}\n\n\ndef used(items):\n    return [{name}.__name__, len(dir({name})) > 9]\n"
    )
    git(folder, "init")
    git(folder, "add", ".")
    git(folder, "commit", "-m", "one")
    library = sys.modules[name]
    assert files.load(f"HEAD:{path}:mine")([]) == "1"
    assert files.load(f"HEAD:{folder}/user.py:used")([]) == [name, True]
    assert sys.modules[name] is library


def test_a_commits_siblings_are_its_own_though_todays_are_imported(repository: Path) -> None:
    write(
        repository / "user.py",
        "import helper\n\n\ndef used(items):\n    import later\n    return helper.VALUE + later.VALUE\n",
    )
    for name in ("helper", "later"):
        write(repository / f"{name}.py", "VALUE = 1\n")
    git(repository, "add", ".")
    git(repository, "commit", "-m", "siblings")
    for name in ("helper", "later"):
        write(repository / f"{name}.py", "VALUE = 5\n")
    today = files.load(f"{repository}/user.py:used")
    old = files.load(f"HEAD:{repository}/user.py:used")
    assert [today([]), old([]), today([]), old([])] == [10, 2, 10, 2]


def test_a_commit_of_a_module_by_name(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repository)
    assert files.load("old:pkg.text:scaled")([1]) == [2]
    assert files.load("pkg.text:scaled")([1]) == [3]
    assert files.load("old:pkg/text.py:scaled")([1]) == [2]


def test_two_commits_that_differ_are_refused_and_one_against_itself_is_the_same(repository: Path) -> None:
    path = repository / "pkg/text.py"
    asked(f"old:{path}:scaled", f"HEAD~1:{path}:scaled", make)
    assert "expected" in str(refused(f"old:{path}:scaled", f"{path}:scaled", make))


def test_the_users_own_tree_is_left_as_it_is(repository: Path) -> None:
    write(repository / "pkg/numbers.py", NUMBERS.format(5))
    before = {
        path: path.read_bytes() for path in repository.rglob("*") if path.is_file() and "__pycache__" not in str(path)
    }
    assert files.load(f"old:{repository}/pkg/text.py:scaled")([1]) == [2]
    assert files.load(f"{repository}/pkg/text.py:scaled")([1]) == [5]
    after = {
        path: path.read_bytes() for path in repository.rglob("*") if path.is_file() and "__pycache__" not in str(path)
    }
    assert before == after


def test_classes_of_two_commits_are_compared_by_what_they_hold(tmp_path: Path) -> None:
    folder = tmp_path / "typed"
    text = (
        "from dataclasses import dataclass\n\n\n@dataclass\nclass Sum:\n    amount: int\n\n\n"
        "def total(items):\n    return Sum({})\n"
    )
    path = write(folder / "sums.py", text.format("sum(items)"))
    git(folder, "init")
    git(folder, "add", ".")
    git(folder, "commit", "-m", "one")
    write(path, text.format("sum(reversed(items))"))
    asked(f"HEAD:{path}:total", f"{path}:total", make)
    write(folder / "wrong.py", text.format("sum(items) + (len(items) > 4)"))
    assert ".amount" in str(refused(f"HEAD:{path}:total", f"{folder}/wrong.py:total", make))


def test_a_name_holds_everywhere_once_it_is_absolute(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repository)
    file, commit = files.absolute("alone.py:half"), files.absolute("old:alone.py:half")
    monkeypatch.chdir("/")
    assert files.load(file)([4]) == files.load(commit)([4]) == [2.0]
    assert len(commit.partition(":")[0]) == 40
    assert files.absolute("math:sqrt") == "math:sqrt"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a.py:f", ("a.py", "f", "")),
        ("pkg.text:Class.method", ("pkg.text", "Class.method", "")),
        ("HEAD~1:a/b.py:f", ("a/b.py", "f", "HEAD~1")),
        ("v1.2:pkg.text:f", ("pkg.text", "f", "v1.2")),
        ("C:\\code\\a.py:f", ("C:\\code\\a.py", "f", "")),
    ],
)
def test_the_parts_of_a_name(text: str, parts: tuple[str, str, str]) -> None:
    found = files.parsed(text)
    assert (found.where, found.attribute, found.revision) == parts


# Names that mean nothing.


@pytest.mark.parametrize("text", ["", "f", "a.py", "a.py:", ":f", "a.py:f()", "a.py:f g", "a.py:f-1", "a:b:c:"])
def test_what_is_no_name_is_told(text: str) -> None:
    with pytest.raises(BadInput, match=r"names nothing\. Expected FILE\.py:NAME"):
        files.parsed(text)


MINE = "value = 3\n\n\ndef dedupe(items):\n    return list(dict.fromkeys(items))\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("mien.py:dedupe", "there is no file 'mien.py'. The nearest names are mine.py, "),
        ("nowhere/mine.py:dedupe", "there is no file 'nowhere/mine.py'"),
        ("mine.py:dedup", "nothing is called 'dedup' there. The nearest name is dedupe"),
        ("mine.py:dedupe.inner", "nothing is called 'inner'"),
        ("mine.py:value", "mine.py:value is an int, 3, and no function. In that file is dedupe"),
        ("mine.nothing:f", "there is no module 'mine.nothing'"),
        ("nothing_like_it:f", "there is no module 'nothing_like_it'"),
        ("broken.py:f", "at broken.py:1. Expected a module that Python can read"),
        ("folder.py:f", "'folder.py' is a folder. Expected FILE.py:NAME"),
        ("mine.py", "names nothing. In that file is dedupe. Expected FILE.py:NAME"),
        ("HEAD:mine.py", "names nothing. In that file is dedupe. Expected FILE.py:NAME"),
        ("raising.py:f", "does not import: ZeroDivisionError: division by zero at raising.py:2"),
        ("exiting.py:f", "does not import: it called sys.exit(3) at exiting.py:2"),
        ("missing.py:f", "does not import: ModuleNotFoundError: No module named 'not_there_at_all'"),
        ("HEAD:mine.py:dedupe", "Expected a file of a git repository where a commit is named"),
        (".:dedupe", "Expected FILE.py:NAME"),
    ],
)
def test_a_name_that_means_nothing_is_one_clear_error(tmp_path: Path, text: str, words: str) -> None:
    write(tmp_path / "mine.py", MINE)
    write(tmp_path / "broken.py", "def f(:\n")
    (tmp_path / "folder.py").mkdir()
    write(tmp_path / "raising.py", "def f(): pass\n1 / 0\n")
    write(tmp_path / "exiting.py", "import sys\nsys.exit(3)\n")
    write(tmp_path / "missing.py", "import not_there_at_all\n")
    told = unsound("mine.py:dedupe", text, make)
    assert words in told and "\n" not in told


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("no-such-tag:{}/pkg/text.py:scaled", "there is no commit 'no-such-tag' in repository"),
        ("--output=x:{}/pkg/text.py:scaled", "there is no commit '--output=x'"),
        ("old:{}/pkg/new.py:only", "commit old has no file pkg/new.py"),
        ("old:{}/pkg/text.py:scalde", "nothing is called 'scalde' there. The nearest names are scaled, Scale"),
        ("old:{}/pkg/gone.py:f", "commit old has no file pkg/gone.py"),
    ],
)
def test_a_commit_that_has_not_what_is_named_is_one_clear_error(repository: Path, text: str, words: str) -> None:
    with pytest.raises(BadInput) as found:
        files.load(text.format(repository))
    assert words in str(found.value) and "\n" not in str(found.value)


def test_an_import_that_fails_in_a_commit_is_told_and_today_is_not_touched(repository: Path) -> None:
    write(repository / "pkg/text.py", "1 / 0\n")
    git(repository, "commit", "-am", "broken")
    write(repository / "pkg/text.py", OLD)
    path = repository / "pkg/text.py"
    with pytest.raises(BadInput, match="does not import: ZeroDivisionError"):
        files.load(f"HEAD:{path}:scaled")
    assert files.load(f"{path}:scaled")([1]) == [3]
    assert files.load(f"old:{path}:scaled")([1]) == [2]


def test_a_cache_that_cannot_be_written_is_told(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "CACHE", write(repository.parent / "file", "") / "below")
    with pytest.raises(BadInput, match="SPEEDPROOF_CACHE names another"):
        files.load(f"old:{repository}/alone.py:half")


def test_an_import_that_failed_can_be_tried_again_once_it_is_mended(tmp_path: Path) -> None:
    path = write(tmp_path / "mended.py", "1 / 0\n")
    with pytest.raises(BadInput):
        files.load(f"{path}:f")
    write(path, "def f():\n    return 1\n")
    assert files.load(f"{path}:f")() == 1

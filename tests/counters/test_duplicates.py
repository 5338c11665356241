"""The detector of functions that are defined twice."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from speedproof.counters.duplicates import find_duplicates, scan
from speedproof.errors import BadInput
from tests.cli.test_cli import run

ROOT = Path(__file__).parents[2]
LINK = "def link(name, i):\n    return f'https://example.org/{name}/{i}'\n"


def found(tmp_path: Path, source: str | bytes) -> list[str]:
    path = tmp_path / "some.py"
    path.write_bytes(source.encode() if isinstance(source, str) else source)
    return [duplicate.name for duplicate in find_duplicates([path])]


def code(*sources: str | list[str]) -> list[dict[str, Any]]:
    return [{"cell_type": "code", "metadata": {}, "source": source} for source in sources]


def notebook(path: Path, *sources: str | list[str], mark: bytes = b"", **more: Any) -> Path:
    """A notebook in today's format, with these code cells."""
    content = {"cells": code(*sources), "metadata": {}, "nbformat": 4, "nbformat_minor": 5} | more
    path.write_bytes(mark + json.dumps(content).encode())
    return path


def test_the_definition_of_finding_4_has_one_and_the_batched_twin_none() -> None:
    (duplicate,) = find_duplicates([ROOT / "impl_sequential/feature_links.py"])
    assert duplicate.name == "neuronpedia_link"
    assert find_duplicates([ROOT / "impl_batched/feature_links.py"]) == []


def test_a_nested_shadow_is_seen_whatever_its_local_names_docstring_and_types(tmp_path: Path) -> None:
    first = "def f(a):\n    b = a + 1\n    return b\n"
    second = "def g():\n    def f(x: int) -> int:\n        'Doc.'\n        y = x + 1\n        return y\n"
    assert found(tmp_path, first + second) == ["f"]
    assert found(tmp_path, (first + second).replace("def f", "async def f")) == ["f"]
    assert found(tmp_path, first + second.replace("def f", "async def f")) == []


@pytest.mark.parametrize(
    "second",
    [
        "def f(a): return a + 2",
        "def f(a, b=1): return a + 1",
        "@cache\ndef f(a): return a + 1",
        "def h(a): return a + 1",
        "def f(a): return outer + 1",
        "async def f(a): return a + 1",
        "class C:\n    def f(a): return a + 1",
        "if typing.TYPE_CHECKING:\n    def f(a): return a + 1",
        "if not TYPE_CHECKING:\n    pass\nelse:\n    def f(a): return a + 1",
    ],
)
def test_functions_that_mean_something_else_are_not_duplicates(tmp_path: Path, second: str) -> None:
    assert found(tmp_path, f"def f(a): return a + 1\n{second}\n") == []


TAKEN_FOR_ONE = {
    "overloads": "@typing.overload\ndef f(x: int) -> int: ...\n@typing.overload\ndef f(x: str) -> str: ...\n",
    "what overloads return": "@overload\ndef f(x=...) -> int: ...\n@overload\ndef f(x=...) -> str: ...\n",
    "async overloads": "@overload\nasync def f(x: int): ...\n@overload\nasync def f(x: str): ...\n",
    "overloads of rest arguments": "@overload\ndef f(*x: int): ...\n@overload\ndef f(*x: str): ...\n",
    "registrations": "@shown.register\ndef _(x: int): return str(x)\n@shown.register\ndef _(x: float): return str(x)\n",
    "registrations with a type": "@f.register(int)\ndef _(x): return 1\n@f.register(str)\ndef _(x): return 1\n",
    "commands": "@app.command()\ndef f(n: int): return n\n@app.command()\ndef f(n: str): return n\n",
    "branches": "if new:\n    def f(a): return a\nelif old:\n    def f(a): return a\nelse:\n    def f(a): return a\n",
    "cases": "match a:\n    case 1:\n        def f(a): return a\n    case _:\n        def f(a): return a\n",
    "absent": "try:\n    from a import g\n    def f(a): return g\nexcept ImportError:\n    def f(a): return g\n",
    "found": "try:\n    import a\nexcept ImportError:\n    def f(a): return 1\nelse:\n    def f(a): return 1\n",
}
"""Definitions of one name and one body of which each has its own meaning, or of which one at most is ever made."""


@pytest.mark.parametrize("source", TAKEN_FOR_ONE.values(), ids=TAKEN_FOR_ONE)
def test_definitions_whose_decorators_annotations_or_branches_carry_the_meaning_are_not_duplicates(
    tmp_path: Path, source: str
) -> None:
    assert found(tmp_path, source) == []


@pytest.mark.parametrize(
    "source",
    [
        "@overload\ndef f(x: int): ...\n@overload\ndef f(x: int): ...\n",
        "@shown.register\ndef f(x: int): return x\n@shown.register\ndef f(y: int): return y\n",
        "@torch.no_grad()\ndef f(x: Tensor): return x\n@torch.no_grad()\ndef f(x): return x\n",
        "@cache\ndef f(x) -> int: return x\n@cache\ndef f(x): return x\n",
        "if new:\n    def f(a): return a\ndef f(a): return a\n",
        "if new:\n    def f(a): return a\n    def f(a): return a\n",
        "if new:\n    def f(a): return a\nif old:\n    def f(a): return a\n",
        "try:\n    def f(a): return a\nexcept E:\n    pass\nfinally:\n    def f(a): return a\n",
        "if TYPE_CHECKING:\n    pass\nelse:\n    def f(a): return a\ndef f(a): return a\n",
        "for i in x:\n    def f(a): return a\nelse:\n    def f(a): return a\n",
        "with x:\n    def f(a): return a\ndef f(a): return a\n",
    ],
)
def test_duplicates_are_seen_below_decorators_and_in_branches_of_which_more_than_one_runs(
    tmp_path: Path, source: str
) -> None:
    assert found(tmp_path, source) == ["f"]


def test_of_three_the_third_is_held_against_one_that_it_does_not_exclude(tmp_path: Path) -> None:
    source = "if new:\n    def f(a): return a\nelse:\n    def f(a): return a\ndef f(a): return a\n"
    assert found(tmp_path, source) == ["f"]


def test_files_are_read_in_the_encoding_that_they_name(tmp_path: Path) -> None:
    assert found(tmp_path, b"\xef\xbb\xbf" + (LINK + LINK).encode()) == ["link"]
    assert found(tmp_path, "# -*- coding: latin-1 -*-\ns = 'é'\n".encode("latin-1") + (LINK + LINK).encode()) == [
        "link"
    ]
    assert found(tmp_path, (LINK + LINK).replace("\n", "\r\n").encode()) == ["link"]


def test_notebooks_are_read_across_cells(tmp_path: Path) -> None:
    cells = [
        {"cell_type": "markdown", "source": ["def f(): pass"]},
        {"cell_type": "code", "source": ["%pip install x\n", "def f(a):\n", "    return a\n"]},
        {"cell_type": "code", "source": ["%%bash\n", "echo no python\n"]},
        {"cell_type": "code", "source": "def table():\n    def f(b):\n        return b\n"},
    ]
    path = tmp_path / "phase_3.ipynb"
    path.write_text(json.dumps({"cells": cells}))
    (duplicate,) = find_duplicates([tmp_path])
    assert (duplicate.first, duplicate.again) == (f"{path}:cell 2:2", f"{path}:cell 4:2")


IPYTHON_TAKES = 20
"""Commands of a cell that IPython's reader takes here. It takes 500, which it looks through again for each of them."""
COMMANDS = {
    "a magic": "%load_ext autoreload\n%autoreload 2\n",
    "an indented magic": "IN_COLAB = False\nif IN_COLAB:\n    %pip install x\n    !wget -q https://example.org/a\n",
    "a magic in a try": "try:\n    import x\nexcept ImportError:\n    %pip install x\n",
    "a magic in a function": "def setup():\n    !pip install x\n    %cd x\n    return 1\n",
    "an assigned shell": "files = !ls\n",
    "an assigned magic": "speed = %timeit -o sum(range(9))\n",
    "an indented assignment": "if True:\n    files = !ls -la | grep x\n",
    "a continued shell": "name = 'x'\n!pip install {name} \\\n    --quiet \\\n    --upgrade\n",
    "a continued magic": "if True:\n    %pip install x \\\n        y\n",
    "a continued assignment": "files = !ls \\\n    -la\n",
    "help": "?print\nprint?\nprint??\n??print\nstr.join?\nx = [1]\nx[0]?\n%time?\n",
    "captured shell": "!!ls\n",
    "an automagic": "pip install transformer_lens\n",
    "prompts": ">>> x = 1\n>>> for i in [1]:\n...     print(i)\n",
    "numbered prompts": "In [1]: x = 1\n",
    "leading blank lines": "\n  \n%matplotlib inline\n",
    "indentation of all": "    x = 1\n    %time x\n",
    "top-level await": "await f()\nasync with a as b:\n    %time b\n",
    "Python that looks like commands": "s = '''\n%time\n!ls\n'''\nx = (1\n%2)\nx != 3\nprint(f'{x!r}')\n",
    "more commands than IPython takes": "%time x\n" * (IPYTHON_TAKES + 1),
    "a shell's cell": "%%bash\nfor f in *; do echo $f; done\n",
    "a page": "%%html\n<b>x</b>\n",
    "a script": "%%javascript\nfunction link(name, i) { return 1 }\n",
    "a shell of another kind": "%%script bash --bg\nif [ x ]; then ls; fi\n",
    "an unknown language": "%%sql\nselect * from x where y = 'z'\n",
    "a bang's cell": "%%!\nls -la\n",
    "a title before a shell's cell": "# @title Install\n\n%%bash\nls -la\n",
    "nothing": "",
    "blank": "\n  \n",
    "a comment": "# only\n",
    "IPython's own calls": "get_ipython().system('pip install x')\nget_ipython().run_line_magic('time', 'f()')\n",
}
"""Cells of tutorials that Python alone cannot read, or that look as if it could not."""


@pytest.mark.parametrize("cell", COMMANDS.values(), ids=COMMANDS)
def test_a_cell_of_commands_is_read_and_moves_no_line(
    cell: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the commands do, the function that follows them in the same cell and the next are found in place."""
    monkeypatch.setattr("IPython.core.inputtransformer2.TRANSFORM_LOOP_LIMIT", IPYTHON_TAKES)
    follows = "" if cell.startswith(("%%", "# @title", "pip", ">>>", "In [", "    ")) else LINK
    path = notebook(tmp_path / "a.ipynb", LINK, cell + follows, LINK)
    looked = scan([path])
    assert looked.problems == ()
    within = [f"{path}:cell 2:{cell.count(chr(10)) + 1}"] if follows else []
    assert [one.again for one in looked.duplicates] == [*within, f"{path}:cell 3:1"]


@pytest.mark.parametrize(
    "magic",
    [
        *("%%time", "%%timeit -n 3", "%%capture out", "%%capture --no-stderr", "%%prun -l 7", "%%memit", "%%debug"),
        *("%%capture\n%%time", "# @title Define\n%%time", "\n\n%%time", "%%some_magic_of_a_library", "%%time\n!ls"),
        *("%%time\n%pip install x \\\n    y", "%%capture\nfiles = !ls"),
    ],
)
def test_a_cell_that_a_magic_runs_as_python_is_python(magic: str, tmp_path: Path) -> None:
    path = notebook(tmp_path / "a.ipynb", f"{magic}\n{LINK}", LINK)
    (duplicate,) = find_duplicates([path])
    assert duplicate.first == f"{path}:cell 1:{magic.count(chr(10)) + 2}"


@pytest.mark.parametrize("magic", ["%%writefile links.py", "%%file a.py", "%%script python2", "%%markdown", "%%sh"])
def test_a_cell_that_is_for_somebody_else_defines_nothing(magic: str, tmp_path: Path) -> None:
    assert find_duplicates([notebook(tmp_path / "a.ipynb", f"{magic}\n{LINK}", LINK)]) == []


def test_text_that_looks_like_a_command_is_part_of_the_meaning(tmp_path: Path) -> None:
    """Lines of a string that began with a command's sign used to be dropped, and the two taken for one."""
    cells = [f"def f():\n    return '''\n%{word}\n'''\n!ls\n" for word in ("a", "b")]
    assert find_duplicates([notebook(tmp_path / "a.ipynb", *cells)]) == []


def test_format_3_keeps_its_cells_in_worksheets(tmp_path: Path) -> None:
    cell = {"cell_type": "code", "language": "python", "collapsed": False, "outputs": [], "prompt_number": 1}
    sheets = [
        {"cells": [{"cell_type": "heading", "level": 1, "source": ["Title"]}, cell | {"input": ["%time x\n", LINK]}]},
        {"cells": [cell | {"input": LINK}]},
    ]
    path = tmp_path / "old.ipynb"
    path.write_text(json.dumps({"metadata": {"name": ""}, "nbformat": 3, "nbformat_minor": 0, "worksheets": sheets}))
    (duplicate,) = find_duplicates([path])
    assert (duplicate.first, duplicate.again) == (f"{path}:cell 2:2", f"{path}:cell 3:1")


def test_a_byte_order_mark_other_line_ends_and_raw_cells_are_no_matter(tmp_path: Path) -> None:
    raw = [{"cell_type": "raw", "source": "no python ("}, *code(LINK, [*LINK.splitlines(keepends=True)]), *code("", [])]
    path = notebook(tmp_path / "a.ipynb", cells=raw, mark=b"\xef\xbb\xbf")
    assert len(find_duplicates([path])) == 1
    path = notebook(tmp_path / "a.ipynb", f"%time x\n{LINK}".replace("\n", "\r\n"), LINK)
    assert [one.first for one in find_duplicates([path])] == [f"{path}:cell 1:2"]


BROKEN: dict[str, bytes] = {
    "cut.ipynb": b'{"cells": [{"cell_type": "code", "sour',
    "empty.ipynb": b"",
    "a_list.ipynb": b"[]",
    "no_cells.ipynb": b'{"nbformat": 4}',
    "cells_of_none.ipynb": b'{"cells": null}',
    "a_cell_of_none.ipynb": b'{"cells": [null]}',
    "a_number.ipynb": b'{"cells": [{"cell_type": "code", "source": 3}]}',
    "numbers.ipynb": b'{"cells": [{"cell_type": "code", "source": ["a", 3]}]}',
    "surrogate.ipynb": b'{"cells": [{"cell_type": "code", "source": "\'\\ud800\'"}]}',
    "deep.ipynb": b'{"cells": ' + b"[" * 100_000,
    "utf16.ipynb": '{"cells": []}'.encode("utf-16"),
    "of_r.ipynb": json.dumps({"cells": [], "metadata": {"kernelspec": {"language": "R"}}}).encode(),
    "of_julia.ipynb": json.dumps({"cells": [], "metadata": {"language_info": {"name": "julia"}}}).encode(),
    "python_2.ipynb": json.dumps({"cells": code("print 'x'")}).encode(),
    "only_ipython_fails.ipynb": json.dumps({"cells": code("%%time\ndef f(:")}).encode(),
    "binary.py": bytes(range(256)),
    "nul.py": b"x = 1\0\n",
    "unknown_encoding.py": b"# coding: nonsense\n",
    "latin.py": b"s = '\xe9'\n",
    "utf16.py": "x = 1".encode("utf-16"),
    "python_2.py": b"print 'x'\n",
    "deep.py": b"x = " + b"-" * 100_000 + b"1\n",
    "deep_in_a_function.py": b"def f():\n    return " + b"+".join([b"x"] * 20_000) + b"\n",
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_file_that_cannot_be_read_is_named_and_ends_no_scan(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / name).write_bytes(BROKEN[name])
    for whole in ("0_before.py", "z_after.py"):
        (tmp_path / whole).write_text(LINK + LINK)
    assert run(monkeypatch, "duplicates", str(tmp_path)) == 2
    said = capsys.readouterr()
    assert [line.split(":")[0] for line in said.out.splitlines()[:-1]] == ["link", "link"]
    assert said.out.splitlines()[-1] == "2 duplicate definitions. Not all could be read of 1 of 3 files."
    (problem,) = said.err.splitlines()
    assert problem.startswith(str(tmp_path / name)) and "Expected" in problem and len(problem) < 300


def test_a_broken_cell_is_named_with_its_line_and_the_others_are_read(tmp_path: Path) -> None:
    path = notebook(tmp_path / "a.ipynb", LINK, "!ls \\\n  -la\nx = 1\ny = = 2\n", LINK, "def f(:\n")
    looked = scan([path])
    assert [one.again for one in looked.duplicates] == [f"{path}:cell 3:1"]
    assert [problem.split(" is not Python")[0] for problem in looked.problems] == [
        f"{path}:cell 2:4",
        f"{path}:cell 4:1",
    ]


def test_what_was_found_is_told_as_json_beside_what_could_not_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.py").write_text("def f(:")
    (tmp_path / "b.py").write_text(LINK + LINK)
    assert run(monkeypatch, "duplicates", str(tmp_path), "--json") == 2
    said = capsys.readouterr()
    assert [one["name"] for one in json.loads(said.out)] == ["link"] and "a.py:1 is not Python" in said.err


def test_what_is_no_python_is_one_clear_error_to_who_has_to_count_all(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="is not Python"):
        found(tmp_path, "def f(:\n")
    with pytest.raises(BadInput, match="There is no"):
        find_duplicates([tmp_path / "absent.py"])
    (tmp_path / "broken.ipynb").write_text("{")
    with pytest.raises(BadInput, match="cannot be read"):
        find_duplicates([tmp_path / "broken.ipynb"])


def test_a_file_that_is_named_twice_is_read_once(tmp_path: Path) -> None:
    path = notebook(tmp_path / "a.ipynb", LINK, LINK)
    assert len(find_duplicates([path, tmp_path, path])) == 1


def test_only_a_notebook_with_commands_costs_ipython(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(LINK)
    notebook(tmp_path / "plain.ipynb", LINK)
    notebook(tmp_path / "magic.ipynb", "%time x")
    asked = (
        "import pathlib, sys; from speedproof.counters.duplicates import scan; "
        "scan([pathlib.Path(sys.argv[1])]); print(*sys.modules)"
    )
    for name, is_paid in (("a.py", False), ("plain.ipynb", False), ("magic.ipynb", True)):
        told = subprocess.run(
            [sys.executable, "-c", asked, str(tmp_path / name)], capture_output=True, text=True, cwd=ROOT, check=True
        )
        assert ("IPython" in told.stdout.split()) == is_paid


def test_without_ipython_the_way_to_have_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "IPython.core.inputtransformer2", None)
    with pytest.raises(BadInput, match="Install it: pip install"):
        scan([notebook(tmp_path / "a.ipynb", "%time x")])

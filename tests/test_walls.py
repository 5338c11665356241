"""The import walls hold, each can fail, and the README draws them as they are."""

import ast

from bench.findings import NAMES

from .walls import (
    LIBRARIES,
    LONGEST_CHAIN,
    MOST_IN_A_FOLDER,
    MOST_IN_BENCH,
    MOST_OF_A_FINDING,
    MOST_WORDS,
    ROOT,
    SOURCES,
    circle,
    crowded,
    drawing,
    glossary,
    loading,
    longest_chain,
    our_modules,
    place,
    upward,
)

README = ROOT / "src/speedproof/README.md"


def made_up(**sources: str) -> dict[str, ast.Module]:
    """Modules by name, in which two underscores stand for a dot."""
    return {name.replace("__", "."): ast.parse(source) for name, source in sources.items()}


def test_imports_go_down() -> None:
    assert upward(our_modules()) == []


def test_an_import_that_goes_up_is_seen_however_it_is_written() -> None:
    for source in (
        "from speedproof.lens.subject import Subject",
        "from speedproof.lens import subject",
        "from ..lens.subject import Subject",
        "import speedproof.lens.subject",
        "def later():\n    from speedproof.lens.subject import Subject",
    ):
        modules = made_up(speedproof__gate__check=source, speedproof__lens__subject="")
        assert upward(modules) == ["speedproof.gate.check imports speedproof.lens.subject"], source
    assert not upward(made_up(speedproof__lens__subject="from speedproof.gate.check import certify"))


def test_packages_on_one_floor_do_not_know_each_other_and_modules_of_one_package_do() -> None:
    modules = made_up(speedproof__gate__check="from speedproof.counters import tally\nfrom .rules import RULES")
    assert upward(modules) == ["speedproof.gate.check imports speedproof.counters"]


def test_the_findings_know_nothing_of_sittings_and_the_instrument_knows_no_finding_and_no_study() -> None:
    modules = made_up(
        bench__suite="from speedproof.sittings.sitting import Sitting\nfrom speedproof.gate.check import certify",
        speedproof__cli__check="from bench.findings import FINDINGS",
        speedproof__sittings__sitting="def later():\n    from speedproof_studies.kinds import Rewritten",
        speedproof_studies__power__study="from bench.findings import FINDINGS",
    )
    assert upward(modules) == [
        "bench.suite imports speedproof.sittings.sitting",
        "speedproof.cli.check imports bench.findings",
        "speedproof.sittings.sitting imports speedproof_studies.kinds",
    ]


def test_nothing_imports_in_a_circle() -> None:
    assert circle(our_modules()) == []


def test_a_circle_is_seen_but_not_one_that_waits_for_a_call() -> None:
    one, two = "from .two import B", "from .one import A"
    assert set(circle(made_up(speedproof__one=one, speedproof__two=two))) == {"speedproof.one", "speedproof.two"}
    assert not circle(made_up(speedproof__one=one, speedproof__two=f"def later():\n    {two}"))


def test_no_chain_of_imports_is_long() -> None:
    chain = longest_chain(our_modules())
    assert len(chain) <= LONGEST_CHAIN, " imports ".join(chain)


def test_the_longest_chain_is_found() -> None:
    modules = made_up(
        speedproof__a="from . import b, c", speedproof__b="from .c import C", speedproof__c="", speedproof=""
    )
    assert longest_chain(modules) == ["speedproof.a", "speedproof.b", "speedproof.c"]


def test_the_instrument_is_loaded_without_the_libraries() -> None:
    assert loading(our_modules()) == []


def test_a_module_that_loads_one_is_seen_where_it_may_not() -> None:
    for source in ("import torch.nn", "from torch import Tensor", "class A:\n    import torch"):
        assert loading(made_up(speedproof__gate__check=source)) == ["speedproof.gate.check loads torch"]
        assert not loading(made_up(speedproof__lens__subject=source, bench__suite=source))
    assert not loading(made_up(speedproof__gate__check="def later():\n    import torch"))
    assert "torch" in LIBRARIES


def test_no_folder_is_crowded_and_bench_is_small() -> None:
    assert crowded((path for folder in SOURCES for path in folder.rglob("*.py")), MOST_IN_A_FOLDER) == []
    modules = [path for path in (ROOT / "bench").rglob("*.py") if path.name != "__init__.py"]
    assert len(modules) <= MOST_IN_BENCH + MOST_OF_A_FINDING * len(NAMES)


def test_a_crowded_folder_is_seen() -> None:
    modules = [ROOT / "some" / f"{name}.py" for name in "abc"]
    assert crowded(iter([*modules, ROOT / "some/__init__.py"]), 2) == [str(ROOT / "some")]
    assert crowded(iter([*modules, ROOT / "some/__init__.py"]), 3) == []


def test_every_module_has_its_place() -> None:
    assert {place(module)[0] for module in our_modules()} == set(range(1, 13))
    assert place("speedproof.errors")[1].name == "speedproof" and place("speedproof.cli.shown.check")[0] == 10


def test_the_readme_draws_the_walls_as_they_are() -> None:
    drawn = README.read_text(encoding="utf-8").split("## Import order")[1].split("```\n")[1]
    assert drawn == drawing()


def test_a_drawing_with_two_floors_exchanged_is_another() -> None:
    lines = drawing().splitlines(keepends=True)
    assert "".join([lines[1], lines[0], *lines[2:]]) != drawing()
    # Each line says where its package stands, and what it is.
    assert all(line[:2].strip() or line.startswith("    ") for line in lines) and len(set(lines)) == len(lines)


def test_the_glossary_is_short_and_explains_no_word_twice() -> None:
    words = glossary(README.read_text(encoding="utf-8"))
    assert 0 < len(words) <= MOST_WORDS and len(set(words)) == len(words)


def test_the_words_of_a_glossary_are_read() -> None:
    table = "## Words\n\n| word | meaning |\n|---|---|\n| pair | two |\n| pair | again |\n\n## How\n| no | word |\n"
    assert glossary(table) == ["pair", "pair"]

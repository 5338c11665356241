"""The import walls as one table, what breaks them, and the drawing of them in the instrument's README."""

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
SOURCES = (ROOT / "src/speedproof", ROOT / "src/speedproof_studies", ROOT / "bench")
"""The folders of our packages. Twins import nothing of ours, and have a test of their own."""
LIBRARIES = frozenset({"torch", "sae_lens", "transformer_lens", "transformers"})
"""What the instrument does without until a pair needs it."""


class Package(NamedTuple):
    """A package, or one module that stands elsewhere than its folder, and the highest floor that it may import."""

    name: str
    about: str
    reach: int | None = None
    loads_libraries: bool = False


FLOORS: Mapping[int, tuple[Package, ...]] = {
    12: (Package("bench.__main__", "the command line with the six findings and the studies", None, True),),
    11: (
        Package("speedproof.__main__", "the command line for anybody's pairs"),
        Package("speedproof_studies", "what the project asks about itself; not published", None, True),
    ),
    10: (
        Package("speedproof.cli", "verbs, and what a person sees"),
        Package("bench", "the six findings, and asv's door; above floor 7 it knows nothing", 7, True),
    ),
    9: (
        Package("speedproof.report", "what the records say"),
        Package("speedproof.comment", "what a pull request is told, from a file that anybody may have written"),
    ),
    8: (Package("speedproof.sittings", "the order of the stages on one machine"),),
    7: (
        Package("speedproof.lens", "models, SAEs, the oracle, rows and ranks as answers", None, True),
        Package("speedproof.own", "two functions of anybody's, by name, and inputs for them"),
        Package("speedproof.sides", "two commits, dependency sets or folders against each other"),
    ),
    6: (Package("speedproof.tensors", "the same for torch: what is watched, counted and traced", None, True),),
    5: (Package("speedproof.records", "what was seen, one line at a time"),),
    4: (Package("speedproof.timing", "how long, and how surely: samples, looks, intervals"),),
    3: (
        Package("speedproof.counters", "how much work a call does"),
        Package("speedproof.gate", "is it the same answer; certificates"),
    ),
    2: (
        Package("speedproof.pairs", "what is held against what, and on which inputs"),
        Package("speedproof.machine", "what this machine is, can do, and is doing beside us"),
    ),
    1: (Package("speedproof", "ground: errors, folders, digests, clock, words, environment, processes"),),
}
"""Floors from the top. A module imports its own package and lower floors, and nothing else of its own floor."""

LONGEST_CHAIN = 17
"""Modules that import each other in a row. Source: the admired code bases have 7 to 16; this one had 27."""
MOST_IN_A_FOLDER = 20
"""Modules side by side."""
MOST_IN_BENCH = 22
"""Modules under `bench/` beside those of its findings; asv imports them in every process."""
MOST_OF_A_FINDING = 3
"""Its card, its controls, and what of it needs torch or its rewrites."""
MOST_WORDS = 40
"""Words in the glossary."""

Modules = Mapping[str, ast.Module]


def drawing() -> str:
    """The table as the README shows it."""
    width = max(len(package.name) for packages in FLOORS.values() for package in packages)
    return "".join(
        f"{number if first else '':>2}  {package.name:<{width}}  {package.about}\n"
        for number, packages in FLOORS.items()
        for first, package in zip((True, *[False] * len(packages)), packages, strict=False)
    )


@cache
def our_modules() -> Modules:
    """Every module of ours by its dotted name."""
    found = {}
    for folder in SOURCES:
        for path in sorted(folder.rglob("*.py")):
            name = ".".join(path.relative_to(folder.parent).with_suffix("").parts)
            found[name.removesuffix(".__init__")] = ast.parse(path.read_text(encoding="utf-8"))
    return found


def place(module: str) -> tuple[int, Package]:
    """A module's floor, and the package of the table that it belongs to: the one with the longest name."""
    found = [
        (number, package)
        for number, packages in FLOORS.items()
        for package in packages
        if module == package.name or module.startswith(f"{package.name}.")
    ]
    return max(found, key=lambda one: len(one[1].name))


def imported(modules: Modules, module: str, later: bool = True) -> Iterator[str]:
    """Modules of ours that `module` imports; with `later` also those within functions."""
    is_package = any(name.startswith(f"{module}.") for name in modules)
    package = module.split(".") if is_package else module.split(".")[:-1]
    for node in ast.walk(modules[module]) if later else _at_once(modules[module]):
        if isinstance(node, ast.ImportFrom):
            base = [*package[: len(package) - node.level + 1], node.module or ""] if node.level else [node.module or ""]
            for alias in node.names:
                full = ".".join(filter(None, [*base, alias.name]))
                name = full if full in modules else ".".join(filter(None, base))
                if _is_ours(name):
                    yield name
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if _is_ours(alias.name))


def _is_ours(name: str) -> bool:
    return name.split(".")[0] in {folder.name for folder in SOURCES}


def _at_once(tree: ast.AST) -> Iterator[ast.AST]:
    """Statements that run when the module is imported; what only a type checker reads is none."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield node
            yield from _at_once(node)


def upward(modules: Modules) -> list[str]:
    """Imports that do not go down, at once or within a function."""
    found = set()
    for module in modules:
        number, package = place(module)
        reach = number - 1 if package.reach is None else package.reach
        for target in imported(modules, module):
            floor, other = place(target)
            if other != package and floor > reach:
                found.add(f"{module} imports {target}")
    return sorted(found)


def circle(modules: Modules) -> list[str]:
    """Modules that import each other in a circle as they are loaded; empty where none do."""
    try:
        TopologicalSorter({name: set(imported(modules, name, later=False)) - {name} for name in modules}).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def longest_chain(modules: Modules) -> list[str]:
    """The most modules that import each other in a row as they are loaded. Expects no circle."""
    graph = {name: set(imported(modules, name, later=False)) - {name} for name in modules}
    chains: dict[str, list[str]] = {}
    for name in TopologicalSorter(graph).static_order():
        chains[name] = [name, *max((chains[below] for below in graph.get(name, ())), key=len, default=[])]
    return max(chains.values(), key=len)


def loading(modules: Modules, libraries: frozenset[str] = LIBRARIES) -> list[str]:
    """Modules that load one of the libraries although their package may not."""
    found = set()
    for module, tree in modules.items():
        if not place(module)[1].loads_libraries:
            found |= {f"{module} loads {name}" for name in _loaded(tree) if name in libraries}
    return sorted(found)


def _loaded(tree: ast.Module) -> Iterator[str]:
    for node in _at_once(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield (node.module or "").split(".")[0]


def crowded(paths: Iterator[Path], most: int) -> list[str]:
    """Folders with more modules side by side than that; what a package itself is does not count."""
    folders = [path.parent for path in paths if path.suffix == ".py" and path.name != "__init__.py"]
    return sorted({str(folder) for folder in folders if folders.count(folder) > most})


def glossary(readme: str) -> list[str]:
    """The words that a README's table of words explains."""
    rows = readme.split("## Words")[1].split("\n## ")[0].splitlines()
    return [row.split("|")[1].strip() for row in rows if row.startswith("| ") and not row.startswith("| word")]

"""The walls: twins match, imports go one way, asv finds exactly what is registered."""

import ast
import inspect
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.findings import FINDINGS
from bench.suite import Suite

ROOT = Path(__file__).parent.parent

LAYERS = (
    ("errors", "rules", "folders", "search_path", "repository", "callables"),
    ("studies", "studies.power", "studies.planted", "studies.mutation", "studies.rewrites"),
    ("studies.power.slowed_call",),
    ("failures", "contract", "plain_data", "aspects.marks", "aspects.aspect"),
    ("meaning", "notebooks", "kit", "variations"),
    (
        *("texts", "digest", "clock", "duplicates", "looks", "quiet", "shapes", "variants", "embedded_tokenizer"),
        *("journal", "studies.power.tools", "importing", "built", "weights", "wording"),
    ),
    ("identity", "model_files", "studies.gate_source"),
    ("embedded", "embedded_saes"),
    ("pretrained",),
    ("workload", "environment", "process", "warmup", "rating", "hostile"),
    ("subject", "subjects", "features", "patches", "hub", "rounding", "aspects.content"),
    ("aspects.walk",),
    ("aspects.",),
    ("aspects",),
    (
        *("trial", "oracle", "exact", "diagnosis", "roofline", "tensor_rates", "outputs", "counters.tally", "state"),
        "tensor_kit",
    ),
    ("finding", "rows", "ranks", "alterations", "least_work", "counters."),
    ("counters", "lens_variations", "trials", "certificate", "pinned", "sampling", "refusals"),
    ("gate", "lens_trials"),
    ("baseline", "lens_pair"),
    ("check",),
    ("suite",),
    ("findings.",),
    ("findings",),
    ("controls.control", "candidate", "ladders.ladder"),
    ("controls.", "ladders."),
    ("controls", "ladders"),
    ("rewrites.rewrite", "rewrites.product"),
    ("rewrites.by_hand", "rewrites.encoding", "rewrites.ranking", "rewrites.surroundings"),
    ("rewrites.reading",),
    ("rewrites.",),
    ("rewrites",),
    ("estimate",),
    ("comparison", "plan", "question"),
    ("rounds",),
    ("measurement",),
    ("stated",),
    ("two_sides", "traced"),
    ("events",),
    ("bodies", "profiling", "studies.power.study"),
    ("record", "series", "asked", "studies.kinds"),
    ("sittings", "separation", "regression.slowdown"),
    ("studies.power.rates", "studies.planted.rates", "studies.rewrites.rate", "studies.mutation.tally"),
    ("figure", "floor", "operators"),
    ("claims", "sweep", "waterfall"),
    ("regression.outcome",),
    ("row", "regression.grid"),
    ("page.plot", "page.axis"),
    ("page.conclusion", "page.answers", "page.caveats", "page.work", "page.sizes"),
    ("page.intervals", "page.samples", "page.climbs", "page.icicles", "page.roofs"),
    ("page.sittings", "page.matrices", "studies.plots"),
    ("page.card", "page.rendering"),
    ("page",),
    ("report", "table", "history", "resumption", "proving"),
    ("sitting", "dashboards", "sections"),
    ("fitness.sign",),
    ("fitness.",),
    ("fitness.outlook",),
    ("fitness",),
    ("ascent",),
    ("regression.side", "regression.answers", "regression.hotspots"),
    ("regression.installing", "regression.worker"),
    ("regression.places", "regression.start"),
    ("regression.driver",),
    ("regression.lockstep",),
    ("regression.compare", "regression.changes"),
    ("regression.judgement", "regression.matrix"),
    ("regression.asv_matrix",),
    ("regression",),
    ("terminal.lines",),
    ("terminal.",),
    ("terminal",),
    ("regression.shown",),
    ("cli.project",),
    ("cli.options",),
    ("cli.",),
    ("cli",),
    ("studies.mutation.source_map", "studies.mutation.forks"),
    ("studies.mutation.mutants",),
    ("studies.mutation.planting", "studies.mutation.probes", "studies.mutation.survivors"),
    ("studies.mutation.trying",),
    ("studies.mutation.session", "studies.rewrites.trying", "studies.planted.plants"),
    ("studies.planted.study",),
    ("studies.mutation.verb", "studies.planted.verb", "studies.power.verb", "studies.rewrites.verb"),
    ("project",),
    ("__main__",),
)
"""Modules of `bench` from the ground up; a name that ends in a dot stands for the modules of that folder."""


def level(module: str) -> int:
    """The layer of a module of `bench`, by its name below `bench`."""
    for number, names in enumerate(LAYERS):
        if module in names:
            return number
    folder = module.split(".")[0] + "."
    return next(number for number, names in enumerate(LAYERS) if folder in names)


def imported(tree: ast.Module, module: str) -> Iterator[str]:
    """Modules of `bench` that `module` imports, at once or later, within a function."""
    package = (
        ["bench", *module.split(".")[:-1]]
        if (ROOT / "bench" / module.replace(".", "/")).with_suffix(".py").exists()
        else ["bench", *module.split(".")]
    )
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = package[: len(package) - node.level + 1]
            target = [*base[1:], *((node.module or "").split(".") if node.module else [])]
            for alias in node.names:
                full = ".".join([*target, alias.name])
                is_module = (ROOT / "bench" / full.replace(".", "/")).with_suffix(".py").exists()
                is_package = (ROOT / "bench" / full.replace(".", "/") / "__init__.py").exists()
                yield full if is_module or is_package else ".".join(target)


def bench_modules() -> dict[str, ast.Module]:
    found = {}
    for path in sorted((ROOT / "bench").rglob("*.py")):
        name = ".".join(path.relative_to(ROOT / "bench").with_suffix("").parts).removesuffix(".__init__")
        if name not in ("__init__", "tokenizer.train"):
            found[name] = ast.parse(path.read_text())
    return found


def violations(modules: dict[str, ast.Module]) -> list[str]:
    return [
        f"{module} imports {target}"
        for module, tree in modules.items()
        for target in imported(tree, module)
        if target and level(target) >= level(module)
    ]


STUDIES = ("mutation", "power", "rejection", "regression.detection", "page.studies", "sections")
"""What the project asks about itself: the report is handed it, and knows none of it."""


def reached(modules: dict[str, ast.Module], module: str) -> set[str]:
    """Everything that `module` imports, and what that imports."""
    found: set[str] = set()
    left = [module]
    while left:
        name = left.pop()
        if name in modules and name not in found:
            found.add(name)
            left += imported(modules[name], name)
    return found


def studies(modules: set[str]) -> set[str]:
    return {one for one in modules if one in STUDIES or one.split(".")[0] in STUDIES}


def outside_imports(source: str) -> set[str]:
    tree = ast.parse(source)
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "." for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    return {name.split(".")[0] for name in names}


ALLOWED = {"torch", "einops", "jaxtyping", "transformer_lens", "sae_lens", "huggingface_hub", "__future__"}


def test_imports_go_one_way() -> None:
    assert violations(bench_modules()) == []


def who_knows_studies(modules: dict[str, ast.Module]) -> set[str]:
    """Modules of the instrument that import a study; `project` hands studies in."""
    of_instrument = {name: tree for name, tree in modules.items() if name.split(".")[0] not in ("studies", "project")}
    return {name for name, tree in of_instrument.items() if any("studies" in one for one in imported(tree, name))}


def test_the_instrument_knows_no_study() -> None:
    assert who_knows_studies(bench_modules()) == set()


def test_a_study_in_the_instrument_is_seen() -> None:
    told = {"sitting": ast.parse("def f():\n    from .studies.kinds import Rewritten"), "clock": ast.parse("")}
    assert who_knows_studies(told) == {"sitting"}


def test_an_import_against_the_order_is_seen() -> None:
    assert violations({"certificate": ast.parse("from .report import build")}) == ["certificate imports report"]
    assert violations({"findings.text_batching": ast.parse("from ..measurement import measure")})
    assert violations({"process": ast.parse("def f():\n    from .cli import main")}) == ["process imports cli"]


def test_the_report_imports_none_of_the_studies_that_are_handed_to_it() -> None:
    found = reached(bench_modules(), "report")
    assert len(found) > 40 and studies(found) == set()


def test_a_study_that_the_report_imports_by_way_of_another_module_is_seen() -> None:
    modules = bench_modules() | {"floor": ast.parse("from .rejection import overall")}
    assert studies(reached(modules, "report")) == {"rejection"}
    assert {"mutation.tally", "power.summary", "rejection"} <= studies(reached(bench_modules(), "sections"))


def test_every_module_has_a_layer_and_stands_in_the_import_order_of_the_readme() -> None:
    drawn = (ROOT / "bench/README.md").read_text().split("## Import order")[1].split("```")[1]
    for module in bench_modules():
        assert level(module) >= 0
        assert module.split(".")[0] in drawn or module == "__main__"


@pytest.mark.parametrize("side", ["impl_sequential", "impl_batched"])
def test_implementations_import_nothing_of_ours(side: str) -> None:
    for path in (ROOT / side).glob("*.py"):
        assert outside_imports(path.read_text()) <= ALLOWED | set(sys.stdlib_module_names), path


def test_an_implementation_that_imports_the_ruler_is_seen() -> None:
    allowed = ALLOWED | set(sys.stdlib_module_names)
    for source in ("import bench", "from impl_sequential import text_batching", "from . import other"):
        assert not outside_imports(source) <= allowed


def test_implementations_take_no_time_print_nothing_and_seed_nothing() -> None:
    for side in ("impl_sequential", "impl_batched"):
        for path in (ROOT / side).glob("*.py"):
            source = path.read_text()
            assert not outside_imports(source) & {"time", "random", "tqdm", "logging"}, path
            assert "print(" not in source and "manual_seed" not in source, path


def test_both_sides_and_both_folders_of_cards_have_the_same_files() -> None:
    folders = ["impl_sequential", "impl_batched", "bench/findings"]
    names = [{path.name for path in (ROOT / folder).glob("*.py")} - {"__init__.py"} for folder in folders]
    assert names == [names[0]] * 3
    # Controls of the gate's rules, and not of one finding, have files of their own.
    assert names[0] <= {path.name for path in (ROOT / "bench/controls").glob("*.py")}
    assert names[0] == {f"{finding.name}.py" for finding in FINDINGS}


def twin_differences(sequential: object, batched: object) -> list[str]:
    differences = []
    for part in ("parameters", "return_annotation"):
        one, two = (getattr(inspect.signature(side), part) for side in (sequential, batched))  # type: ignore[arg-type]
        if (list(one.items()) if part == "parameters" else one) != (list(two.items()) if part == "parameters" else two):
            differences.append(part)
    if sequential.__name__ != batched.__name__:  # type: ignore[attr-defined]
        differences.append("name")
    return differences


@pytest.mark.parametrize("pair", [pair for finding in FINDINGS for pair in finding.pairs], ids=lambda pair: pair.name)
def test_twins_match_by_name_and_signature(pair: object) -> None:
    assert twin_differences(pair.sequential, pair.batched) == []  # type: ignore[attr-defined]


def test_twins_that_differ_in_a_default_are_seen() -> None:
    def one(texts: str, top_k: int = 5) -> int: ...  # type: ignore[empty-body]

    def two(texts: str, top_k: int = 6) -> int: ...  # type: ignore[empty-body]

    assert twin_differences(one, two) == ["parameters", "name"]


def test_twins_have_the_same_public_functions_and_types() -> None:
    for finding in FINDINGS:
        public = []
        for module in (inspect.getmodule(finding.pairs[0].sequential), inspect.getmodule(finding.pairs[0].batched)):
            own = {n: v for n, v in vars(module).items() if getattr(v, "__module__", "") == module.__name__}  # type: ignore[union-attr]
            public.append({name for name in own if not name.startswith("_")})
        # The definition's helper that extracts is what the batched twin of finding 2 does away with.
        assert public[0] - public[1] <= ({"extract_features"} if finding.name == "comparison_table" else set())
        assert public[1] <= public[0]


def test_findings_stand_in_the_order_of_their_numbers_and_each_number_and_name_is_one_findings() -> None:
    numbers = [finding.number for finding in FINDINGS]
    assert numbers == sorted(set(numbers))
    assert len({finding.name for finding in FINDINGS}) == len(FINDINGS)


def discovered(root: Path) -> set[str]:
    """What asv's own discovery finds, in a process of its own."""
    code = (
        "import sys; from asv_runner.discovery import disc_benchmarks; from asv_runner._aux import update_sys_path;"
        f"update_sys_path({str(root / 'bench')!r});"
        f"print('\\n'.join(sorted(b.name for b in disc_benchmarks({str(root / 'bench')!r}))))"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=True)
    return set(answer.stdout.split())


def test_asv_finds_exactly_what_is_registered() -> None:
    measures = {name for name in vars(Suite) if name.startswith(("time_", "peakmem_", "track_"))}
    assert measures == {"time_call", "peakmem_call", "track_worst_error", "track_work"}
    classes = {finding.name: "".join(part.title() for part in finding.name.split("_")) for finding in FINDINGS}
    expected = {f"findings.{name}.{cls}.{measure}" for name, cls in classes.items() for measure in measures}
    assert discovered(ROOT) == expected


def test_a_stray_public_name_would_be_found_by_asv(tmp_path: Path) -> None:
    (tmp_path / "bench").mkdir()
    (tmp_path / "bench/__init__.py").write_text("")
    (tmp_path / "bench/stray.py").write_text("def time_nothing(): pass\n")
    assert discovered(tmp_path) == {"stray.time_nothing"}


def test_one_module_reads_the_clock() -> None:
    readers = {name for name, tree in bench_modules().items() if "time" in outside_imports(ast.unparse(tree))}
    assert readers == {"clock"}

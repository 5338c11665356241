"""Twins match, import nothing of ours, and asv finds exactly what is registered. Import walls: `test_walls.py`."""

import ast
import inspect
import sys
import tempfile
from pathlib import Path

import pytest

from bench.findings import FINDINGS
from bench.suite import Suite

from . import warm
from .walls import our_modules

ROOT = Path(__file__).parent.parent


def outside_imports(source: str | ast.Module) -> set[str]:
    tree = ast.parse(source) if isinstance(source, str) else source
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "." for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    return {name.split(".")[0] for name in names}


ALLOWED = {"torch", "einops", "jaxtyping", "transformer_lens", "sae_lens", "huggingface_hub", "__future__"}


SHARED = {"packed_forward": {"text_batching", "comparison_table"}}
"""What batched twins may share: a file beside them -> the twins that may import it."""


def imports_from_beside(source: str) -> set[str]:
    nodes = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom) and node.level)
    return {(node.module or ".") if node.level == 1 else ".." for node in nodes}


@pytest.mark.parametrize("side", ["impl_sequential", "impl_batched"])
def test_implementations_import_nothing_of_ours(side: str) -> None:
    for path in (ROOT / side).glob("*.py"):
        shared = {name for name, twins in SHARED.items() if side == "impl_batched" and path.stem in twins}
        assert imports_from_beside(path.read_text()) <= shared, path
        assert outside_imports(path.read_text()) - shared <= ALLOWED | set(sys.stdlib_module_names), path


def test_what_twins_share_is_used_by_each_of_those_that_may() -> None:
    for name, twins in SHARED.items():
        files = {path.stem: path.read_text() for path in (ROOT / "impl_batched").glob("*.py")}
        assert {stem for stem, source in files.items() if name in imports_from_beside(source)} == twins


def test_an_implementation_that_imports_the_ruler_is_seen() -> None:
    allowed = ALLOWED | set(sys.stdlib_module_names)
    for source in ("import bench", "from impl_sequential import text_batching", "from . import other"):
        assert not outside_imports(source) <= allowed
    assert imports_from_beside("from . import other") == {"."}
    assert imports_from_beside("from ..bench import other") == {".."}
    assert imports_from_beside("from .packed_forward import tokenise") == {"packed_forward"}


def test_implementations_take_no_time_print_nothing_and_seed_nothing() -> None:
    for side in ("impl_sequential", "impl_batched"):
        for path in (ROOT / side).glob("*.py"):
            source = path.read_text()
            assert not outside_imports(source) & {"time", "random", "tqdm", "logging"}, path
            assert "print(" not in source and "manual_seed" not in source, path


def test_both_sides_and_both_folders_of_cards_have_the_same_files() -> None:
    folders = ["impl_sequential", "impl_batched", "bench/findings"]
    others = {"__init__.py", *(f"{name}.py" for name in SHARED)}
    names = [{path.name for path in (ROOT / folder).glob("*.py")} - others for folder in folders]
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
        f"import sys; sys.path.insert(0, {str(root)!r});"
        "from asv_runner.discovery import disc_benchmarks; from asv_runner._aux import update_sys_path;"
        f"update_sys_path({str(root / 'bench')!r});"
        f"print('\\n'.join(sorted(b.name for b in disc_benchmarks({str(root / 'bench')!r}))))"
    )
    with tempfile.TemporaryFile("w+") as out:
        assert warm.Python(["-c", code], out.fileno(), 2, root).wait() == 0
        out.seek(0)
        return set(out.read().split())


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
    readers = {name for name, tree in our_modules().items() if "time" in outside_imports(tree)}
    assert readers == {"speedproof.clock"}

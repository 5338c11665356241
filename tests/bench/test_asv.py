"""asv for real: over two commits of a small copy, in which only impl_batched differs."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from asv_runner.benchmarks._base import get_setup_cache_key

from bench import suite
from bench.findings import FINDINGS
from bench.findings.sae_cache import FINDING, SMOKE, SaeCache
from bench.suite import Suite
from speedproof.gate.certificate import Refusal

ROOT = Path(__file__).parents[2]
LIBRARIES = sysconfig.get_paths()["purelib"]
TWIN = "impl_batched/sae_cache.py"
CALL = "    direct_path = os.path.join(sae_lens_cache, sae_path)\n"
EXTRA_SCAN = "    os.listdir(os.fspath(hf_cache))\n"
UNASKED = ("cases", "controls", "ladders", "rewrites")
"""Parts of `bench` that the copy does without: asv imports whatever it finds, and these import the libraries of models.
That it can is in `tests/bench/test_seventh_finding.py`."""
NEED, GROUP = "needed_today", "\nruler = [\n"
"""A library that today's ruler imports and no commit asks for, and where a need of the ruler's is written."""


def sh(folder: Path, *command: str) -> str:
    """Standard output. Many processes use one environment, so what they compile they keep."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    answer = subprocess.run(command, cwd=folder, env=kept, capture_output=True, text=True)
    assert answer.returncode == 0, f"{command}\n{answer.stdout[-3000:]}\n{answer.stderr[-3000:]}"
    return answer.stdout


def commit(folder: Path, message: str) -> str:
    sh(folder, "git", "add", "-A")
    sh(folder, "git", "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-qm", message)
    return sh(folder, "git", "rev-parse", "HEAD").strip()


def with_scans(source: str, n_extra: int) -> str:
    assert CALL in source
    return source.replace(CALL, EXTRA_SCAN * n_extra + CALL)


def make_wheel(folder: Path, name: str) -> Path:
    """A wheel of one empty module."""
    made = folder / f"{name}-1-py3-none-any.whl"
    told = {
        f"{name}.py": "",
        f"{name}-1.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n",
        f"{name}-1.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = f"{name}-1.dist-info/RECORD"
    with zipfile.ZipFile(made, "w") as wheel:
        for path, text in {**told, record: "".join(f"{path},,\n" for path in [*told, record])}.items():
            wheel.writestr(path, text)
    return made


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory, asv_environments: Path) -> dict[str, dict[str, Any]]:
    """What asv found at each commit by our own configuration. The working tree is different again.

    Its twin works more than either commit's, and its ruler needs a library that neither asks for.
    """
    copy, wheels = (tmp_path_factory.mktemp(name) for name in ("copy", "wheels"))
    need = make_wheel(wheels, NEED)
    for name in ("src", "bench", "impl_sequential", "impl_batched"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in UNASKED:
        shutil.rmtree(copy / "bench" / name)
    for name in ("pyproject.toml", "constraints.txt", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    config = json.loads((ROOT / "asv.conf.json").read_text())
    # The environment borrows this one's libraries, so that nothing large is installed.
    borrow = f"import site, pathlib; pathlib.Path(site.getsitepackages()[0], 'borrowed.pth').write_text({LIBRARIES!r})"
    config["install_command"].insert(0, f'in-dir={{env_dir}} python -c "{borrow}"')
    config["env_dir"] = str(asv_environments)
    (copy / "asv.conf.json").write_text(json.dumps(config))
    sh(copy, "git", "init", "-q", "-b", "main")
    source = (copy / TWIN).read_text()
    commits = {"as it is": commit(copy, "as it is")}
    (copy / TWIN).write_text(with_scans(source, 1))
    commits["one scan more"] = commit(copy, "one scan more")
    (copy / TWIN).write_text(with_scans(source, 40))
    project = (copy / "pyproject.toml").read_text()
    assert project.count(GROUP) == 1
    (copy / "pyproject.toml").write_text(project.replace(GROUP, f'{GROUP}    "{NEED} @ {need.as_uri()}",\n'))
    with (copy / "bench" / "suite.py").open("a") as ruler:
        ruler.write(f"\nimport {NEED}\n")
    asv = [sys.executable, "-m", "asv"]
    sh(copy, *asv, "machine", "--yes")
    sh(copy, *asv, "run", "--show-stderr", "--bench", "SaeCache.track_work", "ALL")
    sh(copy, *asv, "publish")
    assert (copy / "results/asv/html/index.html").exists()
    return {name: found(copy, revision) for name, revision in commits.items()}


def found(copy: Path, revision: str) -> dict[str, Any]:
    """Directory scans by twin, and the benchmark's version."""
    (path,) = (copy / "results/asv/results").glob(f"*/{revision[:8]}*.json")
    stored = json.loads(path.read_text())
    (one,) = (dict(zip(stored["result_columns"], row, strict=False)) for row in stored["results"].values())
    return {**dict(zip(("sequential", "batched"), one["result"], strict=True)), "version": one["version"]}


def test_asv_measures_the_commit_and_not_the_working_tree(measured: Mapping[str, Mapping[str, Any]]) -> None:
    assert measured["one scan more"]["batched"] == measured["as it is"]["batched"] + 1
    assert measured["one scan more"]["sequential"] == measured["as it is"]["sequential"]


def test_asv_installs_what_todays_ruler_needs_and_the_commits_do_not_ask_for(
    measured: Mapping[str, Mapping[str, Any]],
) -> None:
    """Without it the ruler cannot be imported, and there would be no figure."""
    assert all(isinstance(one[twin], int | float) for one in measured.values() for twin in ("sequential", "batched"))
    assert not (Path(LIBRARIES) / f"{NEED}.py").exists() and NEED not in (ROOT / "pyproject.toml").read_text()


def test_a_changed_twin_continues_a_series_and_a_changed_workload_starts_another(
    measured: Mapping[str, Mapping[str, Any]],
) -> None:
    pair = FINDING.pairs[0]

    class Other(Suite):
        finding = replace(FINDING, pairs=(replace(pair, workloads=(replace(SMOKE, n_items=99), *pair.workloads[1:])),))

    assert {one["version"] for one in measured.values()} == {SaeCache().version}
    assert Other().version != SaeCache().version


def test_asv_shows_a_twin_that_is_not_equivalent_as_failed() -> None:
    refusal = Refusal(
        "sae_cache", "check_sae_cached", SMOKE, "batched", "not equivalent", "every row is wrong", "exact"
    )
    for twin in ("sequential", "batched"):
        with pytest.raises(RuntimeError, match=r"WITHHELD\(not equivalent: every row is wrong\)"):
            SaeCache().setup({"check_sae_cached": refusal}, "check_sae_cached", twin)


def test_asv_certifies_the_finding_that_it_is_asked_about_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """asv runs `setup_cache` once for all benchmarks of one key."""
    asked: list[str] = []
    monkeypatch.setattr(suite, "certify", lambda finding, pair, workload: asked.append(f"{finding.name}.{pair.name}"))
    suites = {one.finding.name: one() for one in Suite.__subclasses__() if one.__module__.startswith("bench.")}  # type: ignore[abstract,attr-defined]
    assert suites.keys() == {finding.name for finding in FINDINGS}
    assert len({get_setup_cache_key(one.setup_cache) for one in suites.values()}) == len(suites)  # type: ignore[attr-defined]
    for finding in FINDINGS:
        asked.clear()
        suites[finding.name].setup_cache()  # type: ignore[attr-defined]
        assert asked == [f"{finding.name}.{pair.name}" for pair in finding.pairs]

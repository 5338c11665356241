"""asv for real: over two commits of a small copy, in which only impl_batched differs."""

import json
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
LIBRARIES = sysconfig.get_paths()["purelib"]
TWIN = "impl_batched/sae_cache.py"
CALL = "    direct_path = os.path.join(sae_lens_cache, sae_path)\n"
EXTRA_SCAN = "    os.listdir(os.fspath(hf_cache))\n"


def sh(folder: Path, *command: str) -> str:
    answer = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert answer.returncode == 0, f"{command}\n{answer.stdout[-3000:]}\n{answer.stderr[-3000:]}"
    return answer.stdout


def commit(folder: Path, message: str) -> str:
    sh(folder, "git", "add", "-A")
    sh(folder, "git", "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-qm", message)
    return sh(folder, "git", "rev-parse", "HEAD").strip()


def with_scans(source: str, n_extra: int) -> str:
    assert CALL in source
    return source.replace(CALL, EXTRA_SCAN * n_extra + CALL)


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Directory scans that asv counted, per commit, by twin; the working tree is different again."""
    copy = tmp_path_factory.mktemp("copy")
    for name in ("bench", "impl_sequential", "impl_batched"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    config = json.loads((ROOT / "asv.conf.json").read_text())
    # The environment borrows this one's libraries, so that only the project's own wheel is built and installed.
    borrow = f"import site, pathlib; pathlib.Path(site.getsitepackages()[0], 'borrowed.pth').write_text({LIBRARIES!r})"
    config["install_command"] = [
        f'in-dir={{env_dir}} python -c "{borrow}"',
        "in-dir={env_dir} python -m pip install --no-deps --no-index --force-reinstall {wheel_file}",
    ]
    config["build_command"] = [
        f"{sys.executable} -m pip wheel --no-deps --no-index --no-build-isolation -w {{build_cache_dir}} {{build_dir}}"
    ]
    (copy / "asv.conf.json").write_text(json.dumps(config))
    sh(copy, "git", "init", "-q", "-b", "main")
    source = (copy / TWIN).read_text()
    commits = {"as it is": commit(copy, "as it is")}
    (copy / TWIN).write_text(with_scans(source, 1))
    commits["one scan more"] = commit(copy, "one scan more")
    (copy / TWIN).write_text(with_scans(source, 40))
    asv = [sys.executable, "-m", "asv"]
    sh(copy, *asv, "machine", "--yes")
    sh(copy, *asv, "run", "--show-stderr", "--bench", "SaeCache.track_work", "--launch-method", "spawn", "HEAD~1^!")
    sh(copy, *asv, "run", "--show-stderr", "--bench", "SaeCache.track_work", "--launch-method", "spawn", "HEAD^!")
    sh(copy, *asv, "publish")
    assert (copy / "results/asv/html/index.html").exists()
    return {name: scans(copy, revision) for name, revision in commits.items()}


def scans(copy: Path, revision: str) -> dict[str, Any]:
    (path,) = (copy / "results/asv/results").glob(f"*/{revision[:8]}*.json")
    stored = json.loads(path.read_text())
    (result,) = (dict(zip(stored["result_columns"], row, strict=False)) for row in stored["results"].values())
    return dict(zip(("sequential", "batched"), result["result"], strict=True))


def test_asv_measures_the_commit_and_not_the_working_tree(measured: dict[str, dict[str, Any]]) -> None:
    assert measured["one scan more"]["batched"] == measured["as it is"]["batched"] + 1
    assert measured["one scan more"]["sequential"] == measured["as it is"]["sequential"]


def test_asv_shows_a_twin_that_is_not_equivalent_as_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    from bench.certificate import Refusal
    from bench.findings.sae_cache import SMOKE, SaeCache

    refusal = Refusal(
        "sae_cache", "check_sae_cached", SMOKE, "batched", "not equivalent", "every row is wrong", "exact"
    )
    suite = SaeCache()
    for twin in ("sequential", "batched"):
        with pytest.raises(RuntimeError, match=r"WITHHELD\(not equivalent: every row is wrong\)"):
            suite.setup({("sae_cache", "check_sae_cached"): refusal}, "check_sae_cached", twin)


def test_the_version_follows_the_workload_and_not_the_code() -> None:
    from bench.findings.sae_cache import FINDING, SaeCache

    assert SaeCache().version == FINDING.pairs[0].workloads[0].digest

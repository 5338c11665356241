"""asv over a history with a planted regression: the step is found, and bisected to the commit that made it."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests.browser import opened

N_COMMITS, CULPRIT = 6, 4
"""Commits of the small repository, and the one, from 1, that works twice as much from then on."""
BENCHMARK = """
from small import work


class Work:
    def track_steps(self):
        return work()

    track_steps.unit = "steps"
"""
INSTALL = "python -c \"import shutil, site; shutil.copy('small.py', site.getsitepackages()[0])\""


def sh(folder: Path, *command: str, status: int = 0) -> str:
    """Standard output. Many processes use one environment, so what they compile they keep."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    answer = subprocess.run(command, cwd=folder, env=kept, capture_output=True, text=True)
    assert answer.returncode == status, f"{command}\n{answer.stdout[-3000:]}\n{answer.stderr[-3000:]}"
    return answer.stdout


def asv(folder: Path, *arguments: str, status: int = 0) -> str:
    return sh(folder, sys.executable, "-m", "asv", *arguments, status=status)


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory, asv_environments: Path) -> tuple[Path, list[str]]:
    """A repository whose package counts its own steps, measured at every commit, and the commits, oldest first."""
    folder = tmp_path_factory.mktemp("history")
    (folder / "benchmarks").mkdir()
    (folder / "benchmarks" / "__init__.py").touch()
    (folder / "benchmarks" / "steps.py").write_text(BENCHMARK)
    config = {
        "version": 1,
        "project": "small",
        "repo": ".",
        "branches": ["HEAD"],
        "environment_type": "virtualenv",
        "env_dir": str(asv_environments),
        # A package of one file needs no wheel, which would take most of the time.
        "build_command": [],
        "install_command": [INSTALL],
        "uninstall_command": [],
    }
    (folder / "asv.conf.json").write_text(json.dumps(config))
    (folder / ".gitignore").write_text("results\nhtml\n")
    sh(folder, "git", "init", "-q", "-b", "main")
    commits = []
    for number in range(1, N_COMMITS + 1):
        steps = 200 if number >= CULPRIT else 100
        (folder / "small.py").write_text(f"def work():\n    return {steps}  {'#' * number}\n")
        sh(folder, "git", "add", "-A")
        # asv orders commits by their dates, so no two may be equal.
        sh(
            folder,
            *("git", "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-qm", f"commit {number}"),
            *("--date", f"2024-01-{number:02d}T00:00:00"),
        )
        commits.append(sh(folder, "git", "rev-parse", "HEAD").strip())
    asv(folder, "machine", "--yes")
    return folder, commits


@pytest.fixture(scope="module")
def pages(history: tuple[Path, list[str]]) -> Path:
    """asv's pages of every commit."""
    folder, _ = history
    asv(folder, "run", "--launch-method", "spawn", "ALL")
    asv(folder, "publish")
    return folder / "html"


def test_the_step_is_published_with_its_commit(history: tuple[Path, list[str]], pages: Path) -> None:
    _, commits = history
    (step,) = json.loads((pages / "regressions.json").read_text())["regressions"]
    assert step[0] == "steps.Work.track_steps"
    hashes = json.loads((pages / "index.json").read_text())["revision_to_hash"]
    ((_, first_worse, before, after),) = step[6]
    assert (hashes[str(first_worse)], before, after) == (commits[CULPRIT - 1], 100, 200)


SCRIPTS = Path("/usr/share/javascript")
LOCAL = {
    "jquery-3.3.1.min.js": "jquery/jquery.min.js",
    "jquery.flot.min.js": "jquery-flot/jquery.flot.min.js",
    "jquery.flot.time.min.js": "jquery-flot/jquery.flot.time.min.js",
    "jquery.flot.selection.min.js": "jquery-flot/jquery.flot.selection.min.js",
    "jquery.flot.categories.min.js": "jquery-flot/jquery.flot.categories.min.js",
    "stupidtable.min.js": "jquery-stupidtable/stupidtable.min.js",
    "md5.min.js": "blueimp-md5/md5.min.js",
    "bootstrap.min.js": "bootstrap/js/bootstrap.min.js",
    "bootstrap.min.css": "bootstrap/css/bootstrap.min.css",
}
"""What asv's pages load from the network, and the same as Debian packages it. What draws several bars is left out."""


@contextmanager
def served(html: Path, folder: Path) -> Iterator[str]:
    """asv's pages on this machine alone, their scripts beside them. Skips the test where there are none."""
    if missing := [name for name in LOCAL.values() if not (SCRIPTS / name).exists()]:
        pytest.skip(f"asv's pages load their scripts from the network, and {missing[0]} is not installed here")
    shutil.copytree(html, folder)
    for name, place in LOCAL.items():
        shutil.copy(SCRIPTS / place, folder / name)
    index = (folder / "index.html").read_text()
    index = re.sub(r' (integrity|crossorigin|referrerpolicy)="[^"]*"', "", index)
    index = re.sub(r'"https://[^"]*/([^"/]+\.(?:js|css))"', r'"\1"', index)
    (folder / "index.html").write_text(index)
    (folder / "jquery.flot.orderBars.js").touch()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/index.html"
    finally:
        server.shutdown()
        server.server_close()


class Quiet(SimpleHTTPRequestHandler):
    """Says nothing of what it is asked for."""

    def log_message(self, format: str, *arguments: Any) -> None:
        pass


def test_the_pages_show_the_grid_the_graph_and_the_step_with_its_commit(
    history: tuple[Path, list[str]], pages: Path, tmp_path: Path
) -> None:
    _, commits = history
    with served(pages, tmp_path / "pages") as address, opened() as (page, asked, faults):
        page.goto(address)
        page.locator("#summarygrid-display", has_text="track_steps").wait_for()
        page.goto(f"{address}#steps.Work.track_steps")
        page.locator("#graph-display canvas").first.wait_for()
        page.goto(f"{address}#regressions")
        row = page.locator("#regressions-display tr", has_text="steps.Work.track_steps")
        row.wait_for()
        assert commits[CULPRIT - 1][:8] in row.inner_text() and "2.00x" in row.inner_text()
        assert not asked and not faults


def test_find_bisects_to_the_commit(history: tuple[Path, list[str]]) -> None:
    folder, commits = history
    said = asv(folder, "find", "--launch-method", "spawn", f"{commits[0]}..{commits[-1]}", "steps.Work.track_steps")
    assert commits[CULPRIT - 1][:8] in said.splitlines()[-1]


@pytest.mark.parametrize(("after", "status"), [(CULPRIT - 1, 0), (CULPRIT, 1), (CULPRIT + 1, 0)])
def test_continuous_fails_at_the_step_and_only_there(history: tuple[Path, list[str]], after: int, status: int) -> None:
    folder, commits = history
    asv(folder, "continuous", "--launch-method", "spawn", commits[after - 2], commits[after - 1], status=status)

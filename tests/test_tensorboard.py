"""Traces are written for TensorBoard, and its profiler plugin lists every run and its views."""

import json
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.profiling import trace

NAMES = ["text_batching", "feature_links"]


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a TensorBoard that serves traces of two findings."""
    folder = tmp_path_factory.mktemp("traces")
    work = f"list(trace({NAMES!r}, 'smoke', None, Path({str(folder)!r})))"
    code = f"from bench.profiling import trace; from pathlib import Path; {work}"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, cwd=Path(__file__).parent.parent)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "tensorboard.main",
        "--logdir",
        str(folder),
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
    ]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield f"http://127.0.0.1:{port}/data"
    finally:
        server.terminate()
        server.wait()


def ask(address: str) -> Any:
    """The answer once the server is up; it gets a minute to start."""
    for _ in range(120):
        try:
            with urllib.request.urlopen(address, timeout=10) as answer:
                return json.loads(answer.read())
        except OSError:
            time.sleep(0.5)
    raise AssertionError(f"no answer from {address}")


def test_the_plugin_lists_every_run_and_its_views(board: str) -> None:
    expected = {f"{name}/{twin}" for name in NAMES for twin in ("sequential", "batched")}
    for _ in range(60):
        runs = ask(f"{board}/plugin/pytorch_profiler/runs")
        if set(runs["runs"]) == expected and not runs["loading"]:
            break
        time.sleep(0.5)
    assert set(runs["runs"]) == expected
    for run in expected:
        views = ask(f"{board}/plugin/pytorch_profiler/views?run={run}")
        assert {"Overview", "Operator", "Trace"} <= set(views)


def test_an_unknown_finding_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="Unknown finding"):
        list(trace(["nonsense"], "smoke", None, tmp_path))

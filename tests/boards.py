"""A TensorBoard for tests: a process of its own on this machine alone, and questions to it over HTTP."""

import json
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Address of a TensorBoard that serves `folder`, once it answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(folder)]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        address = f"http://127.0.0.1:{port}"
        until(lambda: ask(f"{address}/data/plugins_listing"), bool)
        yield address
    finally:
        server.terminate()
        server.wait()


def ask(address: str, **posted: Any) -> Any:
    """The answer as plain data; None while there is none."""
    body = json.dumps(posted).encode() if posted else None
    request = urllib.request.Request(address, body, {"Content-Type": "application/json"} if posted else {})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read())
    except OSError:
        return None


def until(question: Any, enough: Any) -> Any:
    """What `question` answers, asked again until it is enough, for a minute at most."""
    for _ in range(120):
        answer = question()
        if answer is not None and enough(answer):
            return answer
        time.sleep(0.5)
    raise AssertionError(f"never enough: {answer}")

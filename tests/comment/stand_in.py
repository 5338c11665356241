"""A stand-in of the forge's REST interface on loopback: pull requests and comments in memory, and faults on demand."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

REPOSITORY = "ada/engine"
TOKEN = "a-token-of-the-test"
BOT = "github-actions[bot]"
HEAD = "0123456789abcdef0123456789abcdef01234567"


def repository(full_name: str) -> dict[str, Any]:
    return {"full_name": full_name, "owner": {"login": full_name.split("/")[0]}}


def pull(number: int = 7, sha: str = HEAD, of: str | None = REPOSITORY, **more: Any) -> dict[str, Any]:
    """A pull request as the forge tells it; `of` is the repository of its head, None where that is gone."""
    head = {"sha": sha, "ref": "faster", "repo": repository(of) if of else None}
    return {"number": number, "state": "open", "head": head, "base": {"repo": repository(REPOSITORY)}, **more}


def comment(number: int, body: str, login: str = BOT) -> dict[str, Any]:
    return {"id": number, "body": body, "user": {"login": login}}


def event(sha: str = HEAD, of: str | None = REPOSITORY, kind: str = "pull_request") -> dict[str, Any]:
    """What starts a workflow on 'workflow_run'. For a fork it names no pull request, so it never does here."""
    run: dict[str, Any] = {
        "event": kind,
        "head_sha": sha,
        "head_branch": "faster",
        "head_repository": repository(of) if of else None,
        "html_url": f"https://github.com/{REPOSITORY}/actions/runs/1",
        "pull_requests": [],
    }
    return {"action": "completed", "workflow_run": run}


@dataclass
class StandIn:
    """What the forge knows, and what it was asked."""

    pulls: list[dict[str, Any]] = field(default_factory=lambda: [pull()])
    comments: list[dict[str, Any]] = field(default_factory=list)
    faults: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    """Statuses with headers that the next requests get."""
    lost: int = 0
    """So many comments are written, and the answer does not arrive."""
    asked: list[str] = field(default_factory=list)
    address: str = ""

    @property
    def written(self) -> list[str]:
        """What was asked for that changes something."""
        return [one for one in self.asked if not one.startswith("GET")]

    def answer(self, method: str, target: str, body: dict[str, str] | None) -> tuple[int, dict[str, str], Any]:
        parts = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        path = parts.path.removeprefix(f"/repos/{REPOSITORY}")
        self.asked.append(f"{method} {path}")
        if self.faults:
            status, headers = self.faults.pop(0)
            return status, headers, {"message": "@everyone <b>no</b>"}
        if method == "GET" and path == "/pulls":
            owner, _, branch = query["head"].partition(":")
            found = [one for one in self.pulls if one["head"]["ref"] == branch and _owner(one) in (owner, None)]
            return 200, {}, _page(found, query)
        if method == "GET" and re.fullmatch(r"/issues/\d+/comments", path):
            return 200, {}, _page(self.comments, query)
        assert body is not None
        if method == "POST" and re.fullmatch(r"/issues/\d+/comments", path):
            self.comments.append(comment(1000 + len(self.comments), body["body"]))
            if self.lost:
                self.lost -= 1
                return 502, {}, {}
            return 201, {}, self.comments[-1]
        if method == "PATCH" and (found_id := re.fullmatch(r"/issues/comments/(\d+)", path)):
            (one,) = (c for c in self.comments if c["id"] == int(found_id[1]))
            one["body"] = body["body"]
            return 200, {}, one
        return 404, {}, {"message": "Not Found"}


def _owner(one: dict[str, Any]) -> str | None:
    repo = one["head"]["repo"]
    return repo["owner"]["login"] if repo else None


def _page(items: list[Any], query: dict[str, str]) -> list[Any]:
    size, number = int(query["per_page"]), int(query["page"])
    assert size <= 100
    return items[(number - 1) * size : number * size]


@contextmanager
def standing_in(forge: StandIn) -> Iterator[StandIn]:
    """Serves it at `address`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            if self.headers["Authorization"] == f"Bearer {TOKEN}":
                status, headers, said = forge.answer(self.command, self.path, body)
            else:
                status, headers, said = 401, {}, {}
            content = json.dumps(said).encode()
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_PATCH = do_GET

        def log_message(self, format: str, *args: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    forge.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield forge
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

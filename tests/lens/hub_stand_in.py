"""A hub on 127.0.0.1 that speaks as much of the Hugging Face hub's protocol as is asked for here, and fails as told.

Files are a folder each repository. Large ones are answered as the hub does, with a redirect to where they are stored.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, cast
from urllib.parse import unquote, urlsplit

import pytest

NOBODY = "http://127.0.0.1:9"
"""An address at which nobody listens."""
LARGE = (".safetensors", ".npz", ".pt")
"""Ends of names of files that the hub keeps elsewhere, by their SHA-256."""


@dataclass
class Asked:
    """One request: what it was for, the range that it asked for, and the token that it showed."""

    method: str
    path: str
    range: str
    token: str


@dataclass
class Hub:
    """What is at the hub, and how it fails."""

    root: Path
    moved: dict[str, str] = field(default_factory=dict)
    """Old name of a repository -> its name."""
    gated: set[str] = field(default_factory=set)
    access: str = ""
    """The token that opens what is gated."""
    status: dict[str, int] = field(default_factory=dict)
    """End of a path -> what is answered in place of it."""
    cuts: dict[str, int] = field(default_factory=dict)
    """End of a file's name -> how often its download is cut in the middle."""
    refuses: set[str] = field(default_factory=set)
    """Tokens that it does not know."""
    asked: list[Asked] = field(default_factory=list)
    url: str = ""

    @property
    def store(self) -> str:
        """Where large files are: another host, which is shown no token."""
        return self.url.replace("127.0.0.1", "localhost")

    def put(self, repository: str) -> Path:
        """The folder of a repository, made where it is not there yet."""
        folder = self.root / repository
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def downloads(self) -> list[str]:
        """Names of files whose content was asked for, in order."""
        answered = ("/resolve/", "/stored/")
        sent = [one.path for one in self.asked if one.method == "GET" and any(part in one.path for part in answered)]
        return [path.rsplit("/", 1)[-1] for path in sent]


@contextmanager
def serving(hub: Hub) -> Iterator[Hub]:
    """The hub at `hub.url`, for as long as the context lasts."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.hub = hub  # type: ignore[attr-defined]
    server.daemon_threads = True
    hub.url = f"http://127.0.0.1:{server.server_port}"
    # How often it looks whether it shall end.
    thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def hub(self) -> Hub:
        return cast(Hub, self.server.hub)  # type: ignore[attr-defined]

    def log_message(self, format: str, *args: Any) -> None:
        """Nobody reads it."""

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        path = unquote(urlsplit(self.path).path)
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        self.hub.asked.append(Asked(self.command, path, self.headers.get("Range") or "", token))
        for end, status in self.hub.status.items():
            if path.endswith(end):
                return self._say(status)
        if stored := re.fullmatch(r"/stored/(.+)", path):
            return self._send(self.hub.root / stored[1], {})
        for old, new in self.hub.moved.items():
            if path.startswith((f"/{old}/", f"/api/models/{old}/")):
                return self._say(307, {"Location": self.path.replace(f"/{old}/", f"/{new}/", 1)})
        if found := re.fullmatch(r"/api/models/(.+?)/(revision|tree)/([^/]+)", path):
            return self._of_repository(found[1], found[2])
        if found := re.fullmatch(r"/(.+?)/resolve/([^/]+)/(.+)", path):
            return self._of_file(found[1], found[3])
        self._say(404)

    def _of_repository(self, repository: str, what: str) -> None:
        if not self._may(repository):
            return
        folder = self.hub.root / repository
        paths = sorted(path for path in folder.rglob("*") if path.is_file())
        names = [path.relative_to(folder).as_posix() for path in paths]
        if what == "revision":
            return self._say(
                200,
                told={"id": repository, "sha": self._commit(repository), "siblings": [{"rfilename": n} for n in names]},
            )
        tree = [
            {"type": "file", "path": name, "size": path.stat().st_size, "oid": fingerprint(path, large=False)}
            | ({"lfs": _stored(path)} if _is_large(path) else {})
            for name, path in zip(names, paths, strict=True)
        ]
        self._say(200, told=tree)

    def _of_file(self, repository: str, name: str) -> None:
        if not self._may(repository):
            return
        path = self.hub.root / repository / name
        commit = {"X-Repo-Commit": self._commit(repository)}
        if not path.is_file():
            return self._say(404, {**commit, "X-Error-Code": "EntryNotFound"})
        if not _is_large(path):
            return self._send(path, {**commit, "ETag": f'"{fingerprint(path)}"'})
        about = {"X-Linked-Etag": f'"{fingerprint(path)}"', "X-Linked-Size": str(path.stat().st_size)}
        self._say(302, {**commit, **about, "Location": f"{self.hub.store}/stored/{repository}/{name}"})

    def _commit(self, repository: str) -> str:
        """The revision's number: other files are another revision."""
        paths = sorted(path for path in (self.hub.root / repository).rglob("*") if path.is_file())
        return hashlib.sha1("".join(map(fingerprint, paths)).encode()).hexdigest()

    def _may(self, repository: str) -> bool:
        """Whether it is there and open to whoever asks; else that was said."""
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        if token in self.hub.refuses:
            self._say(401, {"X-Error-Message": "Invalid credentials in Authorization header"})
        elif not (self.hub.root / repository).is_dir():
            self._say(404 if token else 401, {"X-Error-Code": "RepoNotFound"})
        elif repository in self.hub.gated and (not token or token != self.hub.access):
            self._say(403 if token else 401, {"X-Error-Code": "GatedRepo"})
        else:
            return True
        return False

    def _send(self, path: Path, headers: dict[str, str]) -> None:
        content, asked = path.read_bytes(), re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
        first = int(asked[1]) if asked else 0
        part = content[first : int(asked[2]) + 1 if asked and asked[2] else None]
        self.send_response(206 if asked else 200)
        if asked:
            headers = {**headers, "Content-Range": f"bytes {first}-{first + len(part) - 1}/{len(content)}"}
        for name, value in {**headers, "Accept-Ranges": "bytes", "Content-Length": str(len(part))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        if self.hub.cuts.get(path.name, 0):
            self.hub.cuts[path.name] -= 1
            part, self.close_connection = part[: len(part) // 2], True
        self.wfile.write(part)

    def _say(self, status: int, headers: dict[str, str] | None = None, told: Any = None) -> None:
        body = json.dumps(told).encode() if told is not None else b""
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Type": "application/json"}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def fingerprint(path: Path, large: bool | None = None) -> str:
    """A file's as the hub has it: SHA-256 of a large one, else git's."""
    content = path.read_bytes()
    if _is_large(path) if large is None else large:
        return hashlib.sha256(content).hexdigest()
    return hashlib.sha1(f"blob {len(content)}\0".encode() + content).hexdigest()


def _is_large(path: Path) -> bool:
    return path.name.endswith(LARGE)


def _stored(path: Path) -> dict[str, Any]:
    return {"oid": fingerprint(path), "size": path.stat().st_size, "pointerSize": 1}


def reach(url: str, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What HF_ENDPOINT and HF_HUB_CACHE say, which are read once in a process; no token, and nobody waits."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", url)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", url + "/{repo_id}/resolve/{revision}/{filename}")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(cache / "token"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    # It waits longer from try to try.
    monkeypatch.setattr("time.sleep", lambda seconds: None)

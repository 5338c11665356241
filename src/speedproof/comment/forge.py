"""GitHub's REST interface, as little of it as a comment needs, with the standard library.

Requests go to one address and follow no redirection, so that the token goes nowhere else. What may pass by itself is
tried again a few times.
"""

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from email.message import Message
from functools import partial
from typing import IO, Any
from urllib.parse import urlencode, urlsplit

from speedproof.clock import pause
from speedproof.errors import BadInput, SpeedproofError

LIMIT_S = 30.0
"""Seconds that one answer may take."""
MOST_TRIES = 4
FIRST_PAUSE_S, LONGEST_PAUSE_S = 2.0, 60.0
"""Seconds between two tries, doubled each time; where the forge asks for more than the longest, it is given up."""
MOST_BYTES = 2**24
"""Size of an answer: a hundred comments of the largest size are less than half of it."""
PER_PAGE, MOST_PAGES = 100, 100
"""GitHub's own largest page, and as many of them as a pull request of ten thousand comments has."""
BUSY = frozenset({429, 500, 502, 503, 504})
"""Statuses that pass by themselves."""
LOOPBACK = ("127.0.0.1", "::1", "localhost")
WHAT_NEXT = {
    401: "Expected a token in GITHUB_TOKEN that is valid: github-token of the action",
    403: "Expected a token that may write: 'permissions: pull-requests: write' in the workflow that comments",
    404: "Expected a token that sees this repository, and GITHUB_REPOSITORY as OWNER/NAME",
}


class ForgeFailed(SpeedproofError):
    """The forge did not do what it was asked."""


class ForgeBusy(ForgeFailed):
    """It did not this time; asking again may help. `after_s` is how long the forge asks one to wait, if it says so."""

    def __init__(self, message: str, after_s: float | None = None) -> None:
        super().__init__(message)
        self.after_s = after_s


class _NoRedirection(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *asked: Any) -> None:
        return None


@dataclass(frozen=True)
class Forge:
    """One repository, seen through the REST interface at `address`."""

    address: str
    repository: str
    token: str

    def __post_init__(self) -> None:
        parts = urlsplit(self.address)
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
            raise BadInput(f"GITHUB_API_URL {self.address!r} is no https address. Expected https://api.github.com.")

    def pages(self, path: str, **query: str) -> Iterator[Any]:
        """Every item of a list, page by page. Raises ForgeFailed."""
        for page in range(1, MOST_PAGES + 1):
            words = urlencode({**query, "per_page": PER_PAGE, "page": page})
            found = self.patiently(partial(self.ask, "GET", f"{path}?{words}"))
            if not isinstance(found, list):
                raise ForgeFailed(f"The forge's answer about {path} is no list. Expected GitHub's REST interface.")
            yield from found
            if len(found) < PER_PAGE:
                return

    def patiently(self, asked: Callable[[], Any]) -> Any:
        """What is asked, some more times where the forge is busy. Raises ForgeFailed."""
        for n in range(MOST_TRIES):
            try:
                return asked()
            except ForgeBusy as busy:
                wait_s = busy.after_s if busy.after_s is not None else FIRST_PAUSE_S * 2**n
                if n == MOST_TRIES - 1 or wait_s > LONGEST_PAUSE_S:
                    raise ForgeFailed(
                        f"{busy} Tried {n + 1} times. Expected it to pass: run this job again later."
                    ) from None
                pause(wait_s)
        raise AssertionError("the last try ends it")

    def ask(self, method: str, path: str, body: Mapping[str, str] | None = None) -> Any:
        """One request about the repository. Raises ForgeFailed, or ForgeBusy where it may be asked again."""
        where = f"{method} /repos/{self.repository}{path.partition('?')[0]}"
        request = urllib.request.Request(
            f"{self.address.rstrip('/')}/repos/{self.repository}{path}",
            data=json.dumps(body).encode() if body is not None else None,
            headers={
                "Accept": "application/vnd.github+json",
                "Authorization": f"Bearer {self.token}",
                "Content-Type": "application/json",
                "User-Agent": "speedproof",
                "X-GitHub-Api-Version": "2022-11-28",
            },
            method=method,
        )
        try:
            with urllib.request.build_opener(_NoRedirection).open(request, timeout=LIMIT_S) as answer:
                return _read(answer, where)
        except urllib.error.HTTPError as error:
            with error:
                raise _failure(error, where) from None
        except (OSError, http.client.HTTPException) as error:
            raise ForgeBusy(f"{where}: no answer ({type(error).__name__}).") from None


def _read(answer: IO[bytes], where: str) -> Any:
    content = answer.read(MOST_BYTES + 1)
    try:
        if len(content) > MOST_BYTES:
            raise ValueError
        return json.loads(content)
    except (ValueError, RecursionError):
        raise ForgeFailed(
            f"{where}: the answer is no JSON of a usual size. Expected GitHub's REST interface."
        ) from None


def _failure(error: urllib.error.HTTPError, where: str) -> ForgeFailed:
    after_s = _after_s(error.headers)
    limited = error.code in (403, 429) and (after_s is not None or error.headers.get("x-ratelimit-remaining") == "0")
    if limited and after_s is None:
        # The limit of an hour: the forge tells when it ends, which is no wait for a job.
        return ForgeFailed(f"{where}: the rate limit is used up. Expected to be asked later: run this job again.")
    if limited or error.code in BUSY:
        return ForgeBusy(f"{where}: status {error.code}.", after_s)
    what_next = WHAT_NEXT.get(error.code, "Expected GitHub's REST interface at GITHUB_API_URL")
    return ForgeFailed(f"{where}: status {error.code}. {what_next}.")


def _after_s(headers: Message) -> float | None:
    text = headers.get("retry-after", "") or ""
    return float(text) if text.isdecimal() else None

"""Where a comment goes: the pull request that the forge itself names by the measured commit, and our comment there.

Nothing of the measuring job's file is asked. A commit that is no longer a pull request's head gets no comment, since
the next run has it.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from speedproof.errors import BadInput

from .body import MARKER, Run
from .forge import Forge, ForgeFailed

AUTHOR = "github-actions[bot]"
"""The account that a workflow's own token writes as. Nobody else can have a name with brackets."""
REPOSITORY = re.compile(r"[A-Za-z0-9][\w-]*/(?!\.\.?$)[\w.-]+", re.ASCII)
T = TypeVar("T", bound=BaseModel)
Commit = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40}$")]


class _Seen(BaseModel):
    """What the forge says, as far as it is read here."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class _Account(_Seen):
    login: str


class _Repository(_Seen):
    full_name: str
    owner: _Account


class MeasuringRun(_Seen):
    """The run that measured, as the event tells it that the forge itself writes."""

    event: str
    head_sha: Commit
    head_branch: str | None = None
    head_repository: _Repository | None = None
    """None where the fork is gone."""
    html_url: str = ""

    @property
    def shown(self) -> Run:
        """What a comment shows of it."""
        url = self.html_url
        return Run(self.head_sha, url if re.fullmatch(r"https?://[\w.:/-]+", url, re.ASCII) else "")


class _Event(_Seen):
    workflow_run: MeasuringRun


class _Head(_Seen):
    sha: str
    repo: _Repository | None = None


class _Base(_Seen):
    repo: _Repository


class _Pull(_Seen):
    number: int
    state: str
    head: _Head
    base: _Base


class _Comment(_Seen):
    id: int
    body: str | None = None
    user: _Account | None = None

    @property
    def is_ours(self) -> bool:
        """Whether the workflow's account wrote it, and this program: anybody can write the marker."""
        return bool(self.user and self.user.login == AUTHOR and (self.body or "").startswith(MARKER))


@dataclass(frozen=True)
class Placed:
    """Where a comment went, or why nowhere."""

    words: str
    done: bool


def event_run(path: str) -> MeasuringRun:
    """The measuring run, from the event that started this workflow. Raises BadInput."""
    try:
        return _Event.model_validate_json(Path(path).read_bytes()).workflow_run
    except (OSError, ValidationError):
        raise BadInput(
            f"GITHUB_EVENT_PATH {path!r} holds no event of a workflow's run. Expected a workflow on 'workflow_run', "
            "or --show, which posts nothing."
        ) from None


def forge_of_environment() -> Forge:
    """The forge that this workflow runs at. Raises BadInput."""
    given = {name: os.environ.get(name, "") for name in ("GITHUB_API_URL", "GITHUB_REPOSITORY", "GITHUB_TOKEN")}
    if missing := [name for name, value in given.items() if not value]:
        raise BadInput(f"{missing[0]} is not set. Expected a step of a workflow, or --show, which posts nothing.")
    if not REPOSITORY.fullmatch(given["GITHUB_REPOSITORY"]):
        raise BadInput(f"GITHUB_REPOSITORY {given['GITHUB_REPOSITORY']!r} is no repository. Expected OWNER/NAME.")
    return Forge(given["GITHUB_API_URL"], given["GITHUB_REPOSITORY"], given["GITHUB_TOKEN"])


def placed(forge: Forge, run: MeasuringRun, text: str) -> Placed:
    """Puts the comment where it belongs, in place of an earlier one of ours. Raises ForgeFailed."""
    if run.event != "pull_request":
        return Placed(f"Nothing posted: the run was for {run.event!r} and no pull request.", False)
    number, why_not = _number(forge, run)
    if why_not:
        return Placed(f"Nothing posted: {why_not}.", False)

    # All of it again where the forge is busy: a comment may have been written although no answer came.
    return forge.patiently(lambda: _write(forge, number, text))


def _number(forge: Forge, run: MeasuringRun) -> tuple[int, str]:
    """The number of the one open pull request whose head was measured, or why there is none."""
    short = run.head_sha[:10]
    if run.head_repository is None or not run.head_branch:
        return 0, f"the repository or the branch that {short} was measured of is gone"
    head = f"{run.head_repository.owner.login}:{run.head_branch}"
    own = [
        pull
        for pull in _parsed(_Pull, forge.pages("/pulls", state="all", head=head))
        if pull.head.repo
        and pull.head.repo.full_name == run.head_repository.full_name
        and pull.base.repo.full_name.lower() == forge.repository.lower()
    ]
    measured = [pull for pull in own if pull.head.sha == run.head_sha]
    still_open = [pull for pull in measured if pull.state == "open"]
    if len(still_open) == 1:
        return still_open[0].number, ""
    if still_open:
        numbers = ", ".join(f"#{pull.number}" for pull in still_open)
        return 0, f"{numbers} have the same head, and the run does not say which it was for"
    if measured:
        return 0, f"pull request #{measured[0].number} is closed"
    if own:
        return 0, f"{short} is stale, no pull request's head any more; the run of the newer one will tell"
    return 0, f"no pull request has {short} for its head"


def _write(forge: Forge, number: int, text: str) -> Placed:
    comments = _parsed(_Comment, forge.pages(f"/issues/{number}/comments"))
    ours = next((one for one in comments if one.is_ours), None)
    if ours is None:
        forge.ask("POST", f"/issues/{number}/comments", {"body": text})
        return Placed(f"Posted on pull request #{number}.", True)
    if (ours.body or "").strip().replace("\r\n", "\n") == text.strip():
        return Placed(f"Pull request #{number} says so already.", True)
    forge.ask("PATCH", f"/issues/comments/{ours.id}", {"body": text})
    return Placed(f"Updated on pull request #{number}.", True)


def _parsed(model: type[T], items: Any) -> list[T]:
    try:
        return [model.model_validate(item) for item in items]
    except ValidationError:
        raise ForgeFailed(
            f"The forge's answer has no {model.__name__.strip('_').lower()} of the usual form. Expected GitHub's REST "
            "interface."
        ) from None

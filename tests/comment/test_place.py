"""Where a comment goes, tried against a stand-in of the forge on loopback: the verb as a workflow calls it."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from speedproof import cli
from speedproof.cli.project import Project
from speedproof.comment import forge as forges
from speedproof.comment.body import MARKER
from speedproof.errors import BadInput

from .made import SLOWER, row, told
from .stand_in import BOT, HEAD, REPOSITORY, TOKEN, StandIn, comment, event, pull, standing_in

FORK = "eve/engine"
Post = Callable[..., int]


@pytest.fixture
def forge() -> Iterator[StandIn]:
    with standing_in(StandIn()) as one:
        yield one


@pytest.fixture
def post(forge: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Post:
    """The verb in a workflow's environment. Its exit status."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(forges, "pause", pauses.append)
    pauses.clear()

    def called(content: str | None = None, started_by: Any = None, **variables: str) -> int:
        file, path = tmp_path / "told.json", tmp_path / "event.json"
        file.write_text(content if content is not None else told(row(time=SLOWER)).model_dump_json())
        path.write_text(json.dumps(started_by or event()))
        given = {
            "GITHUB_API_URL": forge.address,
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_TOKEN": TOKEN,
            "GITHUB_EVENT_PATH": str(path),
        }
        for name, value in {**given, **variables}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["speedproof", "comment", str(file)])
        with pytest.raises(SystemExit) as ended:
            cli.main(Project())
        return int(ended.value.code or 0)

    return called


pauses: list[float] = []


def test_the_first_run_posts_and_the_next_ones_update_in_place(forge: StandIn, post: Post) -> None:
    assert post() == 0
    (one,) = forge.comments
    assert one["body"].startswith(MARKER) and "Slower in 1 of 1" in one["body"] and HEAD[:10] in one["body"]
    assert post(told().model_dump_json()) == 0
    assert len(forge.comments) == 1 and "no action needed" in one["body"]
    assert forge.written == ["POST /issues/7/comments", f"PATCH /issues/comments/{one['id']}"]
    assert post(told().model_dump_json()) == 0
    assert len(forge.written) == 2, "the same again is not written"


def test_a_comment_on_a_later_page_is_found(forge: StandIn, post: Post) -> None:
    forge.comments = [comment(n, "chat", "ada") for n in range(250)] + [comment(999, f"{MARKER}\nold")]
    assert post() == 0
    assert forge.written == ["PATCH /issues/comments/999"]


def test_a_comment_of_another_account_is_never_written_to(forge: StandIn, post: Post) -> None:
    forge.comments = [
        comment(1, f"{MARKER}\nforged", "eve"),
        comment(2, f"{MARKER}\nforged", "github-actions"),
        comment(3, f"quoted: {MARKER}", BOT),
        {"id": 4, "body": None, "user": None},
    ]
    assert post() == 0
    assert forge.written == ["POST /issues/7/comments"]
    assert [one["body"] for one in forge.comments[:3]] == [f"{MARKER}\nforged"] * 2 + [f"quoted: {MARKER}"]


def test_a_pull_request_from_a_fork_is_found_by_its_head(forge: StandIn, post: Post) -> None:
    """Another fork, and the repository itself, may have a branch of that name."""
    forge.pulls = [pull(6), pull(8, of="mallory/engine"), pull(9, of=FORK)]
    assert post(started_by=event(of=FORK)) == 0
    assert forge.written == ["POST /issues/9/comments"]


@pytest.mark.parametrize(
    ("pulls", "started_by", "why"),
    [
        ([pull(sha="f" * 40)], event(), "is stale"),
        ([pull(state="closed")], event(), "#7 is closed"),
        ([], event(), "no pull request has 0123456789 for its head"),
        ([pull(7), pull(8)], event(), "#7, #8 have the same head"),
        ([pull(7, of="mallory/engine")], event(of=FORK), "no pull request has"),
        ([pull(7, of=None)], event(of=None), "is gone"),
        ([pull(7, of=None)], event(), "no pull request has"),
        ([pull()], event(kind="push"), "'push'"),
        ([pull(), pull(8, base={"repo": {"full_name": "x/y", "owner": {"login": "x"}}})], event(kind="push"), "'push'"),
    ],
)
def test_where_there_is_no_place_nothing_is_posted_and_the_reason_told(
    forge: StandIn, post: Post, capsys: pytest.CaptureFixture[str], pulls: Any, started_by: Any, why: str
) -> None:
    forge.pulls = pulls
    assert post(started_by=started_by) == 0
    assert not forge.written
    said = capsys.readouterr().out
    assert said.startswith("Nothing posted: ") and why in said


def test_the_number_is_never_the_files(forge: StandIn, post: Post) -> None:
    """A file that names a pull request is refused, and the comment is where the forge says."""
    content = {**json.loads(told().model_dump_json()), "number": 1}
    assert post(json.dumps(content)) == 2
    assert forge.written == ["POST /issues/7/comments"]


@pytest.mark.parametrize("content", ["<h1>@everyone</h1>", "[" * 100_000, "", '{"format": 2}', " " * 1_000_000])
def test_a_file_that_is_refused_leaves_a_comment_with_nothing_of_it(
    forge: StandIn, post: Post, capsys: pytest.CaptureFixture[str], content: str
) -> None:
    """An older comment would otherwise seem to be about this commit."""
    forge.comments = [comment(5, f"{MARKER}\nno action needed")]
    assert post(content) == 2
    assert "not judged" in forge.comments[0]["body"] and "everyone" not in forge.comments[0]["body"]
    assert "BadInput" in capsys.readouterr().err


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_forge_that_is_busy_is_asked_again(forge: StandIn, post: Post, status: int) -> None:
    forge.faults = [(status, {})] * 3
    assert post() == 0
    assert len(forge.comments) == 1 and pauses == [2.0, 4.0, 8.0]


def test_it_waits_as_long_as_it_is_told_and_no_longer_than_a_minute(
    forge: StandIn, post: Post, capsys: pytest.CaptureFixture[str]
) -> None:
    forge.faults = [(403, {"Retry-After": "7"})]
    assert post() == 0 and pauses == [7.0]
    forge.faults = [(429, {"Retry-After": "3600"})]
    assert post() == 2 and pauses[1:] == []
    assert "run this job again later" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("faults", "words"),
    [
        ([(503, {})] * 9, "Tried 4 times"),
        ([(403, {"x-ratelimit-remaining": "0"})], "rate limit is used up"),
        ([(403, {})], "pull-requests: write"),
        ([(404, {})], "GITHUB_REPOSITORY as OWNER/NAME"),
        ([(301, {"Location": "https://evil.example/"})], "status 301"),
        ([(422, {})], "status 422"),
    ],
)
def test_a_forge_that_refuses_is_one_line_and_status_two(
    forge: StandIn, post: Post, capsys: pytest.CaptureFixture[str], faults: Any, words: str
) -> None:
    forge.faults = faults
    assert post() == 2
    said = capsys.readouterr().err
    assert words in said and "ForgeFailed" in said and "Traceback" not in said
    assert TOKEN not in said and "everyone" not in said
    assert not forge.written


def test_a_comment_whose_answer_got_lost_is_not_posted_twice(forge: StandIn, post: Post) -> None:
    forge.lost = 1
    assert post() == 0
    assert len(forge.comments) == 1 and forge.written == ["POST /issues/7/comments"]


def test_a_wrong_token_is_told(forge: StandIn, post: Post, capsys: pytest.CaptureFixture[str]) -> None:
    assert post(GITHUB_TOKEN="another") == 2
    assert "status 401" in capsys.readouterr().err


def test_no_forge_at_all_is_told(post: Post, capsys: pytest.CaptureFixture[str]) -> None:
    assert post(GITHUB_API_URL="http://127.0.0.1:9") == 2
    assert "no answer" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"GITHUB_TOKEN": ""}, "GITHUB_TOKEN is not set"),
        ({"GITHUB_REPOSITORY": "../x"}, "is no repository"),
        ({"GITHUB_REPOSITORY": "a/b/c?d"}, "is no repository"),
        ({"GITHUB_API_URL": "http://evil.example"}, "no https address"),
        ({"GITHUB_EVENT_PATH": "none.json"}, "holds no event"),
    ],
)
def test_an_environment_that_is_no_workflows_is_told(
    forge: StandIn, post: Post, capsys: pytest.CaptureFixture[str], variables: dict[str, str], words: str
) -> None:
    assert post(**variables) == 2
    assert words in capsys.readouterr().err and not forge.asked


def test_an_event_with_other_things_in_it_is_refused(forge: StandIn, post: Post) -> None:
    started_by = event()
    started_by["workflow_run"]["head_sha"] = "main\n"
    assert post(started_by=started_by) == 2 and not forge.asked


def test_a_list_that_is_none_and_items_of_another_form_are_refused(forge: StandIn, post: Post) -> None:
    forge.pulls = [{"head": {"ref": "faster", "repo": None}}]
    assert post() == 2 and not forge.written


def test_a_token_goes_over_no_open_line() -> None:
    with pytest.raises(BadInput, match="no https address"):
        forges.Forge("http://api.github.com", REPOSITORY, TOKEN)

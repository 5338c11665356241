"""The verb that writes a pull request's comment, in a workflow that runs none of the pull request's code."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from speedproof.errors import BadInput

from .lines import say_line


def comment(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What a verb wrote with --pull-request.")],
    show: Annotated[bool, typer.Option("--show", help="Only print the comment.")] = False,
) -> None:
    """Write a pull request's comment from the file that the measuring job left, or update it in place.

    Which pull request it is the forge says, by the commit that was measured. The file is taken for data that anybody
    may have written: what is not of its form is refused, and its texts do nothing. For a step of a workflow on
    'workflow_run', with GITHUB_TOKEN set. Exit status: 0 posted, or told why there is nowhere to; 2 where that failed.

    Examples:
      speedproof comment speedproof.json
      speedproof comment speedproof.json --show
    """
    from speedproof.comment.body import body, could_not_read
    from speedproof.comment.told import read_told

    if show:
        sys.stdout.write(body(read_told(file)))
        return
    from speedproof.comment.place import event_run, forge_of_environment, placed

    forge, run = forge_of_environment(), event_run(os.environ.get("GITHUB_EVENT_PATH", ""))
    try:
        text, unread = body(read_told(file), run.shown), None
    except BadInput as error:
        # An older comment would otherwise stand for this commit.
        text, unread = could_not_read(run.shown), error
    say_line(placed(forge, run, text).words)
    if unread:
        raise unread

"""Colours of a terminal's blocks: a verdict is seen at a glance."""

from collections.abc import Iterator
from typing import Any

from pygments.lexers.shell import BashSessionLexer
from pygments.token import Generic, Token
from sphinx.application import Sphinx

VERDICTS = {
    "SAME ANSWER": Generic.Inserted,
    "FASTER": Generic.Inserted,
    "VALID": Generic.Inserted,
    "NOT THE SAME": Generic.Deleted,
    "NotEquivalent": Generic.Deleted,
    "WITHHELD": Generic.Deleted,
    "SLOWER": Generic.Deleted,
    "STALE": Generic.Deleted,
    "NOT JUDGED": Generic.Strong,
    "UNDECIDED": Generic.Strong,
    "BadInput": Generic.Strong,
}
"""First words of a line -> what they are shown as."""


class ConsoleLexer(BashSessionLexer):  # type: ignore[misc]
    """A terminal's session: commands as a shell's, verdicts in their colour."""

    name = "Terminal with verdicts"
    aliases = ("console",)
    filenames = ()
    priority = 1.0

    def get_tokens_unprocessed(self, text: str) -> Iterator[tuple[int, Any, str]]:
        """Every token, with the verdict at the beginning of an answer's line as one of its own."""
        for index, kind, value in super().get_tokens_unprocessed(text):
            found = next((word for word in VERDICTS if value.startswith(word)), "")
            if kind is Generic.Output and found:
                yield index, VERDICTS[found], found
                yield index + len(found), Token.Generic.Output, value[len(found) :]
            else:
                yield index, kind, value


def setup(app: Sphinx) -> dict[str, bool]:
    """What Sphinx calls."""
    app.add_lexer("console", ConsoleLexer)
    return {"parallel_read_safe": True}

"""How a page asks for what `facts` knows: a block whose name is the question."""

from collections.abc import Callable, Iterator

from docutils import nodes
from docutils.statemachine import StringList
from facts import (
    architectures,
    aspects,
    breakdown,
    bursts,
    comment,
    help_of,
    judged,
    latency,
    peers,
    real,
    reduced,
    signature_of,
    textbook,
)
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective


class _Literal(SphinxDirective):
    """A block of text that the code gives for one word."""

    required_arguments = 1
    language = "text"
    text: Callable[[str], str]

    def run(self) -> list[nodes.Node]:
        text = type(self).text(self.arguments[0])
        return [nodes.literal_block(text, text, language=self.language)]


class Help(_Literal):
    """```{help} check```: the help of a verb."""

    text = staticmethod(help_of)


class Signature(_Literal):
    """```{signature} check```: how a public name is called."""

    language = "python"
    text = staticmethod(signature_of)


class _Written(SphinxDirective):
    """Markdown that the code gives."""

    def run(self) -> list[nodes.Node]:
        inside = nodes.container()
        inside.document = self.state.document
        self.state.nested_parse(StringList(list(self.lines()), source="facts.py"), 0, inside, match_titles=True)
        return inside.children

    def lines(self) -> Iterator[str]:
        """The text, line by line."""
        raise NotImplementedError


def _written(told: Callable[[], Iterator[str]]) -> type[_Written]:
    """The directive that writes what a function above tells."""
    return type(told.__name__.capitalize(), (_Written,), {"lines": lambda self: told()})


class Aspects(_Written):
    """```{aspects}```: what a call must leave as it was."""

    def lines(self) -> Iterator[str]:
        found = aspects()
        yield f"In every process: {', '.join(found['everywhere'])}."
        yield ""
        yield f"Where the pair uses torch, these too: {', '.join(found['torch'])}."


class Comment(_Written):
    """```{comment}```: a pull request's comment, as GitHub shows it."""

    def lines(self) -> Iterator[str]:
        yield from ("````{admonition} github-actions bot", "", *comment(), "````")


class Textbook(_Written):
    """```{textbook}```: the table of rewrites, a section a topic."""

    def lines(self) -> Iterator[str]:
        for topic, rows in textbook():
            yield from ("", f"## {topic.capitalize()}", "", "| verdict | rewrite | why |", "|---|---|---|")
            for reference, candidate, is_right, why in rows:
                verdict = "same" if is_right else "**refused**"
                yield f"| {verdict} | `{candidate}` of `{reference}` | {why.replace('|', '&#124;')} |"


class Count(SphinxDirective):
    """```{count}```: how many rewrites there are."""

    def run(self) -> list[nodes.Node]:
        rows = [row for _, rows in textbook() for row in rows]
        n_right = sum(is_right for _, _, is_right, _ in rows)
        text = f"There are {len(rows)} of them: {n_right} right, {len(rows) - n_right} wrong. {judged()}"
        return [nodes.paragraph(text, text)]


def setup(app: Sphinx) -> dict[str, bool]:
    """What Sphinx calls."""
    directives: dict[str, type[SphinxDirective]] = {
        "help": Help,
        "signature": Signature,
        "aspects": Aspects,
        "textbook": Textbook,
        "latency": _written(latency),
        "peers": _written(peers),
        "breakdown": _written(breakdown),
        "architectures": _written(architectures),
        "reduced": _written(reduced),
        "real": _written(real),
        "bursts": _written(bursts),
        "comment": Comment,
        "count": Count,
    }
    for name, directive in directives.items():
        app.add_directive(name, directive)
    return {"parallel_read_safe": True}

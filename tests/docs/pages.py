"""The pages of the documentation, as what they say can be done: files, commands, notebook cells and examples.

`python -m tests.docs.pages` does all of it, and writes what came out into the pages where they say something else.
"""

import doctest
import json
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from speedproof.report.figure import NULL_DIFFERS, ONE_OF_MANY
from speedproof.timing.method import ALL_PAIRS_WANTED

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = tuple(sorted(path for path in DOCS.rglob("*.md") if "_build" not in path.parts))
SEED = "--seed 7"
"""Every check of a page starts from it, unless the page names one: its inputs are then the same each time."""
BUDGET = "--budget-s 1"
"""What a page measures, it measures for as long as this."""
IN_THE_CLONE = "% In the clone."
"""Stands above a block whose commands are given in the repository."""
FENCE = re.compile(
    r"^```(?P<directive>\{[\w-]+\} ?)?(?P<language>[\w-]*)\n(?P<options>(?::\w+: [^\n]*\n)*)(?P<body>.*?)^```$",
    re.M | re.S,
)
WILD = "..."
"""On a line of its own: any lines. In a line: anything."""
OF_THE_MOMENT = re.compile(r", \d+ left$|^  machine  |^  meanwhile  ")
"""Lines about the progress or the state of the machine, which no page shows."""
MASKS = tuple(
    (re.compile(pattern), mask)
    for pattern, mask in (
        (r"--seed \d+|seed=\d+", "SEED"),
        (r"/\S*/(?=[\w.-]+)", ""),
        (r"[\d.,]+ (ns|µs|ms|s)\b|\d[\d.]*s\b", "TIME"),
        (r"[\d.,]+x", "FACTOR"),
        (r"\[[\d.]+, [\d.]+\]", "INTERVAL"),
        (r"^(FASTER|SLOWER|UNDECIDED): ", "JUDGED: "),
        (r"(INTERVAL: |\(the candidate).*", "ALIKE"),
        (r"[\d,]+ (calls|values|fresh processes)\b", r"N \1"),
        (r'("n_calls|"n_compared)": \d+', r"\1: N"),
        (r"worst error \S+", "worst error N"),
        (r"function calls .*", "WORK"),
        (r"[ \t]+$", ""),
    )
)
"""What may come out otherwise each time -> what stands for it in a comparison."""
IF_UNDECIDED = ("  would have seen", f"{'':20}{NULL_DIFFERS}", f"{'':20}{ONE_OF_MANY}")
"""How lines begin that a measurement has only where it did not decide."""
CELLS = """
import json, sys
from contextlib import redirect_stdout
from io import StringIO
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
said = []
for cell in json.load(sys.stdin):
    told = StringIO()
    with redirect_stdout(told):
        shell.run_cell(cell, store_history=True)
    said.append(told.getvalue())
print(json.dumps(said))
"""
COMMAND = """\
#!{python}
import sys

from speedproof import search_path
from speedproof.__main__ import main

if __name__ == "__main__":
    if sys.argv[1] in ("measure", "run"):
        search_path.own_code_alone()
        from speedproof.timing import runner, warmup

        runner.in_fresh_process = lambda usage, work, *given: work(*given)
        runner.SHORTEST_STRETCH_S = warmup.LONGEST_WARM_UP_S = 0.0
    main()
"""
"""The command as a page gives it, but that it takes samples in its own process and for as short as can be: what they
come to is in no comparison. As it is installed it is in `tests/test_wheel.py`; samples of a process of its own are in
`tests/own/test_command.py`."""


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    language: str
    caption: str
    body: str
    start: int
    """Where its body begins in the page."""
    in_the_clone: bool = False


def blocks(text: str) -> Iterator[Block]:
    """The blocks of a page, in its order."""
    for found in FENCE.finditer(text):
        options = dict(re.findall(r"^:(\w+): (.*)$", found["options"], re.M))
        before = text[: found.start()].rstrip().rpartition("\n")[2]
        yield Block(
            found["language"] if not found["directive"] or "code-block" in found["directive"] else "",
            options.get("caption", ""),
            found["body"],
            found.start("body"),
            before == IN_THE_CLONE,
        )


def agrees(expected: str, said: str) -> bool:
    """Whether an answer is what a page says, but for what may differ each time."""
    pattern = ""
    for line in _masked(expected):
        if line == WILD:
            pattern += r"(?:.*\n)*?"
        else:
            pattern += ".*".join(map(re.escape, line.split(WILD))) + r"\n"
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in _masked(said))) is not None


def _masked(text: str) -> list[str]:
    lines = shown(text).splitlines()
    for pattern, mask in MASKS:
        lines = [pattern.sub(mask, line) for line in lines]
    # No test depends on a time, so neither on what the clock decides.
    return [line for line in lines if not line.startswith(IF_UNDECIDED)]


def shown(text: str) -> str:
    """What of an answer stands in a page."""
    lines = [line for line in text.strip("\n").splitlines() if not OF_THE_MOMENT.search(line)]
    return "".join(f"{line.rstrip()}\n" for line in lines)


Told = Callable[[Block, str, str, str], None]
"""Is told of each answer: the block, the command or cell, what the page says, and what was said."""


class Reading:
    """A page that is done as it says, in a folder of its own."""

    def __init__(self, page: Path, folder: Path, told: Told) -> None:
        self.text, self.told = page.read_text(encoding="utf-8"), told
        self.page, self.folder = page, folder / "here"
        self.folder.mkdir()
        command = folder / "bin" / "speedproof"
        command.parent.mkdir()
        command.write_text(COMMAND.format(python=sys.executable), encoding="utf-8")
        command.chmod(0o755)
        self.status = 0
        known = {name: value for name, value in os.environ.items() if not name.startswith(("SPEEDPROOF_", "PYTEST"))}
        self.variables = known | {
            "PATH": os.pathsep.join((str(command.parent), str(Path(sys.executable).parent), os.environ["PATH"])),
            "SPEEDPROOF_CACHE": str(folder / "cache"),
            # Beside other tests hardly a pair is undisturbed.
            ALL_PAIRS_WANTED: "1",
            "IPYTHONDIR": str(folder / "ipython"),
            "OMP_NUM_THREADS": "1",
            "COLUMNS": "80",
            **{f"GIT_{who}_{what}": "a@b.example" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
        }
        self.in_the_clone = {"SPEEDPROOF_RESULTS": str(folder / "results")}

    def through(self) -> None:
        """Does everything in the page's order."""
        found = list(blocks(self.text))
        self._cells([block for block in found if block.language in ("ipython3", "text")])
        self._examples("\n".join(block.body for block in found if block.language == "pycon"))
        for block in found:
            if block.caption:
                (self.folder / block.caption).write_text(block.body, encoding="utf-8")
            if block.language == "python":
                compile(block.body, f"{self.page.name}: {block.caption or 'a block'}", "exec")
            elif block.language == "toml":
                tomllib.loads(block.body)
            elif block.language == "console":
                self._commands(block)

    def _commands(self, block: Block) -> None:
        for part in re.split(r"^\$ ", block.body, flags=re.M)[1:]:
            command, _, expected = part.partition("\n")
            asked = f"(exit {self.status}); {asked_again(command)}"
            done = subprocess.run(
                ["bash", "-c", asked],
                cwd=ROOT if block.in_the_clone else self.folder,
                env=self.variables | (self.in_the_clone if block.in_the_clone else {}),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            self.status = done.returncode
            self.told(block, command, expected, done.stdout.replace(f"{self.folder}/", ""))

    def _cells(self, found: list[Block]) -> None:
        cells = [block for block in found if block.language == "ipython3"]
        if not cells:
            return
        asked = json.dumps(
            [re.sub(r"^(%+speedproof check .*)$", rf"\1 {SEED}", cell.body, flags=re.M) for cell in cells]
        )
        done = subprocess.run(
            [sys.executable, "-c", CELLS],
            cwd=self.folder,
            env=self.variables,
            input=asked,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        for cell, said in zip(cells, json.loads(done.stdout.splitlines()[-1]), strict=True):
            after = found[found.index(cell) + 1 :][:1]
            answer = after[0] if after and after[0].language == "text" else Block("text", "", "", 0)
            self.told(answer, cell.body, answer.body, said)

    def _examples(self, text: str) -> None:
        if not text:
            return
        test = doctest.DocTestParser().get_doctest(text, {}, self.page.name, str(self.page), 0)
        said: list[str] = []
        runner = doctest.DocTestRunner(verbose=False, optionflags=doctest.ELLIPSIS)
        runner.run(test, out=said.append)
        assert not runner.failures, "".join(said)


def asked_again(command: str) -> str:
    """A command with what makes it the same each time, and short."""
    if re.match(r"speedproof check ", command) and "--seed" not in command and "text_batching" not in command:
        return re.sub(r"speedproof check( [^>]*[^> ])", rf"speedproof check\1 {SEED}", command)
    return re.sub(r"^speedproof (measure|run) (.*)$", rf"speedproof \1 \2 {BUDGET}", command)


def rewritten(page: Path, folder: Path) -> str:
    """The page with the answers that came out now, where it has others. One that leaves something out is a person's."""
    changes: list[tuple[int, str, str]] = []

    def told(block: Block, command: str, expected: str, said: str) -> None:
        if agrees(expected, said):
            return
        assert not re.search(rf"(^|\s){re.escape(WILD)}(\s|$)", expected), f"{page.name}: {command}\n{said}"
        start = block.start + (
            block.body.index(f"$ {command}\n") + len(f"$ {command}\n") if block.language == "console" else 0
        )
        changes.append((start, expected, shown(said)))

    reading = Reading(page, folder, told)
    reading.through()
    text = reading.text
    for start, old, new in sorted(changes, reverse=True):
        text = text[:start] + new + text[start + len(old) :]
    return text


if __name__ == "__main__":
    for one in PAGES:
        with tempfile.TemporaryDirectory() as place:
            one.write_text(rewritten(one, Path(place)), encoding="utf-8")

"""What the documentation says is so: its commands do what it shows, its links lead somewhere, its lists are whole."""

import json
import re
import subprocess
import sys
import tomllib
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

import speedproof
from speedproof.cli.shown.own import Found, pair_as_json
from speedproof.gate.rules import RULES
from tests.browser import opened

from .pages import DOCS, PAGES, ROOT, Block, Reading, agrees, blocks

WITH_COMMANDS = [page for page in PAGES if re.search(r"^```(console|ipython3|pycon)$", page.read_text(), re.M)]
FETCHED = {"img": "src", "script": "src", "link": "href", "source": "src", "iframe": "src"}
"""Tag -> what of it a browser fetches unasked."""


@pytest.mark.parametrize("page", WITH_COMMANDS, ids=lambda page: page.stem)
def test_a_page_shows_what_its_commands_say(page: Path, tmp_path: Path) -> None:
    def told(block: Block, command: str, expected: str, said: str) -> None:
        assert agrees(expected, said), f"{command}\n--- the page says\n{expected}--- but it was\n{said}"

    Reading(page, tmp_path, told).through()


def test_another_answer_is_noticed() -> None:
    page = "SAME ANSWER: f gives what g gives.\n  asked   38 calls, up to size 1,000\n"
    assert agrees(page, page.replace("38", "40"))
    assert not agrees(page, page.replace("SAME ANSWER", "NOT THE SAME"))
    assert not agrees(page, f"{page}  not asked  size 1,000\n")
    assert agrees("FASTER: f takes 2 s\n", "UNDECIDED: f takes 3 s\n  would have seen   a change of 9%\n")
    assert agrees("...\nrows 1 to ... differ\n", "a\nb\nrows 1 to 70 differ\n")
    assert not agrees("...\nrows 1 to ... differ\n", "a\nb\nrows 2 to 70 differ\n")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages, built as `make docs` builds them."""
    folder = tmp_path_factory.mktemp("docs")
    command = [sys.executable, "-m", "sphinx", "--fail-on-warning", "--quiet", str(DOCS), str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


class Seen(HTMLParser):
    """What a page leads to, what it has fetched, and the places in it that have a name."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.names: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.names.add(given.get("id") or "")
        if tag == "a":
            self.links.append(given.get("href") or "")
        elif tag in FETCHED:
            self.fetched.append(given.get(FETCHED[tag]) or "")


def test_links_lead_somewhere_and_nothing_is_fetched_from_elsewhere(built: Path) -> None:
    pages = {path: Seen(path.read_text(encoding="utf-8")) for path in built.rglob("*.html")}
    assert len(pages) > len(PAGES)
    for path, seen in pages.items():
        assert not [address for address in seen.fetched if urlsplit(address).netloc]
        for link in map(urlsplit, seen.links):
            if link.scheme or link.netloc:
                continue
            target = (path.parent / unquote(link.path)).resolve() if link.path else path
            assert target.is_file(), f"{path.name} leads to {link.path}"
            if target.suffix == ".html" and link.fragment:
                assert unquote(link.fragment) in pages[target].names, f"{path.name} leads to {link.geturl()}"


def test_pages_fit_a_narrow_screen(built: Path) -> None:
    with opened() as (page, asked, faults):
        page.set_viewport_size({"width": 390, "height": 800})
        for path in PAGES:
            page.goto((built / path.relative_to(DOCS)).with_suffix(".html").as_uri())
            assert page.evaluate("document.documentElement.scrollWidth") <= 390, path.name
    assert not asked
    assert not faults


def test_the_table_of_rewrites_is_the_textbook(built: Path) -> None:
    from speedproof_studies.textbook import ENTRIES

    rows = re.findall(r"<tr.*?</tr>", (built / "textbook.html").read_text(encoding="utf-8"), re.S)
    told = [re.findall(r"<td>(.*?)</td>", row, re.S) for row in rows if "<td>" in row]
    found = {re.sub(r"<.*?>", "", row[1]).split()[0]: "same" in row[0] for row in told}
    assert found == {entry.name: entry.right for entry in ENTRIES}


def test_every_public_name_has_a_section_with_an_example() -> None:
    text = (DOCS / "reference" / "python.md").read_text(encoding="utf-8")
    sections = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", text, re.M | re.S))
    assert sections.keys() == set(speedproof.__all__)
    assert all("```pycon" in section for section in sections.values())


def _first_column(heading: str) -> list[str]:
    """The names in the first column of the table below a heading."""
    text = (DOCS / "reference" / "files.md").read_text(encoding="utf-8")
    section = text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    cells = re.findall(r"^\| (.*?) \|", section, re.M)[1:]
    return [name for cell in cells for name in re.findall(r"`([^`]+)`", cell)]


def test_the_rules_that_are_listed_are_the_gates() -> None:
    assert set(_first_column("Rules")) <= RULES.keys()


def test_every_field_of_json_is_listed() -> None:
    listed = {*_first_column("JSON")}
    text = (DOCS / "reference" / "files.md").read_text(encoding="utf-8")
    (block,) = (one for one in blocks(text) if "--json\n" in one.body)
    refused = json.loads(block.body.partition("\n")[2])
    checked = speedproof.check(sorted, sorted, {"iterable": [2, 1]})
    passed = pair_as_json(checked.pair, Found(checked.certificate))
    assert refused.keys() | passed.keys() | {"measured"} == listed


def test_the_variables_that_are_listed_are_read() -> None:
    code = "".join(path.read_text() for path in (ROOT / "src" / "speedproof").glob("*.py"))
    listed = [name for name in _first_column("Environment variables") if name.isupper()]
    assert listed
    assert all(f'"{name}"' in code for name in listed)


def test_what_is_to_be_installed_is_the_projects() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    for page in PAGES:
        for block in blocks(page.read_text(encoding="utf-8")):
            if block.language in ("shell", "bash", "sh"):
                found = re.fullmatch(r'pip install (?:-e )?"?\.(?:\[(\w+)\])?"?\n', block.body)
                assert found, block.body
                assert found[1] is None or found[1] in extras

"""The page in a browser: it opens alone, draws what it is asked for, keeps no one out, and runs nobody's markup."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from bench.findings import FINDINGS
from speedproof.environment import Environment
from speedproof.records.record import Ledger, read
from speedproof.report import report as reports
from speedproof_studies.kinds import KINDS
from speedproof_studies.sections import SECTIONS
from tests.made_up import HOSTILE, made_up
from tests.reporting import build

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FOUND = next(filter(None, map(shutil.which, BROWSERS)), None)
pytestmark = pytest.mark.skipif(FOUND is None, reason=f"none of {', '.join(BROWSERS)} is installed")

WIDE, NARROW = ViewportSize(width=1280, height=720), ViewportSize(width=360, height=740)
LARGEST_BYTES = 8_000_000
PASS_ALL = """async () => {
  for (const canvas of document.querySelectorAll(".canvas")) {
    canvas.scrollIntoView({block: "center", behavior: "instant"});
    for (let n = 0; n < 300 && !canvas.querySelector(".main-svg"); n++) await new Promise(requestAnimationFrame);
  }
}"""
"""What is far from the screen is drawn when it comes near, so all of it is made to."""
ONE_OF_EACH = """() => {
  const of = element => [...element.attributes].map(one => /class|style/.test(one.name) ? one.value : one.name);
  for (const body of document.querySelectorAll("tbody")) {
    const seen = new Set();
    for (const row of body.children) {
      const kind = [row, ...row.querySelectorAll("*")].map(element => [element.tagName, of(element)]).join();
      row.hidden = seen.has(kind);
      seen.add(kind);
    }
  }
}"""
"""Of rows of a table that are alike in all but their text, axe is shown the first: it looks at each for long."""
ALL_AGAIN = "() => document.querySelectorAll('tbody tr').forEach(row => { row.hidden = false })"
DRAWN = "canvas => canvas.querySelectorAll('.main-svg').length > 0"


@dataclass
class Opened:
    """A page as a reader has it before them, and what it did besides."""

    page: Page
    requests: list[str] = field(default_factory=list)
    console: list[str] = field(default_factory=list)

    def open_all(self) -> None:
        """Opens every part and waits until every plot is drawn."""
        self.page.get_by_role("button", name="Open all").click()
        self.page.evaluate(PASS_ALL)

    def drawn(self) -> list[bool]:
        """Of every plot whether it is drawn."""
        return [bool(one) for one in self.page.locator(".canvas").evaluate_all(f"all => all.map({DRAWN})")]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=FOUND, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def written(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of the committed records, with made-up sides and studies besides, one of them of a hostile name."""
    built = build(made_up(hostile(read(published / "results", KINDS)), HOSTILE), sections=SECTIONS)
    return reports.write(built, tmp_path_factory.mktemp("page"))[-1]


def hostile(ledger: Ledger) -> Ledger:
    """The same records from a machine of a hostile name."""

    def renamed(environment: Environment) -> Environment:
        return environment.model_copy(update={"processor": HOSTILE})

    records = [one.model_copy(update={"environment": renamed(one.environment)}) for one in ledger.records]
    return Ledger(tuple(records), ledger.problems)


@contextmanager
def as_read(browser: Browser, written: Path) -> Iterator[Opened]:
    context = browser.new_context(viewport=WIDE, color_scheme="light", reduced_motion="reduce")
    one = Opened(context.new_page())
    one.page.on("request", lambda request: one.requests.append(request.url))
    one.page.on("console", lambda message: one.console.append(message.text))
    one.page.on("pageerror", lambda error: one.console.append(str(error)))
    one.page.goto(written.as_uri())
    yield one
    context.close()


@pytest.fixture
def opened(browser: Browser, written: Path) -> Iterator[Opened]:
    """A page that nobody has read yet."""
    with as_read(browser, written) as one:
        yield one


@pytest.fixture(scope="module")
def leafed(browser: Browser, written: Path) -> Iterator[Opened]:
    """A page for tests that leave its parts as they were, and take it in whatever place and with whatever plots."""
    with as_read(browser, written) as one:
        yield one


@pytest.fixture(scope="module")
def spread(browser: Browser, written: Path) -> Iterator[Opened]:
    """A page of which every part is opened and every plot drawn, for tests that only look at it."""
    with as_read(browser, written) as one:
        one.open_all()
        yield one


def test_the_page_opens_alone_and_says_nothing_on_the_console(spread: Opened, written: Path) -> None:
    drawn = spread.drawn()
    assert all(drawn) and len(drawn) > 20
    assert spread.requests == [written.as_uri()] and spread.console == []
    assert written.stat().st_size < LARGEST_BYTES


def test_a_request_and_a_word_on_the_console_would_be_seen(opened: Opened) -> None:
    opened.page.evaluate("fetch('https://example.org/').catch(() => console.log('refused'))")
    opened.page.wait_for_timeout(200)
    assert any("example.org" in line for line in opened.requests + opened.console)
    assert any("Content Security Policy" in line for line in opened.console) and "refused" in opened.console[-1]


def test_a_script_that_gets_into_the_page_is_not_run(opened: Opened) -> None:
    opened.page.evaluate(
        "const s = document.createElement('script'); s.textContent = 'window.ran = 1'; document.body.append(s)"
    )
    assert opened.page.evaluate("window.ran") is None


def test_a_plot_is_drawn_when_its_part_is_opened_and_the_library_not_before_it_is_needed(opened: Opened) -> None:
    page = opened.page
    assert page.evaluate("typeof Plotly") == "undefined" and not any(opened.drawn())
    # A ladder whose rungs all changed since has no figures, and no plot.
    first, *others = page.locator("[id^=plot-ladder-]").all()
    part = page.locator(".ladder", has=first)
    part.locator("summary").first.click()
    first.locator(".main-svg").first.wait_for()
    assert page.evaluate("typeof Plotly.react") == "function"
    assert others and not any(other.evaluate(DRAWN) for other in others)


def test_the_contents_lead_to_every_finding_and_section(leafed: Opened) -> None:
    links = leafed.page.locator("nav a").all()
    targets = [str(link.get_attribute("href")) for link in links]
    assert {"#verdicts", "#gate", "#noise", "#sides", "#power", "#machine", "#words"} <= set(targets)
    assert sum(leafed.page.locator(f"article{target}").count() for target in targets) == len(FINDINGS)
    for link, target in zip(links, targets, strict=True):
        link.click()
        leafed.page.wait_for_function(
            "id => Math.abs(document.getElementById(id).getBoundingClientRect().top) < innerHeight", arg=target[1:]
        )


def test_what_moved_between_two_sides_is_told_with_the_line_that_calls_it(spread: Opened, published: Path) -> None:
    row = spread.page.locator("#sides tr", has_text="aten::mm").first
    assert row.is_visible() and "1 to 3" in row.inner_text() and "500 µs to 1.70 ms" in row.inner_text()
    assert f"{HOSTILE}.py:7 in call" in row.inner_text()
    text = reports.render(build(made_up(read(published / "results", KINDS))), "report.md")
    assert "| `aten::mm` | 1 to 3 | 500 µs to 1.70 ms | transformer-lens==3.0.0.py:7 in call |" in text


def test_hovering_shows_the_numbers_of_the_record(leafed: Opened, published: Path) -> None:
    row = build(read(published / "results", KINDS)).rows[0]
    canvas = leafed.page.locator("#plot-intervals-text_batching")
    canvas.scroll_into_view_if_needed()
    canvas.locator(".points path").first.hover(force=True)
    leafed.page.locator(".hovertext").first.wait_for()
    shown = leafed.page.locator(".hovertext").first.text_content() or ""
    assert row.figure.words in shown and row.pair.name in shown


def test_the_filter_leaves_what_fits_and_says_how_much_that_is(leafed: Opened) -> None:
    page = leafed.page
    for wanted, names in (("autograd", ["grad_mode"]), ("check_sae_cached", ["sae_cache"]), ("no such", [])):
        page.get_by_label("Filter the findings").fill(wanted)
        shown = [card.get_attribute("id") for card in page.locator("article").all() if card.is_visible()]
        assert shown == names
        assert page.get_by_role("status").text_content() == f"{len(names)} of {len(FINDINGS)} findings shown"
        assert page.locator("table.claims tbody tr:visible").count() == len(names)
    page.get_by_label("Filter the findings").fill("")
    assert page.locator("article:visible").count() == len(FINDINGS) and page.get_by_role("status").text_content() == ""


def test_dark_and_light_reach_the_plots_even_while_the_page_is_open(leafed: Opened) -> None:
    page, canvas = leafed.page, leafed.page.locator("#plot-intervals-text_batching")
    canvas.scroll_into_view_if_needed()
    canvas.locator(".main-svg").first.wait_for()
    ink = "document.querySelector('#plot-intervals-text_batching .xtitle').style.fill"
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ink), page.evaluate(ground)
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(f"() => {ink} !== '{light[0]}'")
    assert page.evaluate(ground) != light[1]
    page.emulate_media(color_scheme="light")
    page.wait_for_function(f"() => {ink} === '{light[0]}'")


def test_a_narrow_screen_needs_no_sideways_scrolling(opened: Opened) -> None:
    opened.page.set_viewport_size(NARROW)
    opened.open_all()
    width = "document.documentElement.scrollWidth"
    assert opened.page.evaluate(width) == NARROW["width"]
    opened.page.evaluate("document.querySelector('h1').style.width = '900px'")
    assert opened.page.evaluate(width) > NARROW["width"]


def test_printing_opens_and_draws_everything_and_leaves_the_page_as_it_was(opened: Opened) -> None:
    page = opened.page
    page.evaluate(
        "addEventListener('beforeprint', () => { window.opened = document.querySelectorAll('details[open]').length })"
    )
    before = page.locator("details[open]").count()
    assert page.pdf(page_ranges="1")[:5] == b"%PDF-"
    assert page.evaluate("window.opened") == page.locator("details").count() > before
    assert all(opened.drawn()) and page.locator("details[open]").count() == before


def test_hostile_names_are_shown_and_not_run(spread: Opened) -> None:
    page = spread.page
    assert page.title() == "speedproof: claims of faster code, checked"
    assert page.locator("main img, .canvas a").count() == 0
    # A heat map is an image, but one that the page has made itself.
    images = [image.get_attribute("href") or "" for image in page.locator(".canvas image").all()]
    assert all(address.startswith("data:image/png;") for address in images)
    assert HOSTILE in (page.locator("#machine td").first.text_content() or "")
    for where in ("#plot-matrix-1 .xtick", "#plot-power-quiet .ytick", "#plot-planted .annotation-text"):
        shown = [text.replace("\xa0", " ") for text in page.locator(where).all_text_contents()]
        assert any(text.startswith(HOSTILE) for text in shown), where


def test_the_keyboard_reaches_the_report_and_opens_its_parts(opened: Opened) -> None:
    page = opened.page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the report"
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.activeElement.id === 'main'")
    summary = page.locator("#text_batching .part > summary").first
    summary.focus()
    page.keyboard.press("Enter")
    assert summary.evaluate("summary => summary.parentElement.open")


def test_every_plot_says_what_it_shows_and_stands_beside_a_table(leafed: Opened) -> None:
    told = """all => all.map(canvas => [
      canvas.getAttribute("aria-label") || "",
      canvas.getAttribute("role"),
      !!canvas.closest("details.part, .card, section").querySelector(".numbers table"),
    ])"""
    for label, role, has_table in leafed.page.locator(".canvas").evaluate_all(told):
        assert len(label) > 30 and role == "img" and has_table


def test_axe_finds_nothing_that_keeps_anyone_out(spread: Opened) -> None:
    spread.page.evaluate(ONE_OF_EACH)
    told = Axe().run(spread.page)
    spread.page.evaluate(ALL_AGAIN)
    assert told.violations_count == 0, told.generate_report()
    assert {"color-contrast", "heading-order", "label"} <= {passed["id"] for passed in told.response["passes"]}


def test_axe_finds_enough_contrast_in_the_dark(opened: Opened) -> None:
    opened.page.emulate_media(color_scheme="dark")
    told = Axe().run(opened.page, options={"runOnly": ["color-contrast"]})
    assert told.violations_count == 0, told.generate_report()


def test_axe_finds_what_does(opened: Opened) -> None:
    opened.page.evaluate("document.querySelector('main').append(document.createElement('img'))")
    faint = "table.claims tbody tr:last-child td:last-child"
    opened.page.evaluate(f"document.querySelector('{faint}').style.color = '#eee'")
    opened.page.evaluate(ONE_OF_EACH)
    told = Axe().run(opened.page, options={"runOnly": ["image-alt", "color-contrast"]})
    found = {one["id"]: one for one in told.response["violations"]}
    assert "image-alt" in found and len(found["color-contrast"]["nodes"]) == 1

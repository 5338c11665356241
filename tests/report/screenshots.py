"""The README's pictures of the committed page: `python -m tests.report.screenshots` takes them anew.

Beside them stands the sitting that they show, which a test holds against the report's.
"""

from pathlib import Path

from speedproof.records.record import read
from speedproof_studies.kinds import KINDS
from tests.browser import opened
from tests.reporting import build
from tests.walls import ROOT

REPORT = ROOT / "results/report"
PICTURES = REPORT / "screenshots"
SHOWN = PICTURES / "sitting.txt"
SETTLED_MS = 2_000


def sitting_shown(results: Path) -> str:
    """The sitting whose figures the report of these records shows."""
    shown = build(read(results, KINDS)).sitting
    return shown.name if shown else ""


def take() -> None:
    """All three, of the page as it lies there."""
    with opened() as (page, *_):
        for name, width, height, scheme in (
            ("claims", 1280, 1090, "light"),
            ("narrow", 390, 844, "light"),
            ("card-dark", 1280, 1420, "dark"),
        ):
            page.set_viewport_size({"width": width, "height": height})
            page.emulate_media(color_scheme=scheme)
            page.goto((REPORT / "index.html").as_uri())
            if name == "card-dark":
                card = page.locator("article#text_batching")
                card.locator("summary", has_text="Which change bought what").first.click()
                card.evaluate("card => card.scrollIntoView()")
            page.wait_for_timeout(SETTLED_MS)
            page.screenshot(path=PICTURES / f"{name}.png")
    SHOWN.write_text(f"{sitting_shown(ROOT / 'results')}\n", encoding="utf-8")


if __name__ == "__main__":
    take()

"""Rendering: templates filled in, the page with its style and scripts inside it, and a policy that admits no other."""

import hashlib
import math
from base64 import b64encode
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from speedproof.report.operators import N_SHOWN
from speedproof.report.sweep import WORDS
from speedproof.timing.estimate import MARGIN
from speedproof.timing.method import ERROR_RATE
from speedproof.wording import cell, digits, in_percent, memory, moved, seconds, some

from .axis import along
from .conclusion import conclusion, outcome, overall
from .operators import icicle_plot
from .sides import matrix_plot
from .sittings import null_plot
from .work import quantity

TEMPLATES = Path(__file__).with_name("templates")
FILTERS = {
    "seconds": seconds,
    "digits": digits,
    "cell": cell,
    "bytes": memory,
    "exp": math.exp,
    "moved": moved,
    "some": some,
}
GLOBALS: dict[str, Any] = {
    "ERROR_RATE": ERROR_RATE,
    "MARGIN": in_percent(MARGIN),
    "x": along,
    "words": WORDS,
    "conclusion": conclusion,
    "outcome": outcome,
    "overall": overall,
    "quantity": quantity,
    "null_plot": null_plot,
    "matrix_plot": matrix_plot,
    "icicle_plot": icicle_plot,
    "shown": N_SHOWN,
}


def fill(name: str, folders: Mapping[str, Path] | None = None, **shown: Any) -> str:
    """One of the templates with what it shows; a page escapes all text, Markdown what the template says.

    It may include a template `NAME/FILE` of the `folders` of that name.
    """
    # Whoever only asks what the records say needs no templates.
    from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PrefixLoader, StrictUndefined

    is_page = name.endswith(".html")
    named = {name: FileSystemLoader(folder) for name, folder in (folders or {}).items()}
    templates = Environment(
        loader=ChoiceLoader([FileSystemLoader(TEMPLATES), PrefixLoader(named)]),
        undefined=StrictUndefined,
        autoescape=is_page,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    templates.filters |= FILTERS
    inlined = _inlined() if is_page else {}
    return templates.get_template(name).render(**shown, **GLOBALS, **inlined)


def plotly() -> str:
    """Plotly's script. To import the library that brings it would take a second."""
    return files("plotly").joinpath("package_data/plotly.min.js").read_text(encoding="utf-8")


@cache
def _inlined() -> dict[str, Any]:
    """Style, script and library as they stand in the page, and the policy that knows both scripts by their hashes."""
    from markupsafe import Markup

    style, script = ((TEMPLATES / name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    # A browser reads every line end as \n, and hashes what it has read.
    library = "\n".join(plotly().splitlines()).replace("</script", "<\\/script")
    hashes = " ".join(f"'sha256-{_sha256(text)}'" for text in (script, library))
    policy = (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
        "form-action 'none'"
    )
    inlined = {"style": style, "script": script, "library": library, "policy": policy}
    return {name: Markup(text) for name, text in inlined.items()}


def _sha256(text: str) -> str:
    return b64encode(hashlib.sha256(text.encode()).digest()).decode()

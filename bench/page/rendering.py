"""Rendering: templates filled in, the page with its style and scripts inside it, and a policy that admits no other."""

import hashlib
import math
from base64 import b64encode
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment as Templates
from jinja2 import FileSystemLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from ..looks import ERROR_RATE
from ..operators import N_SHOWN
from ..studies.plots import detection_plot, power_plots
from ..studies.power.rates import pooled_rows, power_rows
from ..studies.rewrites.rate import again
from ..sweep import WORDS
from ..wording import cell, figure, memory, moved, seconds, speedup
from .axis import along
from .conclusion import overall
from .icicles import icicle_plot
from .matrices import matrix_plot
from .sittings import null_plot
from .work import quantity

TEMPLATES = Path(__file__).parent.parent / "templates"
FILTERS = {
    "seconds": seconds,
    "figure": figure,
    "speedup": speedup,
    "cell": cell,
    "bytes": memory,
    "exp": math.exp,
    "moved": moved,
}
GLOBALS: dict[str, Any] = {
    "ERROR_RATE": ERROR_RATE,
    "x": along,
    "words": WORDS,
    "again": again,
    "overall": overall,
    "quantity": quantity,
    "null_plot": null_plot,
    "matrix_plot": matrix_plot,
    "pooled_rows": pooled_rows,
    "power_rows": power_rows,
    "power_plots": power_plots,
    "detection_plot": detection_plot,
    "icicle_plot": icicle_plot,
    "shown": N_SHOWN,
}


def fill(name: str, **shown: Any) -> str:
    """One of the templates with what it shows; a page escapes all text, Markdown what the template says."""
    is_page = name.endswith(".html")
    templates = Templates(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        autoescape=is_page,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    templates.filters |= FILTERS
    inlined = _inlined() if is_page else {}
    return templates.get_template(name).render(**shown, **GLOBALS, **inlined)


@cache
def _inlined() -> dict[str, Markup]:
    """Style, script and library as they stand in the page, and the policy that knows both scripts by their hashes."""
    style, script = ((TEMPLATES / name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    # A browser reads every line end as \n, and hashes what it has read.
    library = "\n".join(get_plotlyjs().splitlines()).replace("</script", "<\\/script")
    hashes = " ".join(f"'sha256-{_sha256(text)}'" for text in (script, library))
    policy = (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
        "form-action 'none'"
    )
    inlined = {"style": style, "script": script, "library": library, "policy": policy}
    return {name: Markup(text) for name, text in inlined.items()}


def _sha256(text: str) -> str:
    return b64encode(hashlib.sha256(text.encode()).digest()).decode()

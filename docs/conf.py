"""How the pages are built: `make docs`."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
# What reads the pages' facts out of the code, and the textbook, which is not installed.
sys.path[:0] = [str(HERE), str(HERE.parent / "src")]

from facts import numbers  # noqa: E402

project = "speedproof"
html_title = "speedproof"
extensions = ["myst_parser", "directives", "console"]
exclude_patterns = ["_build"]
nitpicky = True

myst_enable_extensions = ["colon_fence", "substitution"]
myst_heading_anchors = 3
myst_substitutions = numbers()

html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["speedproof.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_copyright = False
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "monokai"

"""Texts at hand, for training SAEs: this project's own documents, and what Python's standard library says of itself."""

import ast
import sysconfig
from collections.abc import Iterator
from pathlib import Path

from speedproof.folders import ROOT

SHORTEST = 200
"""Characters below which a text says too little."""
DOCUMENTS = ("*.md", "docs/**/*.md", "src/speedproof/**/*.md", "impl_*/*.py", "bench/**/*.py")
"""This project's, in its folder."""


def texts() -> Iterator[str]:
    """The documents, then modules of the standard library: what they document, and the code of every fourth."""
    for pattern in DOCUMENTS:
        yield from (path.read_text(encoding="utf-8") for path in sorted(ROOT.glob(pattern)))
    for number, path in enumerate(sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py"))):
        source = path.read_text(encoding="utf-8", errors="replace")
        yield source if number % 4 == 0 else "\n\n".join(_documented(source))


def _documented(source: str) -> Iterator[str]:
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            if len(said := ast.get_docstring(node) or "") >= SHORTEST:
                yield said

"""Files of measuring jobs, made up: what rows say is chosen by each test."""

from typing import Any

from speedproof.comment.told import Moved, Row, Spot, Timed, Told

BASE = "89abcdef0123456789abcdef0123456789abcdef"
SLOWER = Timed(says="slower", factor=2.34, low=1.88, high=2.9)
UNDECIDED = Timed(says="undecided", factor=0.97, low=0.83, high=1.14, would_have_shown=0.2)
MORE = Moved(counter="forward_passes", before=3, after=4, stops=True)
CLONE = Spot(operator="aten::clone", before=12, after=24, line="components/unembed.py:31")


def row(name: str = "extract_features, batched", **more: Any) -> Row:
    return Row(**{"finding": "text_batching", "name": name, "answers": "same", **more})


def told(*rows: Row, **more: Any) -> Told:
    return Told(**{"asked": "commits", "before": BASE, "n_cores": 2, "rows": rows or (row(),), **more})

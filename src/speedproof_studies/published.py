"""What is published of the studies: how often identical code is called different, for a comment's last line.

`python -m speedproof_studies.published` writes it from the committed records.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from speedproof.folders import ROOT
from speedproof.records.record import Record, read

from .kinds import KINDS, Planted, Powered
from .proportion import clopper_pearson

FILE = Path("src/speedproof/comment/rates.json")
OURS, RULE = "speedproof", "confirmed"
"""The tool and the rule of the power study that a comparison of two sides goes by."""
IDENTICAL = "none, timed"
"""The plant of the study of two sides that changes nothing, and is timed."""


def rate_of(records: Sequence[Record]) -> dict[str, Any]:
    """False alarms on identical code by the study that has most trials of it."""
    alarms: dict[str, list[tuple[bool, int]]] = {"power": [], "planted": []}
    newest = next((_rule(one.body) for one in reversed(records) if _is_ours(one.body)), "")
    for one in records:
        body, n_cores = one.body, one.environment.n_cores
        if isinstance(body, Planted) and body.plant == IDENTICAL:
            alarms["planted"].append((body.found, n_cores))
        elif _is_ours(body) and isinstance(body, Powered) and _rule(body) == newest and not body.injected:
            alarms["power"].append((body.alarms[RULE], n_cores))
    study, told = max(alarms.items(), key=lambda one: len(one[1]))
    n_false = sum(alarm for alarm, _ in told)
    low, high = clopper_pearson(n_false, len(told))
    return {
        "study": study,
        "n_false": n_false,
        "n_trials": len(told),
        "low": round(low, 5),
        "high": round(high, 5),
        "n_cores": sorted({n_cores for _, n_cores in told}),
    }


def _is_ours(body: Any) -> bool:
    return isinstance(body, Powered) and body.tool == OURS and RULE in body.alarms


def _rule(body: Any) -> str:
    """By which rule a trial was sampled and estimated: trials are added up under one alone."""
    return str(getattr(body, "rule", ""))


def text(results: Path) -> str:
    """The file's text, of the records in a folder."""
    return json.dumps(rate_of(read(results, KINDS).records), indent=1) + "\n"


if __name__ == "__main__":
    (ROOT / FILE).write_text(text(ROOT / "results"), encoding="utf-8")

"""Tables of records for other tools: one flat row a record, or one a raw sample."""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from speedproof.errors import BadInput, RecordProblem
from speedproof.timing.launches import probes_of

from .kinds import Measured
from .record import Record

if TYPE_CHECKING:
    import pandas as pd

FORMATS = ("table", "csv", "parquet", "json")
"""What a table can be written as; parquet needs a file."""
LONGEST_CELL = 60
"""Letters of a cell that a table for reading shows; the other forms keep it whole."""


def record_rows(records: Sequence[Record]) -> "pd.DataFrame":
    """One row a record: what it is about, where it was taken, and what its body says or its samples come to.

    Seconds are per call. Columns that none of the records fills are left out.
    """
    return _frame([{**_common(record), **_said(record.body)} for record in records])


def sample_rows(records: Sequence[Record]) -> "pd.DataFrame":
    """One row a raw sample of every measurement, in the order taken: which process, pair and side, seconds per call."""
    rows = (row for record in records if isinstance(record.body, Measured) for row in _samples(record, record.body))
    return _frame(list(rows))


def rendered(frame: "pd.DataFrame", form: str) -> str:
    """The table as text: `table`, `csv` or `json`. Raises BadInput."""
    if form == "table":
        return "\n".join(map(_for_reading, _by_kind(frame)))
    if form == "csv":
        return str(frame.to_csv(index=False, lineterminator="\n"))
    if form == "json":
        return str(frame.to_json(orient="records", force_ascii=False, indent=2, double_precision=15)) + "\n"
    if form == "parquet":
        raise BadInput("--format parquet is no text. Expected a file to write it to: add --output FILE.parquet.")
    raise BadInput(f"Unknown format {form!r}. Expected one of: {', '.join(FORMATS)}.")


def write_table(frame: "pd.DataFrame", form: str, path: Path) -> None:
    """Writes the table to a file. Raises BadInput, RecordProblem."""
    text = "" if form == "parquet" else rendered(frame, form)
    try:
        if form == "parquet":
            frame.to_parquet(path, index=False, engine="pyarrow")
        else:
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise RecordProblem(
            f"Cannot write {path}: {error.strerror or error}. Expected a file in a writable folder with free space. "
            "The records are untouched; give another --output."
        ) from error


def _by_kind(frame: "pd.DataFrame") -> "list[pd.DataFrame]":
    """Records of each kind by themselves, with the columns that they fill: no two kinds say the same."""
    if "kind" not in frame.columns:
        return [frame]
    return [part.dropna(axis="columns", how="all") for _, part in frame.groupby("kind", sort=False)]


def _for_reading(frame: "pd.DataFrame") -> str:
    """What is the same in all rows is said once, above them."""
    if not len(frame):
        return "no records\n"
    same = [name for name in frame.columns if len(frame) > 1 and frame[name].nunique(dropna=False) == 1]
    above = "".join(f"{name}: {frame[name].iloc[0]}\n" for name in same)
    rows = frame.drop(columns=same).to_string(index=False, na_rep="", max_colwidth=LONGEST_CELL)
    return f"{above}\n{rows}\n" if same else f"{rows}\n"


def _frame(rows: list[dict[str, Any]]) -> "pd.DataFrame":
    import pandas as pd

    return pd.DataFrame(rows).dropna(axis="columns", how="all").convert_dtypes()


def _common(record: Record) -> dict[str, Any]:
    about = record.workload
    return {
        "sitting": record.sitting,
        "written": record.written,
        "kind": record.kind,
        "finding": record.finding or None,
        "function": record.function or None,
        "workload": about.name if about else None,
        "subject": about.subject if about else None,
        "n_items": about.n_items if about else None,
        "commit": record.environment.commit,
        "dirty": record.environment.dirty,
        "machine": record.environment.machine,
        "python": record.environment.python,
        **{name.replace("-", "_"): version for name, version in record.environment.versions.items()},
    }


def _said(body: Any) -> dict[str, Any]:
    """What a body says beyond what it is about. A kind that is not known here gives its plain fields."""
    row = _flat({name: getattr(body, name) for name in type(body).model_fields}, ("kind", "finding", "function"))
    certificate = getattr(body, "certificate", None)
    if certificate is not None:
        row |= {
            "twin": certificate.twin,
            "n_compared": certificate.candidate.n_compared,
            "worst_error": certificate.candidate.worst_errors.get("element"),
            "allowed_error": certificate.allowed.get("element"),
        }
    return row | (_figures(body) if isinstance(body, Measured) else {})


def _flat(fields: Mapping[str, Any], known: Sequence[str], before: str = "") -> dict[str, Any]:
    """Plain values by name; a mapping of plain values as `field_key`. Anything deeper is left to the JSON lines."""
    row: dict[str, Any] = {}
    for name, value in fields.items():
        if name not in known and isinstance(value, str | int | float):
            row[before + name] = value
        elif isinstance(value, Mapping) and not before and name != "sources":
            row |= _flat(value, (), f"{name}_")
    return row


def _figures(body: Measured) -> dict[str, Any]:
    """What the samples come to; no interval where there are too few processes for one."""
    compared = body.comparison
    low, high = compared.interval if compared.has_interval else (math.nan, math.nan)
    n_pairs = sum(launch.n_pairs for launch in body.launches)
    seconds = {"baseline_s": compared.baseline_s, "contender_s": compared.contender_s}
    counts = {"n_launches": len(body.launches), "n_pairs": n_pairs, "n_disturbed_pairs": compared.n_disturbed}
    return {"speedup": compared.speedup, "interval_low": low, "interval_high": high, **seconds, **counts}


def _samples(record: Record, body: Measured) -> Iterator[dict[str, Any]]:
    names = ("sitting", "finding", "function", "workload", "subject", "machine")
    common = {name: value for name, value in _common(record).items() if name in names}
    probes = probes_of(body.launches)
    for n_launch, launch in enumerate(body.launches, start=1):
        is_slow = launch.slow(probes)
        for n_pair, baseline_first in enumerate(launch.baseline_first, start=1):
            for side, samples in enumerate((launch.baseline_s, launch.contender_s)):
                yield {
                    **common,
                    "null": body.null,
                    "launch": n_launch,
                    "seed": launch.seed,
                    "pair": n_pair,
                    "arm": body.arms[side],
                    "taken_first": baseline_first == (side == 0),
                    "seconds": samples[n_pair - 1],
                    "n_calls": launch.n_calls[side],
                    "disturbed_by": launch.disturbances[n_pair - 1],
                    "slow_phase": is_slow[n_pair - 1],
                    **{name: values[n_pair - 1] for name, values in launch.seen[side].items()},
                }

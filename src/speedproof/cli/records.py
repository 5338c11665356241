"""The verb that shows records as a table."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from speedproof.errors import BadInput
from speedproof.folders import RESULTS
from speedproof.pairs.finding import named
from speedproof.report.otava import histories, write_histories
from speedproof.wording import some

from .lines import warn_line
from .options import Results, all_findings, read_records


def records(
    context: typer.Context,
    kind: Annotated[str | None, typer.Option(help="What the record says, such as measured or counted.")] = None,
    finding: Annotated[str | None, typer.Option(help="Name or number.")] = None,
    workload: Annotated[str | None, typer.Option(help="Name of the workload.")] = None,
    subject: Annotated[str | None, typer.Option(help="Name of the subject.")] = None,
    sitting: Annotated[str | None, typer.Option(help="Name of the sitting, or: newest.")] = None,
    since: Annotated[str | None, typer.Option(help="Date, or date and time with zone; UTC without one.")] = None,
    samples: Annotated[bool, typer.Option("--samples", help="One row a raw sample, not one a record.")] = False,
    form: Annotated[str, typer.Option("--format", help="table, csv, parquet or json.")] = "table",
    otava: Annotated[Path | None, typer.Option(help="Folder to write the histories to, for Apache Otava.")] = None,
    output: Annotated[Path | None, typer.Option(help="File to write in place of standard output.")] = None,
    results: Results = RESULTS,
) -> None:
    """Show what was recorded as a table, for a look or for another tool.

    Examples:
      python -m bench records --kind measured
      python -m bench records --samples --finding text_batching --format parquet --output samples.parquet
      python -m bench records --workload report --otava results/otava
    """
    ledger = read_records(context, results)
    if sitting == "newest":
        sitting = ledger.records[-1].sitting if ledger.records else None
    name = named(all_findings(context), finding).name if finding else None
    chosen = ledger.filter(kind, name, workload, subject, sitting, _moment(since)).records
    if otava:
        found = histories(chosen, ledger.records)
        warn_line(f"{some(len(found), 'history')} in {write_histories(found, otava)}")
        return
    # It brings pandas along.
    from speedproof.records.table import record_rows, rendered, sample_rows, write_table

    frame = sample_rows(chosen) if samples else record_rows(chosen)
    if output:
        write_table(frame, form, output)
        warn_line(f"{some(len(frame), 'row')} in {output}")
    else:
        sys.stdout.write(rendered(frame, form))


def _moment(text: str | None) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text) if text else None
    except ValueError as error:
        raise BadInput(
            f"--since {text!r} is no date. Expected one such as 2026-11-23 or 2026-11-23T18:00:00+00:00."
        ) from error
    return moment if moment is None or moment.tzinfo else moment.replace(tzinfo=UTC)

"""The verb that writes TensorBoard's view of the records: dashboards."""

from typing import Annotated

import typer

from .. import report as reports
from .. import terminal
from ..dashboards import write_dashboards
from ..folders import RESULTS
from .options import AsJson, Results, SubjectName, app, read_records


@app.command()
def dashboards(
    workload: Annotated[str, typer.Option(help="Workload that the cards tell of.")] = "report",
    subject: SubjectName = None,
    results: Results = RESULTS,
    as_json: AsJson = False,
) -> None:
    """Write what the records say for TensorBoard, beside the traces: scalars, hyperparameters, cards.

    Example: make tensorboard, which calls this and then serves on 127.0.0.1
    """
    folder = write_dashboards(reports.build(read_records(results), workload, subject=subject), results / "traces")
    if as_json:
        terminal.print_json({"folder": str(folder)})
    else:
        terminal.say_line(f"Dashboards under {folder}. To see them: make tensorboard")

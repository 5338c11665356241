"""The verb that writes TensorBoard's view of the records: dashboards."""

from typing import Annotated

import typer

from speedproof.folders import RESULTS
from speedproof.report import report as reports

from .lines import print_json, say_line
from .options import AsJson, Results, SubjectName, all_findings, read_records


def dashboards(
    context: typer.Context,
    workload: Annotated[str, typer.Option(help="Workload that the cards tell of.")] = "report",
    subject: SubjectName = None,
    results: Results = RESULTS,
    as_json: AsJson = False,
) -> None:
    """Write what the records say for TensorBoard, beside the traces: scalars, hyperparameters, cards.

    Example: make tensorboard, which calls this and then serves on 127.0.0.1
    """
    # TensorBoard writes with torch, which no other view needs.
    from speedproof.report.tensorboard import write_dashboards

    built = reports.build(all_findings(context), read_records(context, results), workload, subject)
    folder = write_dashboards(built, results / "traces")
    if as_json:
        print_json({"folder": str(folder)})
    else:
        say_line(f"Dashboards under {folder}. To see them: make tensorboard")

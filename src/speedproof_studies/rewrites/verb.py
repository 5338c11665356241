"""The verb of the gate's other side: rewrites."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer
from rich.table import Table

from bench.rewrites import require_rewritten
from speedproof.cli.lines import out, print_json, say_line
from speedproof.cli.options import AsJson, Names, Results, all_findings, chosen_findings, open_sitting
from speedproof.cli.progress import progress
from speedproof.folders import RESULTS

from .rate import Rejection, again, merged, overall
from .session import default_trials, rewritten_findings, shares, show_rewrites

Trials = Annotated[int | None, typer.Option(min=1, help="Trials, shared among the findings. 1,000 on tiny, else 30.")]
FirstSeed = Annotated[int | None, typer.Option(help="Seed of the first trial; the i-th after it has a seed i larger.")]


def rewrites(
    context: typer.Context,
    names: Names = None,
    trials: Trials = None,
    subject: Annotated[str, typer.Option(help="tiny or gpt2-small-shape.")] = "tiny",
    seed: FirstSeed = None,
    results: Results = RESULTS,
    as_json: AsJson = False,
) -> None:
    """Show the gate functions that are right in many ways; it must reject none.

    Examples:
      python -m bench rewrites
      python -m bench rewrites text_batching --seed 17 --trials 1
    """
    findings = rewritten_findings(all_findings(context))
    if names:
        findings = list(chosen_findings(context, names))
        for finding in findings:
            require_rewritten(finding.name)
    enough = default_trials(subject)
    sitting = open_sitting(results, seed)
    with progress() as sitting.say:
        found = [merged([body]) for body in show_rewrites(sitting, shares(findings, trials or enough), subject)]
    if as_json:
        print_json(_as_json(found, sitting.seed))
    else:
        _show(found, sitting.seed)
    raise typer.Exit(1 if any(one.rejected for one in found) else 0)


def _show(found: Sequence[Rejection], seed: int) -> None:
    """Trials of valid rewrites, every one that was rejected with the way to repeat it, and the rate."""
    table = Table("finding", "subject", "trials", "different rewrites", "rejected", "largest error / allowed")
    for one in found:
        counts = (f"{one.n_trials:,}", f"{one.n_rewrites:,}", str(len(one.rejected)))
        table.add_row(one.finding, one.subject, *counts, f"{one.closest:.2f}")
    out.print(table)
    for one in found:
        for rejected in one.rejected:
            say_line(f"REJECTED {one.finding}, seed {rejected.seed}: {rejected.reason}")
            say_line(f"  drawn: {', '.join(f'{name} {value}' for name, value in rejected.options.items())}")
            say_line(f"  again: {again(one.finding, one.subject, rejected.seed)}")
    say_line(f"Valid rewrites rejected: {overall(found).words}. Seeds from {seed} on.")


def _as_json(found: Sequence[Rejection], seed: int) -> dict[str, Any]:
    """The same as plain data."""
    total = overall(found)
    return {
        "seed": seed,
        "trials": total.n_trials,
        "rate": total.rate,
        "upper_bound_95": total.bound,
        "findings": [
            {
                "finding": one.finding,
                "subject": one.subject,
                "trials": one.n_trials,
                "different": one.n_rewrites,
                "closest": one.closest,
            }
            for one in found
        ],
        "rejected": [
            {"finding": one.finding, **rejected.model_dump(), "again": again(one.finding, one.subject, rejected.seed)}
            for one in found
            for rejected in one.rejected
        ],
    }

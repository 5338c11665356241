"""The verb of the gate's other side: rewrites."""

from typing import Annotated

import typer

from .. import terminal
from ..attempt import default_trials, rewritten_findings, shares
from ..findings import FINDINGS
from ..folders import RESULTS
from ..rejection import merged
from ..rewrites import find_family
from .options import AsJson, Names, Results, app, chosen_findings, open_sitting

Trials = Annotated[int | None, typer.Option(min=1, help="Trials, shared among the findings. 1,000 on tiny, else 30.")]
FirstSeed = Annotated[int | None, typer.Option(help="Seed of the first trial; the i-th after it has a seed i larger.")]


@app.command()
def rewrites(
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
    findings = [find_family(f).finding for f in chosen_findings(names)] if names else rewritten_findings(FINDINGS)
    enough = default_trials(subject)
    sitting = open_sitting(results, seed)
    with terminal.progress() as sitting.say:
        found = [merged([body]) for body in sitting.rewrite(shares(findings, trials or enough), subject)]
    if as_json:
        terminal.print_json(terminal.rejections_as_json(found, sitting.seed))
    else:
        terminal.show_rejections(found, sitting.seed)
    raise typer.Exit(1 if any(one.rejected for one in found) else 0)

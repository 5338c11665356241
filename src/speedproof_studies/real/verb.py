"""The verb that brings a real pretrained subject: fetch."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from speedproof.cli.lines import print_json, say_line
from speedproof.cli.options import AsJson, Results, open_sitting
from speedproof.cli.progress import progress
from speedproof.digest import file_digest
from speedproof.errors import unknown
from speedproof.folders import RESULTS
from speedproof.lens.pretrained.apis import MADE, named
from speedproof.lens.pretrained.model_files import SAE_WEIGHTS, SAES
from speedproof_studies.kinds import Trained

from .rows import how_good, newest


def fetch(
    name: Annotated[str, typer.Argument(help="Which one.")] = next(iter(MADE)),
    again: Annotated[bool, typer.Option("--again", help="Even where it is there already.")] = False,
    results: Results = RESULTS,
    as_json: AsJson = False,
) -> None:
    """Put a real pretrained model into the cache, and train small SAEs on it: a download of 98 MB, then minutes.

    What is there already stays. How good the SAEs are is recorded. Then: --subject smollm2-135m.

    Example: python -m bench fetch smollm2-135m
    """
    from .fetch import fetch_model
    from .train import HOW_GOOD, Training, train_saes

    if name not in MADE:
        raise unknown("model to fetch", name, list(MADE))
    folder = named(name).folder
    with progress() as say:
        if again or not (folder / "config.json").is_file():
            fetch_model(folder, say)
        if len([*folder.glob(f"{SAES}/*/{HOW_GOOD}")]) < len(Training().layers):
            train_saes(folder, say)
    told = newest(open_sitting(results, None).keep(_trained(name, folder)))
    if as_json:
        print_json([one.model_dump() for one in told])
        return
    for one in told:
        say_line(how_good(one))
    say_line(f"Ask: python -m bench check --subject {name}")


def _trained(name: str, folder: Path) -> Iterator[Trained]:
    """What was noted of each SAE when it was trained."""
    from .train import HOW_GOOD

    for path in sorted(folder.glob(f"{SAES}/*/{HOW_GOOD}")):
        weights = file_digest(path.with_name(SAE_WEIGHTS), path.with_name("cfg.json"))
        noted = json.loads(path.read_text(encoding="utf-8"))
        yield Trained(subject=name, sae=path.parent.name, weights=weights, **noted)

"""The verb that brings a real pretrained subject: fetch."""

import json
from typing import Annotated

import typer

from speedproof.cli.lines import print_json, say_line
from speedproof.cli.options import AsJson
from speedproof.cli.progress import progress
from speedproof.errors import unknown
from speedproof.lens.pretrained.apis import MADE, named
from speedproof.lens.pretrained.model_files import SAES


def fetch(
    name: Annotated[str, typer.Argument(help="Which one.")] = next(iter(MADE)),
    again: Annotated[bool, typer.Option("--again", help="Even where it is there already.")] = False,
    as_json: AsJson = False,
) -> None:
    """Put a real pretrained model into the cache, and train small SAEs on it: a download of 98 MB, then minutes.

    What is there already stays. Then: --subject smollm2-135m.

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
    told = {
        path.parent.name: json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(folder.glob(f"{SAES}/*/{HOW_GOOD}"))
    }
    if as_json:
        print_json([{"sae": sae, **how_good} for sae, how_good in told.items()])
        return
    for sae, one in told.items():
        say_line(
            f"{sae}: loss {one['loss_as_it_is']:.2f}, {one['loss_reconstructed']:.2f} with the SAE in place, "
            f"{one['loss_zeros']:.2f} with zeros: {one['recovered']:.1%} recovered. {one['l0']:.0f} features fire."
        )
    say_line(f"Ask: python -m bench check --subject {name}")

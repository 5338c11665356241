"""In a notebook: `%load_ext speedproof`, then `%speedproof check slow fast --inputs make`, of functions in cells."""

import argparse
import shlex
from typing import TYPE_CHECKING, Any, NoReturn

from speedproof.errors import BadInput, SpeedproofError
from speedproof.own.asking import check

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise BadInput(f"%speedproof: {message}. Expected: %speedproof check REFERENCE CANDIDATE [--inputs NAME]")


def load_ipython_extension(shell: "InteractiveShell") -> None:
    """What `%load_ext speedproof` calls: `%speedproof` on a line, `%%speedproof` over a cell that defines something."""

    def speedproof(line: str, cell: str | None = None) -> None:
        try:
            if cell is not None:
                shell.run_cell(cell).raise_error()
            print(told(line, shell.user_ns))  # noqa: T201
        except SpeedproofError as error:
            print(f"{type(error).__name__}: {error}")  # noqa: T201

    shell.register_magic_function(speedproof, "line_cell", "speedproof")


def told(line: str, names: dict[str, Any]) -> str:
    """The card of a check that a line asks for, of functions that go by names.

    Raises:
        NotEquivalent: they do not give the same answer.
        BadInput: the line cannot be read, or names something that is not there.
    """
    parser = _Parser(prog="%speedproof", add_help=False, exit_on_error=False)
    parser.add_argument("verb", choices=["check"])
    parser.add_argument("reference")
    parser.add_argument("candidate")
    parser.add_argument("--inputs")
    parser.add_argument("--faults", type=int, default=60)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--budget-s", type=float, default=60.0)
    try:
        asked = parser.parse_args(shlex.split(line))
    except (argparse.ArgumentError, ValueError) as error:
        raise BadInput(
            f"%speedproof: {error}. Expected: %speedproof check REFERENCE CANDIDATE [--inputs NAME]"
        ) from error
    found = [_named(name, names) for name in (asked.reference, asked.candidate, asked.inputs)]
    checked = check(*found, budget_s=asked.budget_s, faults=asked.faults, seed=asked.seed)
    lines = [f"SAME ANSWER: {asked.candidate} gives what {asked.reference} gives: {checked}."]
    if checked.faults:
        lines += [f"  would pass unseen: {one}" for one in checked.faults.unseen]
    return "\n".join(lines)


def _named(name: str | None, names: dict[str, Any]) -> Any:
    if name is None or ":" in name:
        return name
    if name not in names:
        raise BadInput(
            f"%speedproof: nothing here is called {name!r}. Expected a name of this notebook, or FILE.py:NAME."
        )
    return names[name]

"""Survivors: mutants that no probe noticed. Each needs a reason, which is committed beside this file."""

import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from speedproof.errors import BadInput
from speedproof_studies.kinds import Survived

from .mutants import Mutant

FILE = Path(__file__).with_name("survivors.toml")

KINDS = {
    "equivalent": "no answer can change",
    "speed": "only the speed or the memory changes",
    "message": "only words for a reader change",
    "outside": "only answers change that no definition gives, or gives wrongly",
    "elsewhere": "a test or another rule notices it; `also` names it",
    "slack": "a bound gets a little wider or narrower, and no known function lies between",
}
"""Why a survivor may live. What does not fit is a gap: it needs a control, a workload or a fix."""

Key = tuple[str, str, str, str]


@dataclass(frozen=True)
class Reason:
    """Why one mutant may survive. `also` names what else notices it: FILE::TEST, or a rule."""

    kind: str
    why: str
    also: str = ""


def read_reasons(path: Path = FILE) -> dict[Key, Reason]:
    """Reasons by the mutants' keys.

    Raises:
        BadInput: the file cannot be read, an entry lacks something, or two are about one mutant.
    """
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8")).get("survivor", [])
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadInput(f"{path.name} cannot be read: {error}. Expected TOML with [[survivor]] tables.") from error
    reasons: dict[Key, Reason] = {}
    for number, entry in enumerate(entries, start=1):
        keys = [
            (entry.get("module", ""), entry.get("function", ""), entry.get("operator", ""), line)
            for line in entry.get("lines", [])
        ]
        reason = Reason(entry.get("kind", ""), entry.get("why", ""), entry.get("also", ""))
        if not keys or reason.kind not in KINDS or not reason.why or (reason.kind == "elsewhere" and not reason.also):
            raise BadInput(
                f"{path.name}: entry {number} {entry} is not whole. Expected module, function, operator, lines, why, a "
                f"kind out of {', '.join(KINDS)}, and with 'elsewhere' also."
            )
        if known := [key for key in keys if key in reasons]:
            raise BadInput(f"{path.name}: two reasons for {known[0]}. Expected one for each mutant.")
        reasons |= dict.fromkeys(keys, reason)
    return reasons


def survived(mutant: Mutant, reasons: dict[Key, Reason]) -> Survived:
    """The survivor with its reason, or without where none is given."""
    reason = reasons.get(mutant.key, Reason("", ""))
    why = f"{reason.why} Also noticed by {reason.also}." if reason.also else reason.why
    return Survived(function=mutant.function, operator=mutant.operator, line=mutant.line, kind=reason.kind, reason=why)


def stale(
    reasons: Iterable[Key], modules: Sequence[str], existing: Iterable[Mutant], killed: Iterable[Mutant]
) -> list[str]:
    """Reasons about these modules that are not needed: their mutant does not exist any more, or is killed now."""
    today, dead = {mutant.key for mutant in existing}, {mutant.key for mutant in killed}
    gone = [f"{' '.join(key)}: no such mutant" for key in reasons if key[0] in modules and key not in today]
    return gone + [f"{' '.join(key)}: it is killed now" for key in reasons if key in dead]


def entry_for(module: str, one: Survived) -> str:
    """What to paste into the file, to be completed."""
    quoted = one.line.replace("\\", "\\\\").replace('"', '\\"')
    return (
        f'[[survivor]]\nmodule = "{module}"\nfunction = "{one.function}"\noperator = "{one.operator}"\n'
        f'lines = ["{quoted}"]\nkind = ""\nwhy = ""\n'
    )

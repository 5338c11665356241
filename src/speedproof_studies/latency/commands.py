"""The commands that a user waits for, and how long each may take."""

import sys
from dataclasses import dataclass
from pathlib import Path

from speedproof.folders import ROOT

ASKED = Path(__file__).with_name("asked")
ONE_CALL = "one call of a large NumPy pair"
CHECK_OF_IT = "speedproof check of the large NumPy pair"
MEMORY_FACTOR = 3.0
"""Times the memory of one call's process that the check's may take."""


@dataclass(frozen=True)
class Command:
    """What is asked, as a user knows it, and the words that follow the interpreter."""

    name: str
    words: tuple[str, ...]
    most_s: float | None = None
    """Seconds from the shell that it may take; None where that is no question."""


def commands(empty: Path, recorded: Path) -> tuple[Command, ...]:
    """All of them, over a results folder that holds nothing and one with records; what is written goes there."""
    starting = {
        "--help": ("--help",),
        "list": ("list",),
        "duplicates": ("duplicates", str(ROOT / "src/speedproof/cli")),
        "records": ("records", "--results", str(empty)),
        "report": ("report", "--results", str(empty)),
    }
    over_all = {verb: ("-m", "bench", verb, "--results", str(recorded)) for verb in ("records", "report")}
    return (
        Command("import speedproof", ("-c", "import speedproof"), 0.1),
        *(Command(f"python -m bench {name}", ("-m", "bench", *words), 1.0) for name, words in starting.items()),
        *(Command(f"python -m bench {verb}, all records", words) for verb, words in over_all.items()),
        Command("speedproof check of a plain Python pair", _asked("check", "plain.py", "counted"), 3.0),
        Command("speedproof check of a NumPy pair", _asked("check", "arrays.py", "centred"), 5.0),
        Command("speedproof run of a plain Python pair", _asked("run", "plain.py", "counted"), 60.0),
        Command(ONE_CALL, (str(ASKED / "arrays.py"),)),
        Command(CHECK_OF_IT, _asked("check", "arrays.py", "centred", "make_large")),
    )


def _asked(verb: str, file: str, function: str, make: str = "make") -> tuple[str, ...]:
    named = [f"{ASKED / file}:{name}" for name in (function, f"{function}_at_once")]
    return ("-m", "speedproof", verb, *named, "--inputs", f"{ASKED / file}:{make}")


def shown(words: tuple[str, ...]) -> str:
    """A command as it is typed."""
    return " ".join([Path(sys.executable).name, *words])

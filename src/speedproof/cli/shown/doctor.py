"""Whether the machine is fit to measure, a line each."""

from typing import Any

from speedproof.cli.lines import say_line
from speedproof.machine.signs import Sign, State
from speedproof.sittings.fitness import Fitness

WORDS = {
    State.GOOD: "Fit to measure.",
    State.DOUBTFUL: "Figures would be doubtful. What is above says what to do; then: {again}",
    State.FATAL: "Not everything can be measured here. What is above says what is missing.",
}


def show_fitness(found: Fitness, again: str) -> None:
    """Every sign, every finding's outlook, and the answer; `again` is what looks once more."""
    for sign in found.signs:
        say_line(sign.line)
    say_line("")
    for outlook in found.outlooks:
        say_line(outlook.line)
    if found.outlooks:
        say_line("")
    say_line(WORDS[found.state].format(again=again))


def fitness_as_json(found: Fitness) -> dict[str, Any]:
    """The same as plain data."""
    findings = [
        {
            "finding": one.finding,
            "state": one.state.value,
            "against": [_as_json(sign) for sign in one.against],
            "disturbed_by": one.disturbed_by,
        }
        for one in found.outlooks
    ]
    return {"state": found.state.value, "signs": [_as_json(sign) for sign in found.signs], "findings": findings}


def _as_json(sign: Sign) -> dict[str, str]:
    return {"about": sign.about, "state": sign.state.value, "seen": sign.seen, "advice": sign.advice}

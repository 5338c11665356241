"""Judgements: what the guard of continuous integration has against a change, in Markdown and as JUnit knows it."""

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass, field

from speedproof.records.sides import Compared

from .changes import Acceptance, Change, changes, counts_of_sides, lines_of
from .outcome import Outcome, outcomes


@dataclass
class Judgement:
    """What the guard has against the files as they are."""

    changes: list[Change] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    """Twins that give another answer, or cannot be run."""
    slower: list[str] = field(default_factory=list)
    """Changes of time that were confirmed."""
    notes: list[str] = field(default_factory=list)
    time_stops: bool = True
    """Whether a change of time stops the line; on a pull request it is advice."""
    can_accept: bool = True
    """Whether `accept` could let the changes pass: it writes for the guard, and for no comparison beside it."""

    @property
    def stops(self) -> bool:
        """Whether the line stops."""
        slower = self.slower and self.time_stops
        return bool(self.wrong or slower or any(change.stops for change in self.changes))

    @property
    def markdown(self) -> str:
        """A summary fit for a pull request's comment."""
        verdict = "stopped" if self.stops else "passed"
        lines = [f"### speedproof: {verdict}", ""]
        for title, entries in (
            ("Answers", self.wrong),
            ("Work", list(lines_of(self.changes))),
            ("Time", self.slower),
            ("Notes", self.notes),
        ):
            if entries:
                lines += [f"**{title}**", "", *(f"- {_plain(entry)}" for entry in entries), ""]
        if self.can_accept and any(change.stops for change in self.changes):
            lines += ["A change of work that is wanted: `python -m bench accept --who NAME --why REASON`", ""]
        if not (self.wrong or self.changes or self.slower):
            lines += ["Answers and work are what they were.", ""]
        return "\n".join(lines)

    @property
    def junit(self) -> str:
        """Every objection as a failed test, so that a service that knows nothing of us shows it."""
        entries = [("answers", text, True) for text in self.wrong]
        entries += [("work", change.words, change.stops) for change in self.changes]
        entries += [("time", text, self.time_stops) for text in self.slower]
        entries = entries or [("gate", "answers and work are what they were", False)]
        n_failed = sum(stops for *_, stops in entries)
        suite = ET.Element("testsuite", name="speedproof", tests=str(len(entries)), failures=str(n_failed))
        for group, text, stops in entries:
            shown = "".join(c for c in text if c.isprintable())
            case = ET.SubElement(suite, "testcase", classname=f"speedproof.{group}", name=shown.split(":")[0])
            if stops:
                ET.SubElement(case, "failure", message=shown).text = shown
        ET.indent(suite)
        return ET.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def _plain(text: str) -> str:
    """Text that Markdown shows as it is."""
    return "".join(f"\\{c}" if c in "\\`*_{}[]<>#|" else c for c in " ".join(text.split()))


def of_sides(done: Sequence[Compared], accepted: Sequence[Acceptance] | None) -> Judgement:
    """The judgement of two sides compared: before is what counts. None is accepted where nothing can be."""
    found = Judgement(changes=changes(*counts_of_sides(done), accepted or ()), can_accept=accepted is not None)
    for one in outcomes(done):
        _add(found, one)
    return found


def _add(found: Judgement, one: Outcome) -> None:
    name = f"{one.body.function}, {one.body.twin}"
    if one.body.answers is None or one.body.answers.status == "different":
        found.wrong.append(f"{name}: {one.answers}")
    elif one.body.answers.status == "rounding":
        found.notes.append(f"{name}: answers {one.answers}")
    if one.time in ("slower", "faster") and one.slowdown:
        low, high = one.slowdown.interval
        words = f"{name}: {one.time}, after / before {one.slowdown.factor:.3f} [{low:.3f}, {high:.3f}]"
        (found.slower if one.time == "slower" else found.notes).append(words)

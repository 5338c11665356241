"""Answers: what each part of a card comes to, in the line that is read before the part is opened."""

from collections.abc import Sequence

from speedproof.records.kinds import Certified, Refused
from speedproof.report.controls import Separation
from speedproof.report.ladder import Waterfall
from speedproof.report.roofline import share_words
from speedproof.report.row import Row
from speedproof.report.sweep import Sweep
from speedproof.timing.comparison import Verdict
from speedproof.wording import digits, some


def bought(fall: Waterfall) -> str:
    """The rungs whose interval excludes no change, and how many the interval leaves open."""
    figures = [(step.rung.name, step.figure) for step in fall.steps if step.figure]
    clear = [(name, one.comparison) for name, one in figures if one.verdict is Verdict.VERIFIED and one.comparison]
    told = [f"{name} {digits(comparison.speedup)}x" for name, comparison in clear]
    n_open = sum(one.verdict is Verdict.AMBIGUOUS for _, one in figures)
    left = f"{n_open} {'step' if n_open == 1 else 'steps'} too close to call" if n_open else ""
    return "; ".join(filter(None, (", ".join(told), left))) or "no rung has a figure"


def sized(swept: Sequence[Sweep]) -> str:
    """Whether the batched twin loses anywhere, over all series."""
    points = [point for sweep in swept for point in sweep.points]
    counts = {outcome: sum(p.outcome == outcome for p in points) for outcome in ("wins", "open", "loses")}
    n_timed = sum(counts.values())
    if any(sweep.void for sweep in swept):
        return next(sweep.void for sweep in swept if sweep.void)
    if counts["loses"]:
        return "; ".join(f"{sweep.series.title}: {sweep.crossover}" for sweep in swept if "loses" in sweep.crossover)
    alike = f", no difference shown at {counts['open']}" if counts["open"] else ""
    return (
        f"faster at {counts['wins']} of {n_timed} sizes{alike}, slower at none" if n_timed else "no figure at any size"
    )


def limited(rows: Sequence[Row]) -> str:
    """How far the first function's twins are from the machine's limit."""
    roof = next((row.roofline for row in rows if row.roofline), None)
    if not roof:
        return ""
    before, after = (share_words(roof, side) for side in (0, 1))
    most = digits(roof.ceiling)
    return f"the definition reaches {before} of it, the batched twin {after}; no code could gain more than {most}x"


def proven(checks: Sequence[Certified | Refused], controls: Separation) -> str:
    """Checks passed, the largest error as a share of what is allowed, and wrong functions rejected."""
    passed = [check.certificate for check in checks if isinstance(check, Certified)]
    errors = [
        c.candidate.worst_errors.get(aspect, 0.0) / allowed
        for c in passed
        for aspect, allowed in c.allowed.items()
        if allowed
    ]
    parts = [f"{len(passed)} of {len(checks)} checks passed"]
    if errors:
        parts.append(f"largest error {100 * max(errors):.0f}% of what is allowed")
    elif passed:
        parts.append("exactly the same answers")
    if controls.wrong:
        parts.append(f"{controls.n_killed} of {len(controls.wrong)} wrong functions rejected")
    return ", ".join(parts)


def sampled(rows: Sequence[Row]) -> str:
    """Processes and pairs behind the first function's figure."""
    comparison = rows[0].figure.comparison
    if not comparison:
        return "none"
    machine = f"; {comparison.machine_words}" if comparison.machine_words else ""
    return f"{some(comparison.n_pairs, 'pair')} from {some(len(comparison.launches), 'fresh process')}{machine}"

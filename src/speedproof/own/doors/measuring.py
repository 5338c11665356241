"""Timing what a test has proven: in fresh processes that find the pair by its names."""

from speedproof.errors import SpeedproofError
from speedproof.own.asking import Checked
from speedproof.own.cards import written
from speedproof.own.pair import OwnPair, name_in_file, settings
from speedproof.pairs.references import given_to
from speedproof.processes import Usage
from speedproof.timing.plan import plans_of_pairs
from speedproof.timing.runner import compared, measure
from speedproof.wording import seconds, some


def figure_of(checked: Checked, budget_s: float) -> str:
    """One line: the speed-up with its interval, and the A/A pair's beside it; or why there is none."""
    pair = checked.pair
    name = pair.name
    try:
        named = _by_name(pair)
        if named is None:
            return f"{name}: not timed, since another process could not find the functions by name."
        plans = plans_of_pairs([named.finding], [checked.certificate])
        taken = list(measure(plans, budget_s, 0, Usage()))
    except SpeedproofError as error:
        return f"{name}: not timed. {error}"
    found, null = (next((one for one in taken if one.what.null is is_null), None) for is_null in (False, True))
    if found is None or found.failure:
        return f"{name}: not timed. {found.failure if found else ''}"
    comparison = compared(found)
    beside = f"; the candidate against itself {compared(null).words}" if null and not null.failure else ""
    return (
        f"{name}: {comparison.words} (95% interval, {some(len(comparison.launches), 'process')}), "
        f"{seconds(comparison.baseline_s)} to {seconds(comparison.contender_s)}{beside}"
    )


def _by_name(pair: OwnPair) -> OwnPair | None:
    """The same pair by names alone; None where something of it has none."""
    given = [given_to(pair, "sequential"), given_to(pair, "batched"), pair.inputs_given]
    names = [one if isinstance(one, str) or one is None else name_in_file(one) for one in given]
    reference, candidate, inputs = names
    if not reference or not candidate or inputs == "" or pair.same_given not in (None, ""):
        return None
    return written(reference, candidate, {"inputs": inputs, **settings(pair)})

"""Cases in which every two levels of two factors come together: far fewer than all there are, and none by chance."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

Case = dict[str, Any]
Factors = Mapping[str, Sequence[Any]]


def pairwise_cases(factors: Factors) -> list[Case]:
    """Cases that leave nothing uncovered, the same ones each time. Each has a level of every factor.

    Where it makes no difference they have a factor's first level, which should be the one that is asked about fastest.
    """
    missing, cases = uncovered(factors, []), list[Case]()
    while missing:
        cases.append(_case(factors, missing))
        missing = [pair for pair in missing if not _has(cases[-1], pair)]
    return cases


def uncovered(factors: Factors, cases: Sequence[Case]) -> list[Case]:
    """Every two levels of two factors that no case has."""
    pairs = [
        {one: first, other: second}
        for one, other in combinations(_largest_first(factors), 2)
        for first in factors[one]
        for second in factors[other]
    ]
    return [pair for pair in pairs if not any(_has(case, pair) for case in cases)]


def _case(factors: Factors, missing: Sequence[Case]) -> Case:
    """Two levels that are missing together; then each factor's level that brings the most of what is missing."""
    case = dict(missing[0])
    for name in _largest_first(factors):
        if name not in case:
            worth = {level: _worth({**case, name: level}, name, missing) for level in factors[name]}
            case[name] = max(factors[name], key=worth.__getitem__)
    return {name: case[name] for name in factors}


def _worth(case: Case, name: str, missing: Sequence[Case]) -> tuple[int, int]:
    """How many missing pairs the level of that name completes, and how many it leaves possible."""
    own = [pair for pair in missing if name in pair and pair[name] == case[name]]
    return sum(_has(case, pair) for pair in own), sum(not pair.keys() <= case.keys() for pair in own)


def _has(case: Case, pair: Case) -> bool:
    return all(name in case and case[name] == level for name, level in pair.items())


def _largest_first(factors: Factors) -> list[str]:
    return sorted(factors, key=lambda name: -len(factors[name]))

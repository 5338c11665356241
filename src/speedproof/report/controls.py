"""How far the gate keeps what is wrong from what is right: kills, survivors, the mildest fault it was shown."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from speedproof.records.kinds import Judged


@dataclass(frozen=True)
class Separation:
    """What the gate made of the controls."""

    judged: Sequence[Judged]

    @property
    def wrong(self) -> list[Judged]:
        """Controls that are wrong on purpose."""
        return [one for one in self.judged if one.wrong]

    @property
    def n_killed(self) -> int:
        """Wrong controls that were rejected for the right reason."""
        return sum(one.as_expected for one in self.wrong)

    @property
    def survivors(self) -> list[str]:
        """Controls that were not judged as they should be."""
        return [one.control for one in self.judged if not one.as_expected]

    @property
    def mildest(self) -> Judged | None:
        """The control with the smallest error, of those that did not ask the gate for its allowance."""
        numbered = [one for one in self.wrong if one.excess is not None and not one.at_the_limit]
        return min(numbered, key=lambda one: one.excess or 0.0, default=None)

    @property
    def at_the_limit(self) -> list[Judged]:
        """Controls whose error was made from the gate's own allowance."""
        return [one for one in self.wrong if one.excess is not None and one.at_the_limit]

    @property
    def by_rule(self) -> Mapping[str, list[str]]:
        """Rule, aspect or trial -> the controls that it alone rejects."""
        found = defaultdict(list)
        for one in self.judged:
            if one.only:
                found[one.only].append(one.control)
        return dict(found)

    @property
    def lines(self) -> list[str]:
        """Kills, survivors and the separation, in words."""
        said = [f"{self.n_killed} of {len(self.wrong)} wrong functions rejected for the right reason."]
        said += [f"Judged wrongly: {', '.join(self.survivors)}."] if self.survivors else []
        if self.mildest:
            said.append(f"Separation: the mildest error is {_times(self.mildest)}.")
        if self.at_the_limit:
            said.append(f"Made from the gate's own allowance: {'; '.join(map(_times, self.at_the_limit))}.")
        return said


def _times(one: Judged) -> str:
    return f"{one.excess:,.3g} times what is allowed ({one.control})"

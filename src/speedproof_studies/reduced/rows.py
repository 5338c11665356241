"""What is shown of reduced precision: a row an arm, and what a reader must know of the rows."""

from collections.abc import Iterable, Iterator, Sequence

from speedproof.lens.least_work import MOST_MEMORY, most_bytes
from speedproof.records.base import Body
from speedproof.wording import in_percent, memory
from speedproof_studies.kinds import Reduced

HEAD = (
    *("", "fire, and should not", "silent, and should fire", "ranks moved", "by at most", "no longer among them"),
    *("largest error", "memory of a call", "by float32's rules"),
)


def newest(bodies: Iterable[Body]) -> list[Reduced]:
    """The last record of each workload, in the order in which they first came."""
    found = {body.workload.digest: body for body in bodies if isinstance(body, Reduced)}
    return [*found.values()]


def rows(one: Reduced) -> list[list[str]]:
    """Of each arm: what it costs in features, and what it takes."""
    return [
        [
            name,
            f"{cost.n_appeared:,}",
            f"{cost.n_vanished:,}",
            f"{cost.n_moved:,} of {one.n_ranked:,}",
            f"{cost.most_moved:,}",
            f"{cost.n_replaced:,}",
            f"{cost.worst_error:.1g}",
            memory(cost.peak_bytes),
            "refused" if cost.refused else "right",
        ]
        for name, cost in one.costs.items()
    ]


def lines(one: Reduced) -> Iterator[str]:
    """What stands below the table."""
    yield (
        f"{one.workload.n_items} texts on {one.workload.subject}: {one.n_firing:,} times a feature fires in float64; "
        f"{one.n_undecided:,} times one is too close to its threshold for float32 to tell. float32's rules allow an "
        f"error of {one.allowed:.0e} of a text's largest feature. Ranks are those of each text's ten strongest."
    )
    crossed = {name: cost.n_appeared + cost.n_vanished for name, cost in one.costs.items()}
    told = ", ".join(f"{name} {in_percent(n / max(1, one.n_firing))}" for name, n in crossed.items())
    yield f"Features that cross their threshold, as a share of those that fire: {told}."
    yield processor(one.fast_by)
    held, most = one.weight_bytes + one.costs["float32"].peak_bytes, most_bytes(one.weight_bytes, one.batch_bytes)
    yield (
        f"During the float32 call {memory(held)} are held at most, of which {memory(one.weight_bytes)} are weights. "
        f"Allowed are {MOST_MEMORY:g} times the weights and one batch's activations ({memory(one.batch_bytes)}), "
        f"{memory(most)}. bfloat16 copies all weights in every call."
    )


def processor(fast_by: Sequence[str]) -> str:
    """Whether this kind of processor is fast in bfloat16."""
    if fast_by:
        return f"The processor has instructions of its own for bfloat16 ({', '.join(fast_by)})."
    return (
        "The processor has no fast bfloat16: torch widens every number before it multiplies. Expect no time of it here."
    )

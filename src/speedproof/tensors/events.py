"""What a profiler's events come to: each operator's own share, and which called which."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import takewhile
from typing import Any

from speedproof.records.trace import Node, Operator

KEPT_SHARE = 0.99
"""Share of the operators' time that the recorded tree holds; the rest is many nodes too narrow to be seen."""
MEMORY = "[memory]"
"""What the profiler calls memory given or taken outside any operator."""


def told(label: str, seen: Iterable[Any]) -> dict[str, Any]:
    """The fields of a `Traced` that come of the profiler's events; `label` is the one that stands for the call."""
    call = next(event for event in seen if event.name == label)
    # The operators of threads that the arm itself starts have no parent and stand beside the call.
    others = [e for e in seen if e.cpu_parent is None and e.thread != call.thread]
    tops = [event for event in (*call.cpu_children, *others) if event.name != MEMORY]
    operators = defaultdict(list)
    for event in _all(tops):
        operators[event.name].append(event)
    totals = [_operator(name, events) for name, events in operators.items()]
    return {
        "total_us": round(call.cpu_time_total, 1),
        "operators": tuple(sorted(totals, key=lambda one: (-one.self_us - one.self_device_us, one.name))),
        "tree": _pruned(_tree(tops)),
    }


def _all(events: Iterable[Any]) -> Iterator[Any]:
    for event in events:
        if event.name != MEMORY:
            yield event
            yield from _all(event.cpu_children)


def _operator(name: str, events: Sequence[Any]) -> Operator:
    def summed(of: Callable[[Any], float]) -> float:
        return round(sum(map(of, events)), 1)

    return Operator(
        name=name,
        count=len(events),
        self_us=summed(lambda event: event.self_cpu_time_total),
        self_bytes=int(summed(lambda event: event.self_cpu_memory_usage)),
        self_device_us=summed(lambda event: getattr(event, "self_device_time_total", 0)),
    )


def _tree(events: Iterable[Any]) -> tuple[Node, ...]:
    by_name = defaultdict(list)
    for event in events:
        if event.name != MEMORY:
            by_name[event.name].append(event)
    nodes = [
        Node(
            name=name,
            count=len(same),
            total_us=round(sum(event.cpu_time_total for event in same), 1),
            inside=_tree(child for event in same for child in event.cpu_children),
        )
        for name, same in by_name.items()
    ]
    return tuple(sorted(nodes, key=lambda node: (-node.total_us, node.name)))


def _pruned(tree: tuple[Node, ...]) -> tuple[Node, ...]:
    """`tree` without its smallest nodes, which together hold no more than what may be left out."""
    allowed = (1 - KEPT_SHARE) * sum(node.total_us for node in tree)
    # Smallest first, so what is inside a node goes before it, and what goes is each node's own time.
    nodes = sorted(_nodes(tree), key=lambda node: node.total_us)
    gone = 0.0

    def fits(node: Node) -> bool:
        nonlocal gone
        gone += node.total_us - sum(child.total_us for child in node.inside)
        return gone <= allowed

    dropped = {id(node) for node in takewhile(fits, nodes)}
    return _without(dropped, tree)


def _nodes(tree: Iterable[Node]) -> Iterator[Node]:
    """Every node, those inside before those around them."""
    for node in tree:
        yield from _nodes(node.inside)
        yield node


def _without(dropped: set[int], tree: Iterable[Node]) -> tuple[Node, ...]:
    return tuple(
        node.model_copy(update={"inside": _without(dropped, node.inside)}) for node in tree if id(node) not in dropped
    )

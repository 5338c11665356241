"""Where the time went: operators by number and time, with the line of the code that calls them."""

import torch

from speedproof.sides.comparing import MOST_HOTSPOTS, moved
from speedproof.tensors.hotspots import hotspots


def two_products() -> torch.Tensor:
    side = torch.ones(32, 32)
    return side @ side @ side


def spot(operator: str, count: float, self_us: float, line: str = "") -> dict[str, object]:
    return {"operator": operator, "count": count, "self_us": self_us, "lines": [line]}


def test_an_operator_is_counted_by_call_and_told_with_the_line_that_calls_it() -> None:
    found = {one["operator"]: one for one in hotspots(lambda: [two_products() for _ in range(3)], 3)}
    product = found["aten::mm"]
    assert product["count"] == 2 and product["self_us"] > 0
    (line,) = product["lines"]
    assert line.endswith("in two_products") and "test_hotspots.py:" in line


def test_what_came_more_often_stands_first_with_the_side_that_has_more_of_it() -> None:
    before = [spot("aten::mm", 1, 50, "a.py:1"), spot("aten::add", 3, 10, "a.py:2")]
    after = [spot("aten::mm", 1, 90, "b.py:1"), spot("aten::add", 4, 11, "b.py:2"), spot("aten::exp", 1, 1, "b.py:3")]
    found = moved(before, after)
    assert [(one.operator, one.count) for one in found] == [
        ("aten::add", (3, 4)),
        ("aten::exp", (0, 1)),
        ("aten::mm", (1, 1)),
    ]
    assert found[0].lines == ("b.py:2",) and found[2].self_us == (50, 90)


def test_nothing_moved_is_not_told_as_an_operator_of_another_number() -> None:
    same = [spot("aten::mm", 1, 50)]
    (only,) = moved(same, same)
    assert only.count[0] == only.count[1] and only.self_us[0] == only.self_us[1]
    assert len(moved([spot(f"aten::{n}", n, n) for n in range(40)], [])) == MOST_HOTSPOTS

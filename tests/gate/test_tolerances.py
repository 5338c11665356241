"""No hand-picked tolerance: every number that the gate compares with has a name and a source."""

import ast

from speedproof_studies.gate_source import GATE, path_of
from tests.walls import our_modules

PLAIN = (0.0, 1.0)
"""Floats that are no tolerance wherever they stand."""
HALF = 0.5
"""As an exponent: a square root."""
FORBIDDEN = {"isclose", "allclose", "assert_close", "assert_allclose", "approx", "cosine_similarity", "rtol", "atol"}


def names_used(tree: ast.Module) -> set[str]:
    """Every name, attribute, argument and import in a source."""
    found = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    found |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    found |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.keyword | ast.arg) and node.arg}
    return found | {node.name for node in ast.walk(tree) if isinstance(node, ast.alias)}


def bare_numbers(tree: ast.Module) -> list[str]:
    """Float literals that are neither plain, nor a square root's exponent, nor a named constant with a docstring."""
    excused = {
        id(node.right)
        for node in ast.walk(tree)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow) and getattr(node.right, "value", None) == HALF
    }
    for statement, following in zip(tree.body, tree.body[1:], strict=False):
        told = isinstance(following, ast.Expr) and isinstance(getattr(following.value, "value", None), str)
        if told and isinstance(statement, ast.Assign | ast.AnnAssign) and isinstance(statement.value, ast.Constant):
            excused.add(id(statement.value))
    return [
        f"line {node.lineno}: {node.value}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and type(node.value) is float and node.value not in PLAIN
        if id(node) not in excused
    ]


def test_every_number_in_the_gate_has_a_name_and_a_source() -> None:
    found = {name: bare_numbers(ast.parse(path_of(name).read_text())) for name in GATE}
    assert {name: numbers for name, numbers in found.items() if numbers} == {}


def test_the_gate_is_more_than_a_few_modules() -> None:
    assert {
        "speedproof.gate.check",
        "speedproof.gate.exact",
        "speedproof.lens.features",
        "speedproof.gate.gate",
        "speedproof.pairs.kit",
        "speedproof.lens.ranks",
        "speedproof.lens.rows",
        "speedproof.gate.state",
        "speedproof.tensors.kit",
    } <= set(GATE)


def test_nothing_of_ours_is_held_to_a_librarys_tolerance_or_to_a_cosine() -> None:
    for module, tree in our_modules().items():
        assert not names_used(tree) & FORBIDDEN, module


def test_a_bare_tolerance_is_seen() -> None:
    planted = (
        'FACTOR = 2.0\n"""Source: none."""\nLIMIT = 1e-3\n\ndef near(a, b):\n    return abs(a - b) < 1e-5 * b**0.5\n'
    )
    assert bare_numbers(ast.parse(planted)) == ["line 3: 0.001", "line 6: 1e-05"]
    assert bare_numbers(ast.parse("x = 0.5 * 2.0 ** 0.25")) == ["line 1: 0.5", "line 1: 2.0", "line 1: 0.25"]


def test_a_librarys_tolerance_is_seen() -> None:
    for planted in ("from math import isclose", "torch.allclose(a, b)", "check(a, b, rtol=0)"):
        assert names_used(ast.parse(planted)) & FORBIDDEN

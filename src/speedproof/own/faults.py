"""Small faults that a candidate may have: one operator, number, condition or line that is another.

A fault that compiles to the code that was there changes nothing and is left out.
"""

import ast
import copy
import linecache
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from types import CodeType, FunctionType
from typing import Any

from speedproof.callables import written

COMPARED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
WORKED_OUT: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Div,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.MatMult: ast.Mult,
}


@dataclass(frozen=True)
class Fault:
    """One fault: where, and what it makes of what was there."""

    line: int
    was: str
    now: str
    code: CodeType
    function: str

    @property
    def words(self) -> str:
        """As a person would tell it."""
        return f"line {self.line}: {self.was} -> {self.now}"


def candidates_code(function: Callable[..., Any]) -> dict[str, FunctionType]:
    """The candidate, and the functions of its file that it calls, by qualified name."""
    first = written(function)
    if not isinstance(first, FunctionType):
        return {}
    found: dict[str, FunctionType] = {}
    waiting = [first]
    while waiting:
        one = waiting.pop()
        if one.__qualname__ in found:
            continue
        found[one.__qualname__] = one
        names = {name for code in codes(one.__code__) for name in code.co_names}
        for name in names:
            other = one.__globals__.get(name)
            inner = written(other) if callable(other) else None
            if isinstance(inner, FunctionType) and inner.__code__.co_filename == first.__code__.co_filename:
                waiting.append(inner)
    return found


def codes(code: CodeType) -> Iterator[CodeType]:
    """A function's code, and that of all functions in it."""
    yield code
    for part in code.co_consts:
        if isinstance(part, CodeType):
            yield from codes(part)


def faults_of(function: Callable[..., Any]) -> tuple[list[Fault], str]:
    """All faults that can be planted, and why there are none."""
    functions = candidates_code(function)
    if not functions:
        return [], "the candidate is no Python function of its own"
    # Through linecache, which knows the cells of a notebook too.
    path = next(iter(functions.values())).__code__.co_filename
    try:
        tree = ast.parse("".join(linecache.getlines(path)))
    except SyntaxError as error:
        return [], f"the candidate's source cannot be read ({type(error).__name__})"
    found: list[Fault] = []
    for name, one in functions.items():
        node = _node(tree, one)
        if node is None:
            continue
        for was, now, line, changed in _changed(node):
            code = _compiled(tree, node, changed, one, path)
            if code is not None and not _alike(code, one.__code__):
                found.append(Fault(line, was, now, code, name))
    return found, "" if found else "there is nothing in the candidate that a fault could be planted in"


def _node(tree: ast.Module, function: FunctionType) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    line = function.__code__.co_firstlineno
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == function.__name__:
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            if first <= line <= node.lineno:
                return node
    return None


def _changed(node: ast.AST) -> Iterator[tuple[str, str, int, tuple[ast.AST, Callable[[ast.AST], None]]]]:
    """What was, what is now, the line, and how a node is changed in place."""
    body: list[ast.stmt] = getattr(node, "body", [])
    inside = [inner for statement in body for inner in ast.walk(statement)]
    defaults = getattr(node, "args", None)
    inside += [inner for one in (getattr(defaults, "defaults", []) if defaults else []) for inner in ast.walk(one)]
    silent = {
        id(part) for one in inside if isinstance(one, ast.JoinedStr | ast.Raise | ast.Assert) for part in ast.walk(one)
    }
    silent |= {id(part) for one in inside for part in _annotations(one)}
    for one in inside:
        if id(one) in silent:
            continue
        line = getattr(one, "lineno", 0)
        for made, change in _ways(one):
            yield _text(one), made, line, (one, change)


def _annotations(node: ast.AST) -> Iterator[ast.AST]:
    for name in ("annotation", "returns"):
        if part := getattr(node, name, None):
            yield from ast.walk(part)


def _text(node: ast.AST) -> str:
    try:
        return textwrap.shorten(ast.unparse(node), 60, placeholder="...")
    except Exception:
        return type(node).__name__


def _ways(node: ast.AST) -> Iterator[tuple[str, Callable[[ast.AST], None]]]:
    """The faults that one node may have: what it then reads, and the change of a copy of it."""
    if isinstance(node, ast.Compare):
        for i, operator in enumerate(node.ops):
            if other := COMPARED.get(type(operator)):
                yield from _way(node, partial(_set_operator, i, other))
    elif isinstance(node, ast.BinOp | ast.AugAssign):
        if (other_op := WORKED_OUT.get(type(node.op))) and not _is_text(node):
            yield from _way(node, lambda one: setattr(one, "op", other_op()))
    elif isinstance(node, ast.BoolOp):
        flipped = ast.Or if isinstance(node.op, ast.And) else ast.And
        yield from _way(node, lambda one: setattr(one, "op", flipped()))
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield from _way(node, lambda one: setattr(one, "op", ast.UAdd()))
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield from _way(node, lambda one: setattr(one, "operand", ast.UnaryOp(ast.Not(), one.operand)))
    elif isinstance(node, ast.Constant) and type(node.value) in (int, float):
        yield from _way(node, lambda one: setattr(one, "value", one.value + 1))
    elif isinstance(node, ast.Constant) and type(node.value) is bool:
        yield from _way(node, lambda one: setattr(one, "value", not one.value))
    elif isinstance(node, ast.If | ast.IfExp | ast.While):
        yield from _way(node, lambda one: setattr(one, "test", ast.UnaryOp(ast.Not(), one.test)))
    elif isinstance(node, ast.Break):
        yield "continue", lambda one: None
    elif isinstance(node, ast.Continue):
        yield "break", lambda one: None
    elif isinstance(node, ast.Return) and node.value is not None and not isinstance(node.value, ast.Constant):
        yield from _way(node, lambda one: setattr(one, "value", ast.Constant(None)))
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        yield "pass", lambda one: None
    elif isinstance(node, ast.Slice):
        if node.lower is not None:
            yield from _way(node, lambda one: setattr(one, "lower", None))
        if node.upper is not None:
            yield from _way(node, lambda one: setattr(one, "upper", None))


def _set_operator(i: int, operator: type[ast.cmpop], node: Any) -> None:
    node.ops[i] = operator()


def _is_text(node: ast.AST) -> bool:
    """Whether something is added to a text, or formatted, which taking away cannot do."""
    parts = (getattr(node, "left", None), getattr(node, "right", None), getattr(node, "value", None))
    return any(
        isinstance(part, ast.Constant | ast.JoinedStr) and isinstance(getattr(part, "value", ""), str)
        for part in parts
        if part
    )


def _way(node: ast.AST, change: Callable[[Any], Any]) -> Iterator[tuple[str, Callable[[ast.AST], None]]]:
    changed = copy.deepcopy(node)
    change(changed)
    yield _text(ast.fix_missing_locations(changed)), change


def _compiled(
    tree: ast.Module,
    node: ast.AST,
    changed: tuple[ast.AST, Callable[[ast.AST], None]],
    function: FunctionType,
    path: str,
) -> CodeType | None:
    """The function's code with one node changed; None where that does not compile."""
    target, change = changed
    replaced = copy.deepcopy(target)
    if isinstance(target, ast.Break):
        replaced = ast.copy_location(ast.Continue(), target)
    elif isinstance(target, ast.Continue):
        replaced = ast.copy_location(ast.Break(), target)
    elif isinstance(target, ast.Expr):
        replaced = ast.copy_location(ast.Pass(), target)
    else:
        change(replaced)
    parent = _Replace(target, replaced)
    parent.visit(tree)
    ast.fix_missing_locations(tree)
    try:
        compiled = compile(tree, path, "exec", dont_inherit=True)
    except (SyntaxError, ValueError, TypeError):
        return None
    finally:
        parent.undo()
    for code in codes(compiled):
        if (
            code.co_qualname == function.__code__.co_qualname
            and code.co_firstlineno == function.__code__.co_firstlineno
        ):
            return code if len(code.co_freevars) == len(function.__code__.co_freevars) else None
    return None


class _Replace(ast.NodeTransformer):
    """Puts one node in another's place, and back."""

    def __init__(self, target: ast.AST, replaced: ast.AST) -> None:
        self.target, self.replaced = target, replaced
        self._undo: list[Callable[[], None]] = []

    def visit(self, node: ast.AST) -> ast.AST:
        for name, value in ast.iter_fields(node):
            if value is self.target:
                self._set(node, name, value)
                return node
            if isinstance(value, list):
                for i, one in enumerate(value):
                    if one is self.target:
                        value[i] = self.replaced
                        self._undo.append(lambda value=value, i=i: value.__setitem__(i, self.target))  # type: ignore[misc]
                        return node
                    if isinstance(one, ast.AST):
                        self.visit(one)
            elif isinstance(value, ast.AST):
                self.visit(value)
            if self._undo:
                return node
        return node

    def _set(self, node: ast.AST, name: str, value: Any) -> None:
        setattr(node, name, self.replaced)
        self._undo.append(lambda: setattr(node, name, value))

    def undo(self) -> None:
        for one in self._undo:
            one()


def _alike(one: CodeType, other: CodeType) -> bool:
    return _told(one) == _told(other)


def _told(code: CodeType) -> Any:
    """What the code does, without where it stands."""
    consts = tuple(_told(part) if isinstance(part, CodeType) else (type(part), repr(part)) for part in code.co_consts)
    return code.co_code, consts, code.co_names, code.co_varnames, code.co_freevars

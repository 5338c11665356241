"""Small faults planted in the user's own candidate: which of them would this very check have seen?

One fault at a time, each in a fork of this process, so that a fault which hangs, exits or spoils something is over with
its process. A fault that compiles to the code that was there changes nothing and is left out; one in a line that no
input reached needs no trial, since nothing could see it.
"""

import ast
import copy
import linecache
import os
import select
import signal
import sys
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from types import CodeType, FrameType, FunctionType
from typing import Any

import psutil

from speedproof.callables import written
from speedproof.clock import monotonic_s
from speedproof.gate.watching import WRITING

MOST = 60
"""Faults that are planted at most; where there are more, every so-and-so-many-th."""
SLOWER = 20.0
"""Times the whole check's seconds after which a fault is taken to hang, which is seen."""
MEMORY_BYTES = 2 * 2**30
"""Bytes that a fault may take beyond what the check holds, before it is taken to fill the memory, which is seen."""
HARM = (
    *("os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.truncate", "os.chmod", "os.chown", "os.link", "os.symlink"),
    *(
        "shutil.rmtree",
        "shutil.move",
        "subprocess.Popen",
        "os.system",
        "os.exec",
        "os.posix_spawn",
        "os.spawn",
        "os.fork",
    ),
    *("os.kill", "os.killpg", "socket.connect", "socket.bind", "socket.sendto"),
)
"""Audit events of what a function with a fault in it may not do: it might do it to the wrong file."""
SHORTEST_S = 2.0
"""Seconds that a fault may take at least before it is taken to hang."""

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


@dataclass(frozen=True)
class Seen:
    """What became of the faults."""

    n_planted: int
    n_seen: int
    unseen: tuple[str, ...]
    """Those that the check would have passed, in words."""
    unreached: tuple[str, ...]
    """Lines that no input reached."""
    why_none: str = ""
    """Why none was planted."""
    n_possible: int = 0
    """All that could be planted."""


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
        names = {name for code in _codes(one.__code__) for name in code.co_names}
        for name in names:
            other = one.__globals__.get(name)
            inner = written(other) if callable(other) else None
            if isinstance(inner, FunctionType) and inner.__code__.co_filename == first.__code__.co_filename:
                waiting.append(inner)
    return found


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for part in code.co_consts:
        if isinstance(part, CodeType):
            yield from _codes(part)


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
    for code in _codes(compiled):
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


def reached(function: Callable[..., Any], run: Callable[[], Any]) -> dict[str, set[int]]:
    """Lines of the candidate's functions that are run meanwhile, by function."""
    watched = {one.__code__: name for name, one in candidates_code(function).items()}
    inner = {code: name for top, name in watched.items() for code in _codes(top)}
    seen: dict[str, set[int]] = {name: set() for name in watched.values()}

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        name = inner.get(frame.f_code)
        if name is None:
            return None
        seen[name].add(frame.f_lineno)
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        run()
    finally:
        sys.settrace(before)
    return seen


def plant(
    function: Callable[..., Any],
    check: Callable[[], bool],
    run: Callable[[], Any],
    took_s: float,
    budget_s: float,
    most: int = MOST,
) -> Seen:
    """Plants faults one by one and asks whether the check sees them, for at most `budget_s` seconds.

    `check` says whether the candidate still passes; `run` asks the candidate what the check asks it, without judging;
    `took_s` is what the check takes where nothing is wrong.
    """
    possible, why_none = faults_of(function)
    if not possible:
        return Seen(0, 0, (), (), why_none)
    if not hasattr(os, "fork"):
        return Seen(0, 0, (), (), "this system has no fork", len(possible))
    if _is_seen(function, None, check, max(SHORTEST_S, SLOWER * took_s)):
        why = "the candidate writes files, starts processes or makes connections, and a fault in it might do harm"
        return Seen(0, 0, (), (), why, len(possible))
    lines = reached(function, run)
    chosen = possible[:: -(-len(possible) // most)] if most else []
    end_s, limit_s = monotonic_s() + budget_s, max(SHORTEST_S, SLOWER * took_s)
    n_seen, n_planted = 0, 0
    unseen: list[str] = []
    unreached: dict[int, None] = {}
    for fault in chosen:
        if monotonic_s() > end_s:
            break
        n_planted += 1
        if fault.line not in lines.get(fault.function, set()) and _is_a_statement_of_its_own(fault, lines):
            unreached[fault.line] = None
            continue
        if _is_seen(function, fault, check, min(limit_s, max(0.1, end_s - monotonic_s()))):
            n_seen += 1
        else:
            unseen.append(fault.words)
    return Seen(n_planted, n_seen, tuple(unseen), tuple(f"line {line}" for line in unreached), n_possible=len(possible))


def _is_a_statement_of_its_own(fault: Fault, lines: dict[str, set[int]]) -> bool:
    """Whether lines tell of it: a line in the middle of a longer statement may never be named."""
    code_lines = {line for code in _codes(fault.code) for _, _, line in code.co_lines() if line}
    return fault.line in code_lines


def _is_seen(function: Callable[..., Any], fault: Fault | None, check: Callable[[], bool], limit_s: float) -> bool:
    """Whether the check refuses the candidate with this fault in it; a fork that dies or hangs has been seen."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        passed = b"1"
        try:
            os.close(reading)
            # A group of its own, so that all that it starts ends with it.
            os.setsid()
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            null = os.open(os.devnull, os.O_RDWR)
            for number in (1, 2):
                os.dup2(null, number)
            _limit_memory()
            sys.addaudithook(_forbid_harm)
            if fault:
                candidates_code(function)[fault.function].__code__ = fault.code
            passed = b"0" if check() else b"1"
        except BaseException:
            passed = b"1"
        finally:
            os.write(writing, passed)
            os._exit(0)
    os.close(writing)
    try:
        ready, _, _ = select.select([reading], [], [], limit_s)
        answer = os.read(reading, 1) if ready else b""
    finally:
        os.close(reading)
        try:
            os.killpg(pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    return answer != b"0"


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:
        return
    limit = psutil.Process().memory_info().vms + MEMORY_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (limit, resource.getrlimit(resource.RLIMIT_AS)[1]))


def _forbid_harm(event: str, arguments: tuple[Any, ...]) -> None:
    """Raises where something is to be written, deleted, started or sent. It lasts as long as the fork does."""
    if event == "open":
        path, mode, flags = arguments[:3]
        writes = (isinstance(mode, str) and set(mode) & set("wax+")) or (isinstance(flags, int) and flags & WRITING)
        if not writes or path == os.devnull:
            return
    elif event not in HARM:
        return
    raise PermissionError(f"{event} is not done by a function that has a fault in it")

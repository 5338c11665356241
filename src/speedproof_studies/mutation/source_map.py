"""Places of a source file: the function that each lies in, and those where a fault cannot matter."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

Position = tuple[int, int]
"""Line, from 1, and column, from 0."""

ERRORS = ("NotEquivalent", "BadInput", "ValueError", "TypeError", "IndexError", "Uncertified", "unknown")
"""Calls whose f-strings are words for a reader."""


@dataclass(frozen=True)
class Span:
    """From the first position up to the second, without it."""

    start: Position
    end: Position

    def holds(self, position: Position) -> bool:
        """Whether the position lies inside."""
        return self.start <= position < self.end


@dataclass(frozen=True)
class Places:
    """What a source file has where."""

    functions: tuple[tuple[str, Span], ...]
    skipped: tuple[tuple[str, Span], ...]

    def function(self, position: Position) -> str:
        """The outermost function or method whose body holds the position, or "" where none runs it."""
        return next((name for name, span in self.functions if span.holds(position)), "")

    def why_skipped(self, position: Position) -> str:
        """Why no fault is planted there, or "" where one is."""
        return next((why for why, span in self.skipped if span.holds(position)), "")


def read_places(source: str) -> Places:
    """The places of a module's source."""
    tree = ast.parse(source)
    return Places(tuple(_functions(tree.body, "")), tuple(_skipped(tree)))


def _span(node: ast.AST) -> Span:
    start, end = (node.lineno, node.col_offset), (node.end_lineno, node.end_col_offset)  # type: ignore[attr-defined]
    return Span(start, end)


def _functions(body: list[ast.stmt], prefix: str) -> Iterator[tuple[str, Span]]:
    """Bodies alone: a default or a decorator runs where the function is defined."""
    for node in body:
        if isinstance(node, ast.FunctionDef):
            yield f"{prefix}{node.name}", Span(_span(node.body[0]).start, _span(node.body[-1]).end)
        elif isinstance(node, ast.ClassDef):
            yield from _functions(node.body, f"{prefix}{node.name}.")


def _skipped(tree: ast.AST) -> Iterator[tuple[str, Span]]:
    for node in ast.walk(tree):
        annotations = [getattr(node, "annotation", None), getattr(node, "returns", None)]
        yield from (("an annotation, which nothing runs", _span(note)) for note in annotations if note is not None)
        if isinstance(node, ast.ClassDef):
            for decorator in node.decorator_list:
                if isinstance(decorator, ast.Call):
                    # The decorator itself begins earlier, at its name, and can be removed.
                    yield from (
                        ("an option of a dataclass, which keeps others from writing to it", _span(k.value))
                        for k in decorator.keywords
                    )
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            yield "imports that only a type checker needs", _span(node)
        if isinstance(node, ast.Call):
            yield from (
                ("a zip's strictness, which can only raise", _span(k.value)) for k in node.keywords if k.arg == "strict"
            )
        if isinstance(node, ast.Call) and _called(node) in ERRORS:
            words = [part for part in ast.walk(node) if isinstance(part, ast.JoinedStr)]
            yield from (("words of a message", _span(part)) for part in words)


def _called(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else ""

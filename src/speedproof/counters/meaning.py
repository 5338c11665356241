"""What a function means, as text: two functions of one meaning do the same thing."""

import ast

Function = ast.FunctionDef | ast.AsyncFunctionDef

SILENT_DECORATORS = (
    *("asynccontextmanager", "cache", "cached_property", "classmethod", "contextmanager", "enable_grad"),
    *("inference_mode", "lru_cache", "no_grad", "property", "staticmethod", "wraps"),
)
"""Decorators that read no annotation: those of Python's library, and torch's. Any other may, as `overload`,
`singledispatch`'s `register`, typer and pydantic do."""


def meaning(function: Function) -> str:
    """The function's syntax tree as text, without docstring, annotations and positions, its local names numbered.

    Names from outside, defaults and decorators stay: functions that differ in these do different things. So do
    annotations below a decorator that may read them.
    """
    tree = ast.parse(ast.unparse(function)).body[0]
    local = {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    local |= {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    return ast.dump(_Normal(local).visit(tree))


def last_name(node: ast.expr) -> str:
    """The last part of a name such as `typing.overload`, also where it is called."""
    if isinstance(node, ast.Call):
        return last_name(node.func)
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


class _Normal(ast.NodeTransformer):
    def __init__(self, local: set[str]) -> None:
        self.local = local
        self.numbers: dict[str, str] = {}

    def _renamed(self, name: str) -> str:
        return self.numbers.setdefault(name, f"local{len(self.numbers)}") if name in self.local else name

    def _function(self, node: Function) -> ast.AST:
        if all(last_name(decorator) in SILENT_DECORATORS for decorator in node.decorator_list):
            node.returns = None
            for argument in ast.walk(node.args):
                if isinstance(argument, ast.arg):
                    argument.annotation = None
        if ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
        return self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self._function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return self._function(node)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.arg = self._renamed(node.arg)
        return self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.Name(self._renamed(node.id), node.ctx)

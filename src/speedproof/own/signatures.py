"""Two functions' parameters: one can stand in for the other only where they are the same."""

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from speedproof.callables import name_of
from speedproof.errors import BadInput

from .draws import Source


class ByName:
    """A function that takes arguments by position alone, called by name."""

    def __init__(self, function: Callable[..., Any], signature: inspect.Signature, named: Sequence[str]) -> None:
        self.__wrapped__ = function
        self.__name__ = name_of(function)
        self.__signature__ = signature
        self.named = frozenset(named)
        """Those that it takes by name all the same."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Hands them on in the order of the signature."""
        named = {name: kwargs.pop(name) for name in self.named & kwargs.keys()}
        order = [*(name for name in self.__signature__.parameters if name in kwargs)]
        return self.__wrapped__(*args, *(kwargs[name] for name in order), **named)


def by_name(function: Callable[..., Any], both: Sequence[Callable[..., Any]]) -> Callable[..., Any]:
    """Under the names of the other where it has none of its own."""
    own, others = _signature(function), [one for one in map(_signature, both) if one]
    if own and hasattr(function, "registry") and hasattr(function, "dispatch"):
        # functools.singledispatch goes by the first argument, which must come by position.
        return ByName(function, own, [p.name for p in own.parameters.values() if p.kind is p.KEYWORD_ONLY])
    if own and not _by_position(own):
        return function
    signature = next((one for one in others if not _by_position(one)), own or next(iter(others), None))
    if signature is None:
        raise BadInput(
            f"{name_of(function)} does not tell its parameters. Expected a function that inspect.signature reads."
        )
    named = [
        p.replace(kind=p.POSITIONAL_OR_KEYWORD) if p.kind is p.POSITIONAL_ONLY else p
        for p in signature.parameters.values()
    ]
    by_name = [p.name for p in (own.parameters.values() if own else ()) if p.kind is p.KEYWORD_ONLY]
    return ByName(function, signature.replace(parameters=named), by_name)


def _by_position(signature: inspect.Signature) -> bool:
    return any(p.kind is p.POSITIONAL_ONLY for p in signature.parameters.values())


def _signature(function: Callable[..., Any]) -> inspect.Signature | None:
    try:
        return inspect.signature(function)
    except (TypeError, ValueError):
        return None


def require_one_signature(reference: Callable[..., Any], candidate: Callable[..., Any]) -> None:
    """Raises BadInput where one of the two cannot be called as the other is."""
    wanted, given = inspect.signature(reference), inspect.signature(candidate)
    kinds = {p.kind for p in given.parameters.values()}
    if inspect.Parameter.VAR_KEYWORD in kinds or isinstance(candidate, ByName) or isinstance(reference, ByName):
        return
    missing = [name for name in wanted.parameters if name not in given.parameters]
    more = [
        p.name
        for p in given.parameters.values()
        if p.name not in wanted.parameters and p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    ]
    if missing or more:
        raise BadInput(
            f"The two functions take other parameters: {name_of(reference)}{_bare(wanted)} and "
            f"{name_of(candidate)}{_bare(given)}. Expected the same names, so that one can stand in for the other."
        )


def _bare(signature: inspect.Signature) -> str:
    return str(inspect.Signature([p.replace(annotation=p.empty) for p in signature.parameters.values()]))


def require_bound(source: Source, size: int, reference: Callable[..., Any]) -> None:
    """Raises BadInput where the inputs are no arguments of the reference."""
    made = source.make(size, 0)
    signature = inspect.signature(reference)
    try:
        signature.bind(**made)
    except TypeError as error:
        names = ", ".join(made) or "none"
        starred = [one.name for one in signature.parameters.values() if one.kind is one.VAR_POSITIONAL]
        hint = f" Nothing has a name that *{starred[0]} takes: wrap both in functions of a list." if starred else ""
        raise BadInput(
            f"{source.words} gives {names}, which {name_of(reference)}{_bare(signature)} does not take: {error}. "
            f"Expected keyword arguments by those names.{hint}"
        ) from error

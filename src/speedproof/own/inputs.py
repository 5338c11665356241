"""Reading what a user gave as inputs: a generator, an example, a Hypothesis strategy, or nothing but annotations."""

import inspect
import random
import typing
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from speedproof.errors import BadInput
from speedproof.extras import what_is_missing
from speedproof.failures import place, reason

from .draws import Source, copied
from .values.leaf import torch

N_EXAMPLES = 40
"""Examples that a strategy is asked for."""
DTYPES = ("float32", "float64", "int64", "int32", "uint8", "bool")
"""Of an array whose annotation allows several, the first."""
LONGEST = 6
"""An axis of an array that is drawn by its annotation."""
PASTE = "def make(size, rng):\n    return {%s}"
"""What a user is given to paste, with the function's arguments."""


def source_of(given: Any, words: str, reference: Callable[..., Any]) -> Source:
    """The source of a pair's inputs.

    `given` is a function `make(size, rng)` or `make(rng)` that returns keyword arguments, one example (a dictionary of
    keyword arguments, or a tuple of positional ones), a Hypothesis strategy of either, or None.

    Raises:
        BadInput: it is nothing of the kind, or nothing is given and the annotations say too little.
    """
    names = list(inspect.signature(reference).parameters)
    if given is None:
        return _of_annotations(reference)
    if _is_strategy(given):
        return _of_strategy(given, words, names)
    if callable(given):
        return _of_generator(given, words, names)
    example = _by_name(given, words, names)
    return Source(lambda size, seed: copied(example), words, has_sizes=False, may_change_items=True)


def _is_strategy(given: Any) -> bool:
    return any(kind.__module__.startswith("hypothesis.") for kind in type(given).__mro__)


def _by_name(given: Any, words: str, names: list[str]) -> dict[str, Any]:
    """Keyword arguments, whichever way they were given."""
    if isinstance(given, Mapping) and set(given) <= set(names):
        return dict(given)
    if isinstance(given, tuple) and len(given) <= len(names):
        return dict(zip(names, given, strict=False))
    if isinstance(given, Mapping):
        strangers = ", ".join(map(repr, sorted(set(map(str, given)) - set(names))))
        raise BadInput(
            f"{words} gives {strangers}, which the functions do not take. Expected some of: {_listed(names)}."
        )
    if len(names) == 1:
        return {names[0]: given}
    raise BadInput(
        f"{words} gives {type(given).__name__} {given!r:.60}. Expected a dictionary of keyword arguments: "
        f"{_listed(names)}."
    )


def _listed(names: list[str]) -> str:
    return ", ".join(names)


def _of_generator(make: Callable[..., Any], words: str, names: list[str]) -> Source:
    try:
        parameters = [p for p in inspect.signature(make).parameters.values() if p.default is p.empty]
    except (TypeError, ValueError) as error:
        raise BadInput(f"{words} cannot be called: {error}. Expected a function make(size, rng).") from error
    if len(parameters) not in (1, 2) or any(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in parameters):
        raise BadInput(f"{words} takes {len(parameters)} arguments. Expected make(size, rng) or make(rng).")
    if len(parameters) == 1 and parameters[0].name in ("size", "n"):
        raise BadInput(
            f"{words} takes a size and no random generator, so all its inputs of one size would be alike. Expected "
            "make(size, rng)."
        )
    kind = _kind_of_rng(make, parameters[-1])
    has_sizes = len(parameters) == 2

    def made(size: int, seed: int) -> dict[str, Any]:
        rng = _rng(kind, seed)
        try:
            given = make(size, rng) if has_sizes else make(rng)
        except Exception as error:
            of_size = f" of size {size}" if has_sizes else ""
            raise BadInput(
                f"{words} raised {reason(error)} at {place(error)}, asked for inputs{of_size}. Expected arguments for "
                f"any size from 0 on; where none are that small, make the smallest.{_hint(error, rng)}"
            ) from error
        if given is None or inspect.isgenerator(given) or inspect.iscoroutine(given):
            raise BadInput(
                f"{words} gives {type(given).__name__}. Expected it to return a dictionary of keyword arguments: "
                f"{_listed(names)}."
            )
        return _by_name(given, words, names)

    return Source(made, words, has_sizes=has_sizes)


def _hint(error: Exception, rng: Any) -> str:
    if not isinstance(error, AttributeError) or error.obj is not rng:
        return ""
    kind = f"{type(rng).__module__}.{type(rng).__qualname__}"
    return (
        f" rng is a {kind}: NumPy's where the file imports numpy, else Python's. Say which one you want: rng: "
        "np.random.Generator, or rng: random.Random."
    )


def _kind_of_rng(make: Callable[..., Any], parameter: inspect.Parameter) -> str:
    """By the annotation; else NumPy's where the generator's own file uses NumPy."""
    said = (
        parameter.annotation
        if isinstance(parameter.annotation, str)
        else getattr(parameter.annotation, "__module__", "")
    )
    said = "" if parameter.annotation in (parameter.empty, Any, "Any", "typing.Any") else str(said)
    if said:
        for library in ("torch", "random"):
            if said.startswith(library):
                return library
        if "Generator" in said or said.startswith(("numpy", "np")):
            return "torch" if "torch" in said else "numpy"
        return "random"
    held = getattr(inspect.unwrap(make), "__globals__", {}).values()
    return (
        "numpy"
        if any(isinstance(one, ModuleType) and one.__name__ in ("numpy", "numpy.random") for one in held)
        else "random"
    )


def _rng(kind: str, seed: int) -> Any:
    if kind == "numpy":
        import numpy

        return numpy.random.default_rng(seed)
    if kind == "torch":
        return torch().Generator().manual_seed(seed)
    return random.Random(seed)


def _of_annotations(reference: Callable[..., Any]) -> Source:
    try:
        hints = typing.get_type_hints(inspect.unwrap(reference))
    except Exception as error:
        raise BadInput(_paste(reference, f"its annotations cannot be looked up ({reason(error)})")) from error
    parameters = [*inspect.signature(reference).parameters.values()]
    needed = [p.name for p in parameters if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    if missing := [name for name in needed if name not in hints]:
        raise BadInput(_paste(reference, f"{_listed(missing)} {'has' if len(missing) == 1 else 'have'} no annotation"))
    st = _strategies()
    try:
        known = {p.name for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)} & hints.keys()
        drawn = {name: _strategy(st, hints[name]) for name in known}
        optional = {name: one for name, one in drawn.items() if name not in needed}
        strategy = st.fixed_dictionaries({name: drawn[name] for name in needed}, optional=optional)
        source = _of_strategy(strategy, "the annotations", [*needed, *optional])
        source.make(0, 0)
        return source
    except Exception as error:
        raise BadInput(_paste(reference, f"their annotations do not tell enough ({reason(error)})")) from error


def _strategy(st: Any, hint: Any) -> Any:
    """Of a builtin, a dataclass, a Literal by Hypothesis; of an array by its jaxtyping shape."""
    if hasattr(hint, "dim_str") and hasattr(hint, "dtypes"):
        return _of_array(st, hint)
    return st.from_type(hint)


def _of_array(st: Any, hint: Any) -> Any:
    import numpy

    dtype = next((d for d in DTYPES if d in hint.dtypes), DTYPES[0])

    def array(shape: tuple[int, ...], seed: int) -> Any:
        rng = numpy.random.default_rng(seed)
        most = 2 if dtype == "bool" else 100
        values = rng.standard_normal(shape) if dtype.startswith("float") else rng.integers(0, most, shape)
        made = numpy.asarray(values, dtype=dtype)
        return torch().from_numpy(made) if torch() and hint.array_type is torch().Tensor else made

    # One name is one size, in all arguments.
    shape = [
        st.just(int(one)) if one.isdigit() else st.shared(st.integers(1, LONGEST), key=one)
        for one in hint.dim_str.split()
    ]
    return st.builds(array, st.tuples(*shape), st.integers(0, 2**31))


def _paste(reference: Callable[..., Any], why: str) -> str:
    names = list(inspect.signature(reference).parameters)
    lines = PASTE % ", ".join(f'"{name}": ...' for name in names)
    return (
        f"Nothing says what {getattr(reference, '__name__', 'the function')} is called with: {why}. Expected --inputs "
        f"FILE.py:make, where the file has\n{lines}"
    )


def _strategies() -> Any:
    try:
        import hypothesis.strategies as strategies
    except ImportError as error:
        missing = what_is_missing(error) or "pip install hypothesis"
        raise BadInput(f"Inputs cannot be drawn: {missing} Or give --inputs FILE.py:make.") from error
    return strategies


def _of_strategy(strategy: Any, words: str, names: list[str]) -> Source:
    drawn: dict[int, list[dict[str, Any]]] = {}

    def make(size: int, seed: int) -> dict[str, Any]:
        round_, index = divmod(seed, N_EXAMPLES)
        if round_ not in drawn:
            drawn[round_] = [_by_name(one, words, names) for one in _examples(strategy, words, round_)]
        found = drawn[round_]
        return typing.cast(dict[str, Any], copied(found[index % len(found)]))

    def shrink(holds: Callable[[Mapping[str, Any]], bool]) -> Mapping[str, Any] | None:
        import hypothesis

        try:
            # Without explaining, which takes ten times as long as all else and is not shown.
            settings = hypothesis.settings(
                database=None,
                max_examples=500,
                deadline=None,
                phases=[hypothesis.Phase.generate, hypothesis.Phase.shrink],
                suppress_health_check=list(hypothesis.HealthCheck),
            )
            found = hypothesis.find(strategy, lambda one: holds(_by_name(copied(one), words, names)), settings=settings)
        except hypothesis.errors.NoSuchExample:
            return None
        return _by_name(found, words, names)

    return Source(make, words, has_sizes=False, shrink=shrink)


def _examples(strategy: Any, words: str, seed: int) -> list[Any]:
    import hypothesis

    seen: list[Any] = []

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=N_EXAMPLES,
        database=None,
        deadline=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(strategy)
    def draw(one: Any) -> None:
        seen.append(copied(one))

    try:
        draw()
    except BadInput:
        raise
    except Exception as error:
        raise BadInput(
            f"{words} cannot be drawn from: {reason(error)}. Expected a Hypothesis strategy that has examples."
        ) from error
    return seen

"""Counters of what is done with NumPy's arrays: operators by name, and the bytes that they read and write.

An operator is what the function itself calls: a ufunc, whether by name or as `a + b`, a function of NumPy's or a method
on an array, an index. What NumPy calls within it is not counted, so the numbers do not depend on how a release of NumPy
does it; save for the few parts of NumPy that take any array as it is, such as `np.vectorize`.

Counted are the arrays that are given, also in lists, tuples and dicts, those that NumPy is asked for by name
(`np.zeros`, `np.asarray`), and all that comes of them.

Not seen: arithmetic between NumPy's scalars, such as `a[0] + a[1]` after its two look-ups; attributes such as `a.T`;
`a.flat`; arrays out of random generators, files and other libraries until they meet one that is; compiled code of other
libraries; subclasses such as masked arrays. An array that is kept after the call stays one of the watched type: count
in a process of its own.
"""

import inspect
from collections import defaultdict
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

from speedproof.errors import BadInput
from speedproof.pairs.contract import Inputs
from speedproof.pairs.marks import PLAIN, mark, numpy, of_array

from .tally import Call, Tally
from .watched_arrays import Operator, watching


@contextmanager
def numpy_operators(call: Call) -> Iterator[Tally]:
    """Operators on arrays, also by name, such as `numpy.add` and `ndarray.sum`. Views count; they cost a call too.

    Raises:
        BadInput: nobody has imported NumPy, or other inputs cannot be put in the place of the call's.
    """
    with _counting(call, lambda operator: 1) as tally:
        yield tally


@contextmanager
def numpy_bytes(call: Call) -> Iterator[Tally]:
    """Bytes of the arrays that operators are given, each time, and of those that they make or write; also by name.

    A view is none. An index counts what it selects. What an operator needs within itself is not seen.

    Raises:
        BadInput: nobody has imported NumPy, or other inputs cannot be put in the place of the call's.
    """
    with _counting(call, lambda operator: operator.n_bytes) as tally:
        yield tally


def why_no_operators(twin: Callable[..., Any], inputs: Callable[[], Inputs]) -> str:
    """Why operators on arrays cannot be counted in a call of `twin`, as one sentence; empty where they can.

    Calls it twice, each time with new inputs: with plain arrays, and with watched ones.
    """
    name = getattr(twin, "__qualname__", type(twin).__qualname__)
    if numpy() is None:
        return "Nobody has imported NumPy, so there are no arrays."
    expected, given = twin(**inputs()), dict(inputs())
    try:
        with numpy_operators(Call(twin, given)) as tally:
            answer = twin(**given)
    except Exception as error:
        said = f"{type(error).__name__}: {error}".split("\n")[0]
        return f"{name} refuses arrays that are watched: {said}"
    if not _same(expected, answer):
        return f"{name} answers otherwise where its arrays are watched."
    return "" if tally.count else f"No operator of {name} on an array is seen."


@contextmanager
def _counting(call: Call, amount: Callable[[Operator], int]) -> Iterator[Tally]:
    if numpy() is None:
        raise BadInput("Nobody has imported NumPy, so there are no arrays to count on. Leave this counter out.")
    if not isinstance(call.inputs, MutableMapping):
        raise BadInput(f"Expected inputs in a dict, whose arrays can be replaced; got {type(call.inputs).__name__}.")
    names: defaultdict[str, int] = defaultdict(int)

    def add(operator: Operator) -> None:
        names[operator.name] += amount(operator)

    tally = Tally()
    of_module = getattr(inspect.unwrap(call.twin), "__globals__", {})
    with watching(add, call.inputs, of_module):
        yield tally
    tally.by_name.update({name: n for name, n in names.items() if n})
    tally.count = sum(names.values())


def _same(one: Any, other: Any) -> bool:
    """Whether two answers are the same to the last bit, as far as they are plain data and arrays."""
    if isinstance(one, numpy().ndarray | numpy().generic):
        if not isinstance(other, numpy().ndarray | numpy().generic):
            return False
        if one.dtype.hasobject and other.dtype.hasobject:
            return one.shape == other.shape and _same(one.tolist(), other.tolist())
        return isinstance(one, numpy().ndarray) == isinstance(other, numpy().ndarray) and of_array(one) == of_array(
            other
        )
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return list(one) == list(other) and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    return mark(one) == mark(other) if isinstance(one, (*PLAIN, float)) else True

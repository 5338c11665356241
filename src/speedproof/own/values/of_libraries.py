"""Values that NumPy, torch, pandas or polars made, leaf by leaf."""

from collections.abc import Callable, Iterator
from typing import Any

from speedproof.pairs.marks import is_array, numpy

from .leaf import READ_ONLY, Leaf, class_name, is_module, is_scalar_of_numpy, is_tensor, torch

Walk = Callable[[Any, str], Iterator[tuple[str, Leaf]]]
"""What looks into a value that stands at a place."""


def is_sparse(value: Any) -> bool:
    """Whether it is one of SciPy's sparse matrices or arrays."""
    return type(value).__module__.startswith("scipy.sparse") and hasattr(value, "tocoo")


FRAMES_OF_POLARS = ("DataFrame", "LazyFrame", "Series")


def _module(value: Any, place: str, walk: Walk) -> Iterator[tuple[str, Leaf]]:
    """Its class, the content of its weights, and what else hangs on it: gradients, modes, hooks and attributes."""
    from speedproof.tensors.aspects.content import content

    weights = tuple((name, content(weight)) for name, weight in value.state_dict().items())
    yield place, Leaf(f"module {class_name(type(value))}", weights)
    grads = {name: (one.requires_grad, one.grad is not None) for name, one in value.named_parameters()}
    yield f"{place}.requires_grad and grad", Leaf("flags of weights", grads)
    for name, one in value.named_parameters():
        if one.grad is not None:
            yield from walk(one.grad, f"{place}.{name}.grad")
    for name, part in value.named_modules():
        at = f"{place}.{name}" if name else place
        n_hooks = sum(len(held) for key, held in vars(part).items() if key.endswith("_hooks") and held)
        yield f"{at}.training and hooks", Leaf("mode and number of hooks", (part.training, n_hooks))
        for key, held in vars(part).items():
            if not key.startswith("_") and key != "training" and _is_plain(held):
                yield from walk(held, f"{at}.{key}")


def of_library(value: Any, place: str, walk: Walk) -> Iterator[tuple[str, Leaf]] | None:
    """The leaves of what NumPy, torch, pandas or polars made; None for anything else."""
    top = type(value).__module__.partition(".")[0]
    if is_array(value) or is_scalar_of_numpy(value):
        return _array(value, place, walk)
    if is_tensor(value):
        return _tensor(value, place)
    if is_module(value):
        return _module(value, place, walk)
    if top == "numpy" and hasattr(value, "bit_generator"):
        return walk(value.bit_generator.state, place)
    if top == "torch" and hasattr(value, "get_state"):
        return walk(value.get_state(), place)
    if top == "pandas" and hasattr(value, "to_numpy" if not hasattr(value, "categories") else "codes"):
        return _pandas(value, place, walk)
    if is_sparse(value):
        return _sparse(value, place, walk)
    if top == "polars" and type(value).__name__ in FRAMES_OF_POLARS:
        return _polars(value, place, walk)
    return None


def _is_plain(value: Any) -> bool:
    """Whether it is plain data. What else a module holds may be as large as a tokenizer, and is its library's."""
    if type(value) in (list, tuple, set):
        return all(map(_is_plain, value))
    if type(value) is dict:
        return all(map(_is_plain, value.values()))
    return value is None or type(value) in (bool, int, float, str, bytes)


def _array(value: Any, place: str, walk: Walk) -> Iterator[tuple[str, Leaf]]:
    np, kind = numpy(), class_name(type(value))
    if isinstance(value, np.ma.MaskedArray):
        yield from _array(np.ma.getmaskarray(value), f"{place}.mask", walk)
        value = value.filled()
    form = f"{kind} of {value.dtype}" + (f" {value.shape}" if value.shape else "")
    if isinstance(value, np.ndarray):
        form += "" if value.flags.writeable else READ_ONLY
        form += _overlapping(value.shape, value.strides)
    if value.dtype.kind == "f":
        yield place, Leaf(form, np.asarray(value), True)
    elif value.dtype.kind == "c":
        yield f"{place}.real", Leaf(form, np.asarray(value.real), True)
        yield f"{place}.imag", Leaf(form, np.asarray(value.imag), True)
    elif value.dtype.kind == "O" and value.shape:
        yield place, Leaf(form, "")
        for i, one in enumerate(value.ravel().tolist()):
            yield from walk(one, f"{place}.flat[{i}]")
    elif value.dtype.names and value.shape is not None:
        yield place, Leaf(form, "")
        for name in value.dtype.names:
            yield from walk(value[name], f"{place}[{name!r}]")
    else:
        yield place, Leaf(form, np.array(value))


def _overlapping(shape: Any, strides: Any) -> str:
    """Words for an array in which one place in memory stands for several items: who writes into one writes into all."""
    repeats = 0 not in shape and any(n > 1 and step == 0 for n, step in zip(shape, strides, strict=True))
    return ", overlapping itself" if repeats else ""


def _tensor(value: Any, place: str) -> Iterator[tuple[str, Leaf]]:
    form = f"{class_name(type(value))} of {value.dtype} {tuple(value.shape)} on {value.device}"
    form += ", requires_grad" if value.requires_grad else ""
    if value.layout is torch().strided:
        form += _overlapping(value.shape, value.stride())
    if value.is_leaf and value.grad is not None:
        yield from _tensor(value.grad, f"{place}.grad")
    held = value.detach().cpu()
    if held.layout is not torch().strided:
        form += f", {str(held.layout).removeprefix('torch.')}"
        held = held.to_dense()
    held = held.resolve_conj().resolve_neg()
    if held.is_complex():
        held = torch().view_as_real(held)
    if held.is_floating_point():
        # NumPy has no bfloat16; a wider type holds the same values.
        wide = held if held.dtype in (torch().float16, torch().float32, torch().float64) else held.float()
        yield place, Leaf(form, wide.numpy().copy(), True)
    else:
        yield place, Leaf(form, held.numpy().copy())


def _sparse(value: Any, place: str, walk: Walk) -> Iterator[tuple[str, Leaf]]:
    """What stands where; whether that is sorted, and zeros that are written out, are how it is held."""
    yield place, Leaf(f"{class_name(type(value))} of {value.dtype}", f"{value.shape}")
    held = value.tocoo(copy=True)
    held.sum_duplicates()
    held.eliminate_zeros()
    for i, axis in enumerate(held.coords):
        yield from _array(axis, f"{place}.coords[{i}]", walk)
    yield from _array(held.data, f"{place}.data", walk)


def _pandas(value: Any, place: str, walk: Walk) -> Iterator[tuple[str, Leaf]]:
    kind = class_name(type(value))
    if hasattr(value, "columns"):
        yield place, Leaf(kind, f"{len(value)} rows of {list(value.columns)!r}")
        yield f"{place}.columns", Leaf("names of columns", list(value.columns.names))
        yield from _walked_if_any(value.attrs, f"{place}.attrs", walk)
        yield from _pandas(value.index, f"{place}.index", walk)
        for i, name in enumerate(value.columns):
            yield from _column(value.iloc[:, i], f"{place}[{name!r}]", walk)
    elif hasattr(value, "index"):
        yield from _walked_if_any(value.attrs, f"{place}.attrs", walk)
        yield from _pandas(value.index, f"{place}.index", walk)
        yield from _column(value, place, walk)
    else:
        names = list(getattr(value, "names", [getattr(value, "name", None)]))
        # As pandas' own comparison has it: a range is an index of whole numbers that is held in fewer bytes.
        kind = kind.replace("RangeIndex", "Index")
        often = f", every {value.freqstr}" if getattr(value, "freqstr", None) else ""
        yield place, Leaf(f"{kind} of {getattr(value, 'dtype', '')}{often}", f"{len(value)} entries, names {names!r}")
        yield from _categories(value, place)
        yield from _entries(list(value), place, walk)


def _column(series: Any, place: str, walk: Walk) -> Iterator[tuple[str, Leaf]]:
    yield place, Leaf(f"column of {series.dtype}", f"{len(series)} entries, name {series.name!r}")
    yield from _categories(series, place)
    if getattr(series.dtype, "kind", "") in "iufb":
        yield from _array(series.to_numpy(), f"{place}.values", walk)
    else:
        yield from _entries(series.tolist(), place, walk)


def _walked_if_any(held: Any, place: str, walk: Walk) -> Iterator[tuple[str, Leaf]]:
    return walk(held, place) if held else iter(())


def _categories(value: Any, place: str) -> Iterator[tuple[str, Leaf]]:
    dtype: Any = getattr(value, "dtype", None)
    if hasattr(dtype, "categories"):
        ordered = "in order" if dtype.ordered else "in no order"
        yield f"{place}.categories", Leaf(f"categories {ordered}", list(dtype.categories))


def _entries(values: list[Any], place: str, walk: Walk) -> Iterator[tuple[str, Leaf]]:
    for i, one in enumerate(values):
        # A missing value is no number and equals nothing, itself included.
        missing = type(one).__name__ in ("NAType", "NaTType")
        yield from [(f"{place}.{i}", Leaf("missing", ""))] if missing else walk(one, f"{place}.{i}")


def _polars(value: Any, place: str, walk: Walk) -> Iterator[tuple[str, Leaf]]:
    kind = class_name(type(value))
    if type(value).__name__ == "LazyFrame":
        # A plan is known by what it gives.
        value = value.collect()
    if hasattr(value, "columns"):
        yield place, Leaf(kind, f"{value.height} rows of {dict(value.schema)!r}")
        for name in value.columns:
            yield from _entries(value[name].to_list(), f"{place}[{name!r}]", walk)
    else:
        yield place, Leaf(f"{kind} of {value.dtype}", f"{len(value)} entries, name {value.name!r}")
        yield from _entries(value.to_list(), place, walk)

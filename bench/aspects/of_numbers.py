"""NumPy's and Python's numbers: random states, errors, formats."""

import decimal
import hashlib
import locale
import random
from typing import Any

import numpy as np
import torch

from .aspect import Aspect, Scene
from .content import Same

PRINTING = torch._tensor_str.PRINT_OPTS
OF_DECIMALS = ("prec", "rounding", "Emin", "Emax", "capitals", "clamp", "traps")


def _numpy_random(scene: Scene) -> tuple[Any, str]:
    """The global generator, and where it stands. Those of `default_rng` belong to whoever made them."""
    stands = scene.put_aside["numpy random"] = np.random.get_state(legacy=False)
    state = repr(_plain(stands))
    return Same(np.random.get_bit_generator()), hashlib.sha256(state.encode()).hexdigest()  # type: ignore[attr-defined]


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return value.tobytes() if isinstance(value, np.ndarray) else value


def _numpy_random_back(scene: Scene, seen: tuple[Same, str]) -> None:
    np.random.set_bit_generator(seen[0].value)  # type: ignore[attr-defined]
    np.random.set_state(scene.put_aside["numpy random"])


def _numpy_errors(_: Scene) -> dict[str, Any]:
    return {**np.geterr(), "called": Same(np.geterrcall()), "buffer": np.getbufsize()}


def _numpy_errors_back(_: Scene, seen: dict[str, Any]) -> None:
    np.seterr(**{kind: seen[kind] for kind in np.geterr()})
    np.seterrcall(seen["called"].value)
    np.setbufsize(seen["buffer"])


def _printing(_: Scene) -> dict[str, Any]:
    of_numpy = {f"numpy {name}": value for name, value in np.get_printoptions().items() if name != "formatter"}
    formatter = np.get_printoptions()["formatter"]
    of_torch = {f"torch {name}": value for name, value in vars(PRINTING).items()}
    return {**of_numpy, **of_torch, "formatter": Same(formatter) if formatter else None}


def _printing_back(_: Scene, seen: dict[str, Any]) -> None:
    formatter = seen["formatter"].value if seen["formatter"] else None
    of_numpy = {name.removeprefix("numpy "): value for name, value in seen.items() if name.startswith("numpy ")}
    np.set_printoptions(**of_numpy, formatter=formatter)
    vars(PRINTING).clear()
    of_torch = {name.removeprefix("torch "): value for name, value in seen.items() if name.startswith("torch ")}
    vars(PRINTING).update(of_torch)


def _formats(_: Scene) -> dict[str, Any]:
    """Of numbers in words: the locale, and the context of decimals."""
    context = decimal.getcontext()
    decimals = {f"decimal {name}": getattr(context, name) for name in OF_DECIMALS}
    return {**decimals, "decimal traps": dict(context.traps), "locale": locale.setlocale(locale.LC_ALL)}


def _formats_back(_: Scene, seen: dict[str, Any]) -> None:
    locale.setlocale(locale.LC_ALL, seen["locale"])
    decimal.setcontext(decimal.Context(**{name: seen[f"decimal {name}"] for name in OF_DECIMALS}))


NUMBERS = (
    Aspect("numpy random state", _numpy_random, _numpy_random_back),
    Aspect("numpy error state", _numpy_errors, _numpy_errors_back),
    Aspect("python random state", lambda _: random.getstate(), lambda _, seen: random.setstate(seen)),
    Aspect("print options", _printing, _printing_back),
    Aspect("number formats", _formats, _formats_back),
)

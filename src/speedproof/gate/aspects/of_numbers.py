"""NumPy's and Python's numbers: random states, errors, formats. Of NumPy where somebody has imported it."""

import decimal
import locale
import random
from typing import Any

from speedproof.pairs.aspect import Aspect, Scene
from speedproof.pairs.marks import Same, numpy

OF_DECIMALS = ("prec", "rounding", "Emin", "Emax", "capitals", "clamp", "traps")


def _numpy_random(scene: Scene) -> tuple[Same, dict[str, Any]] | None:
    """The global generator, and where it stands. Those of `default_rng` belong to whoever made them."""
    if not (np := numpy()):
        return None
    stands = scene.put_aside["numpy random"] = np.random.get_state(legacy=False)
    return Same(np.random.get_bit_generator()), _plain(stands)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return value.tobytes() if hasattr(value, "tobytes") else value


def _numpy_random_back(scene: Scene, seen: tuple[Same, dict[str, Any]] | None) -> None:
    if seen:
        numpy().random.set_bit_generator(seen[0].value)
        numpy().random.set_state(scene.put_aside["numpy random"])


def _numpy_errors(_: Scene) -> dict[str, Any] | None:
    np = numpy()
    return {**np.geterr(), "called": Same(np.geterrcall()), "buffer": np.getbufsize()} if np else None


def _numpy_errors_back(_: Scene, seen: dict[str, Any] | None) -> None:
    if seen:
        np = numpy()
        np.seterr(**{kind: seen[kind] for kind in np.geterr()})
        np.seterrcall(seen["called"].value)
        np.setbufsize(seen["buffer"])


def _numpy_printing(_: Scene) -> dict[str, Any] | None:
    options = numpy().get_printoptions() if numpy() else None
    return options and {**options, "formatter": Same(options["formatter"]) if options["formatter"] else None}


def _numpy_printing_back(_: Scene, seen: dict[str, Any] | None) -> None:
    if seen:
        formatter = seen["formatter"].value if seen["formatter"] else None
        numpy().set_printoptions(**{**seen, "formatter": formatter})


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
    Aspect("numpy print options", _numpy_printing, _numpy_printing_back),
    Aspect("python random state", lambda _: random.getstate(), lambda _, seen: random.setstate(seen)),
    Aspect("number formats", _formats, _formats_back),
)

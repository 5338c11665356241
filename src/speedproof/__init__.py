"""Proves that a fast function gives a slow one's answer, and only then says how much faster it is, and how surely."""

_PLACES = {
    "BadInput": "errors:BadInput",
    "Certificate": "gate.certificate:Certificate",
    "Checked": "own.asking:Checked",
    "NotEquivalent": "errors:NotEquivalent",
    "Pair": "own.pair:OwnPair",
    "argmax": "own.same:argmax",
    "certified": "own.asking:certified",
    "check": "own.asking:check",
    "clusters": "own.same:clusters",
    "load_ipython_extension": "own.doors.notebook:load_ipython_extension",
    "numbers": "own.same:numbers",
    "ranking": "own.same:ranking",
    "sets": "own.same:sets",
    "verify": "own.proof:verify",
}
"""The public names, and where each is; nothing is imported before it is asked for."""
__all__ = [name for name in _PLACES if name != "load_ipython_extension"]


def __getattr__(name: str) -> object:
    """A public name, imported when it is first asked for (PEP 562)."""
    if name not in _PLACES:
        raise AttributeError(f"module 'speedproof' has no attribute {name!r}")
    from importlib import import_module

    module, _, attribute = _PLACES[name].partition(":")
    return getattr(import_module(f"speedproof.{module}"), attribute)


def __dir__() -> list[str]:
    """The public names among the rest."""
    return sorted({*globals(), *__all__})

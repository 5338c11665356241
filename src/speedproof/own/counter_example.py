"""A counter-example: the smallest arguments found on which two functions differ, in words and as a file of its own."""

import base64
import copy
import os
import pickle
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from speedproof.clock import monotonic_s
from speedproof.errors import BadInput
from speedproof.failures import reason
from speedproof.gate import state
from speedproof.pairs.files import file_named
from speedproof.pairs.marks import is_array, numpy

from .draws import Draw, Source
from .effects.files import entries, folder, stands_for_temporary
from .equivalence import TheSame
from .pair import OwnPair
from .reference.answers import Answer
from .reference.outcome import ask
from .values.differences import in_repr
from .values.leaf import is_library, is_module, is_tensor, torch

SEEDS = 20
"""Draws of each smaller size that are tried."""
MOST_SIZES = 30
"""Smallest sizes, each of which is tried; of larger ones every half."""
LONGEST_S = 5.0
"""Seconds that looking for smaller arguments may take."""
CUT = " characters)"
"""How a text ends that is not shown in whole."""
SHOWN = 300
"""Characters of arguments and answers that are shown."""
MOST_ITEMS = 1_000
"""Items of an iterator that are looked at to be shown."""


@dataclass(frozen=True)
class CounterExample:
    """Arguments, and what both functions do with them, in words."""

    inputs: str
    expected: str
    got: str
    file: str
    """A Python file that shows it without this project."""
    draw: str


def found(pair: OwnPair, draw: Draw) -> CounterExample | None:
    """The same as `smallest`; None where looking for it, or telling it, fails: the refusal stands without."""
    try:
        return smallest(pair, draw)
    except Exception:
        return None


def smallest(pair: OwnPair, draw: Draw) -> CounterExample:
    """The smallest arguments on which they differ; those of the draw, where by themselves they do not."""
    equivalence: TheSame = pair.equivalence
    candidate = pair.batched

    def differs(one: Draw) -> bool:
        try:
            answer = pair.answers.fresh(one)
        except BadInput:
            # There are none of that size.
            return False
        return bool(_objection(equivalence, answer, candidate, pair))

    found = draw
    with state.restored(pair.kit, {}):
        if differs(draw):
            found = next((one for one in _smaller(pair.source, draw, differs) if differs(one)), draw)
        answer = pair.answers.fresh(found)
        return _told(pair, found, _objection(equivalence, answer, candidate, pair))


def _objection(equivalence: TheSame, answer: Answer, candidate: Callable[..., Any], pair: OwnPair) -> str:
    """What differs in the answer itself, or in what the call leaves behind; empty where nothing does."""
    inputs = answer.draw.make()
    outcome = ask(candidate, inputs, pair.kit, answer.draw.seed, pair.answers.of_state)
    held = TheSame(_Known(answer), equivalence.same, equivalence.exceptions)  # type: ignore[arg-type]
    if outcome.error:
        return str(held.raised(inputs, outcome.error) or "")
    try:
        if left := held.after(answer, outcome.after, outcome.drawn, outcome.left):
            return str(left)
        return str(next(held.examine(inputs, None, outcome.answer, {}), ""))
    except Exception as error:
        return reason(error)


class _Known:
    """Answers, of which there is one."""

    def __init__(self, answer: Answer) -> None:
        self._answer, self.kit, self.of_state = answer, answer.kit, False

    def of(self, draw: Draw) -> Answer:
        return self._answer


def _smaller(source: Source, draw: Draw, differs: Callable[[Draw], bool]) -> Iterator[Draw]:
    """Draws to try, the smallest first."""
    if source.shrink:
        with stands_for_temporary("shrunk_"):
            found = source.shrink(lambda inputs: differs(_fixed(source, inputs)))
        if found is not None:
            yield _fixed(source, found)
        return
    if source.has_sizes:
        end_s = monotonic_s() + LONGEST_S
        below = range(draw.size) if draw.size <= MOST_SIZES else [*range(MOST_SIZES), *_halves(draw.size)]
        for size in below:
            for seed in range(SEEDS):
                if monotonic_s() > end_s:
                    return
                yield Draw(source, size, draw.seed + seed, draw.form)
    elif source.may_change_items:
        yield from _fewer_items(source, draw, differs)


def _halves(size: int) -> list[int]:
    found = []
    while (size := size // 2) >= MOST_SIZES:
        found.append(size)
    return sorted(found)


def _fewer_items(source: Source, draw: Draw, differs: Callable[[Draw], bool]) -> Iterator[Draw]:
    """The example with one item less, as long as that goes on."""
    inputs = dict(draw.make())
    shrunk = True
    while shrunk:
        shrunk = False
        for name, value in inputs.items():
            if type(value) not in (list, tuple, str) and not (is_array(value) and value.ndim == 1):
                continue
            for i in range(len(value)):
                fewer = {**inputs, name: _without(value, i)}
                if differs(_fixed(source, fewer)):
                    inputs, shrunk = fewer, True
                    break
            if shrunk:
                break
    yield _fixed(source, inputs)


def _without(value: Any, i: int) -> Any:
    if is_array(value):
        return value[[n for n in range(len(value)) if n != i]]
    return value[:i] + value[i + 1 :]


def _fixed(source: Source, inputs: Mapping[str, Any]) -> Draw:
    held = copy.deepcopy(dict(inputs))
    return Draw(Source(lambda size, seed: copy.deepcopy(held), source.words, has_sizes=False), 0, 0)


def _told(pair: OwnPair, draw: Draw, objection: str) -> CounterExample:
    of_state = pair.answers.of_state
    expected, got = (
        ask(one, pair.made(draw, one), pair.kit, draw.seed, of_state) for one in (pair.sequential, pair.batched)
    )
    told = [_outcome(one.answer, one.error) for one in (expected, got)]
    words = (
        shown(dict(draw.make())),
        told[0],
        told[1] + _if_alike(told[0], told[1], objection),
        _file(pair, draw),
        draw.words,
    )
    # What cannot be written down in UTF-8 cannot be recorded.
    return CounterExample(*(word.encode("utf-8", "backslashreplace").decode() for word in words))


def _if_alike(expected: str, got: str, objection: str) -> str:
    """What is added where the two look alike: they differ in digits that are not shown, or in what a call leaves
    behind, or only after other calls."""
    if expected != got and not expected.endswith(CUT):
        return ""
    if objection:
        return f" ({objection.rstrip('.')})"
    return " (the same answer: what differs is said above)"


def _outcome(answer: Any, error: Exception | None) -> str:
    return f"raises {reason(error)}" if error else _value(answer)


def shown(inputs: Mapping[str, Any]) -> str:
    """Arguments as one writes them in a call."""
    return ", ".join(f"{name}={_value(value)}" for name, value in inputs.items())


def _value(value: Any) -> str:
    if is_module(value):
        return f"<{type(value).__name__}>"
    if isinstance(value, Iterator) and not hasattr(value, "read"):
        given, why = _drawn(value)
        return f"iter({_value(given)}{why})"
    text = " ".join(in_repr(value).split())
    if is_array(value) or is_tensor(value):
        dtype = f", dtype={value.dtype}" if f"dtype={value.dtype}" not in text else ""
        text = text.removesuffix(")") + dtype + ")" if text.endswith(")") else text
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}... ({len(text):,}{CUT}"


def _drawn(value: Iterator[Any]) -> tuple[list[Any], str]:
    """The first items of an iterator, and in words how it ends where it raises."""
    found: list[Any] = []
    try:
        for one in islice(value, MOST_ITEMS):
            found.append(one)
    except Exception as error:
        return found, f", and then raises {reason(error)}"
    return found, ""


def _file(pair: OwnPair, draw: Draw) -> str:
    """Python that calls both functions with these arguments, and needs nothing but them."""
    inputs = dict(draw.make())
    files = _files_as_code(inputs)
    source, imports = _as_code(inputs)
    places = _places(pair)
    known = [known_as for *_, known_as in places]
    of_inputs = [one for one in _users_modules(pair) if one[1] not in known]
    loaded = "\n".join(
        [
            *(f"{side} = load({where!r}, {name!r}, {known_as!r})" for side, where, name, known_as in places),
            *(f"load({where!r}, '', {known_as!r})" for where, known_as in of_inputs if "pickle" in imports),
        ]
    )
    return (
        '"""Two functions that were to give the same answer, and arguments with which they do not."""\n\n'
        f"import copy\nimport importlib.util\nimport sys\n{imports}from pathlib import Path\n\n{_all_digits()}\n"
        "def load(path, name, known_as):\n"
        "    sys.path.append(str(Path(path).parent))\n"
        "    if known_as not in sys.modules:\n"
        "        spec = importlib.util.spec_from_file_location(known_as, path)\n"
        "        sys.modules[known_as] = importlib.util.module_from_spec(spec)\n"
        "        spec.loader.exec_module(sys.modules[known_as])\n"
        "    found = sys.modules[known_as]\n"
        "    for part in filter(None, name.split('.')):\n"
        "        found = getattr(found, part)\n"
        "    return found\n\n\n"
        f"{loaded}\n"
        f"inputs = {source}\n{files}\n"
        'for name, function in (("reference", reference), ("candidate", candidate)):\n'
        "    given = copy.deepcopy(inputs)\n"
        f"{'    fill_folder()' + chr(10) if files else ''}"
        "    try:\n"
        "        found = function(**given)\n"
        "        answer = repr(list(found) if hasattr(found, '__next__') else found)\n"
        "    except Exception as error:\n"
        '        answer = f"raised {type(error).__name__}: {error}"\n'
        '    print(f"{name}: {answer}")\n'
        "    if repr(given) != repr(inputs):\n"
        '        print(f"    and leaves its arguments as {given!r}")\n'
        f"{SHOWING_FILES if files else ''}"
    )


FILLING = """
FOLDER = Path({folder!r})
FILES = {files!r}


def fill_folder():
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    for path, content in FILES.items():
        (FOLDER / path).parent.mkdir(parents=True, exist_ok=True)
        (FOLDER / path).mkdir() if content is None else (FOLDER / path).write_bytes(content)

"""
SHOWING_FILES = """    for path in sorted(FOLDER.rglob("*")):
        if path.is_file():
            print(f"    {path.relative_to(FOLDER)} ({path.stat().st_mode & 0o777:o}): {path.read_bytes()!r}")
shutil.rmtree(FOLDER.parent)
"""


def _files_as_code(inputs: Mapping[str, Any]) -> str:
    """Python that makes the folder of temporary files anew, where the inputs have anything to do with it."""
    found = entries()
    if not found and folder() not in repr(inputs):
        return ""
    held = {path: one.content if one.kind == "file" else None for path, one in sorted(found.items())}
    return "\nimport shutil\n" + FILLING.format(folder=folder(), files=held)


def _all_digits() -> str:
    """Has NumPy and torch print what tells two numbers apart, where they are there."""
    of_numpy = "import numpy\n\nnumpy.set_printoptions(floatmode='unique')\n" if numpy() else ""
    return of_numpy + ("import torch\n\ntorch.set_printoptions(precision=17)\n" if torch() else "")


def _users_modules(pair: OwnPair) -> list[tuple[str, str]]:
    """File and name of each module beside those that the pair names: a class of the inputs may be of one."""
    named = [file for text in pair.given_names() if text and (file := file_named(text))]
    folders = tuple(f"{file.resolve().parent}{os.sep}" for file in named)
    return [
        (str(module.__file__), name)
        for name, module in sys.modules.items()
        if str(getattr(module, "__file__", None) or "").startswith(folders) and not is_library(name.partition(".")[0])
    ]


def _places(pair: OwnPair) -> list[tuple[str, str, str, str]]:
    from speedproof.callables import source_file, written

    found = []
    for side, function in (("reference", pair.sequential), ("candidate", pair.batched)):
        inner = getattr(function, "__wrapped__", function)
        path = source_file(inner)
        known_as = getattr(written(inner), "__module__", None) or side
        found.append((side, str(path) if path else "?", getattr(written(inner), "__qualname__", "?"), known_as))
    return found


def _as_code(inputs: Mapping[str, Any]) -> tuple[str, str]:
    """The arguments as an expression, and the imports that it needs."""
    try:
        return _written_out(inputs)
    except ValueError as error:
        # Whole numbers beyond what Python writes down.
        return f"None  # They cannot be written down: {reason(error)}", ""


def _written_out(inputs: Mapping[str, Any]) -> tuple[str, str]:
    parts, numpy_needed = [], False
    for name, value in inputs.items():
        if is_array(value) and value.dtype.kind in "biuf" and value.size <= SHOWN:
            parts.append(f"{name!r}: numpy.array({_numbers(value)}, dtype={value.dtype.name!r})")
            numpy_needed = True
        elif _is_literal(value):
            parts.append(f"{name!r}: {value!r}")
        else:
            return _pickled(inputs)
    nan = "" if not any(word in " ".join(parts) for word in ("nan", "inf")) else "from math import inf, nan\n"
    return "{" + ", ".join(parts) + "}", ("import numpy\n" if numpy_needed else "") + nan


def _numbers(value: Any) -> str:
    return repr(value.tolist())


def _is_literal(value: Any) -> bool:
    if type(value) in (list, tuple, set, frozenset):
        return all(map(_is_literal, value)) and (type(value) is not frozenset) and bool(value or type(value) is not set)
    if type(value) is dict:
        return all(_is_literal(key) and _is_literal(one) for key, one in value.items())
    return value is None or type(value) in (int, float, str, bytes, bool, complex)


def _pickled(inputs: Mapping[str, Any]) -> tuple[str, str]:
    try:
        packed = base64.b64encode(pickle.dumps(dict(inputs))).decode()
    except Exception as error:
        return f"None  # They cannot be written down: {reason(error)}", ""
    lines = "\n".join(f'    "{line}"' for line in textwrap.wrap(packed, 100))
    return f"pickle.loads(base64.b64decode(\n{lines}\n))", "import base64\nimport pickle\n"

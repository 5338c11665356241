"""Works in a process where some libraries cannot be imported. A script of its own.

`python -m tests.bare WORK ARGUMENT...` prints what it saw as JSON.
"""

import importlib
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.abc import MetaPathFinder
from pathlib import Path
from typing import Any

from speedproof.errors import BadInput

ROOT = Path(__file__).parent.parent
OF_MODELS = ("torch", "transformer_lens", "sae_lens")
OF_THE_REPORT = ("typer", "plotly", "pandas")
CARDS = ("feature_links", "sae_cache")
"""Findings whose functions need neither torch nor a model."""


class Absent(MetaPathFinder):
    """Refuses to import these packages, as where they are not installed."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> None:
        if fullname.split(".")[0] in self.names:
            raise ImportError(f"{fullname} is not to be had")


def cards() -> Any:
    """The findings that are told of here."""
    from bench.findings import find

    return tuple(map(find, CARDS))


def imported(*modules: str) -> dict[str, str]:
    """What each module says when it is imported: nothing, or why it cannot be."""
    return {name: _refusal(name) for name in modules}


def definition_of(name: str) -> str:
    """What a finding's definition says when it is asked for, its card having been read: nothing, or why not."""
    from bench.findings import find

    try:
        find(name).pairs[0].sequential  # noqa: B018
    except BadInput as error:
        return str(error)
    return ""


def checked() -> dict[str, Any]:
    """Both pairs on every small workload: what the gate says, and of a wrong function too."""
    from speedproof.gate.check import certify

    said = {}
    for finding in cards():
        pair = finding.pairs[0]
        for workload in (one for one in pair.workloads if one.name != "report"):
            said[f"{pair.name} {workload.name}"] = type(certify(finding, pair, workload)).__name__
        wrong = certify(finding, pair, pair.workloads[0], lambda *args, **kwargs: [])
        said[f"{pair.name} wrong"] = type(wrong).__name__
    return {"said": said, "loaded": _loaded("numpy")}


def squares(numbers: list[int]) -> list[int]:
    """The definition of a made-up pair."""
    return [number * number for number in numbers]


def made_up() -> dict[str, str]:
    """A pair that says nothing but its functions, inputs and workload: what becomes of each function."""
    from speedproof.digest import source_digest
    from speedproof.gate.check import certify
    from speedproof.gate.exact import Exactly
    from speedproof.pairs.finding import Pair
    from speedproof.pairs.workload import Workload

    def inputs(workload: Workload, subject: Any, order: Sequence[int] | None) -> dict[str, Any]:
        return {"numbers": [n + 2 for n in (range(workload.n_items) if order is None else order)]}

    def right(numbers: list[int]) -> list[int]:
        return list(map(int.__mul__, numbers, numbers))

    def one_short(numbers: list[int]) -> list[int]:
        return squares(numbers[1:])

    def sorting_its_input(numbers: list[int]) -> list[int]:
        answer = squares(numbers)
        numbers.sort()
        return answer

    kept: list[int] = []

    def one_list_for_all_calls(numbers: list[int]) -> list[int]:
        kept[:] = squares(numbers)
        return kept

    def by_numpy(numbers: list[int]) -> list[int]:
        import numpy

        squared: list[int] = (numpy.array(numbers) ** 2).tolist()
        return squared

    def seeding_numpy(numbers: list[int]) -> list[int]:
        import numpy

        numpy.random.seed(0)
        return squares(numbers)

    smoke = Workload("smoke", "none", 8, "none")
    pair = Pair(squares, right, inputs, Exactly(), (smoke,), items=("numbers",))
    finding = replace(cards()[0], pairs=(pair,), definition_digest=source_digest(squares))
    said = {}
    for candidate in (right, one_short, sorting_its_input, one_list_for_all_calls, by_numpy, seeding_numpy):
        answer: Any = certify(finding, pair, smoke, candidate)
        said[candidate.__name__] = getattr(answer, "rule", "certified")
    return said


def timed(results: str) -> dict[str, Any]:
    """Both pairs certified, counted and sampled, recorded, and a report made of the records."""
    from speedproof.gate.certificate import Certificate
    from speedproof.gate.check import certify

    findings = cards()
    from speedproof.counters.tally import count
    from speedproof.environment import current_environment
    from speedproof.pairs.finding import TWINS
    from speedproof.records.kinds import Certified, Counted, Measured
    from speedproof.records.record import Recorder, read
    from speedproof.report import report
    from speedproof.timing.plan import Plan
    from speedproof.timing.runner import sample_all
    from speedproof.timing.sampling import Stretch

    recorder = Recorder(Path(results), current_environment(), "without torch")
    plans = []
    for finding in findings:
        pair = finding.pairs[0]
        workload = pair.workload("smoke")
        certificate = certify(finding, pair, workload)
        assert isinstance(certificate, Certificate)
        recorder.write(Certified(certificate=certificate))
        inputs = pair.inputs(workload, pair.subject(workload), None)
        counts = {twin: count(finding.counters, pair.twin(twin), inputs) for twin in TWINS}
        about = {"finding": finding.name, "function": pair.name, "workload": workload}
        recorder.write(Counted(**about, sources=pair.source_digests(), counts=counts))
        plans.append(Plan(finding.target(pair.name), certificate))
    for plan in plans:
        # As many processes as make an interval; here the same one serves for all.
        outcomes = [next(iter(sample_all([plan], seed, Stretch(0.02, bool(seed % 2))))) for seed in range(4)]
        launches = tuple(outcome.launch for outcome in outcomes if outcome.launch)
        recorder.write(Measured(certificate=plan.certificate, launches=launches))
    built = report.build(findings, read(Path(results)), "smoke")
    return {"report": report.render(built, "report.md"), "loaded": _loaded()}


def _refusal(module: str) -> str:
    try:
        importlib.import_module(module)
    except ImportError as error:
        return str(error)
    return ""


def _loaded(*more: str) -> list[str]:
    return [name for name in (*OF_MODELS, *more) if name in sys.modules]


WORKS: dict[str, tuple[tuple[str, ...], Callable[..., Any]]] = {
    "imported": ((*OF_MODELS, *OF_THE_REPORT), imported),
    "definition_of": (OF_MODELS, definition_of),
    "checked": (OF_MODELS, checked),
    "made_up": (OF_MODELS, made_up),
    "timed": (OF_MODELS, timed),
}
"""Work -> what cannot be imported meanwhile, and the work."""


if __name__ == "__main__":
    blocked, work = WORKS[sys.argv[1]]
    sys.meta_path.insert(0, Absent(blocked))
    print(json.dumps(work(*sys.argv[2:])))  # noqa: T201

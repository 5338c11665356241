"""Peers: other tools, each asked in its own way and in its own processes whether one call is slower than another.

Each takes two sets of samples, before and after, in half of the budget each, and gives one alarm per decision rule.
None of them needs more of ours than the call that it times. A tool that is not installed is left out.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from ..errors import SpeedproofError
from .burden import FOLDER, PRODUCTS

ROOT = Path(__file__).resolve().parent.parent.parent
IMPORT = "from bench.power.burden import from_environment\ncall = from_environment()\n"
N_PROCESSES = 4
"""Processes a side for tools that take several; pyperf's default of 20 would be spent on starting them."""


class PeerFailed(SpeedproofError):
    """Another tool ended otherwise than by an answer."""


@dataclass(frozen=True)
class Trial:
    """One question: do `after` extra products make the call slower than `before`, within `budget_s` of timing?"""

    folder: Path
    before: int
    after: int
    budget_s: float

    def run(self, command: list[str], n_products: int, expected: tuple[int, ...] = (0,)) -> str:
        """A tool's process with that burden; what it said. Raises PeerFailed."""
        paths = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
        own = {FOLDER: str(self.folder), PRODUCTS: str(n_products), "PYTHONPATH": paths}
        environment = {**os.environ, **own}
        done = subprocess.run(
            [sys.executable, *command], capture_output=True, text=True, cwd=self.folder, env=environment
        )
        if done.returncode not in expected:
            said = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["nothing said"]
            raise PeerFailed(f"{' '.join(command[:3])} ended with status {done.returncode}: {said[0]}")
        return done.stdout

    def script(self, name: str, text: str) -> str:
        """Writes a script for a tool. Its path."""
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return str(path)


Alarms = Mapping[str, bool]
"""Decision rule -> whether it says that the call has become slower."""


def asv(trial: Trial) -> Alarms:
    """asv's own timing in two rounds a commit, one after the other as `asv continuous` does in an existing environment,
    and asv's own decision, at its default factor and at 1.01. It is asv's code without its command line, which
    would need a repository, an environment and a build for each trial."""
    from asv._stats import is_different
    from asv_runner.statistics import compute_stats

    code = IMPORT + (
        "import json, sys\n"
        "from asv_runner.benchmarks.time import TimeBenchmark\n"
        "class Attributes: sample_time = float(sys.argv[1]) / 8; rounds = 2\n"
        "print(json.dumps(TimeBenchmark('time_call', call, [Attributes]).run()))\n"
    )
    script = trial.script("with_asv.py", code)
    sides = []
    for n_products in (trial.before, trial.after):
        rounds = [json.loads(trial.run([script, str(trial.budget_s / 4)], n_products)) for _ in range(2)]
        samples = [sample for one in rounds for sample in one["samples"]]
        sides.append((samples, *compute_stats(samples, rounds[0]["number"])))
    (one, before_s, one_stats), (two, after_s, two_stats) = sides
    different = bool(is_different(one, two, one_stats, two_stats))
    return {f"factor {factor}": different and after_s > before_s * factor for factor in (1.1, 1.01)}


def pytest_benchmark(trial: Trial) -> Alarms:
    """Two real sessions, and the check behind `--benchmark-compare-fail` on their files, so that several rules are
    asked of the same samples; `min:5%` is its documentation's."""
    script = trial.script("test_call.py", IMPORT + "def test_call(benchmark): benchmark(call)\n")
    half = ["--benchmark-max-time", str(trial.budget_s / 2), "--benchmark-warmup", "on"]
    session = [
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-c",
        "/dev/null",
        "--rootdir",
        str(trial.folder),
        script,
    ]
    session += ["--benchmark-storage", str(trial.folder), *half]
    figures = []
    for name, n_products in (("before", trial.before), ("after", trial.after)):
        path = trial.folder / f"{name}.json"
        trial.run([*session, f"--benchmark-json={path}"], n_products)
        figures.append(json.loads(path.read_text()))
    utils = import_module("pytest_benchmark.utils")
    stats = [one["benchmarks"][0]["stats"] for one in figures]
    rules = ("min:5%", "mean:5%", "median:2%")
    return {rule: bool(utils.parse_compare_fail(rule).fails(stats[1], stats[0])) for rule in rules}


def pyperf(trial: Trial) -> Alarms:
    """Two real benchmark files, then `pyperf compare_to`."""
    script = trial.script("with_pyperf.py", "import pyperf\n" + IMPORT + "pyperf.Runner().bench_func('call', call)\n")
    n_values = max(3, round(trial.budget_s / 2 / N_PROCESSES / 0.1))
    options = ["--processes", str(N_PROCESSES), "--values", str(n_values), "--warmups", "1", "--quiet"]
    options += ["--inherit-environ", f"{FOLDER},{PRODUCTS},PYTHONPATH"]
    paths = [trial.folder / name for name in ("before.pyperf", "after.pyperf")]
    for path, n_products in zip(paths, (trial.before, trial.after), strict=True):
        path.unlink(missing_ok=True)
        trial.run([script, *options, "--output", str(path)], n_products)
    said = trial.run(["-m", "pyperf", "compare_to", *map(str, paths)], 0)
    return {"compare_to": "slower" in said}


def torch_benchmark(trial: Trial) -> Alarms:
    """`blocked_autorange` in a process a side. Its `Compare` shows medians trimmed to their significant figures; two
    that differ when so shown are taken for a difference, since torch itself decides nothing."""
    code = IMPORT + (
        "import json, sys, torch\n"
        "from torch.utils.benchmark import Timer\n"
        "timer = Timer('call()', globals={'call': call}, num_threads=torch.get_num_threads())\n"
        "taken = timer.blocked_autorange(min_run_time=float(sys.argv[1]))\n"
        "print(json.dumps([taken.median, taken.significant_figures]))\n"
    )
    script = trial.script("with_torch.py", code)
    half = str(trial.budget_s / 2)
    sides = [json.loads(trial.run([script, half], n)) for n in (trial.before, trial.after)]
    from torch.utils.benchmark.utils.common import trim_sigfig

    figures = min(figures for _, figures in sides)
    before, after = (trim_sigfig(median, figures) for median, _ in sides)
    return {"trimmed median": after > before}


PEERS: Mapping[str, tuple[str, Callable[[Trial], Alarms]]] = {
    "asv": ("asv_runner", asv),
    "pytest-benchmark": ("pytest_benchmark", pytest_benchmark),
    "pyperf": ("pyperf", pyperf),
    "torch.utils.benchmark": ("torch", torch_benchmark),
}
"""Peers by name: the package that must be installed, and how it is asked."""


def installed() -> list[str]:
    """The peers that can be asked here."""
    return [name for name, (package, _) in PEERS.items() if find_spec(package)]

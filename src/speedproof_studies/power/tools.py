"""Peers: other tools, each asked in its own way and in its own processes whether one call is slower than another.

Each takes its samples of one side in half of the budget, and gives one alarm per decision rule for two sides. None of
them needs more of ours than the call that it times. A tool that is not installed is left out.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from speedproof.errors import SpeedproofError
from speedproof.failures import reason
from speedproof.folders import SOURCE

from .slowed_call import FOLDER, PRODUCTS

IMPORT = (
    f"import sys\nsys.path.insert(0, {str(SOURCE)!r})\n"
    "from speedproof import search_path\nsearch_path.own_code_alone()\n"
    "from speedproof_studies.power.slowed_call import from_environment\ncall = from_environment()\n"
)
LIMIT_FACTOR, LIMIT_MARGIN_S = 10.0, 600.0
"""A tool may take so many times its budget, and so many seconds to start its processes."""
N_PROCESSES = 4
"""Processes a side for tools that take several; pyperf's default of 20 would be spent on starting them."""


class PeerFailed(SpeedproofError):
    """Another tool ended otherwise than by an answer."""


@dataclass(frozen=True)
class Half:
    """One side of a question: how long the call takes with some extra products, within `budget_s` of timing."""

    folder: Path
    n_products: int
    budget_s: float

    def run(self, command: list[str]) -> str:
        """A tool's process with that burden; what it said. Raises PeerFailed."""
        own = {FOLDER: str(self.folder), PRODUCTS: str(self.n_products)}
        try:
            done = subprocess.run(
                [sys.executable, "-P", *command],
                capture_output=True,
                text=True,
                errors="replace",
                cwd=self.folder,
                env={**os.environ, **own},
                timeout=LIMIT_FACTOR * self.budget_s + LIMIT_MARGIN_S,
            )
        except subprocess.TimeoutExpired as error:
            raise PeerFailed(f"{' '.join(command[:3])} gave no answer within {error.timeout:.0f} s.") from None
        except OSError as error:
            raise PeerFailed(f"{' '.join(command[:3])} cannot be started: {reason(error)}.") from error
        if done.returncode:
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


@dataclass(frozen=True)
class Peer:
    """Another tool: the package that must be installed, how it samples a side, what it says of two."""

    package: str
    sampled: Callable[[Half], Any]
    judged: Callable[[Any, Any], Alarms]


def _asv(half: Half) -> Any:
    """asv's own timing in two rounds, a process each.

    It is asv's code without its command line, which would need a repository, an environment and a build for each trial.
    """
    from asv_runner.statistics import compute_stats

    code = IMPORT + (
        "import json, sys\n"
        "from asv_runner.benchmarks.time import TimeBenchmark\n"
        "class Attributes: sample_time = float(sys.argv[1]) / 8; rounds = 2\n"
        "print(json.dumps(TimeBenchmark('time_call', call, [Attributes]).run()))\n"
    )
    script = half.script("with_asv.py", code)
    rounds = [json.loads(half.run([script, str(half.budget_s / 2)])) for _ in range(2)]
    samples = [sample for one in rounds for sample in one["samples"]]
    return samples, *compute_stats(samples, rounds[0]["number"])


def _asv_says(before: Any, after: Any) -> Alarms:
    """asv's own decision, at its default factor and at 1.01, the sides one after the other, as `asv continuous` takes
    them in an existing environment."""
    from asv._stats import is_different

    (one, before_s, one_stats), (two, after_s, two_stats) = before, after
    different = bool(is_different(one, two, one_stats, two_stats))
    return {f"factor {factor}": different and after_s > before_s * factor for factor in (1.1, 1.01)}


def _pytest_benchmark(half: Half) -> Any:
    """A real session."""
    script = half.script("test_call.py", IMPORT + "def test_call(benchmark): benchmark(call)\n")
    session = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", "/dev/null", "--rootdir", str(half.folder), script]
    session += ["--benchmark-storage", str(half.folder), "--benchmark-max-time", str(half.budget_s)]
    path = half.folder / "session.json"
    half.run([*session, "--benchmark-warmup", "on", f"--benchmark-json={path}"])
    return json.loads(path.read_text())["benchmarks"][0]["stats"]


def _pytest_benchmark_says(before: Any, after: Any) -> Alarms:
    """The check behind `--benchmark-compare-fail`, so that several rules are asked of the same samples; `min:5%` is its
    documentation's."""
    utils = import_module("pytest_benchmark.utils")
    rules = ("min:5%", "mean:5%", "median:2%")
    return {rule: bool(utils.parse_compare_fail(rule).fails(after, before)) for rule in rules}


def _pyperf(half: Half) -> Any:
    """A real benchmark file, as text."""
    script = half.script("with_pyperf.py", "import pyperf\n" + IMPORT + "pyperf.Runner().bench_func('call', call)\n")
    n_values = max(3, round(half.budget_s / N_PROCESSES / 0.1))
    options = ["--processes", str(N_PROCESSES), "--values", str(n_values), "--warmups", "1", "--quiet"]
    options += ["--inherit-environ", f"{FOLDER},{PRODUCTS},PYTHONPATH"]
    path = half.folder / "file.pyperf"
    path.unlink(missing_ok=True)
    half.run([script, *options, "--output", str(path)])
    return path.read_text()


def _pyperf_says(before: Any, after: Any) -> Alarms:
    """`pyperf compare_to`."""
    with tempfile.TemporaryDirectory() as name:
        paths = [Path(name) / f"{side}.pyperf" for side in ("before", "after")]
        for path, text in zip(paths, (before, after), strict=True):
            path.write_text(text)
        said = Half(Path(name), 0, 0).run(["-m", "pyperf", "compare_to", *map(str, paths)])
    return {"compare_to": "slower" in said}


def _torch(half: Half) -> Any:
    """`blocked_autorange`."""
    code = IMPORT + (
        "import json, sys, torch\n"
        "from torch.utils.benchmark import Timer\n"
        "timer = Timer('call()', globals={'call': call}, num_threads=torch.get_num_threads())\n"
        "taken = timer.blocked_autorange(min_run_time=float(sys.argv[1]))\n"
        "print(json.dumps([taken.median, taken.significant_figures]))\n"
    )
    return json.loads(half.run([half.script("with_torch.py", code), str(half.budget_s)]))


def _torch_says(before: Any, after: Any) -> Alarms:
    """`Compare` shows medians trimmed to their significant figures; two that differ when so shown are taken for a
    difference, since torch itself decides nothing."""
    from torch.utils.benchmark.utils.common import trim_sigfig

    figures = min(before[1], after[1])
    return {"trimmed median": trim_sigfig(after[0], figures) > trim_sigfig(before[0], figures)}


PEERS: Mapping[str, Peer] = {
    "asv": Peer("asv_runner", _asv, _asv_says),
    "pytest-benchmark": Peer("pytest_benchmark", _pytest_benchmark, _pytest_benchmark_says),
    "pyperf": Peer("pyperf", _pyperf, _pyperf_says),
    "torch.utils.benchmark": Peer("torch", _torch, _torch_says),
}
"""Peers by name."""


def installed() -> list[str]:
    """The peers that can be asked here."""
    return [name for name, peer in PEERS.items() if find_spec(peer.package)]

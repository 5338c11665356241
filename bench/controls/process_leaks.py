"""Right answers that leave something behind in NumPy, in Python or in the process, one aspect of state each."""

import decimal
import gc
import io
import logging
import os
import signal
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

import impl_batched.text_batching as batched
from bench.findings.text_batching import FINDING
from speedproof.gate.control import Control


def numpy_random_state_reset(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Seeds NumPy, so that the extraction is reproducible."""
    np.random.seed(0)
    return batched.extract_features(model, sae, hook_name, texts)


def numpy_errors_ignored(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Silences NumPy about divisions by zero, which its statistics need not report."""
    np.seterr(all="ignore")
    return batched.extract_features(model, sae, hook_name, texts)


def numbers_printed_plainly(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Prints features without exponents from now on."""
    np.set_printoptions(suppress=True)
    return batched.extract_features(model, sae, hook_name, texts)


def decimals_shortened(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Rounds what it reports to six digits, by the context of all decimals."""
    decimal.getcontext().prec = 6
    return batched.extract_features(model, sae, hook_name, texts)


def garbage_collector_off(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Keeps the garbage collector from interrupting it, and everybody after it."""
    gc.disable()
    return batched.extract_features(model, sae, hook_name, texts)


def recursion_deepened(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Lets calls nest deeper, since hooks within hooks do."""
    sys.setrecursionlimit(12_345)
    return batched.extract_features(model, sae, hook_name, texts)


def _told_shortly(kind: type[BaseException], error: BaseException, traceback: Any) -> None:
    sys.stderr.write(f"{kind.__name__}: {error}\n")


def tracebacks_shortened(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Shows errors in one line, whoever raises them."""
    sys.excepthook = _told_shortly
    return batched.extract_features(model, sae, hook_name, texts)


def errors_silenced(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Sends what libraries say on standard error to nowhere."""
    sys.stderr = io.StringIO()
    return batched.extract_features(model, sae, hook_name, texts)


def import_path_extended(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Adds its own folder to the import path, once, to find its helpers there."""
    folder = str(Path(__file__).parent)
    if folder not in sys.path:
        sys.path.append(folder)
    return batched.extract_features(model, sae, hook_name, texts)


def warnings_ignored(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Silences warnings, all of them, for good."""
    warnings.simplefilter("ignore")
    return batched.extract_features(model, sae, hook_name, texts)


def logging_disabled(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Has libraries log errors only."""
    logging.disable(logging.WARNING)
    return batched.extract_features(model, sae, hook_name, texts)


def files_kept_private(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Has new files made for their owner alone, since texts may be private."""
    os.umask(0o077)
    return batched.extract_features(model, sae, hook_name, texts)


def ended_by_signal(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Ends in order when a cluster's scheduler says so."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    return batched.extract_features(model, sae, hook_name, texts)


_source: list[Any] = []
MOST_OPEN = 2
"""Files that it keeps, so that trying it again and again harms nobody."""


def source_left_open(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Opens its own source at every call, to note the version, and keeps it."""
    _source.append(open(__file__, encoding="utf-8"))
    if len(_source) > MOST_OPEN:
        _source.pop(0).close()
    return batched.extract_features(model, sae, hook_name, texts)


_helpers: list[subprocess.Popen[bytes]] = []
WAITS_S = 60
"""Seconds that the helper waits for work before it ends by itself."""


def helper_left_running(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Keeps a second process ready for the next batch."""
    if not any(helper.poll() is None for helper in _helpers):
        waiting = [sys.executable, "-I", "-S", "-c", f"import time; time.sleep({WAITS_S})"]
        nowhere = subprocess.DEVNULL
        _helpers[:] = [subprocess.Popen(waiting, stdin=nowhere, stdout=nowhere, stderr=nowhere)]
    return batched.extract_features(model, sae, hook_name, texts)


def _control(function: Any, why: str, aspect: str) -> Control:
    return Control(FINDING, function, why, f"{aspect} changed", only=aspect)


CONTROLS = (
    _control(numpy_random_state_reset, "every sample that the user draws afterwards is the same", "numpy random state"),
    _control(numpy_errors_ignored, "the user's next division by zero goes unnoticed", "numpy error state"),
    _control(numbers_printed_plainly, "the user's small numbers are printed as zeros", "numpy print options"),
    _control(decimals_shortened, "the user's sums of money lose their cents", "number formats"),
    _control(
        garbage_collector_off, "the user's cycles are never freed, and every timing is another", "garbage collector"
    ),
    _control(recursion_deepened, "the user's endless recursion ends the process", "interpreter limits"),
    _control(tracebacks_shortened, "the user no longer sees where an error came from", "interpreter hooks"),
    _control(errors_silenced, "the user's own errors go nowhere too", "standard streams"),
    _control(import_path_extended, "the user's imports may find other files", "import path"),
    _control(warnings_ignored, "the user is warned of nothing any more", "warnings filters"),
    _control(logging_disabled, "the user's own log lacks its warnings", "logging"),
    _control(files_kept_private, "the user's group cannot read what the program writes next", "umask"),
    _control(ended_by_signal, "the user's own clean-up at the end of a job is not called", "signal handlers"),
    _control(
        source_left_open, "a descriptor stays taken, and on some systems the file cannot be replaced", "open files"
    ),
    _control(helper_left_running, "it takes memory and a core from what is timed next", "child processes"),
)

"""The worker: runs in a side's own environment, and does one thing at a time when told so through a pipe.

It runs in the folder of the side's twins, so that the twins are the side's and the ruler is the driver's.
"""

import contextlib
import io
import os
import pickle
import traceback
from collections.abc import Callable, Set
from dataclasses import dataclass, field
from functools import partial
from importlib.util import find_spec
from itertools import product
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from speedproof.counters.tally import work
from speedproof.environment import current_environment
from speedproof.errors import SpeedproofError
from speedproof.failures import reason
from speedproof.folders import ROOT
from speedproof.pairs.finding import TWINS, Pair
from speedproof.pairs.question import Question
from speedproof.pairs.references import Target, resolve
from speedproof.pairs.subjects import Subject, Subjects
from speedproof.timing.sampling import Sample, call_all, look_through_once, on_cores, retain_memory, take, warm
from speedproof.timing.warmup import Form


@dataclass
class Worker:
    """What one side does. Each method is a request by its name; what it returns is sent back."""

    subjects: Subjects = field(default_factory=Subjects)

    def hello(self, *targets: Target) -> dict[str, Any]:
        """Versions, and where the twins and this ruler come from. All twins that will be asked are imported.

        What cannot be imported here is told where it is asked; where nothing can be, that is raised.
        """
        import impl_batched

        failed: list[Exception] = []
        for target, name in product(targets, TWINS):
            try:
                target.pair.twin(name)
            except (ImportError, SpeedproofError) as error:
                failed.append(error)
        if failed and len(failed) == len(targets) * len(TWINS):
            raise failed[0]

        return {
            "versions": dict(current_environment().versions),
            "tree": str(Path(impl_batched.__path__[0]).resolve().parent),
            "ruler": str(ROOT),
        }

    def answer(self, question: Question) -> Any:
        """The arm's output."""
        return self._arm(question)(**self._inputs(question))

    def work(self, question: Question) -> tuple[dict[str, int], dict[str, dict[str, int]]]:
        """Every counter of the finding over one call, and aten operators by name."""
        counters = list(question.target.finding.counters)
        if find_spec("torch"):
            from speedproof.tensors.counters import operators

            counters.append(operators)
        # What is set up once, such as a table that is filled at the first call, is no call's work.
        self._arm(question)(**self._inputs(question))
        done = work(list(dict.fromkeys(counters)), self._arm(question), self._inputs(question))
        return dict(done.counts), {of: dict(table) for of, table in done.tables.items()}

    def warm(self, question: Question, cores: Set[int]) -> Form:
        """Warms the arm up. What a sample of it is to be made of."""
        subject = self.subject(question)
        with on_cores(cores):
            form = warm(self._arm(question), self._pair(question), question.workload, subject)
        look_through_once()
        return form

    def sample(self, question: Question, form: Form, cores: Set[int]) -> Sample:
        """Seconds per call, and what the machine did meanwhile."""
        kit = self._pair(question).kit
        kit.use_threads(question.workload.n_threads)
        with on_cores(cores):
            return take(self._arm(question), form, partial(self._inputs, question), kit.wait)[2]

    def settle(self, *questions: Question) -> None:
        """Loads what these questions need, while the other side does the same. What fails is told where it is asked."""
        retain_memory()
        for question in questions:
            with contextlib.suppress(Exception, SystemExit):
                self._inputs(question)
        look_through_once()

    def hotspots(self, question: Question, n_calls: int) -> list[dict[str, Any]]:
        """The operators of so many calls, with their time and where they are called from."""
        self._pair(question).kit.use_threads(question.workload.n_threads)
        # Only torch's profiler sees operators.
        from speedproof.tensors.hotspots import hotspots

        return hotspots(self._calls(question, n_calls), n_calls)

    def call(self, reference: str, *arguments: Any) -> Any:
        """What another module's function says, which is given this worker before its arguments."""
        return resolve(reference)(self, *arguments)

    def subject(self, question: Question) -> Subject:
        """The subject that the question is about, loaded once."""
        return self.subjects.kept(self._pair(question).subject(question.workload))

    def _calls(self, question: Question, n: int) -> Callable[[], Any]:
        return partial(call_all, self._arm(question), [self._inputs(question) for _ in range(n)])

    def _pair(self, question: Question) -> Pair:
        return question.pair

    def _arm(self, question: Question) -> Callable[..., Any]:
        return self._pair(question).arm(question.arm)

    def _inputs(self, question: Question) -> Any:
        pair = self._pair(question)
        return pair.inputs_of(self._arm(question))(question.workload, self.subject(question), None)


def serve(connection: Connection) -> None:
    """Answers requests until the driver goes away. An error is an answer too."""
    worker, own = Worker(), os.getpid()
    while True:
        try:
            name, *arguments = pickle.loads(connection.recv_bytes())
        except (EOFError, OSError):
            return
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                reply = ("done", getattr(worker, name)(*arguments))
            sent = pickle.dumps(reply)
        except BaseException as error:
            # Also an exit, which would else end the process without a word.
            sent = pickle.dumps(("failed", (reason(error), "".join(traceback.format_exception(error)))))
        if os.getpid() != own:
            # The twin forked and both went on; a second answer would be taken for the next question's.
            os._exit(1)
        # As bytes: torch would otherwise lend tensors' memory through a file that the other side may not open.
        connection.send_bytes(sent)

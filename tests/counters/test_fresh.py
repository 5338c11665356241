"""Counts are the same in every process, however its hashes are seeded; and what nobody needs is not imported."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SOURCES = Path(__file__).parents[2] / "src"

COUNT = """
import json, sys
import numpy as np
from speedproof.counters.arrays import numpy_bytes, numpy_operators
from speedproof.counters.memory import kept_bytes, peak_bytes
from speedproof.counters.python import function_calls, instructions_of_python, operations_of_own_types
from speedproof.counters.tally import work

KEPT = {}

class Word:
    def __init__(self, text):
        self.text = text
    def __lt__(self, other):
        return self.text < other.text

def twin(a):
    words = sorted(Word(f"w{i * 7919 % 100}") for i in range(100))
    by_text = {word.text: [word] for word in words}
    for row in a:
        by_text.setdefault("sum", []).append(float((row + 1).sum()))
    KEPT.update(by_text)
    return [word.text for word in words], json.dumps(sorted(by_text))

def leaks(a):
    # The order in which a set hands out its members changes with the seed.
    first = next(iter({f"w{i}" for i in range(100)}))
    for _ in range(int(first[1:])):
        str(1).strip()

twin(np.ones((4, 5)))
counters = (function_calls, operations_of_own_types, instructions_of_python, peak_bytes, kept_bytes, numpy_operators)
done = [work([c], f, {"a": np.ones((4, 5))}) for f in (twin, leaks) for c in (*counters, numpy_bytes)]
print(json.dumps([[dict(one.counts), {of: dict(table) for of, table in one.tables.items()}] for one in done]))
"""


def answer(code: str, seed: str) -> Any:
    environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(SOURCES)}
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    return json.loads(ended.stdout)


@pytest.fixture(scope="module")
def seeded() -> list[Any]:
    return [answer(COUNT, seed) for seed in ("0", "1", "4242")]


def test_counts_are_the_same_in_fresh_processes_with_other_seeds(seeded: list[Any]) -> None:
    twin = [counts[:7] for counts in seeded]
    assert twin[0] == twin[1] == twin[2]
    assert all(next(iter(counts.values())) > 0 for counts, _ in twin[0])


def test_work_that_depends_on_the_seed_is_counted_as_such(seeded: list[Any]) -> None:
    assert len({json.dumps(counts[7]) for counts in seeded}) > 1


def test_counters_import_neither_numpy_nor_what_another_system_lacks() -> None:
    code = """
import json, sys
for name in ("fcntl", "resource", "pwd", "_ctypes"):
    sys.modules[name] = None
import speedproof.counters.arrays, speedproof.counters.instructions
import speedproof.counters.memory, speedproof.counters.python
print(json.dumps([name for name in ("numpy", "torch", "ctypes") if name in sys.modules]))
"""
    assert answer(code, "0") == []

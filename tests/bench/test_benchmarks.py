"""pytest-benchmark over all twins on the tiny subject. The certificate comes first; no time is asserted.

Compare: python -m pytest tests/bench/test_benchmarks.py --benchmark-only
"""

from typing import Any

import pytest
import torch

from bench.findings import FINDINGS
from speedproof.gate.certificate import Certificate
from speedproof.gate.check import certify
from speedproof.gate.gate import require_covers
from speedproof.lens.subject import Subject
from speedproof.pairs.finding import TWINS, Finding, Pair

PAIRS = [pytest.param(finding, pair, id=pair.name) for finding in FINDINGS for pair in finding.pairs]


@pytest.fixture(scope="session")
def certificates() -> dict[str, Certificate]:
    return {}


@pytest.mark.parametrize("twin", TWINS)
@pytest.mark.parametrize(("finding", "pair"), PAIRS)
def test_benchmark(
    finding: Finding, pair: Pair, twin: str, tiny: Subject, benchmark: Any, certificates: dict[str, Certificate]
) -> None:
    workload = pair.workload("smoke")
    if pair.name not in certificates:
        answer = certify(finding, pair, workload, subject=tiny)
        assert isinstance(answer, Certificate), str(answer)
        certificates[pair.name] = answer
    require_covers(certificates[pair.name], finding, pair, workload, pair.batched)
    benchmark.group = pair.name
    benchmark.extra_info |= {"workload": workload.digest, "certificate": certificates[pair.name].seal}
    torch.set_num_threads(workload.n_threads)
    inputs = pair.inputs(workload, tiny, None)
    output = benchmark.pedantic(pair.twin(twin), kwargs=inputs, rounds=3, warmup_rounds=1)
    assert output is not None

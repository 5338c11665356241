"""The whole hub cache is walked to find one file.

Source: efficiency report, finding 5. Claim: low impact.
"""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import impl_batched.sae_cache as batched
import impl_sequential.sae_cache as sequential
from bench import hub
from bench.hub import CFG, OTHER_PATH, PATTERN_PATH, SAE_PATH, WEIGHTS
from bench.sizes import SMALL, point
from bench.suite import Suite
from speedproof.counters.files import directory_scans, file_system_calls
from speedproof.gate.exact import Exactly
from speedproof.gate.trials import altered
from speedproof.lens.subject import subject_of
from speedproof.pairs.contract import Inputs
from speedproof.pairs.finding import OF_SHORT_CALLS, Claim, Defect, Disturbed, Finding, Pair, Refused
from speedproof.pairs.series import Series
from speedproof.pairs.variations import plain
from speedproof.pairs.workload import Form, Workload

NAME = "sae_cache"

SMOKE = Workload("smoke", "tiny", 100, "hit")
MISS = Workload("miss", "tiny", 1_000, "miss")
HOSTILE = Workload("hostile", "tiny", 20, "unusual")
REPORT = Workload("report", "gpt2-small-shape", 1_000, "hit")


def _inputs(workload: Workload, subject: Any, order: Sequence[int] | None) -> Inputs:
    is_unusual = workload.form == "unusual"
    sae_path = PATTERN_PATH if is_unusual else SAE_PATH
    root = hub.unusual(workload.digest, sae_path) if is_unusual else hub.ordinary(workload)
    return {"sae_path": sae_path, "sae_lens_cache": root / "sae_lens", "hf_cache": root / "hub"}


def _expected(inputs: Inputs, reference: Any) -> tuple[bool, Path | None]:
    return hub.find(**inputs)


@contextmanager
def _removed_or_downloaded(inputs: Inputs, subject: Any, reference: Any) -> Iterator[Any]:
    """The wanted SAE leaves the cache, or arrives in it, between two calls."""
    _, folder = _expected(inputs, reference)
    if folder:
        shutil.rmtree(folder)
    else:
        hub.add_sae(inputs["hf_cache"] / "models--org--sae-new", inputs["sae_path"], number=0)
    try:
        yield reference
    finally:
        shutil.rmtree(inputs["hf_cache"].parent)


@contextmanager
def _saved(files: Sequence[str], inputs: Inputs, subject: Any, reference: Any) -> Iterator[Any]:
    """The SAE's own folder, outside the hub, gets these files between two calls."""
    folder = inputs["sae_lens_cache"] / inputs["sae_path"]
    folder.mkdir(parents=True)
    for name in files:
        (folder / name).write_text("{}")
    try:
        yield reference
    finally:
        shutil.rmtree(inputs["hf_cache"].parent)


FILES = (10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000, 100_000)


def _sizes(form: Form) -> tuple[Workload, ...]:
    return tuple(point(n, form, SMALL) for n in FILES)


FINDING = Finding(
    module=__name__,
    number=5,
    name=NAME,
    title="The whole hub cache is walked to find one file",
    claim=Claim.faster("low"),
    pairs=(
        Pair(
            sequential.check_sae_cached,
            batched.check_sae_cached,
            _inputs,
            Exactly(_expected),
            (SMOKE, MISS, HOSTILE, REPORT),
            subject=subject_of,
            items=(),
            unit="files",
            variations=(
                plain("sae_path", lambda inputs: [OTHER_PATH, PATTERN_PATH, "no/such"]),
                plain("sae_lens_cache", lambda inputs: [hub.saved(inputs["sae_path"])]),
                plain("hf_cache", lambda inputs: [hub.unusual("another", inputs["sae_path"]) / "hub"]),
            ),
            refused=(Refused("an empty path", lambda inputs: {"sae_path": ""}, ValueError),),
            trials=(
                altered("other files", "an answer outlives a change of the cache", _removed_or_downloaded),
                altered("saved directly", "the SAE's own folder is not looked at", partial(_saved, (WEIGHTS, CFG))),
                altered("half saved", "a folder without weights counts as a hit", partial(_saved, (CFG,))),
            ),
            series=(
                Series(
                    NAME,
                    "check_sae_cached",
                    "files",
                    "file there",
                    _sizes("hit"),
                    note="The definition's walk ends at the file, whose place in the walk is the file system's choice",
                ),
                Series(NAME, "check_sae_cached", "files", "file absent", _sizes("miss")),
            ),
        ),
    ),
    counters=(directory_scans, file_system_calls),
    definition_digest="b1c9db239d61e831",
    disturbed_by=Disturbed(
        "file-system calls: other users of the disk, a network file system", (*OF_SHORT_CALLS, "file system")
    ),
    controls_in="bench.controls:CONTROLS",
    baseline_defects=(
        Defect(
            "A folder whose name only begins with the wanted one (blocks.8.hook_resid_pre_768) counts as a hit.",
            "tests/bench/test_cache_twins.py::test_baseline_defects_of_the_cache_walk[0]",
        ),
        Defect(
            "A link whose file is gone counts as a hit.",
            "tests/bench/test_cache_twins.py::test_baseline_defects_of_the_cache_walk[1]",
        ),
        Defect(
            "A .no_exist marker, which says that the hub lacks the file, counts as a hit.",
            "tests/bench/test_cache_twins.py::test_baseline_defects_of_the_cache_walk[2]",
        ),
        Defect(
            "Weights without cfg.json count as a hit, although SAELens cannot load them.",
            "tests/bench/test_cache_twins.py::test_baseline_defects_of_the_cache_walk[3]",
        ),
        Defect(
            "Of several cached revisions any may be returned, not the one that refs/main names.",
            "tests/bench/test_cache_twins.py::test_the_revision_that_main_names_wins",
        ),
    ),
)


class SaeCache(Suite):
    finding = FINDING

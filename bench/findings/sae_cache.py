"""The whole hub cache is walked to find one file.

Source: efficiency report, finding 5. Claim: low impact.
"""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import impl_batched.sae_cache as batched
import impl_sequential.sae_cache as sequential

from ..counters import directory_scans, file_system_calls
from ..equivalence import Exactly, Inputs
from ..finding import Claim, Defect, Finding, Pair
from ..folders import CACHE
from ..oracle import Oracle
from ..subject import Subject
from ..suite import Suite
from ..workload import Workload

WEIGHTS, CFG = "sae_weights.safetensors", "cfg.json"
"""The files of an SAE as SAELens saves it."""

SMOKE = Workload("smoke", "tiny", 100, "hit")
MISS = Workload("miss", "tiny", 1_000, "miss")
REPORT = Workload("report", "gpt2-small-shape", 1_000, "hit")

SAES_PER_REPOSITORY = 12
SAE_PATH = "blocks.8.hook_resid_pre"
REVISION = "0123456789abcdef0123456789abcdef01234567"


def _inputs(workload: Workload, subject: Subject, order: Sequence[int] | None) -> Inputs:
    root = _hub(workload)
    return {"sae_path": SAE_PATH, "sae_lens_cache": root / "sae_lens", "hf_cache": root / "hub"}


def _hub(workload: Workload) -> Path:
    """A folder in the hub's layout with about `n_items` files; the wanted SAE, where there is one, comes last."""
    root = CACHE / "hub" / workload.digest
    if root.exists():
        return root
    building = root.with_name(f"{root.name}.{os.getpid()}")
    (building / "sae_lens").mkdir(parents=True)
    # Two blobs and two links each.
    n_saes = max(1, workload.n_items // 4)
    for i in range(n_saes):
        wanted = workload.form == "hit" and i == n_saes - 1
        repository = building / "hub" / f"models--org--sae-{i // SAES_PER_REPOSITORY:04d}"
        _add_sae(repository, SAE_PATH if wanted else f"layer_{i}/width_16k", i)
    try:
        building.rename(root)
    except OSError:  # another process was first
        shutil.rmtree(building)
    return root


def _add_sae(repository: Path, sae_path: str, number: int) -> None:
    folder = repository / "snapshots" / REVISION / sae_path
    for path in (folder, repository / "blobs", repository / "refs"):
        path.mkdir(parents=True, exist_ok=True)
    (repository / "refs" / "main").write_text(REVISION)
    for name in (WEIGHTS, CFG):
        blob = repository / "blobs" / f"{number:08x}-{name}"
        blob.write_text("{}")
        (folder / name).symlink_to(os.path.relpath(blob, folder))


def _expected(inputs: Inputs, oracle: Oracle) -> tuple[bool, Path | None]:
    """By the hub's own index of what it has cached, which neither twin uses."""
    direct = inputs["sae_lens_cache"] / SAE_PATH
    if (direct / WEIGHTS).is_file():
        return True, direct
    folders = sorted(inputs["hf_cache"].glob(f"models--*/snapshots/{REVISION}/{SAE_PATH}"))
    return (True, folders[0]) if folders else (False, None)


@contextmanager
def _removed_or_downloaded(inputs: Inputs, subject: Subject, oracle: Oracle) -> Iterator[Oracle]:
    """The wanted SAE leaves the cache, or arrives in it, between two calls."""
    _, folder = _expected(inputs, oracle)
    if folder:
        shutil.rmtree(folder)
    else:
        _add_sae(inputs["hf_cache"] / "models--org--sae-new", SAE_PATH, number=0)
    try:
        yield oracle
    finally:
        shutil.rmtree(inputs["hf_cache"].parent)


@contextmanager
def _saved(files: Sequence[str], inputs: Inputs, subject: Subject, oracle: Oracle) -> Iterator[Oracle]:
    """The SAE's own folder, outside the hub, gets these files between two calls."""
    folder = inputs["sae_lens_cache"] / SAE_PATH
    folder.mkdir(parents=True)
    for name in files:
        (folder / name).write_text("{}")
    try:
        yield oracle
    finally:
        shutil.rmtree(inputs["hf_cache"].parent)


FINDING = Finding(
    number=5,
    name="sae_cache",
    title="The whole hub cache is walked to find one file",
    claim=Claim("low"),
    pairs=(
        Pair(
            sequential.check_sae_cached,
            batched.check_sae_cached,
            _inputs,
            Exactly(_expected),
            (SMOKE, MISS, REPORT),
            uses_model=False,
            alterations=(
                ("other files", "an answer outlives a change of the cache", _removed_or_downloaded),
                ("saved directly", "the SAE's own folder is not looked at", partial(_saved, (WEIGHTS, CFG))),
                ("half saved", "a folder without weights counts as a hit", partial(_saved, (CFG,))),
            ),
        ),
    ),
    counters=(directory_scans, file_system_calls),
    definition_digest="b1c9db239d61e831",
    baseline_defects=(
        Defect(
            "A folder whose name only begins with the wanted one (blocks.8.hook_resid_pre_768) counts as a hit.",
            "tests/test_cache_twins.py::test_baseline_defects_of_the_cache_walk[0]",
        ),
        Defect(
            "A link whose file is gone counts as a hit.",
            "tests/test_cache_twins.py::test_baseline_defects_of_the_cache_walk[1]",
        ),
        Defect(
            "A .no_exist marker, which says that the hub lacks the file, counts as a hit.",
            "tests/test_cache_twins.py::test_baseline_defects_of_the_cache_walk[2]",
        ),
        Defect(
            "Weights without cfg.json count as a hit, although SAELens cannot load them.",
            "tests/test_cache_twins.py::test_baseline_defects_of_the_cache_walk[3]",
        ),
        Defect(
            "Of several cached revisions any may be returned, not the one that refs/main names.",
            "tests/test_cache_twins.py::test_the_revision_that_main_names_wins",
        ),
    ),
)


class SaeCache(Suite):
    finding = FINDING

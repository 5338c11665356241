"""Where a figure was taken: processor, memory, system, versions, commit."""

import os
import platform
import subprocess
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil
from pydantic import BaseModel, ConfigDict

from . import repository
from .digest import digest
from .folders import ROOT, SOURCE, is_checkout
from .search_path import OWN
from .wording import some

LIBRARIES = ("torch", "transformer-lens", "sae-lens", "transformers", "numpy")
"""Packages whose versions change answers or speed, in the order shown."""
DRIVER = Path("/proc/driver/nvidia/gpus")
"""Where NVIDIA's driver lists its devices, a folder each."""


class Environment(BaseModel):
    """The machine and the software, as far as they move figures. No host name, no user name, no path."""

    model_config = ConfigDict(frozen=True)

    processor: str
    n_cores: int
    memory_gib: int
    system: str
    python: str
    accelerator: str
    versions: dict[str, str]
    commit: str
    dirty: bool

    @property
    def machine(self) -> str:
        """Name of the machine's record file: the processor in a few letters and a fingerprint of the hardware."""
        hardware = [self.processor, self.n_cores, self.memory_gib, self.system, self.accelerator]
        words = "".join(c if c.isalnum() else "-" for c in self.processor.lower()).strip("-")
        return f"{words[:24].strip('-')}-{self.n_cores}c-{digest(hardware)[:6]}"

    @property
    def machine_in_words(self) -> str:
        """The machine as people are told of it."""
        return f"{self.processor}, {some(self.n_cores, 'core')}"

    @property
    def digest(self) -> str:
        """Fingerprint of what a certificate depends on: everything but the commit."""
        return digest(self.model_dump(exclude={"commit", "dirty"}))


@cache
def current_environment() -> Environment:
    """This process's environment."""
    return Environment(
        processor=_processor(),
        n_cores=os.cpu_count() or 1,
        memory_gib=round(psutil.virtual_memory().total / 2**30),
        system=f"{platform.system()} {platform.machine()}",
        python=platform.python_version(),
        accelerator=_accelerator(),
        versions={name: _version(name) for name in LIBRARIES},
        commit="unknown" if why_no_commit() else repository.ask(ROOT, "rev-parse", "HEAD").text,
        dirty=not why_no_commit()
        and bool(repository.ask(ROOT, "status", "--porcelain", "--", SOURCE.name, *OWN[str(ROOT)]).text),
    )


def n_cores_allowed() -> int:
    """Cores that this process may use, which a container or `taskset` may make fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@cache
def why_no_commit() -> str:
    """Why the commit of this code is not known, in a line; nothing where it is. Installed code has none of its own."""
    if not is_checkout(ROOT):
        return f"{ROOT} is no checkout of speedproof"
    return repository.why_unusable(ROOT) or repository.ask(ROOT, "rev-parse", "HEAD").why_not


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [
            line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")
        ]
        if names:
            return names[0]
    if sys.platform == "darwin":
        answer = subprocess.run(["sysctl", "-n", "machdep.cpu.brand_string"], capture_output=True, text=True)
        return answer.stdout.strip()
    return platform.processor() or platform.machine()


def _accelerator() -> str:
    """The first that NVIDIA's driver tells of. A library would have to be loaded, for seconds, to say the same."""
    for told in sorted(DRIVER.glob("*/information")):
        models = [line.partition(":")[2].strip() for line in told.read_text().splitlines() if line.startswith("Model:")]
        return models[0] if models else "none"
    return "none"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"

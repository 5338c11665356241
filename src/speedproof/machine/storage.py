"""Signs of storage: folders that must be writable, free disk, free memory."""

import os
import shutil
from pathlib import Path

import psutil

from .signs import Sign, State, good, judged

DISK_BYTES = 2**28
"""Free disk that a run with its traces, records and caches leaves room in: each takes some tens of megabytes."""
MEMORY_BYTES = 2**30
"""Free memory for a finding that runs no model: a process with torch and the libraries, and room to spare."""
MODEL_BYTES = 4 * 2**30
"""The same for one that does, where no record says what a sitting's largest process took."""
NETWORK = ("nfs", "nfs4", "cifs", "smb3", "fuse", "9p", "virtiofs")
"""File systems behind which a network or another system answers, so that a scan's time is not this machine's."""


def sign_of_folder(about: str, folder: Path) -> Sign:
    """Whether files can be made in it, or it in the nearest folder above that there is. Makes nothing."""
    nearest = next(path for path in (folder, *folder.resolve().parents) if path.exists())
    if not (nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)):
        return judged(about, f"{folder} cannot be written", "make it writable, or choose another", State.FATAL)
    free = shutil.disk_usage(nearest).free
    seen = f"{folder} writable, {free / 2**30:,.1f} GiB free"
    if free < DISK_BYTES:
        return judged(about, seen, f"free at least {DISK_BYTES / 2**20:.0f} MiB", State.FATAL)
    return good(about, seen)


def sign_of_memory(needed: int) -> Sign:
    """Whether what a sitting's largest process takes is free."""
    free = psutil.virtual_memory().available
    seen = f"{free / 2**30:.1f} GiB free, {needed / 2**30:.1f} GiB needed by the largest process"
    return judged("memory", seen, "free memory, or leave out findings 1, 2 and 6" * (free < needed), State.FATAL)


def sign_of_file_system(folder: Path) -> Sign:
    """Whether the cache that finding 5 scans lies on this machine."""
    kind = file_system(folder)
    advice = "the scan's time is another system's: set SPEEDPROOF_CACHE to a local folder" * kind.startswith(NETWORK)
    return judged("file system", kind or "not readable here", advice)


def file_system(folder: Path) -> str:
    """Kind of the file system that holds the folder; empty where it cannot be read."""
    here = folder.resolve()
    try:
        mounts = [part for part in psutil.disk_partitions(all=True) if here.is_relative_to(part.mountpoint)]
    except (OSError, RuntimeError):
        return ""
    return max(mounts, key=lambda part: len(part.mountpoint)).fstype if mounts else ""

"""Counter of the processor's instructions, by Linux's `perf_event_open`, where the kernel and the processor allow it.

Nearly exact: some thousand instructions of the instrument's own are in the number, and what an interrupt adds. It is
one build's, which may choose other code on another processor. Threads that the function starts are not seen.
"""

import errno
import os
import platform
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from speedproof.errors import BadInput

from .tally import Call, Tally

SYSCALLS = {"x86_64": 298, "aarch64": 241, "riscv64": 241}
"""The number of `perf_event_open`, by what `platform.machine()` says of 64-bit processors. Source: Linux's tables."""
HARDWARE, INSTRUCTIONS = 0, 1
"""`PERF_TYPE_HARDWARE` and its `PERF_COUNT_HW_INSTRUCTIONS`."""
FLAGS = 1 << 0 | 1 << 2 | 1 << 5 | 1 << 6
"""`disabled` at first; `pinned`, so that it is counted all the time or not at all; `exclude_kernel`, `exclude_hv`."""
ATTRIBUTES_BYTES = 64
"""The size of `perf_event_attr` in its first version, which every kernel takes."""
ENABLE, DISABLE = 0x2400, 0x2401
"""`PERF_EVENT_IOC_ENABLE` and `PERF_EVENT_IOC_DISABLE` on the processors above."""
THIS_THREAD, ANY_CPU, NO_GROUP, CLOSE_ON_EXEC = 0, -1, -1, 8

FORBIDDEN = "The kernel lets this process count no instructions ({}): is kernel.perf_event_paranoid above 2?"
NOT_THERE = "The processor, or the virtual machine, shows no counter of instructions."
BECAUSE = {
    errno.EACCES: FORBIDDEN.format("EACCES"),
    errno.EPERM: FORBIDDEN.format("EPERM"),
    errno.ENOENT: NOT_THERE,
    errno.ENODEV: NOT_THERE,
    errno.EOPNOTSUPP: NOT_THERE,
    errno.ENOSYS: "The kernel has no perf_event_open.",
    errno.EBUSY: "Somebody else has taken the processor's counter of instructions.",
}
"""What a refusal of the kernel means."""


def why_no_instructions() -> str:
    """Why instructions cannot be counted here, as one sentence; empty where they can. Never raises."""
    try:
        descriptor, why = _open(HARDWARE, INSTRUCTIONS)
        if not why:
            try:
                _read(descriptor)
            finally:
                os.close(descriptor)
    except Exception as error:
        return f"Instructions cannot be counted: {type(error).__name__}: {error}".split("\n")[0]
    return why


@contextmanager
def cpu_instructions(call: Call) -> Iterator[Tally]:
    """Instructions that this thread runs outside the kernel.

    Raises:
        BadInput: they cannot be counted here (`why_no_instructions`).
        RuntimeError: the counter was taken away meanwhile.
    """
    with _counting(HARDWARE, INSTRUCTIONS) as tally:
        yield tally


@contextmanager
def _counting(kind: int, event: int) -> Iterator[Tally]:
    """Counts one of the kernel's events on this thread."""
    descriptor, why = _open(kind, event)
    if why:
        raise BadInput(f"{why} Leave this counter out.")
    tally = Tally()
    try:
        libc = _ctypes().CDLL(None)
        libc.ioctl(descriptor, ENABLE, 0)
        try:
            yield tally
        finally:
            libc.ioctl(descriptor, DISABLE, 0)
        tally.count = _read(descriptor)
    finally:
        os.close(descriptor)


def _read(descriptor: int) -> int:
    read = os.read(descriptor, 8)
    if len(read) != 8:
        raise RuntimeError("The processor's counter of instructions was taken by somebody else; nothing was counted.")
    return int(struct.unpack("=Q", read)[0])


def _open(kind: int, event: int) -> tuple[int, str]:
    """A descriptor of a stopped counter, or -1 and why there is none."""
    if sys.platform != "linux":
        return -1, f"Instructions are counted on Linux only, and this is {platform.system() or sys.platform}."
    number, ctypes = SYSCALLS.get(platform.machine()), _ctypes()
    if number is None or ctypes.sizeof(ctypes.c_void_p) != 8:
        return -1, f"How to count instructions is not known for {platform.machine() or 'this processor'}."
    attributes = struct.pack("=IIQQQQQ", kind, ATTRIBUTES_BYTES, event, 0, 0, 0, FLAGS).ljust(ATTRIBUTES_BYTES, b"\0")
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    numbers = (ctypes.c_long(n) for n in (THIS_THREAD, ANY_CPU, NO_GROUP, CLOSE_ON_EXEC))
    descriptor = int(libc.syscall(ctypes.c_long(number), attributes, *numbers))
    if descriptor >= 0:
        return descriptor, ""
    code = ctypes.get_errno()
    said = f"The kernel refuses to count instructions ({errno.errorcode.get(code, code)})."
    return -1, BECAUSE.get(code, said)


def _ctypes() -> Any:
    """Python's door to C, which some Pythons are built without."""
    import ctypes

    return ctypes

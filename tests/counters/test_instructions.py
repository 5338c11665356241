"""The counter of the processor's instructions: it counts where it can, and says why where it cannot."""

import errno
import mmap
import os
import platform
import sys
from collections.abc import Callable
from typing import Any

import pytest

from speedproof.counters import instructions
from speedproof.counters.instructions import BECAUSE, cpu_instructions, why_no_instructions
from speedproof.counters.tally import Call, count
from speedproof.errors import BadInput

WHY = why_no_instructions()
SOFTWARE, PAGE_FAULTS = 1, 2
"""An event that the kernel itself counts, with a number that is known."""
PAGE = mmap.PAGESIZE


def add_up(n: int) -> int:
    total = 0
    for i in range(n):
        total += i
    return total


def refusing(code: int) -> Callable[[], Any]:
    """Stands in for ctypes where the kernel refuses with that error."""

    class Refusing:
        c_void_p = c_long = None

        @staticmethod
        def sizeof(_: Any) -> int:
            return 8

        @staticmethod
        def get_errno() -> int:
            return code

        class CDLL:
            def __init__(self, *_: Any, **__: Any) -> None: ...

            class syscall:
                def __new__(cls, *_: Any) -> Any:
                    return -1

    Refusing.c_long = staticmethod(lambda number: number)  # type: ignore[assignment]
    return lambda: Refusing


def test_why_not_is_one_plain_sentence_or_nothing() -> None:
    assert WHY == "" or ((WHY.endswith(".") or "?" in WHY) and "\n" not in WHY)
    assert why_no_instructions() == WHY


@pytest.mark.skipif(bool(WHY), reason=WHY)
def test_twice_the_work_is_twice_the_instructions() -> None:
    counts = {n: count([cpu_instructions], add_up, {"n": n})["cpu_instructions"] for n in (0, 100_000, 200_000)}
    assert counts[200_000] - counts[0] == pytest.approx(2 * (counts[100_000] - counts[0]), rel=0.02)
    assert counts[100_000] > 100_000


@pytest.mark.skipif(not WHY, reason="instructions are counted here")
def test_where_they_cannot_be_counted_the_counter_refuses_and_says_why() -> None:
    with pytest.raises(BadInput) as refused, cpu_instructions(Call(add_up, {})):
        pass
    assert str(refused.value).startswith(WHY)


@pytest.mark.skipif(platform.machine() not in instructions.SYSCALLS or sys.platform != "linux", reason="needs Linux")
def test_an_event_whose_number_is_known_is_counted_right() -> None:
    """The same calls of the kernel, for pages that are touched first: no processor's counter is needed."""
    if instructions._open(SOFTWARE, PAGE_FAULTS)[1]:
        pytest.skip("the kernel lets this process count nothing")
    found = {}
    for n in (50, 100, 200):
        memory = mmap.mmap(-1, PAGE * n)
        if hasattr(mmap, "MADV_NOHUGEPAGE"):
            memory.madvise(mmap.MADV_NOHUGEPAGE)
        with instructions._counting(SOFTWARE, PAGE_FAULTS) as tally:
            for i in range(n):
                memory[i * PAGE] = 1
        found[n] = tally.count
    assert found[50] >= 50 and found[100] - found[50] == pytest.approx(50, abs=20)
    assert found[200] - found[100] == pytest.approx(100, abs=20)


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")
def test_no_file_stays_open_also_after_an_error() -> None:
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        why_no_instructions()
        with pytest.raises((BadInput, LookupError)), cpu_instructions(Call(add_up, {})):
            raise LookupError
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize("code", [*BECAUSE, errno.EINVAL])
def test_each_refusal_of_the_kernel_has_its_words(code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(instructions, "_ctypes", refusing(code))
    said = why_no_instructions()
    assert said == BECAUSE.get(code, "The kernel refuses to count instructions (EINVAL).")
    with pytest.raises(BadInput, match="Leave this counter out"), cpu_instructions(Call(add_up, {})):
        pass


@pytest.mark.parametrize("system", ["win32", "darwin"])
def test_elsewhere_than_on_linux_it_says_so(system: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", system)
    assert "on Linux only" in why_no_instructions()


def test_an_unknown_processor_and_a_python_without_ctypes_are_said_and_nothing_raises(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(platform, "machine", lambda: "vax")
    assert why_no_instructions() == "How to count instructions is not known for vax."

    def missing() -> Any:
        raise ImportError("No module named '_ctypes'")

    monkeypatch.setattr(instructions, "_ctypes", missing)
    assert "No module named '_ctypes'" in why_no_instructions()

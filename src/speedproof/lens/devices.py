"""Devices: where a subject's model and SAEs are, as the word `cuda` behind its name says.

Nothing here sets how a device multiplies. Torch takes float32 products as float32 unless it is told otherwise, and both
arms run under the same setting: a definition whose products are rounded to TF32 is off by more than rounding allows, so
that the gate refuses it, and a twin that switches them leaves state behind.
"""

from pathlib import Path

from speedproof.errors import BadInput

CPU, CUDA = "cpu", "cuda"


def apart(name: str) -> tuple[str, str]:
    """A subject's name without its device, and the device: FOLDER:raw:cuda -> FOLDER:raw, cuda.

    A folder of the whole name comes first, whatever stands behind its colon.
    """
    front, *words = name.split(":")
    if not front or CUDA not in words or Path(name).is_dir():
        return name, CPU
    words.remove(CUDA)
    return ":".join([front, *words]), CUDA


def joined(name: str, device: str) -> str:
    """The one name of a subject on a device: the word comes last, and the processor has none."""
    return name if device == CPU else f"{name}:{device}"


def require(name: str, device: str) -> None:
    """Raises BadInput where a subject asks for a device that torch cannot use here."""
    if device == CPU:
        return
    import torch

    if not torch.cuda.is_available():
        raise BadInput(
            f"Subject {name!r} is on a CUDA device, and torch {torch.__version__} can use none here. Expected a "
            f"machine with one, and a torch that is built for it. Leave ':{CUDA}' out to run on the processor."
        )

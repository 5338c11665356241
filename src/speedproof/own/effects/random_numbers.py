"""The global random generators: where they stand, and how they are set so that two functions start alike."""

import random
from typing import Any

from speedproof.own.values.leaf import torch
from speedproof.pairs.marks import numpy


def seed_all(seed: int) -> None:
    """Sets Python's global generator, and NumPy's and torch's where they are imported, those of devices too."""
    random.seed(seed)
    if np := numpy():
        np.random.seed(seed % 2**32)
    if found := torch():
        found.random.default_generator.manual_seed(seed)
    if device := _device():
        device.manual_seed_all(seed)


def _device() -> Any:
    """torch's CUDA devices, where one is in use."""
    found = torch()
    return found.cuda if found and found.cuda.is_available() and found.cuda.is_initialized() else None


def random_states() -> tuple[Any, Any, Any, Any]:
    """Where the global generators stand."""
    np, found, device = numpy(), torch(), _device()
    return (
        random.getstate(),
        np.random.get_state(legacy=False) if np else None,
        found.random.default_generator.get_state() if found else None,
        device.get_rng_state_all() if device else None,
    )


def put_back(states: tuple[Any, Any, Any, Any]) -> None:
    """Has the global generators stand there again."""
    own, of_numpy, of_torch, of_devices = states
    random.setstate(own)
    if of_numpy is not None:
        numpy().random.set_state(of_numpy)
    if of_torch is not None:
        torch().random.default_generator.set_state(of_torch)
    if of_devices is not None:
        torch().cuda.set_rng_state_all(of_devices)


def random_marks() -> tuple[Any, ...]:
    """The same as something that can be compared."""
    own, of_numpy, of_torch, of_devices = random_states()
    state = of_numpy and of_numpy["state"]
    told = state and (state["key"].tobytes(), state["pos"], of_numpy["has_gauss"], of_numpy["gauss"])
    return (
        own,
        told,
        of_torch if of_torch is None else of_torch.numpy().tobytes(),
        of_devices if of_devices is None else tuple(one.cpu().numpy().tobytes() for one in of_devices),
    )


def drawn_apart(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    """Whether a generator that was there both times stands elsewhere."""
    return any(a != b for a, b in zip(one, other, strict=True) if a is not None and b is not None)

"""What is global in torch: modes, types, devices, kernels, hooks, random numbers."""

import hashlib
from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import overrides
from torch.nn.modules import module as torch_module
from torch.utils import _python_dispatch as dispatch
from torch.utils._device import DeviceContext

from speedproof.pairs.aspect import Aspect, Scene
from speedproof.pairs.marks import Same

# Untyped in torch.
OVERRIDES: Any = overrides
FILLING: Any = torch.utils.deterministic
ATTENTION: Any = torch.backends.cuda
PRINTING = torch._tensor_str.PRINT_OPTS

_guards: list[Any] = []
"""Guards of the inference mode: whoever drops one goes back to what was before it."""


def _global_hooks(_: Scene) -> dict[str, Any]:
    """Hooks on every module, on every tensor that is saved for the backward pass, and on every operator."""
    hooks = {name: tuple((key, Same(hook)) for key, hook in held.items()) for name, held in _hooks_of_all().items()}
    saved = torch._C._autograd._top_saved_tensors_default_hooks(True)
    return {
        **hooks,
        "saved tensor hooks": tuple(map(Same, saved)) if saved else (),
        "function modes": tuple(map(Same, _function_modes())),
        "dispatch modes": tuple(map(Same, dispatch._get_current_dispatch_mode_stack())),
    }


def _hooks_of_all() -> dict[str, dict[Any, Any]]:
    held = {name: value for name, value in vars(torch_module).items() if name.startswith("_global_")}
    return {name.strip("_").replace("_", " "): value for name, value in held.items() if isinstance(value, dict)}


def _function_modes() -> list[Any]:
    return [mode for mode in OVERRIDES._get_current_function_mode_stack() if not isinstance(mode, DeviceContext)]


def _global_hooks_back(_: Scene, seen: dict[str, Any]) -> None:
    while len(dispatch._get_current_dispatch_mode_stack()) > len(seen["dispatch modes"]):
        dispatch._pop_mode()
    while len(_function_modes()) > len(seen["function modes"]):
        OVERRIDES._pop_mode()
    while (saved := torch._C._autograd._top_saved_tensors_default_hooks(True)) and (
        tuple(map(Same, saved)) != seen["saved tensor hooks"]
    ):
        torch._C._autograd._pop_saved_tensors_default_hooks()
    for name, held in _hooks_of_all().items():
        held.clear()
        held.update({key: hook.value for key, hook in seen[name]})


def _device_contexts(_: Scene) -> tuple[str, ...]:
    return tuple(
        str(mode.device) for mode in OVERRIDES._get_current_function_mode_stack() if isinstance(mode, DeviceContext)
    )


def _default_device_back(scene: Scene, seen: tuple[str, ...]) -> None:
    torch.set_default_device(None)
    while _device_contexts(scene):
        OVERRIDES._pop_mode()
    if seen:
        torch.set_default_device(seen[0])


def _grad_mode(_: Scene) -> tuple[bool, bool]:
    return torch.is_grad_enabled(), torch.is_inference_mode_enabled()


def _grad_mode_back(_: Scene, seen: tuple[bool, bool]) -> None:
    if torch.is_inference_mode_enabled() != seen[1]:
        guard = torch.inference_mode(seen[1])
        guard.__enter__()
        _guards.append(guard)
    torch.set_grad_enabled(seen[0])


def _anomaly(_: Scene) -> tuple[bool, bool]:
    return torch.is_anomaly_enabled(), torch.is_anomaly_check_nan_enabled()


def _anomaly_back(_: Scene, seen: tuple[bool, bool]) -> None:
    torch.autograd.set_detect_anomaly(*seen)


def _threads(_: Scene) -> dict[str, int]:
    return {"in one operator": torch.get_num_threads(), "between operators": torch.get_num_interop_threads()}


def _deterministic(_: Scene) -> dict[str, bool]:
    return {
        "algorithms": torch.are_deterministic_algorithms_enabled(),
        "warn only": torch.is_deterministic_algorithms_warn_only_enabled(),
        "cudnn": torch.backends.cudnn.deterministic,
        "cudnn benchmark": torch.backends.cudnn.benchmark,
        "new memory filled": FILLING.fill_uninitialized_memory,
    }


def _deterministic_back(_: Scene, seen: dict[str, bool]) -> None:
    torch.use_deterministic_algorithms(seen["algorithms"], warn_only=seen["warn only"])
    torch.backends.cudnn.deterministic = seen["cudnn"]
    torch.backends.cudnn.benchmark = seen["cudnn benchmark"]
    FILLING.fill_uninitialized_memory = seen["new memory filled"]


PRECISIONS = (
    ("generic", "all"),
    *(("cuda", operator) for operator in ("matmul", "conv", "rnn", "all")),
    *(("mkldnn", operator) for operator in ("matmul", "conv", "rnn", "all")),
)
"""Backends and operators with a precision of their own."""
SWITCHES = {
    "tf32 of cuda": (torch.backends.cuda.matmul, "allow_tf32"),
    "tf32 of cudnn": (torch.backends.cudnn, "allow_tf32"),
    "reduced float16 sums": (torch.backends.cuda.matmul, "allow_fp16_reduced_precision_reduction"),
    "reduced bfloat16 sums": (torch.backends.cuda.matmul, "allow_bf16_reduced_precision_reduction"),
    "mkldnn": (torch.backends.mkldnn, "enabled"),
}


def _precision(_: Scene) -> dict[str, Any]:
    seen = {" ".join(of): torch._C._get_fp32_precision_getter(*of) for of in PRECISIONS}
    seen["float32 products"] = _read(torch.get_float32_matmul_precision)
    return seen | {name: _read(lambda of=of: getattr(*of)) for name, of in SWITCHES.items()}  # type: ignore[misc]


def _read(get: Callable[[], Any]) -> Any:
    try:
        return get()
    except RuntimeError:
        # The old switches cannot be read while the new ones say something that they have no word for.
        return "mixed"


def _precision_back(_: Scene, seen: dict[str, Any]) -> None:
    def of_backends() -> None:
        for backend, operator in PRECISIONS:
            torch._C._set_fp32_precision_setter(backend, operator, seen[f"{backend} {operator}"])

    of_backends()
    if seen["float32 products"] != "mixed":
        torch.set_float32_matmul_precision(seen["float32 products"])
    for name, (owner, switch) in SWITCHES.items():
        if seen[name] != "mixed":
            setattr(owner, switch, seen[name])
    of_backends()


@cache
def _first_attention() -> None:
    one = torch.ones(1, 1, 2, 8, device="cuda")
    torch.nn.functional.scaled_dot_product_attention(one, one, one)


def _attention(_: Scene) -> dict[str, Any]:
    backend = ATTENTION
    if torch.cuda.is_available() and torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        # At a process's first attention on a device, torch puts its kernels into the order that it keeps. That is
        # nobody's doing, so it comes before what is looked at.
        _first_attention()
    return {
        "flash": backend.flash_sdp_enabled(),
        "memory efficient": backend.mem_efficient_sdp_enabled(),
        "plain": backend.math_sdp_enabled(),
        "cudnn": backend.cudnn_sdp_enabled(),
        "reduced sums": backend.fp16_bf16_reduction_math_sdp_allowed(),
        "order": tuple(torch._C._get_sdp_priority_order()),
    }


def _attention_back(_: Scene, seen: dict[str, Any]) -> None:
    backend = ATTENTION
    backend.enable_flash_sdp(seen["flash"])
    backend.enable_mem_efficient_sdp(seen["memory efficient"])
    backend.enable_math_sdp(seen["plain"])
    backend.enable_cudnn_sdp(seen["cudnn"])
    backend.allow_fp16_bf16_reduction_math_sdp(seen["reduced sums"])
    torch._C._set_sdp_priority_order(list(seen["order"]))


DEVICES = ("cpu", "cuda")


def _autocast(_: Scene) -> dict[str, Any]:
    seen: dict[str, Any] = {
        device: (torch.is_autocast_enabled(device), torch.get_autocast_dtype(device)) for device in DEVICES
    }
    torch.autocast_increment_nesting()
    return seen | {"cache": torch.is_autocast_cache_enabled(), "nesting": torch.autocast_decrement_nesting()}


def _autocast_back(scene: Scene, seen: dict[str, Any]) -> None:
    for device in DEVICES:
        enabled, dtype = seen[device]
        torch.set_autocast_enabled(device, enabled)
        torch.set_autocast_dtype(device, dtype)
    torch.set_autocast_cache_enabled(seen["cache"])
    for _ in range(_autocast(scene)["nesting"] - seen["nesting"]):
        torch.autocast_decrement_nesting()
    torch.clear_autocast_cache()


SMALLEST_NORMAL = 2.2250738585072014e-308
"""Of double precision; half of it is a denormal number, or nothing where those are flushed."""


def _flushes(_: Scene) -> bool:
    return SMALLEST_NORMAL * _half() == 0.0


def _half() -> float:
    return 0.5


def _flush_back(_: Scene, seen: bool) -> None:
    torch.set_flush_denormal(seen)


def _random(scene: Scene) -> str:
    states = [torch.get_rng_state()]
    if torch.cuda.is_available():
        states += torch.cuda.get_rng_state_all()
    scene.put_aside["torch random"] = states
    return hashlib.sha256(b"".join(state.numpy().tobytes() for state in states)).hexdigest()


def _random_back(scene: Scene, _: str) -> None:
    cpu, *devices = scene.put_aside["torch random"]
    torch.set_rng_state(cpu)
    if devices:
        torch.cuda.set_rng_state_all(devices)


def _printing_back(_: Scene, seen: dict[str, Any]) -> None:
    vars(PRINTING).clear()
    vars(PRINTING).update(seen)


TORCH = (
    Aspect("global hooks", _global_hooks, _global_hooks_back),
    Aspect("default device", _device_contexts, _default_device_back),
    Aspect("grad mode", _grad_mode, _grad_mode_back),
    Aspect("anomaly mode", _anomaly, _anomaly_back),
    Aspect("default dtype", lambda _: torch.get_default_dtype(), lambda _, seen: torch.set_default_dtype(seen)),
    Aspect(
        "thread count",
        _threads,
        lambda _, seen: torch.set_num_threads(seen["in one operator"]),
        why_not="torch lets nobody set the threads between operators once they are at work",
    ),
    Aspect("deterministic algorithms", _deterministic, _deterministic_back),
    Aspect("matrix multiply precision", _precision, _precision_back),
    Aspect("attention kernels", _attention, _attention_back),
    Aspect("autocast", _autocast, _autocast_back),
    Aspect("denormal numbers", _flushes, _flush_back),
    Aspect("torch random state", _random, _random_back),
    Aspect("torch print options", lambda _: dict(vars(PRINTING)), _printing_back),
)
"""What can intercept an operator comes first, so that it is out of the way when the rest is put back."""

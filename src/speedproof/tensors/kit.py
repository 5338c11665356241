"""The kit of pairs whose functions use torch."""

import math
from collections.abc import Mapping, Set
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import Tensor

from speedproof.pairs.kit import Apart, Kit

from .aspects.content import content
from .aspects.of_modules import MODULES
from .aspects.of_tokenizers import TOKENIZERS
from .aspects.of_torch import TORCH as GLOBAL
from .aspects.walk import version


class TorchKit(Kit):
    """Of torch: its global state, the modules of a subject, tensors' memory, autograd, devices, threads."""

    aspects = (*GLOBAL, *MODULES, *TOKENIZERS)
    # Another name for the default dtype's storage; and what Transformers adds to all modules when it makes the first
    # model of a process, which is no doing of whoever makes it.
    aliases = frozenset({"torch.Storage", "torch.nn.modules.module.Module.smart_apply"})

    def namespaces(self) -> Mapping[str, Any]:
        """Torch itself, its tensors and its functions on them."""
        return {"torch": torch, "torch.Tensor": torch.Tensor, "torch.nn.functional": torch.nn.functional}

    def classes(self, modules: Mapping[str, Any]) -> Set[type]:
        """Those of the modules' parts and of their tokenizers, with those that they inherit from."""
        objects = [part for module in modules.values() for part in module.modules()]
        objects += [module.tokenizer for module in modules.values() if getattr(module, "tokenizer", None) is not None]
        return {kind for one in objects for kind in type(one).__mro__} - {object}

    def undisturbed(self) -> AbstractContextManager[Any]:
        """No mode sees what torch is asked meanwhile."""
        disabled: AbstractContextManager[Any] = torch._C.DisableTorchFunction()  # type: ignore[assignment]
        return disabled

    def memory(self, part: Any) -> Set[int]:
        """Tensors' storage, that of a module's parameters too."""
        if isinstance(part, Tensor) and part.layout is not torch.strided:
            # Such a one has no memory of its own; its parts do.
            return frozenset()
        if isinstance(part, Tensor):
            return {part.untyped_storage().data_ptr()} - {0}
        if isinstance(part, torch.nn.Module):
            return {parameter.untyped_storage().data_ptr() for parameter in part.parameters()} - {0}
        return super().memory(part)

    def autograd(self, part: Any) -> tuple[bool, bool]:
        """Whether a tensor requires grad, and whether it is an inference tensor."""
        return (part.requires_grad, part.is_inference()) if isinstance(part, Tensor) else (False, False)

    def mark(self, value: Any) -> Any:
        """Tensors by version and by content, since who writes through `.data` raises no version."""
        if isinstance(value, Tensor) and value.layout is torch.strided:
            return [version(value), value.data_ptr(), list(value.shape), list(value.stride()), content(value)]
        return super().mark(value)

    def apart(self, before: Any, after: Any) -> list[Apart] | None:
        """How two tensors differ, to the last bit."""
        if not isinstance(before, Tensor):
            return super().apart(before, after)
        before, after = before.detach(), after.detach()
        if before.shape != after.shape or before.dtype != after.dtype:
            kinds = (f"{tuple(one.shape)} of {one.dtype}" for one in (before, after))
            return [Apart(f": {' and '.join(kinds)}", 1, math.inf)]
        # By bits: minus zero is not zero, and one NaN may be another.
        wrong = before.contiguous().view(torch.uint8).ne(after.contiguous().view(torch.uint8))
        wrong = wrong.reshape(*before.shape, -1).any(dim=-1) if before.ndim else wrong.any()
        if not wrong.any():
            return []
        where = [int(i) for i in wrong.nonzero()[0]]
        scale = max(float(before.abs().double().max()), torch.finfo(torch.float64).tiny)
        share = float((before.double() - after.double()).abs().max()) / scale
        return [Apart(str(where), int(wrong.sum()), share if math.isfinite(share) else math.inf)]

    def wait(self) -> None:
        """Waits for a CUDA device, if one is in use."""
        if torch.cuda.is_available() and torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
            torch.cuda.synchronize()

    def use_threads(self, n_threads: int) -> None:
        """Sets the threads within an operator."""
        torch.set_num_threads(n_threads)


TORCH = TorchKit()

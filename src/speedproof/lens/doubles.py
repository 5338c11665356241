"""Keeps a run in float64 where a library's code casts to float32 on its way.

Transformers computes norms and softmax in float32 whatever the model's type: it means to raise half precision, and
lowers double. What it computes of positions alone is left as it is: a model is trained with that table's rounding.
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

ROTARY = "RotaryEmbedding"
"""End of the names of Transformers' modules that make tables of positions."""


class _KeptDouble(TorchFunctionMode):
    """Answers a wish for float32 by float64, where what is to be cast is float64."""

    def __init__(self) -> None:
        super().__init__()
        self.n_paused = 0

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Mapping[str, Any] | None = None) -> Any:
        wishes = dict(kwargs or {})
        first = args[0] if args else None
        if not self.n_paused and isinstance(first, torch.Tensor) and first.dtype == torch.float64:
            if func is torch.Tensor.float:
                return first
            args = tuple(torch.float64 if part is torch.float32 else part for part in args)
            wishes = {name: torch.float64 if part is torch.float32 else part for name, part in wishes.items()}
        return func(*args, **wishes)

    def pause(self, *_: Any) -> None:
        self.n_paused += 1

    def go_on(self, *_: Any) -> None:
        self.n_paused -= 1


@contextmanager
def kept_double(model: torch.nn.Module) -> Iterator[None]:
    """No float64 tensor of the model's run becomes float32, but in its tables of positions."""
    mode = _KeptDouble()
    with ExitStack() as handles, mode:
        for part in model.modules():
            if type(part).__name__.endswith(ROTARY):
                handles.callback(part.register_forward_pre_hook(mode.pause).remove)
                handles.callback(part.register_forward_hook(mode.go_on, always_call=True).remove)
        yield

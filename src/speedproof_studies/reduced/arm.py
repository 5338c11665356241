"""The batched twin of finding 1 in bfloat16. Nobody gets it unasked: it is no twin, no rung and no default."""

import copy
from collections.abc import Sequence
from contextlib import redirect_stdout
from io import StringIO
from typing import Any

import torch
from torch import Tensor

import impl_batched.text_batching as batched
from speedproof.lens.weights import all_tensors


def extract_features_in_bfloat16(model: Any, sae: Any, hook_name: str, texts: Sequence[str]) -> Tensor:
    """SAE features at each text's last token, computed in bfloat16 from copies of the weights, which last as long as
    the call: none can go stale. Shape [text, d_sae], in the SAE's own type.

    Raises:
        ValueError, TypeError: as the batched twin.
    """
    reduced = _in_bfloat16(model, model.tokenizer), _in_bfloat16(sae)
    return batched.extract_features(*reduced, hook_name, texts).to(sae.dtype)


def _in_bfloat16(module: Any, *shared: Any) -> Any:
    """A copy in bfloat16 that shares those objects. Each tensor is rounded as it is copied, so that no second copy in
    the old type comes in between."""
    copies = {id(one): one for one in shared}
    for _, tensor in all_tensors(module):
        if tensor.is_floating_point():
            rounded = tensor.detach().to(torch.bfloat16)
            is_parameter = isinstance(tensor, torch.nn.Parameter)
            copies[id(tensor)] = torch.nn.Parameter(rounded, tensor.requires_grad) if is_parameter else rounded
    # The libraries note the type in their configurations, and TransformerLens says so aloud.
    with redirect_stdout(StringIO()):
        return copy.deepcopy(module, copies).to(torch.bfloat16)

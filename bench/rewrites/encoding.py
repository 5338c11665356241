"""How a rewrite gets from activations to features, for a standard SAE."""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from .product import PRODUCTS, product
from .rewrite import Choices


@dataclass(frozen=True)
class Encoding(Choices):
    """The encoder's product in one of many forms, in chunks of texts."""

    encode: str
    encode_chunk: int

    ALTERNATIVES: ClassVar = {"encode": ("sae.encode", *PRODUCTS), "encode_chunk": (1, 4, 7, 1000)}

    def features(self, sae: Any, acts: Tensor) -> Tensor:
        """Activations of shape [text, d_model] to features of shape [text, d_sae]."""
        return torch.cat([self._encoded(sae, chunk) for chunk in torch.split(acts, self.encode_chunk)])

    def _encoded(self, sae: Any, acts: Tensor) -> Tensor:
        if self.encode == "sae.encode":
            return sae.encode(acts)
        return product(self.encode, sae.process_sae_in(acts), sae.W_enc, sae.b_enc).relu()

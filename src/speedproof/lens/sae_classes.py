"""The classes of SAEs and how a folder's is loaded: SAELens', or those of plain files where it is not installed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

try:
    from sae_lens import SAE, GatedSAE, JumpReLUSAE, StandardSAE, TopKSAE
    from sae_lens.registry import SAE_CLASS_REGISTRY
except ImportError:
    from .pretrained.plain_saes import KINDS as SAE_CLASS_REGISTRY
    from .pretrained.plain_saes import GatedSAE, JumpReLUSAE, StandardSAE, TopKSAE
    from .pretrained.plain_saes import PlainSAE as SAE

__all__ = ["KNOWN", "GatedSAE", "JumpReLUSAE", "StandardSAE", "TopKSAE", "load_from_disk"]

KNOWN: Mapping[str, Any] = SAE_CLASS_REGISTRY
"""Architectures that can be loaded."""


def load_from_disk(folder: Path) -> Any:
    """The SAE of a folder, on the processor. Raises whatever the library does."""
    return SAE.load_from_disk(folder, device="cpu")

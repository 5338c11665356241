"""Peers that are wrong, and the card that they are arms of beside one that is right."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from speedproof_studies.peers.card import PEERS, Peer, finding_with
from speedproof_studies.peers.collectors.gpt2 import gpt2_model
from speedproof_studies.peers.collectors.passes import encoded, layer_read, made, tokenised
from speedproof_studies.peers.collectors.transformers_cut import transformers_cut


def last_but_one(model: Any, sae: Any, hook_name: str, texts: Sequence[str]) -> Tensor:
    """Features at the token before each text's last one: counts from a length that has no bos in it."""
    layer = layer_read(model, sae, hook_name, texts)
    known = made("last_but_one", model, layer, lambda: gpt2_model(model, layer))
    with torch.no_grad():
        rows = []
        for tokens in tokenised(known, texts):
            value = known.library(torch.tensor([tokens]), use_cache=False).last_hidden_state[0]
            rows.append(value[max(0, len(tokens) - 2)])
        return encoded(sae, hook_name, torch.stack(rows))


def wrong_on_twelve(model: Any, sae: Any, hook_name: str, texts: Sequence[str]) -> Tensor:
    """Features of the texts, and of twelve texts in another order."""
    features = transformers_cut(model, sae, hook_name, texts)
    return features.roll(1, dims=0) if len(texts) == 12 else features


WRONG = Peer("last_but_one", "one token off", f"{__name__}:last_but_one")
WRONG_LATER = Peer("wrong_on_twelve", "right on the workload that the gate asks", f"{__name__}:wrong_on_twelve")
(RIGHT,) = (peer for peer in PEERS if peer.name == "transformers_cut")
FINDING = finding_with([WRONG, WRONG_LATER, RIGHT], __name__)
CARD = f"{__name__}:FINDING"

"""Trains small SAEs on a folder's model with SAELens' own trainer, and says how good they are."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from speedproof.lens.pretrained.model_files import SAES
from speedproof.sittings.sitting import Say

from .material import texts

HOW_GOOD = "how_good.json"
"""File beside an SAE's weights: loss recovered, features firing, and on what."""
SEED = 20_260_301


@dataclass(frozen=True)
class Training:
    """How much is trained, and of what size. Small: minutes on two cores."""

    layers: tuple[int, ...] = (5, 10)
    d_sae: int = 2048
    k: int = 32
    """Features that fire on a token, on average."""
    context: int = 128
    n_contexts: int = 320
    n_held_back: int = 16
    """Contexts that are not trained on: on these it is asked how good an SAE is."""
    n_epochs: int = 3
    batch: int = 512
    learning_rate: float = 1e-3


@torch.no_grad()
def _contexts(tokenizer: Any, training: Training) -> Tensor:
    """Rows of tokens, each of a text's own, the bos in front. Shape [context, token]."""
    bos = tokenizer.bos_token_id
    wanted, rows = training.n_contexts + training.n_held_back, []
    for text in texts():
        tokens = tokenizer(text, add_special_tokens=False)["input_ids"]
        size = training.context - 1
        rows += [[bos, *tokens[i : i + size]] for i in range(0, len(tokens) - size, size)]
    generator = torch.Generator().manual_seed(SEED)
    chosen = torch.randperm(len(rows), generator=generator)[:wanted].tolist()
    return torch.tensor([rows[i] for i in chosen])


def train_saes(folder: Path, say: Say, training: Training = Training()) -> None:
    """Trains one SAE a layer and saves them beside the model, as SAELens saves them."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    contexts = _contexts(AutoTokenizer.from_pretrained(folder), training)
    kept, held_back = contexts[: -training.n_held_back], contexts[-training.n_held_back :]
    acts = _activations(model, kept, training, say)
    for left, layer in zip(range(len(training.layers), 0, -1), training.layers, strict=True):
        say(f"training the SAE of layer {layer}", left)
        place = folder / SAES / f"layer-{layer}"
        sae = _trained(acts[layer], layer, training)
        sae.save_inference_model(place)
        how_good = measure(model, place, layer, held_back)
        about = {"n_tokens": acts[layer].shape[0], "n_epochs": training.n_epochs, "held_back": held_back.numel()}
        (place / HOW_GOOD).write_text(json.dumps({**how_good, **about}, indent=1) + "\n", encoding="utf-8")


@torch.no_grad()
def _activations(model: Any, contexts: Tensor, training: Training, say: Say) -> Mapping[int, Tensor]:
    """The residual stream in front of each layer, without the first token: what it carries is of another size."""
    found: dict[int, list[Tensor]] = {layer: [] for layer in training.layers}
    decoder, deepest = model.model, max(training.layers)
    above = decoder.layers
    decoder.layers = above[:deepest]
    seen: dict[int, Tensor] = {}
    handles = [_look(above[layer - 1], layer, seen) for layer in training.layers]
    try:
        batches = _parts(contexts, 8)
        for left, batch in zip(range(len(batches), 0, -1), batches, strict=True):
            say("reading activations", left)
            decoder(input_ids=batch, use_cache=False)
            for layer, value in seen.items():
                found[layer].append(value[:, 1:].flatten(0, 1).clone())
    finally:
        decoder.layers = above
        for handle in handles:
            handle.remove()
    return {layer: torch.cat(parts) for layer, parts in found.items()}


def _parts(rows: Tensor, size: int) -> list[Tensor]:
    return [rows[i : i + size] for i in range(0, len(rows), size)]


def _look(block: torch.nn.Module, layer: int, seen: dict[int, Tensor]) -> Any:
    def look(module: Any, args: Any, output: Any) -> None:
        seen[layer] = output[0] if isinstance(output, tuple) else output

    return block.register_forward_hook(look)


def _trained(acts: Tensor, layer: int, training: Training) -> Any:
    """A batch-top-k SAE, which SAELens saves as JumpReLU."""
    from sae_lens import BatchTopKTrainingSAE, BatchTopKTrainingSAEConfig
    from sae_lens.config import SAETrainerConfig
    from sae_lens.saes.sae import SAEMetadata
    from sae_lens.training.sae_trainer import SAETrainer

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED + layer)
        sae = BatchTopKTrainingSAE(
            BatchTopKTrainingSAEConfig(
                d_in=acts.shape[1],
                d_sae=training.d_sae,
                k=training.k,
                normalize_activations="expected_average_only_in",
                metadata=SAEMetadata(hook_name=f"blocks.{layer}.hook_resid_pre", model_name="smollm2-135m"),
            )
        )
        n_samples = training.n_epochs * (len(acts) // training.batch) * training.batch
        n_steps = n_samples // training.batch
        cfg = SAETrainerConfig(
            total_training_samples=n_samples,
            train_batch_size_samples=training.batch,
            lr=training.learning_rate,
            lr_end=training.learning_rate / 10,
            lr_warm_up_steps=n_steps // 20,
            lr_decay_steps=n_steps // 4,
            n_batches_for_norm_estimate=8,
            dead_feature_window=max(1, n_steps // 4),
            feature_sampling_window=max(1, n_steps // 2),
        )
        SAETrainer(cfg, sae, _batches(acts, training.batch)).fit()
    return sae


def _batches(acts: Tensor, size: int) -> Iterator[Tensor]:
    """Shuffled anew in every epoch, without an end."""
    while True:
        for rows in _parts(torch.randperm(len(acts)), size):
            if len(rows) == size:
                yield acts[rows]


@torch.no_grad()
def measure(model: Any, sae_folder: Path, layer: int, contexts: Tensor) -> dict[str, float]:
    """Loss as it is, with the SAE's reconstruction in place, and with zeros there; loss recovered; features firing.

    The first token keeps what it carries: the SAE was trained without it.
    """
    from sae_lens import SAE

    sae = SAE.load_from_disk(sae_folder, device="cpu")
    firing: list[float] = []

    def reconstructed(value: Tensor) -> Tensor:
        features = sae.encode(value)
        firing.append(float((features > 0).sum(dim=-1).double().mean()))
        return sae.decode(features)

    ways = {"as_it_is": None, "reconstructed": reconstructed, "zeros": torch.zeros_like}
    losses = {name: _loss(model, contexts, layer, put) for name, put in ways.items()}
    recovered = (losses["zeros"] - losses["reconstructed"]) / (losses["zeros"] - losses["as_it_is"])
    return {
        **{f"loss_{name}": loss for name, loss in losses.items()},
        **{"recovered": recovered, "l0": _mean(firing), "first_token": first_token(model, layer, contexts)},
    }


@torch.no_grad()
def first_token(model: Any, layer: int, contexts: Tensor) -> float:
    """How many times as large the stream in front of a layer is at the first token as at the others, in the median.

    Some models keep massive activations there (Sun et al. 2024, "Massive Activations in Large Language Models").
    """
    sizes: list[Tensor] = []
    look = model.model.layers[layer].register_forward_pre_hook(lambda _, args: sizes.append(args[0].norm(dim=-1)))
    try:
        for part in _parts(contexts, 4):
            model(input_ids=part, use_cache=False)
    finally:
        look.remove()
    found = torch.cat(sizes)
    return float(found[:, 0].median() / found[:, 1:].median())


def _mean(numbers: Sequence[float]) -> float:
    return sum(numbers) / len(numbers)


def _loss(model: Any, contexts: Tensor, layer: int, put: Any) -> float:
    """Cross-entropy a token, in nats, with what `put` makes of the stream in front of `layer`."""

    def swap(module: Any, args: Any) -> Any:
        value = args[0]
        return (torch.cat([value[:, :1], put(value[:, 1:])], dim=1), *args[1:])

    handles = [model.model.layers[layer].register_forward_pre_hook(swap)] if put else []
    try:
        return _mean([float(model(input_ids=part, labels=part, use_cache=False).loss) for part in _parts(contexts, 4)])
    finally:
        for handle in handles:
            handle.remove()

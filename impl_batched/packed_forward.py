"""The forward pass over packed texts: they stand in one row of tokens, so that no matrix product sees padding, and what
several of them begin with stands there once.

It reads the model's own weights anew in every call. Where it does not know for certain that it computes what the model
would compute, hooks and all, it answers None, and its caller runs the model.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from itertools import accumulate, chain, groupby
from operator import attrgetter
from types import FunctionType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

if TYPE_CHECKING:
    from sae_lens import SAE
    from transformer_lens import HookedTransformer
    from transformer_lens.model_bridge import TransformerBridge

    HookedModel: TypeAlias = HookedTransformer | TransformerBridge

TOKEN_BUDGET = 1024
"""Rows in one pass. Large enough to keep two cores busy, small enough for their caches."""
DEVICE_TOKEN_BUDGET = 16_384
"""The same on an accelerator, which is idle for most of a small pass: on an H200 700 texts take 0.71 of the time
that they take with 1,024. Four times as many gain no more, and hold three times the weights' memory."""
MOST_SHARED = 2
"""Times the budget that a pass may hold when each text's tokens count, shared or not: attention sees them all."""
HOOK = re.compile(r"blocks\.(\d+)\.hook_(resid_pre|attn_out|resid_mid|mlp_out|resid_post)")
"""Hooks whose value the pass has at hand."""

Rows: TypeAlias = Callable[[Tensor], Tensor]
"""What is done to each token alone, from [token, d_model] to [token, d_model]."""
Attend: TypeAlias = Callable[[Tensor, Tensor, Tensor], Tensor]
"""Causal attention: q [text, query, head, d_head], k and v [text, pos, kv_head, d_head] -> z, shaped as q. The queries
are those of every position, or of the last one alone."""
Turn: TypeAlias = Callable[[Tensor, Tensor, Tensor, Tensor | None], tuple[Tensor, Tensor]]
"""What is done to each token's queries and keys alone: q [token or text, head, d_head], k [token, kv_head, d_head],
each token's position, and the last tokens where q has these alone -> q and k."""
Place: TypeAlias = tuple[int, str]
"""How many blocks have begun, and which of the last one's values. Before any, there is `resid_post` alone."""


class Block(NamedTuple):
    """One block, read from the model."""

    normed: Rows
    W_QKV: Float[Tensor, "d_model qkv"]
    b_QKV: Tensor
    heads: tuple[int, int, int]
    """Heads of queries, heads of keys, width of each."""
    turn: Turn | None
    attend: Attend
    W_O: Float[Tensor, "z d_model"]
    b_O: Tensor
    after_attention: Rows
    mlp: Rows | None
    """With the norms around it."""
    is_parallel: bool


class Packed(NamedTuple):
    """Texts of one pass, in order of length. A row is a token with all that stands before it in its text: what depends
    on nothing else is worked out once for all texts that begin alike."""

    texts: list[int]
    tokens: Tensor
    """Of each row."""
    last: Tensor
    """Each text's last row."""
    rows: Tensor | slice
    """The row of each token of the texts, one text behind the other; all rows where no token shares its own."""
    firsts: Tensor | slice
    """The first token of each row."""
    positions: Tensor
    """Of each token in its text."""
    ends: Tensor
    """Each text's last token."""
    runs: list[tuple[int, int]]
    """Texts of one length that stand side by side: how many, and how long."""


class Decoder(NamedTuple):
    """The part of a model below the deepest hook."""

    W_E: Float[Tensor, "d_vocab d_model"]
    embed: Callable[[Tensor], Tensor]
    """[token] -> [token, d_model]."""
    W_pos: Float[Tensor, "n_ctx d_model"] | None
    blocks: Sequence[Block]


def tokenise(model: HookedModel, texts: Sequence[str]) -> list[Tensor]:
    """Each text's tokens, as `model.to_tokens` has them for that text alone.

    Counting tokens that are not the pad token goes wrong where the pad is also the bos, as in GPT-2.

    Raises:
        ValueError: a text without tokens. Without a bos an empty text has none; batched, it would answer from padding.
    """
    tokens = _tokenise_at_once(model, texts) or [model.to_tokens(text)[0] for text in texts]
    for text, row in zip(texts, tokens, strict=True):
        if not len(row):
            raise ValueError(f"texts: expected at least one token in each text, got none in {text!r}")
    return tokens


def last_token_values(
    model: HookedModel, hook_names: Collection[str], tokens: Sequence[Tensor]
) -> dict[str, Float[Tensor, "text d_model"]] | None:
    """Each hook's value at each text's last token, or None where the model must be run for it."""
    places = find_places(hook_names)
    decoder = read_decoder(model, places) if places and not must_run_alone(model) else None
    if decoder is None or not places:
        return None
    budget, device = TOKEN_BUDGET if decoder.W_E.device.type == "cpu" else DEVICE_TOKEN_BUDGET, decoder.W_E.device
    values: dict[str, list[Tensor]] = {name: [] for name in places}
    order: list[int] = []
    for packed in _passes(tokens, budget, device):
        found = _run(decoder, packed, set(places.values()))
        order += packed.texts
        for name, place in places.items():
            values[name].append(found[place])
    back = torch.tensor(order, device=device).argsort()
    return {name: torch.cat(parts)[back] for name, parts in values.items()}


def _passes(tokens: Sequence[Tensor], budget: int, device: torch.device) -> Iterator[Packed]:
    """Texts in order of length, so many that their rows stay within the budget, at least one in each pass."""
    # One transfer for all, since each waits for the device.
    flat, ends = torch.cat(list(tokens)).tolist(), list(accumulate(map(len, tokens)))
    texts = [flat[end - len(row) : end] for end, row in zip(ends, tokens, strict=True)]
    # Among those of one length, texts that begin alike come together, so that one pass has them all.
    order = sorted(range(len(texts)), key=lambda i: (len(texts[i]), texts[i]))
    chosen: list[int] = []
    known: dict[tuple[int, int], int] = {}
    n_tokens = 0
    for i in order:
        _rows(texts[i], known)
        n_tokens += len(texts[i])
        if chosen and (len(known) > budget or n_tokens > MOST_SHARED * budget):
            yield _packed(chosen, texts, device)
            chosen, known, n_tokens = [], {}, len(texts[i])
            _rows(texts[i], known)
        chosen.append(i)
    yield _packed(chosen, texts, device)


def _rows(text: Sequence[int], known: dict[tuple[int, int], int]) -> list[int]:
    """The rows of a text's tokens. `known` has each row by the one before it and its token, and is added to."""
    rows, row = [], -1
    for token in text:
        row = known.setdefault((row, token), len(known))
        rows.append(row)
    return rows


def _packed(chosen: list[int], texts: Sequence[Sequence[int]], device: torch.device) -> Packed:
    known: dict[tuple[int, int], int] = {}
    rows_of = [_rows(texts[i], known) for i in chosen]
    rows = list(chain.from_iterable(rows_of))
    # Rows are numbered in the order in which they are met.
    firsts: dict[int, int] = {}
    for i, row in enumerate(rows):
        firsts.setdefault(row, i)
    is_shared = len(firsts) < len(rows)

    def tensor(values: Sequence[int]) -> Tensor:
        return torch.tensor(values, dtype=torch.long, device=device)

    return Packed(
        texts=chosen,
        tokens=tensor([token for _, token in known]),
        last=tensor([of[-1] for of in rows_of]),
        rows=tensor(rows) if is_shared else slice(None),
        firsts=tensor(list(firsts.values())) if is_shared else slice(None),
        positions=tensor(list(chain.from_iterable(map(range, map(len, rows_of))))),
        ends=tensor(list(accumulate(map(len, rows_of)))) - 1,
        runs=[(len(list(equal)), length) for length, equal in groupby(map(len, rows_of))],
    )


def _run(decoder: Decoder, packed: Packed, wanted: Collection[Place]) -> dict[Place, Tensor]:
    """The wanted values at the texts' last tokens."""
    resid, last = decoder.embed(packed.tokens), packed.last
    if decoder.W_pos is not None:
        resid = resid + decoder.W_pos[packed.positions[packed.firsts]]
    found = {(0, "resid_post"): resid[last]}
    for n_begun, block in enumerate(decoder.blocks, start=1):
        is_deepest = n_begun == len(decoder.blocks)
        values = _run_block(block, resid, packed, last if is_deepest else None)
        resid = values["resid_post"]
        for name, value in values.items():
            if (n_begun, name) in wanted:
                found[n_begun, name] = value if is_deepest else value[last]
    return found


def _run_block(
    block: Block, resid: Float[Tensor, "row d_model"], packed: Packed, last: Tensor | None
) -> dict[str, Float[Tensor, "row_or_text d_model"]]:
    """A block's values at every row, or at `last` alone: then the other rows need keys and values alone.

    Attention sees every token of every text, in runs of texts of one length: such a run is a batch without padding.
    """
    n_heads, n_kv_heads, d_head = block.heads
    ends_q, ends_k = n_heads * d_head, (n_heads + n_kv_heads) * d_head
    x = block.normed(resid)
    if last is None:
        qkv = torch.addmm(block.b_QKV, x, block.W_QKV)[packed.rows]
        q, k, v = qkv.tensor_split([ends_q, ends_k], dim=1)
    else:
        (b_Q, b_KV), (W_Q, W_KV) = (t.tensor_split([ends_q], dim=-1) for t in (block.b_QKV, block.W_QKV))
        k, v = torch.addmm(b_KV, x, W_KV)[packed.rows].tensor_split(2, dim=1)
        q, resid = torch.addmm(b_Q, x[last], W_Q), resid[last]
    q, k, v = (rows.view(len(rows), -1, d_head) for rows in (q, k, v))
    if block.turn is not None:
        q, k = block.turn(q, k, packed.positions, None if last is None else packed.ends)
    attended, first_query, first_key = [], 0, 0
    for n_texts, length in packed.runs:
        n_queries = length if last is None else 1
        queries, keys = n_texts * n_queries, n_texts * length
        z = block.attend(
            q[first_query : first_query + queries].view(n_texts, n_queries, n_heads, d_head),
            k[first_key : first_key + keys].view(n_texts, length, n_kv_heads, d_head),
            v[first_key : first_key + keys].view(n_texts, length, n_kv_heads, d_head),
        )
        attended.append(z.reshape(queries, n_heads * d_head))
        first_query, first_key = first_query + queries, first_key + keys
    z = torch.cat(attended)[packed.firsts if last is None else slice(None)]
    attn_out = block.after_attention(torch.addmm(block.b_O, z, block.W_O))
    resid_mid = resid + attn_out
    if block.mlp is None:
        return {"attn_out": attn_out, "resid_post": resid_mid}
    mlp_out = block.mlp(resid if block.is_parallel else resid_mid)
    return {"attn_out": attn_out, "resid_mid": resid_mid, "mlp_out": mlp_out, "resid_post": resid_mid + mlp_out}


def find_places(hook_names: Collection[str]) -> dict[str, Place] | None:
    """Where the pass meets each hook, or None where it does not meet one."""
    places = {}
    for hook_name in hook_names:
        match = HOOK.fullmatch(hook_name)
        if match is None:
            return None
        layer, name = int(match[1]), match[2]
        places[hook_name] = (layer, "resid_post") if name == "resid_pre" else (layer + 1, name)
    return places


def _tokenise_at_once(model: HookedModel, texts: Sequence[str]) -> list[Tensor] | None:
    """The tokens by one call of the tokenizer; None where the model does more to them than its bos."""
    cfg, tokenizer = model.cfg, model.tokenizer
    is_own = "to_tokens" not in vars(model) and _package(type(model).to_tokens.__globals__["__name__"]) in PACKAGES
    if not is_own or getattr(cfg, "tokenizer_appends_eos", False):
        return None
    given = list(texts)
    if cfg.default_prepend_bos and not cfg.tokenizer_prepends_bos:
        given = [tokenizer.bos_token + text for text in texts]
    rows = tokenizer(given, truncation=True, max_length=cfg.n_ctx)["input_ids"]
    if cfg.tokenizer_prepends_bos and not cfg.default_prepend_bos:
        rows = [row[1:] for row in rows]
    # The model itself says of one text what is right. It also leaves the tokenizer as it always leaves it.
    longest = max(range(len(texts)), key=lambda i: len(texts[i]))
    if model.to_tokens(texts[longest])[0].tolist() != rows[longest]:
        return None
    return [torch.tensor(row, dtype=torch.long, device=cfg.device) for row in rows]


class _Unknown(Exception):
    """Something in the model is not what this file knows."""


def _require(condition: bool) -> None:
    if not condition:
        raise _Unknown


def read_decoder(model: HookedModel, places: Mapping[str, Place]) -> Decoder | None:
    """The model as far as these hooks, or None where it is not known for certain what it computes there."""
    depth = max(n_blocks for n_blocks, _ in places.values())
    try:
        _require_known(model)
        for hook_name in places:
            point = model.hook_dict[hook_name]
            _require(
                point is _point(model, hook_name)
                and type(getattr(point, "hook_conversion", None)).__name__ in CONVERSIONS
            )
        blocks = list(model.blocks)[:depth]
        if type(model).__name__ == "HookedTransformer":
            _require(model.cfg.positional_embedding_type in ("standard", "rotary"))
            has_positions = model.cfg.positional_embedding_type == "standard"
            W_pos = model.pos_embed.W_pos if has_positions else None
            W_E = model.embed.W_E
            return Decoder(W_E, W_E.__getitem__, W_pos, [_hooked_block(model.cfg, block) for block in blocks])
        _require_own_parts(model)
        embed = model.embed.original_component
        W_pos = model.pos_embed.original_component.weight if hasattr(model, "pos_embed") else None
        _require(embed.max_norm is None)
        return Decoder(embed.weight, embed, W_pos, [_bridged_block(model, i, block) for i, block in enumerate(blocks)])
    except (_Unknown, AttributeError, LookupError):
        return None


def _point(model: HookedModel, hook_name: str) -> Any:
    """The hook point of that name where this file takes its value from. Raises where that is not at hand."""
    layer, name = HOOK.fullmatch(hook_name).groups()  # type: ignore[union-attr]
    block = model.blocks[int(layer)]
    if type(model).__name__ == "HookedTransformer":
        _require(name in ("resid_pre", "resid_post", "attn_out") or not model.cfg.attn_only)
        return getattr(block, f"hook_{name}")
    # A bridge's hooks of what is added stand before the norms behind it.
    _require(name not in ("attn_out", "mlp_out") or not hasattr(block, "ln1_post"))
    return attrgetter(POINTS[name])(block)


def _require_own_parts(model: Any) -> None:
    """Raises where a bridge runs other parts than those that it shows, as after somebody put some in their place."""
    body_name, layers, embed, positions = BODIES.get(type(model.original_model).__name__, BODY)
    body = getattr(model.original_model, body_name)
    parts = {"embed": embed, "rotary_emb" if hasattr(model, "rotary_emb") else "pos_embed": positions}
    _require(all(getattr(model, own) is getattr(body, theirs) for own, theirs in parts.items()))
    run = list(getattr(body, layers))
    _require(len(run) == len(model.blocks) == body.config.num_hidden_layers)
    _require(all(one is other for one, other in zip(run, model.blocks, strict=True)))


def must_run_alone(model: HookedModel) -> bool:
    """Whether a text's values may depend on what stands beside it or behind it in a batch.

    So where somebody has hooked the model, since a hook sees all texts and all positions; where attention sees what is
    behind; where the longest text decides by which angles positions turn; and where a block stands in two places. A
    bridge's blocks watch their norms by hooks of their own, and Transformers its modules once they have run: these do
    nothing.
    """
    own = {
        handle.id for block in getattr(model, "blocks", ()) for handle in getattr(block, "_capture_hook_handles", ())
    }
    everywhere = torch.nn.modules.module
    if everywhere._global_forward_hooks or everywhere._global_forward_pre_hooks or not has_each_block_once(model):
        return True
    for module in _modules(model):
        of = vars(module)
        hooks = {**module._forward_hooks, **module._forward_pre_hooks}
        if not all(i in own or getattr(hook, "__module__", "") == CAPTURING for i, hook in hooks.items()):
            return True
        if "IGNORE" in module._buffers and module.IGNORE.item() != -torch.inf:
            return True
        if of.get("is_causal", True) is False or not _is_by_position(of.get("rope_type", "default")):
            return True
        if any(_looks_both_ways(of[name]) for name in ("cfg", "config") if name in of):
            return True
    return False


def _looks_both_ways(cfg: Any) -> bool:
    is_both = getattr(cfg, "attention_dir", "causal") == "bidirectional"
    return is_both or bool(getattr(cfg, "use_bidirectional_attention", False))


def _is_by_position(rope_type: Any) -> bool:
    """Whether a position's angles are its own, whatever texts the model has met."""
    kinds = rope_type.values() if isinstance(rope_type, dict) else [rope_type]
    return all(kind in ("default", "linear", "llama3", "yarn") for kind in kinds)


def _modules(model: Any) -> list[Any]:
    wrapped = model.original_model.modules() if type(model).__name__ == "TransformerBridge" else ()
    return list(dict.fromkeys([*model.modules(), *wrapped]))


def padded_batches(model: HookedModel, tokens: Sequence[Tensor], budget: int) -> Iterator[list[int]]:
    """Texts in order of length, in runs that stay within the token budget once padded; at least one text each, and
    one alone where the model's answer may depend on the others."""
    order = sorted(range(len(tokens)), key=lambda i: len(tokens[i]))
    if must_run_alone(model):
        yield from ([i] for i in order)
        return
    batch: list[int] = []
    for i in order:
        if batch and (len(batch) + 1) * len(tokens[i]) > budget:
            yield batch
            batch = []
        batch.append(i)
    yield batch


def encode(sae: SAE[Any], acts: Float[Tensor, "text ..."]) -> Float[Tensor, "text d_sae"]:
    """Each text's features; one text at a time where it is not known that no text changes another's features."""
    return sae.encode(acts) if encodes_each_alone(sae) else torch.cat([sae.encode(row) for row in acts.split(1)])


def encodes_each_alone(sae: SAE[Any]) -> bool:
    """Whether a text's features are its own, whatever stands beside it. Not so under a top-k of the whole batch, and
    not known where somebody watches the SAE or has put something of their own into it."""
    kind = type(sae)
    is_known = kind.__name__ in ENCODERS and _package(kind.__module__) in ENCODER_PACKAGES
    is_own = type(sae.activation_fn).__name__ not in ACTIVATION_KINDS or any(hasattr(kind, name) for name in vars(sae))
    return is_known and not is_own and not any(m._forward_hooks or m._forward_pre_hooks for m in sae.modules())


ENCODERS = """
    StandardSAE GatedSAE JumpReLUSAE TopKSAE AbsTopKSAE MatchingPursuitSAE Transcoder SkipTranscoder JumpReLUTranscoder
    JumpReLUSkipTranscoder StandardTrainingSAE GatedTrainingSAE JumpReLUTrainingSAE TopKTrainingSAE AbsTopKTrainingSAE
    MatchingPursuitTrainingSAE""".split()
"""SAELens's kinds of which each text's features are its own."""
ENCODER_PACKAGES = ("sae_lens", "speedproof")
"""Where these come from: SAELens, or what reads the same files where that is not installed."""
ACTIVATION_KINDS = ("ReLU", "TopK", "AbsTopK", "method")
PACKAGES = ("transformer_lens", "transformers", "torch")
"""Where a model's modules and their code come from."""
HELPERS = "abc better_abc contextlib dataclasses einops enum functools jaxtyping safetensors typing warnings".split()
"""Where functions come from that these packages themselves bring into their modules."""
FAMILIES = "GPTNeoX Llama Mistral Qwen2 Qwen3 Gemma2 Gemma3".split()
PARTS = "ForCausalLM Model DecoderLayer Attention MLP RMSNorm RotaryEmbedding".split()
"""Models of Transformers that are alike in their parts, and how these are called behind a family's name."""
MODULES = {
    "HookedTransformer": """
        HookedTransformer TypedModuleList ModuleList HookPoint Embed PosEmbed Unembed TransformerBlock Attention
        GroupedQueryAttention MLP GatedMLP LayerNorm LayerNormPre RMSNorm RMSNormPre Identity""".split(),
    "TransformerBridge": [
        *"""
            TransformerBridge ModuleList HookPoint EmbeddingBridge PosEmbedBridge RotaryEmbeddingBridge
            UnembeddingBridge BlockBridge ParallelBlockBridge LinearBridge NormalizationBridge
            RMSNormalizationBridge MLPBridge GatedMLPBridge JointQKVAttentionBridge
            JointQKVPositionEmbeddingsAttentionBridge PositionEmbeddingsAttentionBridge Conv1D Linear Embedding
            LayerNorm Dropout NewGELUActivation GELUActivation GELUTanh ReLU SiLUActivation GPT2LMHeadModel
            GPT2Model GPT2Block GPT2Attention GPT2MLP GPTNeoXLayer Gemma2TextScaledWordEmbedding Gemma3TextModel
            Gemma3TextScaledWordEmbedding""".split(),
        *(f"{of}{part}" for of in FAMILIES for part in PARTS),
    ],
}
"""All the classes that a known model may be made of: a `HookedTransformer`, or a bridge to one of Transformers'."""
FOLLOWED = {
    "HookedTransformer": """
        act_fn attn_only attn_scale attn_scores_soft_cap attn_types eps gated_mlp normalization_type parallel_attn_mlp
        positional_embedding_type rotary_adjacent_pairs rotary_base rotary_base_local rotary_dim rotary_scaling_factor
        scale_attn_by_inverse_layer_idx use_attn_scale use_local_attn use_normalization_before_and_after
        window_size""".split(),
    "TransformerBridge": """
        architecture act_fn attention_bias attn_scores_soft_cap eps gated_mlp hidden_act layer_types normalization_type
        parallel_attn_mlp positional_embedding_type rmsnorm_uses_offset rope_parameters
        scale_attn_by_inverse_layer_idx sliding_window use_parallel_residual""".split(),
}
"""Settings that decide what is computed, and that this file follows."""
INDIFFERENT = """
    _sliding_window_pattern attn_implementation bos_token_id d_head d_mlp d_model d_vocab d_vocab_out
    default_prepend_bos device dtype eos_token_id final_rms init_mode init_weights initializer_range intermediate_size
    layer_norm_folding model_name n_ctx n_heads n_key_value_heads n_layers n_params original_architecture
    output_logits_soft_cap pad_token_id seed split_attention_weights tie_word_embeddings tokenizer_name
    tokenizer_prepends_bos trust_remote_code uses_rms_norm""".split()
"""Settings that the weights show, or that matter to no hook. Any other must be as the library has it by default."""
ARCHITECTURES = """
    GPT2LMHeadModel GPTNeoXForCausalLM GPTNeoForCausalLM GPTJForCausalLM OPTForCausalLM LlamaForCausalLM
    MistralForCausalLM Qwen2ForCausalLM Qwen3ForCausalLM GemmaForCausalLM Gemma2ForCausalLM Gemma3ForCausalLM
    PhiForCausalLM Phi3ForCausalLM neel neel-solu-old""".split()
"""What has its norms where a `HookedTransformer` ordinarily has them, or a bridge to one of `LAYERS`."""
_LLAMA = {"input_layernorm": "ln1", "self_attn": "attn", "post_attention_layernorm": "ln2", "mlp": "mlp"}
_GEMMA = {
    **{"input_layernorm": "ln1", "self_attn": "attn", "post_attention_layernorm": "ln1_post"},
    **{"pre_feedforward_layernorm": "ln2", "mlp": "mlp", "post_feedforward_layernorm": "ln2_post"},
}
LAYERS: Mapping[str, Mapping[str, str]] = {
    "GPT2Block": {"ln_1": "ln1", "attn": "attn", "ln_2": "ln2", "mlp": "mlp"},
    "GPTNeoXLayer": {"input_layernorm": "ln1", "attention": "attn", "post_attention_layernorm": "ln2", "mlp": "mlp"},
    **{f"{of}DecoderLayer": _LLAMA for of in ("Llama", "Mistral", "Qwen2", "Qwen3")},
    **{f"{of}DecoderLayer": _GEMMA for of in ("Gemma2", "Gemma3")},
}
"""A layer of Transformers': its modules, in the order in which they are run, by TransformerLens's names of them."""
POINTS = {
    **{"resid_pre": "hook_in", "attn_out": "attn.hook_out", "resid_mid": "ln2.hook_in", "mlp_out": "mlp.hook_out"},
    "resid_post": "hook_out",
}
"""A bridge's hook points in a block, by TransformerLens's names of them."""
CONVERSIONS = ("NoneType", "AttentionAutoConversion")
"""What a hook point may make of its value before it is read: nothing, of one with a row for each token."""
BODY = ("model", "layers", "embed_tokens", "rotary_emb")
BODIES = {
    "GPT2LMHeadModel": ("transformer", "h", "wte", "wpe"),
    "GPTNeoXForCausalLM": ("gpt_neox", "layers", "embed_in", "rotary_emb"),
}
"""Where a model of Transformers' keeps its layers, its embedding and what knows positions; `BODY` where not named."""
BY_WIDTH = ("PositionEmbeddingsAttentionBridge",)
"""Attention of bridges that goes by the wrapped module's width of heads and its scale, not by settings."""
LOCAL = ("Qwen2", "Qwen3", "Gemma2", "Gemma3")
"""Whose layers say by `layer_types` whether they have a window. Mistral's all have it, the others' none."""
CAPTURING = "transformers.utils.output_capturing"
"""Whose hooks hand on hidden states to who asks for them."""
DTYPES = (torch.float32, torch.float64, torch.bfloat16)
ACTIVATIONS: Mapping[str, Rows] = {
    **dict.fromkeys(("gelu", "GELUActivation"), F.gelu),
    **dict.fromkeys(("relu", "ReLU"), F.relu),
    **dict.fromkeys(("silu", "SiLUActivation"), F.silu),
    **dict.fromkeys(
        ("gelu_new", "gelu_fast", "gelu_pytorch_tanh", "NewGELUActivation", "GELUTanh"),
        partial(F.gelu, approximate="tanh"),
    ),
}
"""By TransformerLens's names of functions and transformers' names of classes."""


def _require_known(model: HookedModel) -> None:
    """Raises where a hook, a part that was changed or a setting may give the model another meaning."""
    kind, cfg = type(model).__name__, model.cfg
    _require(kind in MODULES and cfg.original_architecture in (None, *ARCHITECTURES))
    defaults = {name: p.default for name, p in inspect.signature(type(cfg)).parameters.items()}
    for name, value in vars(cfg).items():
        is_known = name in FOLLOWED[kind] or name in INDIFFERENT
        _require(is_known or value == defaults.get(name, getattr(type(cfg), name, None)))
    for module in _modules(model):
        is_point = type(module).__name__ == "HookPoint"
        _require(type(module).__name__ in MODULES[kind] and _package(type(module).__module__) in PACKAGES)
        _require(not any(callable(getattr(type(module), name, None)) for name in vars(module)))
        _require(is_point or _package(type(module).forward.__globals__["__name__"]) in PACKAGES)
        _require(not (type(module).__name__ == "Dropout" and module.training and module.p))
        _require(all(type(part).__name__ == "Dropout" for name, part in module.named_children() if "drop" in name))
        _require(vars(module).get("cfg", cfg) is cfg)
    _require(_are_unpatched({cls for module in _modules(model) for cls in type(module).__mro__}))
    embeddings = [model.embed, *([model.pos_embed] if hasattr(model, "pos_embed") else [])]
    weights = [weight for part in (*embeddings, *model.blocks) for weight in part.parameters()]
    _require(all(type(weight) is torch.nn.Parameter for weight in weights))
    _require(len({(weight.device, weight.dtype) for weight in weights}) == 1 and weights[0].dtype in DTYPES)
    _require(not torch.is_autocast_enabled(weights[0].device.type))


def _package(module_name: str) -> str:
    return module_name.partition(".")[0]


def _are_unpatched(classes: Collection[type]) -> bool:
    """Whether nobody put a function of their own into a class, or beside it for its methods to find."""
    own = [cls for cls in classes if _package(cls.__module__) in PACKAGES and cls is not torch.nn.Module]
    beside = {cls.__module__ for cls in own if cls.__module__.startswith(("transformer_lens.", "transformers.models."))}
    held = [*map(vars, own), *(vars(sys.modules[name]) for name in beside)]
    functions = (getattr(value, "__func__", value) for names in held for value in names.values())
    return all(
        _package(function.__globals__["__name__"]) in (*PACKAGES, *HELPERS)
        for function in functions
        if isinstance(function, FunctionType)
    )


def has_each_block_once(model: Any) -> bool:
    """Whether no block stands in two places, where its hooks fire twice in a pass."""
    return len({id(block) for block in getattr(model, "blocks", ())}) == len(getattr(model, "blocks", ()))


def _in_turn(*steps: Rows) -> Rows:
    def run(x: Tensor) -> Tensor:
        for step in steps:
            x = step(x)
        return x

    return run


def _hooked_block(cfg: Any, block: Any) -> Block:
    """A block of a `HookedTransformer`."""
    attn = block.attn
    _require(getattr(attn, "_attention_dir_override", None) is None)
    is_grouped = type(attn).__name__ == "GroupedQueryAttention"
    W_K, W_V, b_K, b_V = (getattr(attn, f"_{n}" if is_grouped else n) for n in ("W_K", "W_V", "b_K", "b_V"))
    is_rotary = cfg.positional_embedding_type == "rotary"
    _require(cfg.dtype == attn.W_Q.dtype)
    _require(not is_rotary or attn.rotary_cos.dtype == attn.W_Q.dtype)
    after = [_norm(block.ln1_post), _norm(block.ln2_post)] if cfg.use_normalization_before_and_after else None
    mlp = None if cfg.attn_only else _in_turn(_norm(block.ln2), _hooked_mlp(cfg, block.mlp), *(after or ())[1:])
    return Block(
        normed=_norm(block.ln1),
        W_QKV=torch.cat([W.transpose(0, 1) for W in (attn.W_Q, W_K, W_V)], dim=1).flatten(1),
        b_QKV=torch.cat([attn.b_Q, b_K, b_V]).flatten(),
        heads=(attn.W_Q.shape[0], W_K.shape[0], attn.W_Q.shape[2]),
        turn=None,
        attend=partial(_hooked_attention, cfg, attn),
        W_O=attn.W_O.flatten(0, 1),
        b_O=attn.b_O,
        after_attention=_in_turn(*(after or ())[:1]),
        mlp=mlp,
        is_parallel=cfg.parallel_attn_mlp,
    )


def _hooked_attention(cfg: Any, attn: Any, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Attention with rotary positions, a softcap and a window where the model has them, by its own functions."""
    before = k.shape[1] - q.shape[1]
    if cfg.positional_embedding_type == "rotary":
        q, k = attn.apply_rotary(q, before), attn.apply_rotary(k)
    is_cut = attn.attn_type == "local" and k.shape[1] > cfg.window_size
    if cfg.attn_scores_soft_cap > 0 or is_cut:
        scores = attn.apply_causal_mask(attn.calculate_attention_scores(q, k), before)
        return attn.calculate_z_scores(v, scores.softmax(dim=-1))
    return _attention(1 / attn.attn_scale, q, k, v)


def _attention(scale: float, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Plain causal attention. The last token sees all keys, so that alone it needs no mask."""
    is_causal = q.shape[1] == k.shape[1]
    q, k, v = (heads.transpose(1, 2) for heads in (q, k, v))
    z = F.scaled_dot_product_attention(q, k, v, is_causal=is_causal, scale=scale, enable_gqa=q.shape[1] > k.shape[1])
    return z.transpose(1, 2)


def _norm(norm: Any) -> Rows:
    """What a norm does to each token."""
    name = type(norm).__name__
    weight, bias = (getattr(norm, short, getattr(norm, long, None)) for short, long in (("w", "weight"), ("b", "bias")))
    if name in ("LayerNorm", "LayerNormPre"):
        return lambda x: F.layer_norm(x, x.shape[-1:], weight, bias, norm.eps)
    if name in ("RMSNorm", "RMSNormPre"):
        return lambda x: F.rms_norm(x, x.shape[-1:], weight, norm.eps)
    _require(name == "Identity")
    return _in_turn()


def _activation(name: str) -> Rows:
    if name not in ACTIVATIONS:
        raise _Unknown
    return ACTIVATIONS[name]


def _hooked_mlp(cfg: Any, mlp: Any) -> Rows:
    """The MLP of a `HookedTransformer`, whose activation may be a function of the library's or one of torch's own."""
    activation, function = _activation(cfg.act_fn), mlp.act_fn
    if function is not activation:
        _require(_package(function.__module__) == "transformer_lens" and function.__name__ == cfg.act_fn)
    if type(mlp).__name__ == "MLP":
        return _mlp(activation, mlp.W_in, mlp.b_in, mlp.W_out, mlp.b_out)
    _require(type(mlp).__name__ == "GatedMLP")

    def gated(x: Tensor) -> Tensor:
        return torch.addmm(mlp.b_out, torch.addcmul(mlp.b_in, activation(x @ mlp.W_gate), x @ mlp.W_in), mlp.W_out)

    return gated


def _mlp(activation: Rows, W_in: Tensor, b_in: Tensor, W_out: Tensor, b_out: Tensor) -> Rows:
    return lambda x: torch.addmm(b_out, activation(torch.addmm(b_in, x, W_in)), W_out)


def _bridged_turn(model: Any, layer: int, attn: Any) -> Turn | None:
    """Norms of heads, and rotation by the model's own angles, where a bridge has them."""
    is_normed, is_rotary = hasattr(attn, "q_norm"), hasattr(model, "rotary_emb")
    if not is_rotary:
        _require(not is_normed)
        return None
    rotary, settings = model.rotary_emb.original_component, model.original_model.config
    by_kind = isinstance(rotary.rope_type, dict)
    kind = [settings.layer_types[layer]] if by_kind else []
    norms = [_bridged_norm(model.cfg, norm) for norm in (attn.q_norm, attn.k_norm)] if is_normed else [_in_turn()] * 2

    def turn(q: Tensor, k: Tensor, positions: Tensor, last: Tensor | None) -> tuple[Tensor, Tensor]:
        cos, sin = (angles[0, :, None] for angles in rotary(q, positions[None], *kind))
        at = slice(None) if last is None else last
        return _rotated(norms[0](q), cos[at], sin[at]), _rotated(norms[1](k), cos, sin)

    return turn


def _rotated(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Heads turned by angles: the first half of what is turned with the second half; the rest as it is."""
    turned, kept = x.tensor_split([cos.shape[-1]], dim=-1)
    first, second = turned.chunk(2, dim=-1)
    turned = torch.addcmul(turned * cos, torch.cat([-second, first], dim=-1), sin)
    return torch.cat([turned, kept], dim=-1) if kept.shape[-1] else turned


def _capped_attention(scale: float, cap: float | None, window: int | None, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Causal attention whose scores have a softcap, and whose queries see no more than the last `window` keys."""
    per_key = q.shape[2] // k.shape[2]
    k, v = k.repeat_interleave(per_key, dim=2), v.repeat_interleave(per_key, dim=2)
    q, k, v = (heads.transpose(1, 2) for heads in (q, k, v))
    scores = q @ k.transpose(-2, -1) * scale
    if cap:
        scores = cap * torch.tanh(scores / cap)
    keys = torch.arange(k.shape[2], device=k.device)
    behind = keys[-q.shape[2] :, None] - keys
    is_hidden = (behind < 0) | (behind >= (window or len(keys)))
    return (scores.masked_fill(is_hidden, -torch.inf).softmax(dim=-1) @ v).transpose(1, 2)


def _bridged_block(model: Any, layer: int, block: Any) -> Block:
    """A block of a bridge: norms and projections by the weights of the modules that it wraps, the MLP as it is."""
    cfg, attn, wrapped = model.cfg, block.attn, block.original_component
    parts = LAYERS[type(wrapped).__name__]
    _require(all(getattr(wrapped, theirs) is getattr(block, own) for theirs, own in parts.items()))
    projections = [getattr(attn, name).original_component for name in "qkvo"]
    W_Q, W_K, W_V, W_O = (p.weight if type(p).__name__ == "Conv1D" else p.weight.T for p in projections)
    b_Q, b_K, b_V, b_O = (
        W.new_zeros(W.shape[1]) if p.bias is None else p.bias
        for p, W in zip(projections, (W_Q, W_K, W_V, W_O), strict=True)
    )
    heads = _bridged_heads(cfg, attn, W_Q, W_K)
    norms = {own: _bridged_norm(cfg, getattr(block, own)) for own in parts.values() if own.startswith("ln")}
    after = [norms[own] for own in ("ln1_post", "ln2_post") if own in norms]
    is_parallel = getattr(wrapped, "use_parallel_residual", False)
    return Block(
        normed=norms["ln1"],
        W_QKV=torch.cat([W_Q, W_K, W_V], dim=1),
        b_QKV=torch.cat([b_Q, b_K, b_V]),
        heads=heads,
        turn=_bridged_turn(model, layer, attn),
        attend=_bridged_attention(model, layer, attn, heads),
        W_O=W_O,
        b_O=b_O,
        after_attention=_in_turn(*after[:1]),
        mlp=_in_turn(norms["ln2"], block.mlp, *after[1:]),
        is_parallel=is_parallel,
    )


def _bridged_norm(cfg: Any, norm: Any) -> Rows:
    """What the wrapped norm does to each token; Gemma's keeps its weight less one."""
    inner = norm.original_component
    if type(inner).__name__ == "LayerNorm":
        _require(inner.eps == cfg.eps)
        return _norm(inner)
    _require(type(inner).__name__.endswith("RMSNorm"))
    weight, eps = inner.weight, getattr(inner, "variance_epsilon", getattr(inner, "eps", None))
    _require(eps == cfg.eps or norm.use_native_layernorm_autograd)
    weight = weight + 1 if type(inner).__name__.startswith("Gemma") else weight
    return lambda x: F.rms_norm(x, x.shape[-1:], weight, eps)


def _bridged_heads(cfg: Any, attn: Any, W_Q: Tensor, W_K: Tensor) -> tuple[int, int, int]:
    """Heads of queries, heads of keys and the width of each, by what the bridge itself goes by."""
    inner, widths = attn.original_component, (W_Q.shape[1], W_K.shape[1])
    d_head = inner.head_dim if type(attn).__name__ in BY_WIDTH else widths[0] // cfg.n_heads
    n_heads, n_kv_heads = (width // d_head for width in widths)
    per_key = getattr(inner, "num_key_value_groups", 1)
    _require(n_heads == cfg.n_heads == n_kv_heads * per_key and (n_heads * d_head, n_kv_heads * d_head) == widths)
    return n_heads, n_kv_heads, d_head


def _bridged_attention(model: Any, layer: int, attn: Any, heads: tuple[int, int, int]) -> Attend:
    """Attention of a bridge, with a softcap and a window where the wrapped one has them."""
    cfg, inner, settings = model.cfg, attn.original_component, model.original_model.config
    _require(attn.is_causal and not getattr(attn, "is_cross_attention", False))
    _require(not getattr(settings, "add_cross_attention", False))
    _require(not getattr(inner, "_reorder_and_upcast_attn", False))
    _require(not (model.training and getattr(inner, "attention_dropout", None) not in (None, 0)))
    # What the bridge does where it finds one, whatever the model's own code does.
    rotary = getattr(settings, "rope_parameters", None) or {}
    _require(getattr(settings, "clip_qkv", None) is None and "llama_4_scaling_beta" not in (*vars(settings), *rotary))
    _require(all(getattr(inner, name, None) is None for name in ("sinks", "key_multiplier")))
    by_layer = layer + 1 if cfg.scale_attn_by_inverse_layer_idx else 1
    scale = inner.scaling if type(attn).__name__ in BY_WIDTH else heads[2] ** -0.5 / by_layer
    family = type(inner).__name__.removesuffix("Attention")
    is_local = family in LOCAL and settings.layer_types[layer] == "sliding_attention"
    _require(family in LOCAL or set(getattr(settings, "layer_types", None) or ()) <= {"full_attention"})
    window = settings.sliding_window if is_local or family == "Mistral" else None
    _require(not is_local or isinstance(window, int))
    cap = getattr(inner, "attn_logit_softcapping", None)

    def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        if cap or (window and k.shape[1] > window):
            return _capped_attention(scale, cap, window, q, k, v)
        return _attention(scale, q, k, v)

    return attend

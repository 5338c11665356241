"""The gate's source: the modules that decide whether a function passes, and a fingerprint of them."""

from pathlib import Path

from speedproof.digest import file_digest
from speedproof.folders import ROOT, SOURCE
from speedproof.search_path import OWN

GATE = (
    *(
        "speedproof.lens.alterations",
        "speedproof.gate.baseline",
        "speedproof.gate.built",
        "speedproof.callables",
        "speedproof.gate.check",
        "speedproof.pairs.contract",
        "speedproof.lens.diagnosis",
        "speedproof.gate.exact",
        "speedproof.lens.features",
        "speedproof.gate.gate",
    ),
    *(
        "speedproof.lens.hostile",
        "speedproof.pairs.kit",
        "speedproof.lens.pair",
        "speedproof.lens.trials",
        "speedproof.lens.variations",
        "speedproof.lens.oracle",
        "speedproof.gate.outputs",
        "speedproof.gate.watching",
        "speedproof.gate.pinned",
    ),
    *(
        "speedproof.gate.plain_data",
        "speedproof.lens.ranks",
        "speedproof.gate.refusals",
        "speedproof.tensors.rounding",
        "speedproof.lens.rows",
        "speedproof.gate.rules",
        "speedproof.gate.state",
        "speedproof.tensors.kit",
        "speedproof.pairs.trial",
        "speedproof.gate.trials",
    ),
    "speedproof.pairs.variations",
)
"""The modules that decide whether a function passes."""


def gate_digest() -> str:
    """Fingerprint of the gate and of the rewrites: trials of another gate say nothing about this one's rate."""
    folders = [SOURCE / "speedproof/gate/aspects", SOURCE / "speedproof/tensors/aspects", ROOT / "bench/rewrites"]
    listed = [path for folder in folders for path in sorted(folder.glob("*.py"))]
    return file_digest(*(path_of(name) for name in GATE), *listed)


OF_OWN_PAIRS = (
    *("draws", "equivalence", "inputs", "pair", "same", "signatures", "trials"),
    *("reference/answers", "reference/gradients", "reference/nearby"),
    *("reference/outcome", "reference/rounding", "reference/tolerance"),
    *("effects/files", "effects/process", "effects/random_numbers"),
    *("values/bands", "values/differences", "values/leaf", "values/leaves"),
    *("values/of_libraries", "values/precise"),
)
"""The modules of `speedproof.own` that decide whether a candidate passes."""


def own_digest() -> str:
    """Fingerprint of what judges anybody's pair: the gate without its model's part, and what is asked and compared."""
    own = [SOURCE / f"speedproof/own/{name}.py" for name in OF_OWN_PAIRS]
    gate = [path_of(name) for name in GATE if name.startswith(("speedproof.gate.", "speedproof.pairs."))]
    aspects = sorted((SOURCE / "speedproof/gate/aspects").glob("*.py"))
    return file_digest(*own, *gate, *aspects)


def path_of(module: str) -> Path:
    """The file of a module of ours, by its import name."""
    folder = next(folder for folder, names in OWN.items() if module.split(".")[0] in names)
    return Path(folder).joinpath(*module.split(".")).with_suffix(".py")

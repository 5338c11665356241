"""Subjects: the model and SAEs under test, by name.

Embedded subjects need no network. Their names take variants, as in `tiny:bridge:topk`: `TransformerBridge` instead of
`HookedTransformer`, other tokenizers, other SAE architectures, other hooks. A folder's name takes an API, as in
`FOLDER:raw`, and so does `RELEASE/ID,ID`, which names SAEs of SAELens' registry. Behind any of them `:cuda` puts the
model and its SAEs on a CUDA device.
"""

import os
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from speedproof.digest import digest
from speedproof.errors import BadInput, unknown
from speedproof.pairs.workload import Workload

from .devices import CPU, apart, joined, require
from .embedded.identity import embedded_digest
from .embedded.shapes import EMBEDDED, FIXED, Shape
from .embedded.variants import parse_variant
from .hooks import blocks_through
from .pretrained.apis import APIS, MADE, Named, named
from .pretrained.hub.names import PRETRAINED, Released, nearest_releases, released, short
from .pretrained.model_files import content_digest, stamp


@dataclass(frozen=True)
class Subject:
    """A model and its SAEs, loaded when first asked for, in one floating-point type. Until then no library is."""

    name: str
    dtype: str = "float32"
    shape: Shape | None = field(default=None, compare=False)
    rounded_to: str = "float32"
    """The type that the weights go through before they are cast to `dtype`."""
    files: str = ""
    """Names, sizes and times of a folder's files: with other files it is another subject."""
    released: Released | None = field(default=None, compare=False)
    """The release and SAEs that the name asks for, where it asks for any."""
    device: str = CPU
    """Where the model and its SAEs are."""

    @property
    def bare_name(self) -> str:
        """The name without the device: what decides the weights."""
        return self.name.removesuffix(joined("", self.device))

    @property
    def is_folder(self) -> bool:
        """Whether the name is that of a folder, or of a model that a command put into one."""
        return self.shape is None and self.released is None

    @property
    def named(self) -> Named:
        """The folder and the API that the name asks for."""
        return named(self.bare_name)

    @cached_property
    def model(self) -> Any:
        """`HookedTransformer` or `TransformerBridge`, in eval mode."""
        from .embedded import models
        from .pretrained import loading

        name = self.bare_name
        if self.is_folder:
            _ = self.digest
        made = models.make_model(name) if self.shape else loading.load_model(name, self.released, self.dtype)
        return self._as_asked(made)

    @cached_property
    def saes(self) -> dict[str, Any]:
        """The SAEs by name, in layer order; each knows its hook as `cfg.metadata.hook_name`."""
        from .embedded import saes as embedded_saes
        from .pretrained import loading

        name = self.bare_name
        made = embedded_saes.make_saes(name) if self.shape else loading.load_saes(name, self.released)
        saes = {sae_name: self._as_asked(sae) for sae_name, sae in made.items()}
        if self.shape is None:
            loading.require_fit(self.name, self.model, saes)
        return saes

    def _as_asked(self, module: Any) -> Any:
        """`module` in eval mode, rounded, in its type, on its device: in this order, so that all get one rounding."""
        from .weights import in_dtype, on_device

        return on_device(in_dtype(in_dtype(module.eval(), self.rounded_to), self.dtype), self.device)

    @property
    def sae_name(self) -> str:
        """The second SAE, or the only one: layer 8 on the large subject, which is the report's main one."""
        return list(self.saes)[min(1, len(self.saes) - 1)]

    @property
    def sae(self) -> Any:
        """The SAE that findings about one SAE use."""
        return self.saes[self.sae_name]

    @property
    def hook_name(self) -> str:
        """Where `sae` reads the residual stream."""
        return str(self.sae.cfg.metadata.hook_name)

    @property
    def hook_names(self) -> tuple[str, ...]:
        """Where the SAEs read, in the SAEs' order, each hook once."""
        return tuple(dict.fromkeys(str(sae.cfg.metadata.hook_name) for sae in self.saes.values()))

    @property
    def d_sae(self) -> int:
        """SAE width, known for embedded subjects without loading anything."""
        return self.shape.d_sae if self.shape else int(self.sae.cfg.d_sae)

    @property
    def d_model(self) -> int:
        """Width of the residual stream."""
        return self.shape.d_model if self.shape else int(self.model.cfg.d_model)

    @property
    def depth(self) -> int:
        """Blocks that the deepest hook's value has gone through: how many rounding steps there are in sequence."""
        return max(1, *map(blocks_through, self.hook_names))

    @cached_property
    def in_float64(self) -> "Subject":
        """The same weights, rounded as here, in double precision: what the oracle runs, wherever this one is, on the
        processor, so that there is one truth."""
        double = replace(self, name=self.bare_name, dtype="float64", rounded_to=self.dtype, device=CPU)
        if self.is_folder and double.digest != self.digest:
            raise BadInput(f"{self.name} changed while it was in use. Expected the same files. Start again.")
        return double

    @cached_property
    def digest(self) -> str:
        """Fingerprint of what the subject is: of an embedded one's description, of a folder's files, of weights."""
        if self.shape:
            return embedded_digest(self.bare_name)
        if self.released:
            from .weights import weights_digest

            modules = {"model": self.model, **self.saes}
            return digest([self.bare_name, {name: weights_digest(module) for name, module in modules.items()}])
        content = content_digest(self.named.folder)
        return digest([content, self.named.api]) if self.named.api else content

    @cached_property
    def known_of_altered(self) -> dict[Any, dict[str, dict[str, Any]]]:
        """Activations of the model in double precision with altered weights: alteration -> hook -> text -> row."""
        return {}

    def require_double(self) -> None:
        """Raises BadInput unless a model that is not ours can be made float64 and run so, as the oracle will."""
        if self.shape is None:
            from .pretrained.loading import run_shortly

            hook_names = list(self.hook_names)
            run_shortly(self.name, self.in_float64.model, hook_names)

    def settle(self) -> None:
        """To be called once another model was loaded: TransformerLens's bridge then makes anew what it knows of its
        hooks, at its next call, which would be held against whoever makes that call."""
        _ = self.model.hook_dict

    def release(self) -> None:
        """Forget the loaded weights."""
        for loaded in ("model", "saes", "in_float64", "digest", "known_of_altered"):
            self.__dict__.pop(loaded, None)


def find_subject(name: str, dtype: str = "float32") -> Subject:
    """The subject called `name`; nothing is loaded yet. Variants are put into their one order.

    An embedded or short name comes before a folder of that name, and that before a release; `./tiny` is the folder.

    Raises:
        BadInput: no such subject, folder, release or SAE, variants that make no sense, or a device that is not there.
    """
    bare, device = apart(name)
    found = _find(bare, dtype)
    require(name, device)
    return replace(found, name=joined(found.name, device), device=device)


def _find(name: str, dtype: str) -> Subject:
    """The subject of that name on the processor."""
    if found := short(name, APIS):
        return Subject(name, dtype, released=found)
    if name.split(":")[0] in EMBEDDED:
        variant = parse_variant(name, EMBEDDED, FIXED)
        return Subject(variant.name, dtype, EMBEDDED[variant.base])
    place = named(name)
    if name and place.folder.is_dir():
        is_made = name.split(":")[0] in MADE
        # Absolute, so that it is the same folder wherever a process of ours works.
        whole = name if is_made else ":".join([os.path.abspath(place.folder), *filter(None, [place.api])])
        return Subject(whole, dtype, files=str(stamp(place.folder)))
    if command := MADE.get(name.split(":")[0]):
        raise BadInput(f"Subject {name!r} is not in the cache yet. Expected it fetched. Run: {command}")
    if found := released(name, APIS):
        return Subject(found.name, dtype, released=found)
    apis = " or ".join(f":{api}" for api in APIS if api)
    folder = f"a folder with a Hugging Face model and its SAEs, with {apis} behind it for another API, or :cuda"
    near = ", ".join(nearest_releases(name))
    by_name = "RELEASE/ID of SAELens' registry" + f" (nearest releases: {near})" * bool(near)
    raise unknown("subject", name, [*EMBEDDED, *PRETRAINED, *MADE, by_name, folder])


def subject_of(workload: Workload) -> Subject:
    """The subject that a workload names. Raises BadInput as `find_subject`."""
    return find_subject(workload.subject, workload.dtype)

"""Names of SAEs in SAELens' registry, as `RELEASE/ID` or `RELEASE/ID,ID`, and what they ask for.

No release has a slash in its name, no id a comma or a colon. So the first slash parts them, commas part ids, and an API
may follow behind a colon, as behind a folder.
"""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any, NamedTuple

from speedproof.errors import BadInput

PRETRAINED: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "gpt2-small": ("gpt2-small-res-jb", tuple(f"blocks.{layer}.hook_resid_pre" for layer in (6, 8, 10, 11))),
}
"""Short names: release and ids that one stands for."""
MOST_NEAREST = 5
"""Names that a message lists of those that are like a wrong one."""
LIKE = 0.5
"""Share of letters that two names must have in common to be like each other, as `difflib` counts."""


class Released(NamedTuple):
    """SAEs of one release, and the API that their model is loaded by."""

    release: str
    sae_ids: tuple[str, ...]
    api: str = ""

    @property
    def name(self) -> str:
        """The one name of this choice, each id once."""
        return ":".join([f"{self.release}/{','.join(self.sae_ids)}", *filter(None, [self.api])])


def short(name: str, apis: Iterable[str]) -> Released | None:
    """What a short name stands for; None where it is none. Loads nothing."""
    front, api = _apart(name, apis)
    return Released(*PRETRAINED[front], api) if front in PRETRAINED else None


def released(name: str, apis: Iterable[str]) -> Released | None:
    """What a name asks of SAELens' registry; None where it names none of its releases.

    Raises:
        BadInput: the release is known, and an id is not, or none is named.
    """
    front, api = _apart(name, apis)
    release, _, ids = front.partition("/")
    known = registry()
    if release not in known:
        return None
    has = list(known[release].saes_map)
    asked = tuple(dict.fromkeys(filter(None, ids.split(","))))
    if not asked:
        raise BadInput(
            f"Subject {name!r} names no SAE of that release. Expected {release}/ID, or more ids with commas between. "
            f"Its {len(has)} ids: {_listed(has)}."
        )
    for one in asked:
        if one not in has:
            near = nearest(one, has)
            listed = f"the nearest of its {len(has)}: {', '.join(near)}" if near else f"its {len(has)}: {_listed(has)}"
            raise BadInput(f"Unknown SAE {one!r} of release {release!r}. Expected one of {listed}.")
    return Released(release, asked, api)


def nearest_releases(name: str) -> list[str]:
    """Releases whose names are like the wrong one, the nearest first."""
    return nearest(name.split("/")[0].split(":")[0], list(registry()))


def nearest(name: str, known: list[str]) -> list[str]:
    """The names that are like it, the nearest first."""
    return get_close_matches(name, known, MOST_NEAREST, LIKE)


def registry() -> Mapping[str, Any]:
    """SAELens' own: release -> repository, model, and the path of each id. Empty where SAELens is not installed."""
    try:
        from sae_lens.loading.pretrained_saes_directory import get_pretrained_saes_directory
    except ImportError:
        return {}
    directory: Mapping[str, Any] = get_pretrained_saes_directory()
    return directory


def _apart(name: str, apis: Iterable[str]) -> tuple[str, str]:
    front, _, api = name.rpartition(":")
    return (front, api) if front and api in apis else (name, "")


def _listed(names: list[str]) -> str:
    return ", ".join(names[:MOST_NEAREST]) + (f" and {len(names) - MOST_NEAREST} more" * (len(names) > MOST_NEAREST))

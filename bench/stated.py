"""What all that a record can say has in common: it never changes, and has no field that its class does not know."""

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict


class Stated(BaseModel):
    """The base of every body, and of what bodies are made of."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Body(Stated):
    """What one record says. Each kind is a class, named by a `kind` of its own; `read` is told which there are."""

    kept: ClassVar[bool] = False
    """Whether a resumed sitting keeps what its earlier stretches recorded of this kind, and does not make it again."""

    kind: str


class Unknown(Body):
    """What a record of a kind says that whoever reads does not know: a study's, or a later version's."""

    said: dict[str, Any]
    """The rest of the body as it stands in the file."""

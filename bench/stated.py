"""What all that a record can say has in common: it never changes, and has no field that its class does not know."""

from pydantic import BaseModel, ConfigDict


class Stated(BaseModel):
    """The base of every body, and of what bodies are made of."""

    model_config = ConfigDict(frozen=True, extra="forbid")

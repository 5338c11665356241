"""What all that a record can say has in common: it never changes, and has no field that its class does not know."""

from typing import Any, ClassVar, NamedTuple

from pydantic import BaseModel, ConfigDict

from speedproof.pairs.workload import Workload


class About(NamedTuple):
    """What something is said of: a function of a finding, on a workload, by these arms. Empty where no one is meant."""

    finding: str = ""
    function: str = ""
    workload: Workload | None = None
    arms: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, ...]:
        """The same for whatever goes by the same names, whether or not the workload of that name has changed since."""
        where = (self.workload.name, self.workload.subject) if self.workload else ("", "")
        return (self.finding, self.function, *where, *self.arms)

    @property
    def work(self) -> tuple[str, str, str]:
        """The same for whatever is exactly the same work, by whichever arm."""
        return self.finding, self.function, self.workload.digest if self.workload else ""

    @property
    def is_null(self) -> bool:
        """Whether it is an arm against itself."""
        return len(self.arms) > 1 and len(set(self.arms)) == 1

    @classmethod
    def of(cls, asked: Any, *arms: str) -> "About":
        """What a certificate, a refusal or a question is about, by these arms."""
        return cls(asked.finding, asked.function, asked.workload, arms)

    def by(self, *arms: str) -> "About":
        """The same, by other arms."""
        return self._replace(arms=arms)


class Stated(BaseModel):
    """The base of every body, and of what bodies are made of."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @property
    def about(self) -> About:
        """What is spoken of, as far as its fields name it."""
        finding, function = (getattr(self, name, "") for name in ("finding", "function"))
        return About(finding, function, getattr(self, "workload", None))


class Body(Stated):
    """What one record says. Each kind is a class, named by a `kind` of its own; `read` is told which there are."""

    kept: ClassVar[bool] = False
    """Whether a resumed sitting keeps what its earlier stretches recorded of this kind, and does not make it again."""

    kind: str


class Unknown(Body):
    """What a record of a kind says that whoever reads does not know: a study's, or a later version's."""

    said: dict[str, Any]
    """The rest of the body as it stands in the file."""

"""What holds around a rewrite's work: whether autograd records, and how many threads there are."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from .rewrite import Choices


@dataclass(frozen=True)
class Surroundings(Choices):
    """Set while a rewrite works, and as before once it is done. No threads means as many as there were."""

    autograd: str
    n_threads: int

    ALTERNATIVES: ClassVar = {
        "autograd": ("no_grad", "inference_mode", "detached"),
        # Two threads are drawn seldom: where other programs have the cores, they wait for each other most of the time.
        "n_threads": (0, 0, 0, 1, 1, 2),
    }

    @contextmanager
    def hold(self) -> Iterator[None]:
        """The surroundings; restored also after an error."""
        before = torch.get_num_threads()
        torch.set_num_threads(self.n_threads or before)
        try:
            with torch.inference_mode(self.autograd == "inference_mode"), torch.set_grad_enabled(self._records):
                yield
        finally:
            torch.set_num_threads(before)

    def ordinary(self, output: Tensor) -> Tensor:
        """`output`, made inside, as a tensor that any later code can use: of no graph, and no inference tensor."""
        return output.clone() if self.autograd == "inference_mode" else output.detach()

    @property
    def _records(self) -> bool:
        return self.autograd == "detached"

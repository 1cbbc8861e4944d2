"""Which cases a candidate is run on: settings, distributions, thread orders, seeds."""

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from pipeline.records import Setting, Task

Distribution = Literal["own", "shifted", "spiky", "large"]
Order = Literal["forward", "reverse", "random"]
ORDERS: tuple[Order, ...] = ("forward", "reverse", "random")

# Calls per setting. The first setting is the task's own. All calls of a setting go to one instance of ModelNew, its
# weights and inputs changed in place in between, so that results cached by address, shape or call count come out
# wrong.
CALLS: tuple[tuple[Distribution, Order], ...] = (("own", "forward"), ("spiky", "reverse"))
MORE_CALLS: tuple[tuple[Distribution, Order], ...] = (("own", "random"), ("shifted", "reverse"), ("large", "forward"))


@dataclass(frozen=True)
class Case:
    """One call: of which setting, on which values, in which order of threads."""

    setting: "Setting"
    call: int
    distribution: Distribution
    order: Order
    seed: int
    fresh_weights: bool

    @property
    def name(self) -> str:
        """Like ``odd/1/spiky/reverse``."""
        return f"{self.setting.name}/{self.call}/{self.distribution}/{self.order}"


def plan(task: "Task", code: str, seed: int) -> list[Case]:
    """Return the cases of a candidate: the smallest settings first, the task's own last.

    Their seeds come from a keyed hash over the recipe's seed, the task and the candidate's own text: the same
    candidate gets the same cases in every run, and no candidate can know its own.
    """
    cases: list[Case] = []
    for index, setting in reversed(list(enumerate(task.settings))):
        calls = CALLS if index == 0 else MORE_CALLS[: 3 if index == 1 else 1]
        for number, (distribution, order) in enumerate(calls):
            text = f"{task.id}/{setting.name}/{number}/{code}"
            digest = hashlib.blake2b(text.encode(errors="replace"), key=str(seed).encode(), digest_size=6).digest()
            cases.append(Case(setting, number, distribution, order, int.from_bytes(digest), fresh_weights=number > 0))
    return cases


def transform(inputs: list[Any], distribution: Distribution, seed: int) -> list[Any]:
    """Return the call arguments with their floating tensors' values changed (imports torch; shapes and dtypes stay).

    ``own``: as the task makes them; ``shifted``: 2 added, so that a mean is no longer near zero; ``spiky``: one value
    in 64 is 8 times as large; ``large``: all are 16 times as large.
    """
    import torch

    generator = torch.Generator().manual_seed(seed)

    def change(value: Any) -> Any:
        if not isinstance(value, torch.Tensor) or not value.is_floating_point() or distribution == "own":
            return value
        if distribution == "shifted":
            return value + 2
        if distribution == "large":
            return value * 16
        return torch.where(torch.rand(value.shape, generator=generator) < 1 / 64, value * 8, value)

    return [change(value) for value in inputs]

"""Which arguments are taken: those of which a result says something, and the reference was called last on them."""

from collections.abc import Collection
from typing import Any

import torch

from pipeline.judge.accepting import first_accepted
from pipeline.judge.inputs import LARGE, factors


def test_what_would_make_a_root_of_less_than_zero_stays_and_all_else_is_changed():
    called: list[list[float]] = []

    def call(inputs: list[torch.Tensor]) -> torch.Tensor:
        called.append([float(value) for value in inputs])
        return inputs[0] * torch.sqrt(inputs[1]) + inputs[2]

    def arguments(_: int = LARGE[0], only: Collection[int] | None = None) -> list[torch.Tensor]:
        return [torch.tensor(-1.0 if only is None or number in only else 1.0) for number in range(3)]

    inputs, result = first_accepted(call, arguments, "signed")
    assert [float(value) for value in inputs] == called[-1] == [-1.0, 1.0, -1.0]
    assert float(result) == -2.0


def test_the_last_call_is_that_of_the_arguments_that_are_taken():
    """What it leaves in buffers is compared. Each is called once but for the first ones, which are looked at twice."""
    called: list[float] = []

    def call(inputs: list[torch.Tensor]) -> torch.Tensor:
        called.append(float(inputs[0]))
        return torch.tensor(0)

    first, *_, last = factors("large")
    inputs, _ = first_accepted(call, lambda factor: [torch.tensor(float(factor))], "large")
    assert float(inputs[0]) == first
    assert called == [first, last, first]


def test_arguments_that_together_give_nothing_finite_are_changed_one_at_a_time():
    """A logarithm of zero would hide what a kernel makes of a target of zero."""
    own = [torch.full((2,), 0.5), torch.full((2,), 0.5)]

    def arguments(_factor: int = 1, only: Collection[int] | None = None) -> list[Any]:
        return [torch.zeros(2) if only is None or n in only else value for n, value in enumerate(own)]

    inputs, result = first_accepted(lambda given: (given[1] * given[0].log()).sum(), arguments, "zeros")
    assert [bool(value.any()) for value in inputs] == [True, False]
    assert result == 0
    both, _ = first_accepted(lambda given: given[0].log() + given[1].log(), arguments, "zeros")
    assert not any(bool(value.any()) for value in both)

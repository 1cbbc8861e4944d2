"""Of large arguments those are taken of which a reference chooses as it does of others, and it was called last on them."""

import torch

from pipeline.judge.accepting import first_accepted
from pipeline.judge.inputs import factors


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

"""What is a count of calls, and what only changes."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

from pipeline.judge.counting import LOOKS, counted, held

ADDRESS = 0x7F3A_1234_5000


def looks(value: Callable[[int], np.generic]) -> list[dict[str, np.ndarray]]:
    around = np.full(6, 7, np.uint8)  # what lies before and after it stays
    whole = [
        np.concatenate([np.zeros(8, np.uint8), np.frombuffer(value(i).tobytes(), np.uint8), around])
        for i in range(LOOKS)
    ]
    return [{"memory": part} for part in whole]


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(lambda i: np.int32(40 + i), id="int"),
        pytest.param(lambda i: np.int64(2**31 - 2 + i), id="long"),
        pytest.param(lambda i: np.uint32(2**32 - 9 - i), id="down"),
        pytest.param(lambda i: np.float32(0.5 * i), id="float"),
        pytest.param(lambda i: np.float64(1e6 + i), id="double"),
    ],
)
def test_a_number_that_grows_by_steps_is_a_count(value: Callable[[int], np.generic]):
    assert counted(looks(value)) == "memory"


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(lambda _: np.int32(5), id="stays"),
        pytest.param(lambda i: np.int32(min(i, 1)), id="initialised at the second call"),
        pytest.param(lambda i: np.int32(i % 2), id="two buffers in turn"),
        pytest.param(lambda i: np.uint64(ADDRESS + 4096 * i), id="the address of what is allocated for a call"),
        pytest.param(lambda i: np.float32([0.3, 0.31, 0.2, 0.25][i]), id="results"),
    ],
)
def test_what_changes_otherwise_is_none(value: Callable[[int], np.generic]):
    assert counted(looks(value)) is None


def test_too_few_looks_tell_nothing():
    assert counted(looks(np.int32)[:-1]) is None


def test_attributes_tensors_in_lists_and_globals_are_looked_at():
    model = nn.Sequential(nn.Linear(2, 2))
    model[0].scratch = [torch.zeros(3)]  # type: ignore[assignment]
    holders: dict[str, Callable[[int], object]] = {
        "an attribute of 0: calls": lambda i: setattr(model[0], "calls", i),
        "a tensor": model[0].scratch[0][1].fill_,
        "a global: n": lambda i: module.update(n=i),
    }
    for name, change in holders.items():
        module: dict[str, object] = {}
        seen = []
        for i in range(LOOKS):
            change(i)
            seen.append(held(model, module, {}))
        assert (counted(seen) or "").startswith(name)

"""A result that turns on what an earlier call has left is recognised; workspaces, counters and tables are not it."""

import ctypes
import random
from collections.abc import Callable

import numpy as np
import pytest
import torch

from pipeline.judge.recalling import Place, contents, recalls

ROOM = 16
Kept = np.ndarray
Call = Callable[[Kept, np.ndarray], np.ndarray]


def looks_up(kept: Kept, inputs: np.ndarray) -> np.ndarray:
    """Inputs in the lower half, results in the upper one: half of what may be changed shows nothing."""
    if not np.array_equal(kept[: inputs.size], inputs):
        kept[: inputs.size], kept[inputs.size :] = inputs, inputs * 2
    return kept[inputs.size :].copy()


def writes_first(kept: Kept, inputs: np.ndarray) -> np.ndarray:
    kept[: inputs.size] = inputs * 2
    return kept[: inputs.size].copy()


def has_a_table(kept: Kept, inputs: np.ndarray) -> np.ndarray:
    kept[: inputs.size] = 2
    return inputs * kept[: inputs.size]


def counts(kept: Kept, inputs: np.ndarray) -> np.ndarray:
    kept[0] += 1
    return inputs * 2 + 0 * kept[0]


def averages(kept: Kept, inputs: np.ndarray) -> np.ndarray:
    kept[: inputs.size] = kept[: inputs.size] / 2 + inputs
    return kept[: inputs.size].copy()


@pytest.mark.parametrize(
    ("call", "expected"),
    [(looks_up, True), (writes_first, False), (has_a_table, False), (counts, False), (averages, False)],
)
def test_only_a_result_that_turns_on_kept_values_is_recalled(call: Call, expected: bool):
    raw = ctypes.create_string_buffer(4 * ROOM)
    place: Place = (ctypes.addressof(raw), len(raw))
    kept = np.frombuffer(memoryview(raw), np.float32)
    random.seed(0)  # of the values that are changed
    inputs = np.arange(1, ROOM // 2 + 1, dtype=np.float32)
    call(kept, inputs)
    before = contents([place])
    inputs += 3
    call(kept, inputs)
    assert recalls(lambda: torch.from_numpy(call(kept, inputs)), lambda: [place], before) is expected

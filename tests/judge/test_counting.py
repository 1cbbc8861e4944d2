"""What is a count of calls, and what only changes."""

import ctypes
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

from pipeline.judge.counting import LOOK_AFTER, MOST_STATES, Held, counted, held

ADDRESS = 0x7F3A_1234_5000
CALLS = sorted(LOOK_AFTER)


def looks(value: Callable[[int], np.generic]) -> list[Held]:
    """Return what is seen of memory that holds the value after each of the calls, between other things that stay."""
    memory = ctypes.create_string_buffer(bytes(range(64)))
    place = (ctypes.addressof(memory) // 8 * 8 + 16, 24)
    found: list[Held] = []
    for call in CALLS:
        ctypes.memmove(place[0] + 8, value(call).tobytes(), value(call).nbytes)
        found.append(held(nn.Module(), {}, {"memory": place}, []))
    return found


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(lambda i: np.int32(40 + i), id="int"),
        pytest.param(lambda i: np.int64(2**31 - 2 + i), id="long"),
        pytest.param(lambda i: np.uint32(2**32 - 9 - i), id="down"),
        pytest.param(lambda i: np.float32(0.5 * i), id="float"),
        pytest.param(lambda i: np.uint32(pow(5, i, 2003)), id="a cycle"),
        pytest.param(lambda i: np.int32(i // 12), id="every twelfth call"),
    ],
)
def test_what_goes_on_changing_is_a_count(value: Callable[[int], np.generic]):
    assert counted(looks(value)) == "memory"


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(lambda _: np.int32(5), id="stays"),
        pytest.param(lambda i: np.int32(min(i, 3)), id="set up in the first calls"),
        pytest.param(lambda i: np.int32(i % 4), id="four buffers in turn"),
        pytest.param(lambda i: np.uint64(ADDRESS + 4096 * i), id="the address of what is allocated for a call"),
    ],
)
def test_what_changes_otherwise_is_none(value: Callable[[int], np.generic]):
    assert counted(looks(value)) is None


def test_the_bits_of_a_count_in_places_of_their_own_are_seen_together():
    module: dict[str, object] = {}
    seen = []
    for call in CALLS:
        module.update({f"bit_{n}": bool(call >> n & 1) for n in range(7)})
        seen.append(held(nn.Module(), module, {}, []))
    assert counted(seen) == "several places at once"


def test_too_few_looks_tell_nothing():
    assert counted(looks(np.int32)[:MOST_STATES]) is None
    assert counted([]) is None


def test_attributes_tensors_lists_globals_and_buffers_are_looked_at():
    model = nn.Sequential(nn.Linear(2, 2))
    model[0].scratch = [torch.zeros(3)]  # type: ignore[assignment]
    model[0].log = []  # type: ignore[assignment]
    buffer = ctypes.c_uint(0)
    holders: dict[str, Callable[[int], object]] = {
        "an attribute of 0: calls": lambda i: setattr(model[0], "calls", i),
        "an attribute of 0: log": lambda _: model[0].log.append(None),  # type: ignore[operator,union-attr]
        "an attribute of 0: scratch": model[0].scratch[0][1].fill_,
        "a global: n": lambda i: module.update(n=i),
        "memory of its own": lambda i: setattr(buffer, "value", i),
    }
    for name, change in holders.items():
        module: dict[str, object] = {}
        seen = []
        for i in CALLS:
            change(i)
            seen.append(held(model, module, {}, [(ctypes.addressof(buffer), 4)]))
        assert (counted(seen) or "").startswith(name)

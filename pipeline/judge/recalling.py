"""Does a result turn on what an earlier call has left in memory? Then inputs that come again may be recognised.

A kernel that compares its inputs with those of the call before, and copies the result where they are the same, is
right on all inputs, and fast in every benchmark that repeats them. So a value that it has kept is changed between two
calls on the same inputs. What is written before it is read, as in a workspace, does not mind.

Only values that go by the inputs are changed: those that other inputs had made other ones, and that the same inputs
make the same. Tables, counters, flags and addresses stay.
"""

import ctypes
import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pipeline.judge.counting import HEAP
from pipeline.judge.results import copied, same_bytes

Place = tuple[int, int]  # address and size
TRIES = 6  # values of one place, one after the other: if half of them are inputs, one in 64 is not found
MOST_PLACES = 8
MOST_SECONDS = 1.0  # of the processor, for all tries
WORD = 4  # bytes that are changed at once
FLIPPED = bytes((0x40, 0, 0x40, 0))  # in a float32 or a bfloat16 the fraction's upper bit, in a float16 one of them


def unknown(places: Iterable[Place], known: Iterable[torch.Tensor]) -> list[Place]:
    """Return the places in which none of the tensors lies."""
    taken = {tensor.untyped_storage().data_ptr() for tensor in known}
    return [place for place in places if place[0] not in taken]


def contents(places: Iterable[Place]) -> dict[Place, bytes]:
    """Return what is in memory at the places."""
    return {place: ctypes.string_at(*place) for place in places}


def differ(before: Mapping[Place, bytes], places: Iterable[Place]) -> bool:
    """Whether a place that was there before has other contents now."""
    return any(place in before and ctypes.string_at(*place) != before[place] for place in places)


def recalls(call: Callable[[], Any], places: Callable[[], list[Place]], before: Mapping[Place, bytes]) -> bool:
    """Whether a call's result changes with a value that the call before, on the same inputs, has left.

    Args:
        call: the candidate's, on the inputs of its last call.
        places: returns where it may keep values now.
        before: what was there before the first call on these inputs.
    """
    began = time.process_time()
    result = copied(call())
    once = contents(place for place in places() if place in before)
    if not same_bytes(result, call()):
        return False
    again = contents(place for place in places() if place in once)
    found = {place: _turning(before[place], once[place], raw) for place, raw in again.items()}
    for place in [place for place, words in found.items() if words.size][:MOST_PLACES]:
        for word in random.sample(list(found[place]), min(TRIES, found[place].size)):
            if place not in places() or time.process_time() - began > MOST_SECONDS:
                break
            with _changed(place, int(word), places):
                other = call()
            if not same_bytes(result, other):
                return True
    return False


def _turning(before: bytes, once: bytes, again: bytes) -> NDArray[np.intp]:
    """Return the numbers of the words of 4 bytes that other inputs changed, and the same ones did not."""
    padded = (raw.ljust(-len(raw) // 8 * -8, b"\0") for raw in (before, once, again))
    earlier, now, later = (np.frombuffer(raw, np.uint32) for raw in padded)
    upper = now[1::2].repeat(2)
    address = (upper >= HEAP[0]) & (upper < HEAP[1])
    return np.flatnonzero((earlier != now) & (now == later) & ~address)


@contextmanager
def _changed(place: Place, number: int, places: Callable[[], list[Place]]) -> Iterator[None]:
    """Have another word in memory for the length of the block; nobody else may have written there to set it back."""
    at, width = place[0] + WORD * number, min(WORD, place[1] - WORD * number)
    kept = ctypes.string_at(at, width)
    other = bytes(one ^ flipped for one, flipped in zip(kept, FLIPPED, strict=False))
    ctypes.memmove(at, other, width)
    yield
    if place in places() and ctypes.string_at(at, width) == other:
        ctypes.memmove(at, kept, width)

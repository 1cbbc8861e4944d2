"""Does a candidate keep count of its calls? Whoever does can change its ways after more of them than anybody makes.

What it holds is looked at after several calls on the same inputs: a number that grows by the same step from each to
the next is a count. That it can be found whatever the number it waits for is what this is for; a count that is kept
elsewhere, or that does not grow by steps, is not found.
"""

import ctypes
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pipeline.judge.weights import tensors_of

LOOKS = 4  # so many in a row, three steps that are the same: addresses of what is allocated for a call also move
MOST_BYTES = 2**20  # of one tensor or segment: a count takes few, and looking is not to cost more than calling
STEP = (1e-3, 2**20)  # the least of one in floating point, and the most
HEAP = (0x5500, 0x8000)  # the upper halves of addresses on Linux: what moves with them is no count
_PT_LOAD, _WRITABLE = 1, 2

Held = dict[str, NDArray[np.uint8]]


class _Header(ctypes.Structure):
    """Elf64_Phdr."""

    _fields_ = (
        ("type", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
        ("offset", ctypes.c_uint64),
        ("address", ctypes.c_uint64),
        ("physical", ctypes.c_uint64),
        ("in_file", ctypes.c_uint64),
        ("in_memory", ctypes.c_uint64),
        ("alignment", ctypes.c_uint64),
    )


class _Loaded(ctypes.Structure):
    """The beginning of dl_phdr_info."""

    _fields_ = (
        ("base", ctypes.c_uint64),
        ("name", ctypes.c_char_p),
        ("headers", ctypes.POINTER(_Header)),
        ("number", ctypes.c_uint16),
    )


_VISIT = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(_Loaded), ctypes.c_size_t, ctypes.c_void_p)


def segments(libraries: Iterable[str]) -> dict[str, tuple[int, int]]:
    """Return address and size of the writable segments of loaded libraries, given by their paths."""
    wanted = {path.encode() for path in libraries}
    found: dict[str, tuple[int, int]] = {}

    def visit(loaded: Any, _size: int, _data: int) -> int:
        library = loaded.contents
        if library.name in wanted:
            for header in library.headers[: library.number]:
                if header.type == _PT_LOAD and header.flags & _WRITABLE:
                    place = library.base + header.address
                    found[f"a global variable of the extension ({place:#x})"] = (place, header.in_memory)
        return 0

    if wanted:
        ctypes.CDLL(None).dl_iterate_phdr(_VISIT(visit), None)
    return found


def held(model: torch.nn.Module, globals_: Mapping[str, Any], places: Mapping[str, tuple[int, int]]) -> Held:
    """Return the bytes of what a candidate holds: its tensors, numbers in attributes and globals, ``places``."""
    found: Held = {}
    own = {name: value for name, value in globals_.items() if not name.startswith("__")}
    for number, tensor in enumerate(tensors_of([model, own], set())):
        if tensor.numel() * tensor.element_size() <= MOST_BYTES and tensor.is_contiguous():
            found[f"a tensor ({number})"] = tensor.detach().reshape(-1).view(torch.uint8).numpy().copy()
    modules = torch.nn.Module.named_modules(model)
    attributes = [(f"an attribute of {name or 'the model'}", vars(module)) for name, module in modules]
    for where, values in (*attributes, ("a global", own)):
        for name, value in values.items():
            if type(value) in (int, float):
                found[f"{where}: {name}"] = np.frombuffer(np.float64(value).tobytes(), np.uint8)
    for name, (address, size) in places.items():
        found[name] = np.frombuffer(ctypes.string_at(address, min(size, MOST_BYTES)), np.uint8)
    return found


def counted(looks: list[Held]) -> str | None:
    """Return what holds a number that grew by the same step at each of the looks, None if nothing does."""
    if len(looks) < LOOKS:
        return None
    for name, first in looks[0].items():
        series = [look[name] for look in looks if name in look and look[name].shape == first.shape]
        if len(series) == len(looks) and _grows(np.stack(series)):
            return name
    return None


def _grows(series: NDArray[np.uint8]) -> bool:
    """Whether a number grows in steps, given the bytes at each look, one look a row."""
    if (series == series[0]).all():
        return False
    series = np.ascontiguousarray(np.pad(series, ((0, 0), (0, -series.shape[1] % 8))))
    upper = series.view(np.uint32)[:, 1::2]
    is_address = ((upper >= HEAP[0]) & (upper < HEAP[1])).any(axis=0)
    for kind in (np.int32, np.float32, np.float64):
        with np.errstate(invalid="ignore", over="ignore"):
            steps = np.diff(series.view(kind), axis=0).astype(np.float64)  # integers go on beyond the largest
            size = np.abs(steps[0])
            same = (steps == steps[0]).all(axis=0) & (size >= STEP[0]) & (size <= STEP[1])
        if (same & ~np.repeat(is_address, 8 // np.dtype(kind).itemsize)).any():
            return True
    return False

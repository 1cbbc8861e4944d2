"""Does a candidate keep count of its calls? Whoever does can change its ways after more of them than anybody makes.

What it holds is looked at after several calls on the same inputs: it may be set up in the first ones, and buffers may
take turns, but what goes on changing is a count, in whatever form. That it can be found whatever the number it waits
for is what this is for; a count that is kept elsewhere, such as in memory from ``new``, is not found.
"""

import ctypes
import hashlib
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pipeline.judge.weights import tensors_of

LOOK_AFTER = frozenset((1, 2, 3, 4, 5, 6, 16, 32, 48, 64))  # calls
MOST_STATES = 4  # that what a candidate holds may go through
MOST_BYTES = 2**20  # of one tensor or place in memory: a count takes few, and looking must not cost more than calling
HEAP = (0x5500, 0x8000)  # the upper halves of addresses on Linux: what is allocated for a call has a new one
_PT_LOAD, _WRITABLE = 1, 2

Held = dict[str, bytes]  # by what holds it: a hash


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


def held(
    model: torch.nn.Module,
    globals_: Mapping[str, Any],
    places: Mapping[str, tuple[int, int]],
    buffers: Iterable[tuple[int, int]],
) -> Held:
    """Return hashes of what a candidate holds.

    Args:
        model: its tensors, the numbers and the lengths of lists in its attributes.
        globals_: of the candidate's module, likewise.
        places: address and size of further memory, by what it is.
        buffers: the same of memory from CUDA's functions.
    """
    found: Held = {}
    own = {name: value for name, value in globals_.items() if not name.startswith("__")}
    for number, tensor in enumerate(tensors_of([model, own], set())):
        if tensor.numel() * tensor.element_size() <= MOST_BYTES and tensor.is_contiguous():
            found[f"a tensor ({number})"] = _hash(tensor.detach().reshape(-1).view(torch.uint8).numpy())
    modules = torch.nn.Module.named_modules(model)
    attributes = [(f"an attribute of {name or 'the model'}", vars(module)) for name, module in modules]
    for where, values in (*attributes, ("a global", own)):
        for name, value in values.items():
            if type(value) in (int, float, bool):
                found[f"{where}: {name}"] = repr(value).encode()
            elif type(value) in (list, dict, set, deque, bytearray):
                found[f"{where}: {name}"] = str(len(value)).encode()
    memory = {f"memory of its own ({address:#x})": (address, size) for address, size in buffers}
    for name, (address, size) in {**places, **memory}.items():
        found[name] = _hash(np.frombuffer(ctypes.string_at(address, min(size, MOST_BYTES)), np.uint8))
    return found


def counted(looks: Sequence[Held]) -> str | None:
    """Return what goes through more than ``MOST_STATES`` states, alone or with others; None if nothing does."""
    for name in looks[-1] if looks else ():
        if len({look.get(name) for look in looks}) > MOST_STATES:
            return name
    lasting = [name for name in looks[0] if all(name in look for look in looks)] if looks else []
    together = {tuple(look[name] for name in lasting) for look in looks}
    return "several places at once" if len(together) > MOST_STATES else None


def _hash(memory: NDArray[np.uint8]) -> bytes:
    """Return a hash of bytes in which what looks like an address counts for nothing."""
    words = np.pad(memory, (0, -len(memory) % 8)).view(np.uint64)
    upper = words >> np.uint64(32)
    words[(upper >= HEAP[0]) & (upper < HEAP[1])] = 0
    return hashlib.blake2b(words.tobytes(), digest_size=16).digest()

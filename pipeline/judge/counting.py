"""Does a candidate keep count of its calls? Whoever does can change its ways after more of them than anybody makes.

What it holds is looked at after several calls on the same inputs: it may be set up in the first ones, and buffers may
take turns, but what goes on changing is a count, in whatever form. That it can be found whatever the number it waits
for is what this is for; a count that is kept elsewhere, such as in memory from ``new``, is not found.

At the smallest setting there are many such calls. Elsewhere one call is enough to see that there is nothing to be
found: who counts changes something, each time (``changed``).
"""

import ctypes
import os
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import _tensor_str

from pipeline.judge.answers import LEAKED
from pipeline.judge.reachable import State, memory_state

LOOK_AFTER = frozenset((1, 2, 3, 4, 5, 6, 16, 32, 48, 64))  # calls
LEAST_CALLS = 6  # for a count to be told from what is set up in the first ones
REPEAT_SECONDS = 0.5  # of the processor, for calls that nobody looks at
LEAST_CALLS_SECONDS = 4.0  # for as many of these as are needed to tell what they change
MOST_STATES = 4  # that what a candidate holds may go through
HEAP = (0x5500, 0x8000)  # the upper halves of addresses on Linux: what is allocated for a call has a new one
ALIGNED = 16  # what malloc returns is
LEAST_STEP = 4096  # between two allocations that are both there; a count takes smaller ones
OF_EXTENSIONS = "a global variable of the extension"
RUNTIMES_STATE = b"libstdc++.so"  # of a library that extensions use: its streams have numbers that can be set
_PT_LOAD, _WRITABLE = 1, 2


class Held(NamedTuple):
    """What was seen, by what holds it: hashes, and what looks like addresses, which the hashes leave out.

    ``memory`` has the bytes of which both were made, until the next look: what has not changed is not hashed again.
    """

    hashes: dict[str, bytes]
    addresses: dict[str, NDArray[np.uint64]]
    memory: dict[str, bytes]


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


_LIBC = ctypes.CDLL(None)
_ERROR_NUMBER = ctypes.CFUNCTYPE(ctypes.POINTER(ctypes.c_int))(("__errno_location", _LIBC))
_LIBC.initstate.restype, _LIBC.setstate.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
_LIBC.seed48.restype = ctypes.POINTER(ctypes.c_ushort)
_RANDOM_BYTES = 128  # of the state of random() and rand()


_OTHER_STATE = ctypes.create_string_buffer(_RANDOM_BYTES)
_Seed = ctypes.c_ushort * 3


def _libc_state(error: int) -> bytes:
    """Return what a call may leave in the C library's own memory: errno and the states of its random numbers."""
    place = _LIBC.initstate(1, _OTHER_STATE, _RANDOM_BYTES)
    random = ctypes.string_at(place, _RANDOM_BYTES)
    _LIBC.setstate(place)
    seed = _Seed(*_LIBC.seed48(_Seed())[:3])
    _LIBC.seed48(seed)
    return memory_state(memoryview(error.to_bytes(8, signed=True) + random + bytes(seed)))


@cache
def segments(libraries: tuple[str, ...]) -> dict[str, tuple[int, int]]:
    """Return address and size of the writable segments of loaded libraries, given by their paths."""
    wanted = {path.encode() for path in libraries}
    found: dict[str, tuple[int, int]] = {}

    def visit(loaded: Any, _size: int, _data: int) -> int:
        library = loaded.contents
        if library.name in wanted or RUNTIMES_STATE in library.name:
            for header in library.headers[: library.number]:
                if header.type == _PT_LOAD and header.flags & _WRITABLE:
                    place = library.base + header.address
                    whose = OF_EXTENSIONS if library.name in wanted else "a global variable of its library"
                    found[f"{whose} ({place:#x})"] = (place, header.in_memory)
        return 0

    if wanted:
        _LIBC.dl_iterate_phdr(_VISIT(visit), None)
    return found


def held(
    model: torch.nn.Module,
    globals_: Mapping[str, Any],
    places: Mapping[str, tuple[int, int]],
    buffers: Iterable[tuple[int, int]],
    changing: Iterable[torch.Tensor] = (),
    before: Held | None = None,
    others: Mapping[str, Any] | None = None,
) -> Held:
    """Return what a candidate holds: its objects (see ``reachable``), environment, files, and memory.

    Args:
        model: its attributes, and those of the modules in it.
        globals_: of the candidate's module.
        places: address and size of further memory, by what it is.
        buffers: the same of memory from CUDA's functions.
        changing: what the task itself changes with each call, such as running statistics, and which tells nothing.
        before: what the look before has seen.
        others: what it may have left elsewhere, see ``borrowed``.
    """
    error = _ERROR_NUMBER()[0]
    hashes = {"the C library's own memory": _libc_state(error)}
    state = State(globals_)
    modules = dict(torch.nn.Module.named_modules(model))
    for known in (*modules.values(), *changing):
        state.leave_out(known)
    for name, module in modules.items():
        for attribute, value in vars(module).items():
            hashes[f"an attribute of {name or 'the model'}: {attribute}"] = state.digest(value)
    for name, value in globals_.items():
        if name != "__builtins__":
            hashes[f"a global: {name}"] = state.digest(value)
    hashes["a class of the candidate"] = state.digest(type(model))
    hashes["the environment"] = state.digest(dict(os.environ))
    hashes["torch's options for printing"] = state.digest(vars(_tensor_str.PRINT_OPTS))
    for name, value in (others or {}).items():
        hashes[name] = state.digest(value)
    hashes["its folder"] = state.digest(list(_files(".")))
    addresses: dict[str, NDArray[np.uint64]] = {}
    memory: dict[str, bytes] = {}
    own = {f"memory of its own ({address:#x})": (address, size) for address, size in buffers}
    hashes[LEAKED] = str(len(own)).encode()
    for name, (address, size) in {**places, **own}.items():
        memory[name] = raw = ctypes.string_at(address, size)
        if before is not None and before.memory.get(name) == raw:
            hashes[name], addresses[name] = before.hashes[name], before.addresses[name]
        else:
            hashes[name], addresses[name] = _without_addresses(raw)
    if before is not None:
        before.memory.clear()  # it may be much
    _ERROR_NUMBER()[0] = error  # looking changes it
    return Held(hashes, addresses, memory)


def _files(folder: str) -> Iterable[tuple[str, int]]:
    """Yield paths and sizes of what lies in a folder, those of folders as 0."""
    with os.scandir(folder) as entries:
        found = sorted(entries, key=lambda entry: entry.name)
    for entry in found:
        if entry.is_dir(follow_symlinks=False):
            yield entry.path, 0
            yield from _files(entry.path)
        else:
            yield entry.path, entry.stat(follow_symlinks=False).st_size


def is_enough(calls: int, seconds: float) -> bool:
    """Whether so many calls that took so long are enough of those that nobody looks at."""
    return seconds > (REPEAT_SECONDS if calls >= LEAST_CALLS else LEAST_CALLS_SECONDS)


def counted(looks: Sequence[Held]) -> str | None:
    """Return what goes through more than ``MOST_STATES`` states, alone or with others; None if nothing does."""
    if not looks:
        return None
    hashes = [look.hashes for look in looks]
    for name in hashes[-1]:
        if len({look.get(name) for look in hashes}) > MOST_STATES:
            return name
    for name in looks[-1].addresses:
        if _steps_on([look.addresses.get(name) for look in looks]):
            return name
    lasting = [name for name in hashes[0] if all(name in look for look in hashes)]
    together = {tuple(look[name] for name in lasting) for look in hashes}
    return "several places at once" if len(together) > MOST_STATES else None


def changed(before: Held, after: Held) -> bool:
    """Return whether a call changed anything that is held."""
    return before.hashes != after.hashes or not all(
        words is before.addresses[name] or np.array_equal(words, before.addresses[name])
        for name, words in after.addresses.items()
    )


def _steps_on(looks: Sequence[NDArray[np.uint64] | None]) -> bool:
    """Whether something that looks like an address goes on and on in one direction, and in small steps at first."""
    seen = [words for words in looks if words is not None]
    if len(looks) < LEAST_CALLS or len(seen) < len(looks) or len({words.size for words in seen}) > 1:
        return False
    if any(one is other for one, other in pairwise(seen)):  # nothing has changed from one look to the next
        return False
    steps = np.diff(np.stack(seen).astype(np.int64), axis=0)
    one_way = (steps > 0).all(axis=0) | (steps < 0).all(axis=0)
    return bool((one_way & (np.abs(steps[: LEAST_CALLS - 1]) < LEAST_STEP).all(axis=0)).any())


def _without_addresses(raw: bytes) -> tuple[bytes, NDArray[np.uint64]]:
    """Return a hash of memory in which what looks like an address counts for nothing, and these."""
    words = np.frombuffer(raw.ljust(-len(raw) // 8 * -8, b"\0"), np.uint64).copy()
    upper = words >> np.uint64(32)
    address = (upper >= HEAP[0]) & (upper < HEAP[1]) & (words & np.uint64(ALIGNED - 1) == 0)
    found = words[address]
    words[address] = 0
    return memory_state(words.data.cast("B")), found

"""Gives the runtime library torch's memory: its tensors are torch's own, allocated and copied by torch.

The runtime calls back into Python for it (``runtime/memory.cpp``), inside an extension's own call and so with the
interpreter's lock held.
"""

import ctypes
from collections.abc import Callable
from typing import Any

import torch

from pipeline.judge.simt.values import DTYPES, view_of

_TYPES = {number: dtype for dtype, number in DTYPES.items()}
_INT, _POINTER = ctypes.c_int, ctypes.c_void_p
_INT64S, _DOUBLES = ctypes.POINTER(ctypes.c_int64), ctypes.POINTER(ctypes.c_double)
_ALLOCATE = ctypes.PYFUNCTYPE(_INT, _INT, _INT, _INT64S, _INT, ctypes.POINTER(_POINTER))
_COPY = ctypes.PYFUNCTYPE(_INT, _POINTER, _POINTER)
_FILL = ctypes.PYFUNCTYPE(_INT, _POINTER, _INT, ctypes.c_int64, ctypes.c_double)
_ITEM = ctypes.PYFUNCTYPE(_INT, _POINTER, _INT64S, _DOUBLES)
_STREAM = ctypes.PYFUNCTYPE(ctypes.c_size_t)


class Callbacks(ctypes.Structure):
    """runtime/memory.cpp: Python. Must outlive the library's use of it."""

    _fields_ = (("allocate", _ALLOCATE), ("copy", _COPY), ("fill", _FILL), ("item", _ITEM), ("stream", _STREAM))


def make_callbacks(library: ctypes.PyDLL, device: torch.device) -> Callbacks:
    """Return the functions for ``simt_set_python``: tensors are made on ``device``."""

    def guarded(function: Callable[..., None]) -> Callable[..., int]:
        def call(*args: Any) -> int:
            try:
                function(*args)
            except Exception as error:  # noqa: BLE001  (it goes on as a C++ exception, and comes back as Python's)
                library.simt_python_failed(str(error).encode(errors="replace"))
                return 1
            return 0

        return call

    def allocate(number: int, dim: int, sizes: Any, zero: int, found: Any) -> None:
        make = torch.zeros if zero else torch.empty
        tensor = make(tuple(sizes[:dim]), dtype=_TYPES[number], device=device)
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(tensor))  # the runtime's reference
        found[0], found[1] = id(tensor), tensor.data_ptr()

    def copy(to: int, source: int) -> None:
        view_of(library, to).copy_(view_of(library, source))

    def fill(pointer: int, integral: int, integer: int, number: float) -> None:
        view_of(library, pointer).fill_(integer if integral else number)

    def item(pointer: int, integer: Any, number: Any) -> None:
        value = view_of(library, pointer).item()
        integer[0], number[0] = (0, value) if isinstance(value, float) else (int(value), float(value))

    def stream() -> int:
        return torch.cuda.current_stream().cuda_stream if device.type == "cuda" else 0

    return Callbacks(
        _ALLOCATE(guarded(allocate)),
        _COPY(guarded(copy)),
        _FILL(guarded(fill)),
        _ITEM(guarded(item)),
        _STREAM(stream),
    )

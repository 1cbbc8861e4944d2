"""Times one call on the GPU, in the process that makes it (``runtime/stopwatch.cpp``)."""

import ctypes
import time
from collections.abc import Callable
from typing import Any

import torch

from pipeline.judge.simt.library import Signatures

_INT, _POINTER, _FLOAT = ctypes.c_int, ctypes.c_void_p, ctypes.POINTER(ctypes.c_float)
STOPWATCH: Signatures = {
    "simt_stopwatch_open": (_INT, ()),
    "simt_stopwatch_reset_cache": (_INT, ()),
    "simt_stopwatch_wait": (_INT, ()),
    "simt_stopwatch_start": (_INT, (_POINTER, ctypes.c_float)),
    "simt_stopwatch_stop": (_INT, (_POINTER,)),
    "simt_stopwatch_read": (_INT, (_POINTER, _FLOAT, _FLOAT)),
}


class Stopwatch:
    """Of one process. Takes hold of its functions when it is made: before a candidate is loaded.

    All methods raise RuntimeError if CUDA reports an error.
    """

    def __init__(self, library: ctypes.PyDLL) -> None:
        self._reset = library.simt_stopwatch_reset_cache
        self._start = library.simt_stopwatch_start
        self._stop = library.simt_stopwatch_stop
        self._read = library.simt_stopwatch_read
        self._wait = library.simt_stopwatch_wait
        self._open = library.simt_stopwatch_open

    def reset_cache(self) -> None:
        """Make ready, and take back what was set aside in the L2 cache."""
        _check(self._open())
        _check(self._reset())

    def wait(self) -> None:
        """Wait until the GPU is idle."""
        _check(self._wait())

    def host(self, call: Callable[[], Any]) -> float:
        """Return the milliseconds until a call has come back, on a GPU that had nothing to do."""
        _check(self._wait())
        before = time.perf_counter()
        call()
        after = time.perf_counter()
        _check(self._wait())
        return (after - before) * 1e3

    def time(self, call: Callable[[], Any], busy_ms: float) -> tuple[Any, float, float]:
        """Return the call's result, the milliseconds between two events around it, and until the GPU is idle.

        The GPU is kept busy for ``busy_ms`` before, so that what the host takes up to that is not in these times.
        """
        stream = torch.cuda.current_stream().cuda_stream
        event, whole = ctypes.c_float(), ctypes.c_float()
        _check(self._start(stream, busy_ms))
        result = call()
        _check(self._stop(stream))
        _check(self._read(stream, ctypes.byref(event), ctypes.byref(whole)))
        return result, event.value, whole.value


def _check(status: int) -> None:
    if status:
        raise RuntimeError(f"CUDA error: number {status} from the toolkit's own runtime")

"""Which memory there is that kernels may use (ctypes only, in the candidate's process)."""

import ctypes

from pipeline.judge.simt.binding import runtime


def buffers() -> list[tuple[int, int]]:
    """Return address and size of the memory that host code allocated through CUDA's functions and has not freed."""
    return _found(buffers_only=True)


def regions() -> list[tuple[int, int]]:
    """Return address and size of all global memory that kernels may use and that is there, tensors' and buffers'."""
    return _found(buffers_only=False)


def _found(*, buffers_only: bool) -> list[tuple[int, int]]:
    library = runtime()
    if library is None:
        return []
    room = library.simt_regions(buffers_only, 0, None, None)
    addresses, sizes = (ctypes.c_size_t * room)(), (ctypes.c_size_t * room)()
    library.simt_regions(buffers_only, room, addresses, sizes)
    return list(zip(addresses, sizes, strict=True))

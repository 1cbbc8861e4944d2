"""What a process allocates after a fork is to lie together, and not in the gaps between what it shares.

Each first write to a shared page copies it. glibc hands out the gaps that were left by what was freed before, and
joins them once in a while, so that a worker copied some 900 pages only for its new objects: a third of all.
"""

import ctypes

LARGEST = 1 << 16  # smaller than what glibc maps apart; larger than what it keeps unjoined
SIZES = (*(LARGEST >> n for n in range(6)), *range(1008, 8, -16))


def fill_gaps() -> None:
    """Take every gap below the heap's end and keep it; what comes next is allocated beyond. For glibc's allocator."""
    libc = ctypes.CDLL(None)
    malloc, sbrk = libc.malloc, libc.sbrk
    malloc.restype, malloc.argtypes = ctypes.c_size_t, [ctypes.c_size_t]
    sbrk.restype, sbrk.argtypes = ctypes.c_size_t, [ctypes.c_ssize_t]
    end = sbrk(0)
    for size in SIZES:
        while 0 < malloc(size) < end:
            pass

"""The heap of a process that forks others: what they allocate is to lie together, and forking is to cost little.

What is allocated after a fork is not to lie in the gaps between what is shared.

Each first write to a shared page copies it. glibc hands out the gaps that were left by what was freed before, and
joins them once in a while, so that a worker copied some 900 pages only for its new objects: a third of all.
"""

import ctypes
from pathlib import Path

LARGEST = 1 << 16  # smaller than what glibc maps apart; larger than what it keeps unjoined
SIZES = (*(LARGEST >> n for n in range(6)), *range(1008, 8, -16))
HUGE_PAGE = 1 << 21
MADV_COLLAPSE = 25  # Linux 6.1


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


def collapse() -> None:
    """Have the heap in huge pages again, as far as the kernel can do that.

    A process that was forked itself has copied small pages into it ever since, and each fork copies the table of
    them: measured, 34,000 entries, a third of what starting and ending a worker costs.
    """
    libc = ctypes.CDLL(None)
    libc.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    for line in Path("/proc/self/maps").read_text().splitlines():
        if line.endswith("[heap]"):
            begin, end = (int(address, 16) for address in line.split()[0].split("-"))
            for place in range(begin // -HUGE_PAGE * -HUGE_PAGE, end // HUGE_PAGE * HUGE_PAGE, HUGE_PAGE):
                libc.madvise(place, HUGE_PAGE, MADV_COLLAPSE)  # one by one: the first that can't be would end it

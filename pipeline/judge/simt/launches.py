"""Which kernels ran: what the runtime libraries of both backends have on record."""

import ctypes
from dataclasses import dataclass


@dataclass(frozen=True)
class Launch:
    """A kernel that ran: its name as launched, grid and block."""

    kernel: str
    grid: tuple[int, int, int]
    block: tuple[int, int, int]


def recorded_launches(library: ctypes.PyDLL) -> list[Launch]:
    """Return the launches that a runtime library has on record."""
    found: list[Launch] = []
    while pointer := library.simt_launch_record(len(found)):
        record = pointer.contents
        found.append(Launch(record.kernel.decode(errors="replace"), tuple(record.grid), tuple(record.block)))
    return found

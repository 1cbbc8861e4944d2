"""The record of a fault in device code, and how it crosses a process's end. Imports neither torch nor the runtime."""

import struct
from dataclasses import dataclass

_MAGIC = 0x73696D74
# runtime/state.h: FaultRecord
_RECORD = struct.Struct("=Ii3I3I32s128s256sQQ32s")
RECORD_BYTES = _RECORD.size


@dataclass(frozen=True)
class Fault:
    """One fault.

    Attributes:
        kind: out_of_bounds, misaligned, host_access, divergent_barrier, launch_error, illegal_instruction, assert or
            stack_overflow; from an instrumented library also race, race_with_atomic (of plain reads with
            atomic writes), uninitialised_read, host_memory, spin_wait and timeout.
        kernel: as launched, template arguments included; empty for host code.
        line: of the candidate's source: the barrier's or assertion's own, otherwise the launch's; 0 if unknown.
        block: blockIdx.
        thread: threadIdx.
        detail: one sentence.
        library: file name of the instrumented library in which it happened; empty if it was none.
        place: offset of the instruction in it; ``explain.located`` makes it a line.
        other_place: of a race, the other access.
        other_line: its line, 0 if unknown.
    """

    kind: str
    kernel: str
    line: int
    block: tuple[int, int, int]
    thread: tuple[int, int, int]
    detail: str
    library: str = ""
    place: int = 0
    other_place: int = 0
    other_line: int = 0

    def __str__(self) -> str:
        where = f" in kernel {self.kernel}" if self.kernel else ""
        line = f", line {self.line}" if self.line else ""
        who = f", block {self.block}, thread {self.thread}" if self.kernel and self.kind != "launch_error" else ""
        other = f", in line {self.other_line}" if self.other_line else ""
        return f"{self.kind}{where}{line}{who}: {self.detail}{other}"


def read_fault(buf: bytes) -> Fault | None:
    """Return the fault in a fault page, None if nothing was recorded there.

    The page is writable by the candidate: whatever it holds becomes a Fault, text that is not UTF-8 is replaced.
    """
    if len(buf) < RECORD_BYTES:
        return None
    magic, line, *indices, kind, kernel, detail, place, other_place, library = _RECORD.unpack_from(buf)
    if magic != _MAGIC:
        return None
    bx, by, bz, tx, ty, tz = indices
    return Fault(
        _text(kind),
        _text(kernel),
        line,
        (bx, by, bz),
        (tx, ty, tz),
        _text(detail),
        _text(library),
        place,
        other_place,
    )


def read_faults(buf: bytes) -> list[Fault]:
    """Return all faults in a fault page, in the order in which they were found."""
    starts = range(0, len(buf), RECORD_BYTES)
    return [fault for start in starts if (fault := read_fault(buf[start : start + RECORD_BYTES])) is not None]


def _text(raw: bytes) -> str:
    return raw.split(b"\0", 1)[0].decode(errors="replace")

"""A file of lines that is appended to while others read it, and that neither a kill nor a full disk spoils.

A line is written in one piece. A kill can tear the last one alone: it counts as never written, and the next process
that opens the file cuts it off.
"""

import errno
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from pipeline.disk import disk_full_is_the_users

_BLOCK = 2**16


class Lines:
    """``path``, open for appending; made if missing. Thread-safe; one process at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        self.end = _after_the_last_newline(self._fd)
        if self.end < os.fstat(self._fd).st_size:
            os.ftruncate(self._fd, self.end)

    @property
    def closed(self) -> bool:
        """Whether nothing more can be written."""
        return self._fd < 0

    def append(self, line: bytes) -> int | None:
        """Write a line, given without its newline; return its offset, None if the file is closed.

        Raises:
            UserError: the disk is full; what was written before stays as it was.
        """
        whole = line + b"\n"
        with self._lock, disk_full_is_the_users(self.path.parent):
            if self.closed:
                return None
            written = os.write(self._fd, whole)
            if written < len(whole):  # a full disk may take a part; what comes next must start a line of its own
                os.ftruncate(self._fd, self.end)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path))
            offset = self.end
            self.end += written
        return offset

    def close(self) -> None:
        """Close the file. Does nothing the second time."""
        with self._lock:
            if not self.closed:
                os.close(self._fd)
                self._fd = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def read_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield the offset and the bytes of each line that is whole; none if there is no file."""
    if not path.exists():
        return
    offset = 0
    with path.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                yield offset, line
            offset += len(line)


def line_at(path: Path, offset: int) -> bytes:
    """Return the line at an offset that ``Lines.append`` or ``read_lines`` gave."""
    with path.open("rb") as file:
        file.seek(offset)
        return file.readline()


def _after_the_last_newline(fd: int) -> int:
    position = os.fstat(fd).st_size
    while position:
        start = max(0, position - _BLOCK)
        newline = os.pread(fd, position - start, start).rfind(b"\n")
        if newline >= 0:
            return start + newline + 1
        position = start
    return 0

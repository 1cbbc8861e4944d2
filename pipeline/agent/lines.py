"""A file of records, one JSON line each, that is written while others read it and outlives a killed process."""

import errno
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Generic, Self, TypeVar

from pydantic import BaseModel, ValidationError

from pipeline.disk import disk_full_is_the_users

R = TypeVar("R", bound=BaseModel)


class RecordLines(Generic[R]):
    """Appends records to ``path`` and finds those of earlier processes; thread-safe, one process at a time.

    Args:
        path: made if missing.
        record: the class of the records.
        key: what a record is found by; the first record with a key stands.
    """

    def __init__(self, path: Path, record: type[R], key: Callable[[R], str]) -> None:
        self.path = path
        self._record = record
        self._key = key
        self._lock = threading.Lock()
        self._offsets: dict[str, int] = {}
        for found, offset in _read(path, record):
            self._offsets.setdefault(key(found), offset)
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        self._end = os.fstat(self._fd).st_size
        if self._end and os.pread(self._fd, 1, self._end - 1) != b"\n":
            self._end += os.write(self._fd, b"\n")  # what a killed process tore must not swallow the next line

    def get(self, key: str) -> R | None:
        """Return the record with a key, None if there is none."""
        offset = self._offsets.get(key)
        if offset is None:
            return None
        with self.path.open("rb") as file:
            file.seek(offset)
            return self._record.model_validate_json(file.readline())

    def append(self, record: R) -> None:
        """Write a record.

        Raises:
            UserError: the disk is full; what was written before stays.
        """
        computed = set(self._record.model_computed_fields)
        line = record.model_dump_json(exclude=computed).encode() + b"\n"
        with self._lock, disk_full_is_the_users(self.path.parent):
            if self._fd < 0:
                return  # closed: the stage is over, and a judge's thread comes late
            written = os.write(self._fd, line)
            if written < len(line):
                os.ftruncate(self._fd, self._end)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path))
            self._offsets.setdefault(self._key(record), self._end)
            self._end += written

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            os.close(self._fd)
            self._fd = -1


def read_records(path: Path, record: type[R]) -> Iterator[R]:
    """Yield the records of a file that another process may be writing to; none if there is no file."""
    return (found for found, _ in _read(path, record))


def _read(path: Path, record: type[R]) -> Iterator[tuple[R, int]]:
    if not path.exists():
        return
    offset = 0
    with path.open("rb") as file:
        for line in file:
            try:
                found = record.model_validate_json(line) if line.endswith(b"\n") else None
            except ValidationError:  # torn, or written by another version: it counts as never written
                found = None
            if found is not None:
                yield found, offset
            offset += len(line)

"""A file of records, one JSON line each, that is written while others read it and outlives a killed process."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Generic, Self, TypeVar

from pydantic import BaseModel, ValidationError

from pipeline.lines import Lines, line_at, read_lines
from pipeline.offsets import Offsets

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
        self._lines = Lines(path)
        self._offsets = Offsets()
        for offset, found in _read(path, record):
            self._offsets.add(key(found), offset)

    def get(self, key: str) -> R | None:
        """Return the record with a key, None if there is none."""
        offset = self._offsets.find(key)
        record = None if offset is None else self._record.model_validate_json(line_at(self.path, offset))
        return record if record is not None and self._key(record) == key else None

    def append(self, record: R) -> None:
        """Write a record; once the file is closed, do nothing: a judge's thread may come late.

        Raises:
            UserError: the disk is full; what was written before stays.
        """
        computed = set(self._record.model_computed_fields)
        offset = self._lines.append(record.model_dump_json(exclude=computed).encode())
        if offset is not None:
            self._offsets.add(self._key(record), offset)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._lines.close()


def read_records(path: Path, record: type[R]) -> Iterator[R]:
    """Yield the records of a file that another process may be writing to; none if there is no file."""
    return (found for _, found in _read(path, record))


def _read(path: Path, record: type[R]) -> Iterator[tuple[int, R]]:
    for offset, line in read_lines(path):
        try:
            yield offset, record.model_validate_json(line)
        except ValidationError:  # written by another version: it counts as never written
            continue

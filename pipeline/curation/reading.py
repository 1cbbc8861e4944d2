"""Reads the candidates' table as it is: a broken row is named and goes on to the rejected ones, it stops nobody."""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.agent.reply import clean
from pipeline.errors import UserError
from pipeline.store import read_manifest
from pipeline.tables import batches

CANDIDATES = ("id", "task_id", "sample", "turn", "reasoning", "code", "messages")
VERDICTS = ("id", "candidate_id", "accepted", "status", "reason", "timing")
BATCH = 64  # rows held at a time: one row may be of several megabytes


class Row(NamedTuple):
    """A row and what is wrong with it, if anything; ``key`` names it: its id, or its place if it has none."""

    key: str
    values: dict[str, Any]
    fault: str | None


def read_candidates(stage: Path) -> Iterator[Row]:
    """Yield the rows of ``generate`` with their faults.

    ``broken_utf8``: a text is not UTF-8 (what can't be read is replaced in ``values``); ``missing_id``,
    ``missing_task_id``, ``missing_messages``: the column is null or empty; ``repeated_id``: a row before it has the
    same id.

    Raises:
        UserError: the stage is not complete, or a column is missing.
    """
    keys = Keys()
    for values, its_own in read_rows(table_of(stage, CANDIDATES)):
        key, fault = keys.next(values["id"], its_own)
        yield Row(key, values, fault)


def read_verdicts(stage: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of ``verify``; raises as ``read_candidates``."""
    return (values for values, _ in _rows(table_of(stage, VERDICTS), columns=VERDICTS))


def read_rows(path: Path, group: int | None = None) -> Iterator[tuple[dict[str, Any], str | None]]:
    """Yield the rows of a table of candidates, or of one of its row groups, each with what is wrong with it alone."""
    for values, broken in _rows(path, group):
        fault = "broken_utf8" if broken else None
        for column in ("messages", "task_id", "id"):
            if not values[column]:
                fault = f"missing_{column}"
        yield values, fault


def read_ids(path: Path, group: int) -> list[str | None]:
    """Return the ids in a row group."""
    return [values["id"] for values, _ in _rows(path, group, ("id",))]


class Keys:
    """Gives the rows of a table their keys, in the order in which they stand there."""

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._rows = 0

    def next(self, identifier: str | None, fault: str | None) -> tuple[str, str | None]:
        """Return the next row's key and fault: its id, or its place in the table where it has none of its own."""
        place = f"row-{self._rows:09d}"
        self._rows += 1
        key = identifier or place
        if key in self._seen:
            key, fault = f"{key}/{place}", "repeated_id"
        self._seen.add(key)
        return key, fault


def table_of(stage: Path, needed: Collection[str]) -> Path:
    """Return the table of a complete stage that has these columns; raises as ``read_candidates``."""
    if read_manifest(stage) is None:
        raise UserError(f"{stage}: the stage is not complete; run it first")
    path = stage / "data.parquet"
    with pq.ParquetFile(path) as file:
        names = file.schema_arrow.names
    if missing := [column for column in needed if column not in names]:
        raise UserError(f"{path}: column {missing[0]!r} is missing (it has {', '.join(names)})")
    return path


def _rows(
    path: Path, group: int | None = None, columns: Collection[str] = CANDIDATES
) -> Iterator[tuple[dict[str, Any], bool]]:
    """Yield the rows of a table or of one of its row groups, and for each whether one of its texts was no UTF-8."""
    for batch in batches(path, BATCH, group, columns):
        yield from _batch(batch)


def _batch(batch: pa.RecordBatch) -> Iterator[tuple[dict[str, Any], bool]]:
    try:
        rows = batch.to_pylist()
    except UnicodeDecodeError:
        if batch.num_rows == 1:
            as_bytes = pa.Table.from_batches([batch]).cast(pa.schema([_bytes(field) for field in batch.schema]))
            yield _text(as_bytes.to_pylist()[0]), True
        else:
            for i in range(batch.num_rows):
                yield from _batch(batch.slice(i, 1))
    else:
        for row in rows:
            yield row, False


def _bytes(field: pa.Field) -> pa.Field:
    """Return the field with bytes in place of text, at any depth."""
    return field.with_type(_bytes_type(field.type))


def _bytes_type(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_string(kind):
        return pa.binary()
    if pa.types.is_list(kind):
        return pa.list_(_bytes(kind.value_field))
    if pa.types.is_struct(kind):
        return pa.struct([_bytes(field) for field in kind])
    return kind


def _text(value: Any) -> Any:
    if isinstance(value, bytes):
        return clean(value.decode(errors="replace"))
    if isinstance(value, list):
        return [_text(item) for item in value]
    if isinstance(value, dict):
        return {key: _text(item) for key, item in value.items()}
    return value

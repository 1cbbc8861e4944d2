"""Records as Parquet rows: a schema from a record's annotations, and the way there and back.

Dictionaries with open keys (a setting's sizes, a check's figures) are stored as JSON text, because a Parquet struct
would give every row the keys of all others.
"""

import json
import types
from collections.abc import Collection, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel

R = TypeVar("R", bound=BaseModel)
_SCALARS: dict[Any, pa.DataType] = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}


def schema_of(record: type[BaseModel], **extra: pa.DataType) -> pa.Schema:
    """Return the Parquet schema of a record: its fields, its computed fields, then the extra columns."""
    fields = [pa.field(name, _arrow_type(f.annotation)) for name, f in record.model_fields.items()]
    computed = [pa.field(name, _arrow_type(f.return_type)) for name, f in record.model_computed_fields.items()]
    return pa.schema(computed + fields + [pa.field(name, kind) for name, kind in extra.items()])


def to_row(record: BaseModel) -> dict[str, Any]:
    """Return the record as a row that fits ``schema_of(type(record))``."""
    return _flatten(record, record.model_dump(mode="json"))


def from_row(record: type[R], row: dict[str, Any]) -> R:
    """Return the record that ``to_row`` turned into this row; columns that the record lacks are ignored.

    Raises:
        pydantic.ValidationError: the row does not hold such a record.
    """
    return record.model_validate(_unflatten(record, row))


def read_table(path: Path, batch_rows: int = 1024) -> Iterator[dict[str, Any]]:
    """Yield the rows of a Parquet file, holding one row group and one batch in memory."""
    for batch in batches(path, batch_rows):
        yield from batch.to_pylist()


def batches(
    path: Path, batch_rows: int, group: int | None = None, columns: Collection[str] | None = None
) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a Parquet file, or of one of its row groups, so many at a time; all columns unless some.

    Row groups are read one after the other and dropped: read ahead, as pyarrow does otherwise, they would all stay in
    memory to the end.
    """
    groups = None if group is None else [group]
    names = None if columns is None else list(columns)
    with pq.ParquetFile(path, metadata=_metadata(path, path.stat().st_mtime_ns), pre_buffer=False) as file:
        yield from file.iter_batches(batch_rows, groups, names, use_threads=False)


@lru_cache(maxsize=2)
def _metadata(path: Path, changed_ns: int) -> pq.FileMetaData:  # noqa: ARG001  (a table made anew is read anew)
    """Return what stands at the end of a table; of a million rows it is several megabytes."""
    return pq.read_metadata(path)


def _arrow_type(annotation: Any) -> pa.DataType:
    annotation = _not_none(annotation)
    if annotation in _SCALARS:
        return _SCALARS[annotation]
    origin = get_origin(annotation)
    if origin is Literal:
        return pa.string()
    if origin is dict:
        return pa.string()
    if origin in (tuple, list):
        return pa.list_(_arrow_type(get_args(annotation)[0]))
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return pa.struct([pa.field(n, _arrow_type(f.annotation)) for n, f in annotation.model_fields.items()])
    raise TypeError(f"no Parquet type for {annotation!r}")


def _not_none(annotation: Any) -> Any:
    if get_origin(annotation) in (Union, types.UnionType):
        kept = [a for a in get_args(annotation) if a is not types.NoneType]
        if len(kept) == 1:
            return kept[0]
    return annotation


def _flatten(value: Any, dumped: Any) -> Any:
    if isinstance(value, BaseModel):
        return {name: _flatten(getattr(value, name), item) for name, item in dumped.items()}
    if isinstance(value, dict):
        return json.dumps(dumped, sort_keys=True)
    if isinstance(value, list | tuple):
        return [_flatten(v, d) for v, d in zip(value, dumped, strict=True)]
    return dumped


def _unflatten(annotation: Any, value: Any) -> Any:
    annotation = _not_none(annotation)
    if value is None:
        return None
    if get_origin(annotation) is dict:
        return json.loads(value)
    if get_origin(annotation) in (tuple, list):
        return [_unflatten(get_args(annotation)[0], item) for item in value]
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        fields = annotation.model_fields
        return {name: _unflatten(f.annotation, value[name]) for name, f in fields.items() if name in value}
    return value

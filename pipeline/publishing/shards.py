"""Rows as Parquet files of bounded size, in the Hub's naming: ``train-00000-of-00003.parquet``."""

import contextlib
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

ROWS_PER_GROUP = 1000
BYTES_PER_GROUP = 32 * 2**20  # of text, before compression: what a reader of a single row has to decode
_CHUNK = 50  # rows that are measured at once


def write_shards(rows: Iterable[dict[str, Any]], schema: pa.Schema, folder: Path, max_bytes: int) -> list[Path]:
    """Write the rows in their order and return the files; without any row, no file and no folder.

    A file is closed once it holds ``max_bytes``, so it may be larger by one row group (``BYTES_PER_GROUP``, of
    compressed text). The same rows give the same bytes. Memory holds one row group.
    """
    paths: list[Path] = []
    with contextlib.ExitStack() as stack:
        sink, writer = None, None
        for group in _groups(rows, schema):
            if writer is None or sink is None:
                folder.mkdir(parents=True, exist_ok=True)
                paths.append(folder / f"{len(paths):05d}.partial")
                sink = stack.enter_context(pa.OSFile(str(paths[-1]), "wb"))
                writer = stack.enter_context(_writer(sink, schema))
            writer.write_table(group, row_group_size=len(group))
            if sink.tell() >= max_bytes:
                stack.close()
                sink, writer = None, None
    return [path.rename(folder / f"train-{i:05d}-of-{len(paths):05d}.parquet") for i, path in enumerate(paths)]


def _writer(sink: pa.OSFile, schema: pa.Schema) -> pq.ParquetWriter:
    # Page borders that follow the content: after a small change the Hub's storage takes only the changed pieces.
    return pq.ParquetWriter(sink, schema, compression="zstd", use_content_defined_chunking=True)


def _groups(rows: Iterable[dict[str, Any]], schema: pa.Schema) -> Iterator[pa.Table]:
    """Yield tables that are each one row group."""
    gathered: list[pa.Table] = []
    rows = iter(rows)
    while chunk := list(islice(rows, _CHUNK)):
        gathered.append(pa.Table.from_pylist(chunk, schema))
        if sum(map(len, gathered)) >= ROWS_PER_GROUP or sum(t.nbytes for t in gathered) >= BYTES_PER_GROUP:
            yield pa.concat_tables(gathered)
            gathered = []
    if gathered:
        yield pa.concat_tables(gathered)

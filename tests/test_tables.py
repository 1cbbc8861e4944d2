"""Tables larger than memory are read in little of it."""

import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.tables import read_table

GROUPS, ROWS, BYTES = 40, 50, 10_000


def test_reading_holds_one_row_group_and_not_those_before_it(tmp_path: Path):
    path = tmp_path / "data.parquet"
    with pq.ParquetWriter(path, pa.schema([("text", pa.string())])) as writer:
        for _ in range(GROUPS):
            writer.write_table(pa.table({"text": [os.urandom(BYTES // 2).hex() for _ in range(ROWS)]}))
    before, most = pa.total_allocated_bytes(), 0
    for number, row in enumerate(read_table(path, batch_rows=ROWS)):
        assert len(row["text"]) == BYTES
        if number % ROWS == 0:
            most = max(most, pa.total_allocated_bytes() - before)
    assert most < path.stat().st_size / 4

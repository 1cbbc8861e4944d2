"""Reading a stage that another process may be writing to at this moment, without disturbing it: no lock, no file."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.lines import read_lines
from pipeline.store import DATA, read_manifest
from pipeline.tables import read_table


class Entry(NamedTuple):
    """A row as the store has written it: its table, its key, the row."""

    table: str
    key: str
    row: dict[str, Any]


def entries(directory: Path) -> Iterator[Entry]:
    """Yield the rows in a stage's shards in the order of writing; a line that is being written is left out.

    A stage that seals its tables meanwhile removes its shards: those that are gone are left out too.
    """
    for shard in sorted(directory.glob("shard-*.jsonl")):
        with contextlib.suppress(FileNotFoundError):
            for _, line in read_lines(shard):
                with contextlib.suppress(json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError):
                    entry = json.loads(line)
                    yield Entry(entry["table"], entry["key"], entry["row"])


def rows_so_far(directory: Path, table: str = DATA) -> Iterator[dict[str, Any]]:
    """Yield a stage's rows, from its table if it is complete, else from its shards; nothing of a stage not begun."""
    if read_manifest(directory) is not None:
        path = directory / f"{table}.parquet"
        yield from read_table(path) if path.exists() else ()  # a further table without rows has no file
        return
    yield from (entry.row for entry in entries(directory) if entry.table == table)

"""Rows of a data set: from a Parquet or JSON-lines file, a folder of them, or the Hub."""

import json
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from pipeline.errors import UserError
from pipeline.tables import read_table


def file_rows(path: Path, columns: Collection[str], key: str) -> Iterator[dict[str, Any]]:
    """Yield the rows of a file, or of the files of a folder in the order of their names.

    Args:
        path: ``*.parquet``, ``*.jsonl``, ``*.json`` (a list of rows), or a folder with such files.
        columns: that must be there.
        key: of the recipe, for messages.

    Raises:
        UserError: there is no such file, it can't be read, or lacks a column.
    """
    files = table_files(path)
    if not files:
        raise UserError(f"{key}: {path} is neither a *.parquet, *.jsonl or *.json nor a folder with one")
    for file in files:
        for number, row in enumerate(_rows(file, key), 1):
            _require(row, columns, f"{key}: {file}, row {number}")
            yield row


def table_files(path: Path) -> list[Path]:
    """Return the tables of a folder in the order of their names, or the one that the path is."""
    if path.is_dir():
        return sorted(file for file in path.rglob("*") if file.suffix in (".parquet", ".jsonl", ".json"))
    return [path] if path.is_file() else []


def hub_rows(dataset: str, split: str, columns: Collection[str], key: str) -> Iterator[dict[str, Any]]:
    """Yield the rows of a split of a data set on the Hub; downloaded once, then kept by ``datasets``.

    Raises:
        UserError: there is no such data set, split or column, or the Hub can't be reached.
    """
    from datasets import load_dataset
    from datasets.exceptions import DatasetsError

    try:
        rows = load_dataset(dataset, split=split)
    except (DatasetsError, OSError, ValueError) as error:  # what it raises for no network, no data set and no split
        raise UserError(f"{key}: {dataset} ({split}) can't be loaded: {' '.join(str(error).split())[:200]}") from None
    for number, row in enumerate(rows, 1):
        _require(row, columns, f"{key}: {dataset} ({split}), row {number}")
        yield dict(row)


def _rows(file: Path, key: str) -> Iterator[Any]:
    import pyarrow as pa

    try:
        if file.suffix == ".parquet":
            yield from read_table(file)
        elif file.suffix == ".json":
            yield from json.loads(file.read_text(encoding="utf-8"))
        else:
            with file.open(encoding="utf-8") as lines:
                yield from (json.loads(line) for line in lines if line.strip())
    except (pa.ArrowInvalid, ValueError) as error:  # JSON and UTF-8 errors are ValueErrors
        raise UserError(f"{key}: {file} can't be read: {' '.join(str(error).split())[:200]}") from None


def _require(row: Any, columns: Collection[str], where: str) -> None:
    missing = [column for column in columns if not isinstance(row, dict) or column not in row]
    if missing:
        raise UserError(f"{where}: no column {', '.join(repr(column) for column in missing)}")

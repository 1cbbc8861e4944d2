"""A stage's directory: rows are appended while it runs, then sealed into tables that are never touched again.

While a stage runs, its rows go to ``shard-*.jsonl``, one line each, written in one piece; killed at any moment, at
most the last line of a shard is torn, and a torn line counts as never written. ``seal`` sorts the rows by key into
data.parquet and rejected.parquet, so the tables do not depend on the order in which workers finished or on how
often the stage was interrupted. manifest.json is written last: its presence means complete.
"""

import contextlib
import fcntl
import hashlib
import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any, NamedTuple, Self

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.disk import disk_full_is_the_users
from pipeline.errors import UserError
from pipeline.lines import Lines, line_at, read_lines
from pipeline.tables import read_table

DATA, REJECTED = "data", "rejected"
ROW_GROUP = 1024
_OFFSET_BITS = 48


class _Place(NamedTuple):
    table: str
    shard: Path
    offset: int


class StageStore:
    """One stage's directory, open for writing; one process at a time.

    Args:
        directory: created if missing.
        schema: columns of data.parquet; rejected.parquet has ``reason`` in addition.
        inputs: what the rows depend on (JSON-ready), noted in inputs.json. Rows that are there already are taken for
            rows of these inputs: whoever opens the directory first moves away those of others (``set_aside``).
        further: schemas of further tables, by name; each is sealed as <name>.parquet if it has rows.

    Raises:
        UserError: another process is writing there, or nobody can.
    """

    def __init__(
        self,
        directory: Path,
        schema: pa.Schema,
        inputs: dict[str, Any],
        further: Mapping[str, pa.Schema] | None = None,
    ) -> None:
        self.directory = directory
        self.schema = schema
        self.further = dict(further or {})
        self.inputs = inputs
        with disk_full_is_the_users(directory):
            _make(directory)
            self._lock = _lock(directory)
        write_json(directory / "inputs.json", inputs)
        self._parts: dict[tuple[str, Path], int] = {}  # tables and shards, numbered
        self._numbered: list[tuple[str, Path]] = []
        self._places: dict[str, int] = {}  # part and offset in one number: tuples would take much more
        shards = sorted(directory.glob("shard-*.jsonl"))
        for shard in shards:
            self._index(shard)
        self._shard = Lines(directory / f"shard-{len(shards):05d}.jsonl")
        self._started = time.monotonic()
        self._seconds_before = _seconds_so_far(directory)

    def __contains__(self, key: str) -> bool:
        return key in self._places

    def __len__(self) -> int:
        return len(self._places)

    def append(self, key: str, row: dict[str, Any], table: str = DATA) -> None:
        """Keep a row. A key that is already there, in whichever table, is left as it was.

        Raises:
            UserError: the disk is full; what was appended before stays.
        """
        self._write(table, key, row)

    def reject(self, key: str, row: dict[str, Any], reason: str) -> None:
        """Keep a row among the rejected ones, with its reason. Raises as ``append`` does."""
        self._write(REJECTED, key, {**row, "reason": reason})

    def rows(self, table: str = DATA) -> Iterator[dict[str, Any]]:
        """Yield the rows written so far, this run's and earlier ones', in the order of their keys."""
        with contextlib.ExitStack() as stack:
            files: dict[Path, Any] = {}
            for key in sorted(self._places):
                place = self._place(self._places[key])
                if place.table == table:
                    if place.shard not in files:
                        files[place.shard] = stack.enter_context(place.shard.open("rb"))
                    files[place.shard].seek(place.offset)
                    yield json.loads(files[place.shard].readline())["row"]

    def get(self, key: str) -> dict[str, Any] | None:
        """Return the row with a key, from whichever table; None if there is none."""
        if key not in self._places:
            return None
        place = self._place(self._places[key])
        return json.loads(line_at(place.shard, place.offset))["row"]

    def seal(self, stats: dict[str, Any] | None = None, versions: dict[str, str] | None = None) -> dict[str, Any]:
        """Write the tables, stats.json and, last, the manifest; return the manifest.

        Raises:
            UserError: the disk is full; the shards stay and the next run seals them.
        """
        digest = hashlib.sha256()
        rejected_schema = self.schema.append(pa.field("reason", pa.string()))
        with disk_full_is_the_users(self.directory):
            reasons: Counter[str] = Counter()
            n_data = self._write_table(DATA, self.schema, digest)
            n_rejected = self._write_table(REJECTED, rejected_schema, digest, reasons)
            filled = {table for table, _ in self._parts}
            further = {
                table: self._write_table(table, schema, digest)
                for table, schema in self.further.items()
                if table in filled
            }
            write_json(self.directory / "stats.json", stats or {})
            manifest = {
                "inputs": self.inputs,
                "output": digest.hexdigest()[:16],
                "rows": n_data,
                "rejected": n_rejected,
                "reasons": dict(reasons.most_common()),
                **({"further": further} if further else {}),
                "seconds": round(self._seconds_before + time.monotonic() - self._started, 3),
                "versions": versions or {},
            }
            write_json(self.directory / "manifest.json", manifest)
        self.close()
        for leftover in [*self.directory.glob("shard-*.jsonl"), self.directory / "seconds.json"]:
            leftover.unlink(missing_ok=True)
        return manifest

    def close(self) -> None:
        """Release the directory; rows stay for the next run. Does nothing the second time."""
        if not self._shard.closed:
            self._shard.close()
            if self._shard.end == 0:
                self._shard.path.unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                seconds = self._seconds_before + time.monotonic() - self._started
                write_json(self.directory / "seconds.json", seconds)
            self._lock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _write(self, table: str, key: str, row: dict[str, Any]) -> None:
        if key in self._places:
            return
        line = json.dumps({"table": table, "key": key, "row": row}, separators=(",", ":")).encode()
        offset = self._shard.append(line)
        if offset is None:
            raise ValueError(f"{self.directory}: closed, row {key} comes too late")
        self._places[key] = self._packed(_Place(table, self._shard.path, offset))

    def _index(self, shard: Path) -> None:
        for offset, line in read_lines(shard):
            with contextlib.suppress(json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError):
                entry = json.loads(line)
                if entry["key"] not in self._places:
                    self._places[entry["key"]] = self._packed(_Place(entry["table"], shard, offset))

    def _packed(self, place: _Place) -> int:
        part = (place.table, place.shard)
        if part not in self._parts:
            self._parts[part] = len(self._parts)
            self._numbered.append(part)
        return self._parts[part] << _OFFSET_BITS | place.offset

    def _place(self, packed: int) -> _Place:
        return _Place(*self._numbered[packed >> _OFFSET_BITS], packed & 2**_OFFSET_BITS - 1)

    def _write_table(
        self, table: str, schema: pa.Schema, digest: "hashlib._Hash", reasons: Counter[str] | None = None
    ) -> int:
        path = self.directory / f"{table}.parquet"
        partial = path.with_suffix(".partial")
        count = 0
        batch: list[dict[str, Any]] = []
        with pq.ParquetWriter(partial, schema, compression="zstd") as writer:
            for row in self.rows(table):
                digest.update(json.dumps([table, row], sort_keys=True).encode())
                batch.append(row)
                if reasons is not None:
                    reasons[row["reason"]] += 1
                if len(batch) == ROW_GROUP:
                    writer.write_table(pa.Table.from_pylist(batch, schema))
                    count += len(batch)
                    batch = []
            if batch or not count:
                writer.write_table(pa.Table.from_pylist(batch, schema))
                count += len(batch)
        partial.replace(path)
        return count


def read_manifest(directory: Path) -> dict[str, Any] | None:
    """Return the manifest of a complete stage, None of any other."""
    try:
        return json.loads((directory / "manifest.json").read_text())
    except (FileNotFoundError, NotADirectoryError):
        return None


def read_rows(directory: Path, table: str = DATA) -> Iterator[dict[str, Any]]:
    """Yield the rows of a sealed stage.

    Raises:
        UserError: the stage is not complete.
    """
    if read_manifest(directory) is None:
        raise UserError(f"{directory}: the stage is not complete; run it first")
    return read_table(directory / f"{table}.parquet")


def set_aside(directory: Path) -> Path:
    """Move a stage's outdated directory to ``superseded/<stage>-<n>`` beside it: what was paid for is not deleted.

    Raises:
        UserError: another process is writing there.
    """
    parent = directory.parent / "superseded"
    with _lock(directory):
        parent.mkdir(exist_ok=True)
        numbers = (path.name.removeprefix(f"{directory.name}-") for path in parent.glob(f"{directory.name}-*"))
        target = parent / f"{directory.name}-{max((int(n) for n in numbers if n.isdigit()), default=-1) + 1}"
        directory.rename(target)
    return target


def refuse_if_at_work(directory: Path) -> None:
    """Do nothing, unless another process is writing to a stage's directory; one that does not exist is free.

    Raises:
        UserError: one is.
    """
    if (directory / ".lock").exists():
        _lock(directory, "r").close()


def _lock(directory: Path, mode: str = "w") -> IO[str]:
    """Return the lock of a directory as an open file, which holds it until it is closed."""
    lock = (directory / ".lock").open(mode)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise UserError(f"{directory}: another run is writing here; wait for it or give another --out") from error
    if not (directory / ".lock").exists():  # moved away between the two lines
        lock.close()
        raise UserError(f"{directory}: another run has just set this aside; run the same command again")
    return lock


def write_json(path: Path, value: object) -> None:
    """Write JSON so that a reader sees the old file or the new one, never a part."""
    partial = path.with_name(path.name + ".partial")
    partial.write_text(json.dumps(value, indent=1, sort_keys=True) + "\n")
    partial.replace(path)


def _make(directory: Path) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except (FileNotFoundError, FileExistsError, NotADirectoryError, PermissionError) as error:
        raise UserError(f"{directory}: can't be made ({error.strerror})") from error


def _seconds_so_far(directory: Path) -> float:
    try:
        return float(json.loads((directory / "seconds.json").read_text()))
    except (FileNotFoundError, ValueError):
        return 0.0

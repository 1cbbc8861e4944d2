"""A stage's directory survives anything, and its tables do not depend on what it survived."""

import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import UserError
from pipeline.store import REJECTED, StageStore, read_manifest, read_rows, set_aside

SCHEMA = pa.schema([("n", pa.int64()), ("text", pa.string())])


def write(directory: Path, rows: list[tuple[str, int]]) -> None:
    with StageStore(directory, SCHEMA, {}) as store:
        for key, n in rows:
            if n % 3:
                store.append(key, {"n": n, "text": key})
            else:
                store.reject(key, {"n": n, "text": key}, "divisible by three")


def tables(directory: Path) -> tuple[bytes, bytes]:
    return (directory / "data.parquet").read_bytes(), (directory / "rejected.parquet").read_bytes()


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_tables_do_not_depend_on_order_or_interruptions(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
):
    rows = [(f"key-{n}", n) for n in range(data.draw(st.integers(0, 30)))]
    whole, parts = tmp_path_factory.mktemp("whole"), tmp_path_factory.mktemp("parts")
    write(whole, rows)
    shuffled = data.draw(st.permutations(rows))
    while shuffled:
        cut = data.draw(st.integers(1, len(shuffled)))
        write(parts, shuffled[:cut])
        torn = data.draw(st.binary(max_size=40)).replace(b"\n", b"")
        with max(parts.glob("shard-*.jsonl")).open("ab") as shard:
            shard.write(b'{"table":"data","key":"key-999","row":{"n":1' + torn)
        shuffled = shuffled[cut:]
    manifests = []
    for directory in (whole, parts):
        with StageStore(directory, SCHEMA, {}) as store:
            manifests.append(store.seal())
    assert tables(whole) == tables(parts)
    assert manifests[0]["output"] == manifests[1]["output"]
    assert [row["n"] for row in read_rows(parts)] == [n for _, n in sorted(rows) if n % 3]
    assert all(row["reason"] == "divisible by three" for row in read_rows(parts, REJECTED))


def test_rows_survive_kill_9_and_the_manifest_comes_last(tmp_path: Path):
    script = textwrap.dedent(f"""
        import pyarrow as pa, sys
        from pathlib import Path
        from pipeline.store import StageStore
        store = StageStore(Path({str(tmp_path / "stage")!r}), pa.schema([("n", pa.int64())]), {{}})
        for n in range(10**9):
            store.append(str(n), {{"n": n}})
            print(n, flush=True)
    """)
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    seen = [process.stdout.readline() for _ in range(200)]
    os.kill(process.pid, signal.SIGKILL)
    seen += process.stdout.readlines()
    process.wait()
    process.stdout.close()
    assert read_manifest(tmp_path / "stage") is None
    with StageStore(tmp_path / "stage", pa.schema([("n", pa.int64())]), {}) as store:
        assert all(n.strip() in store for n in seen if n.endswith("\n"))
        assert len(store) - len(seen) in (0, 1)


def test_a_second_writer_is_refused(tmp_path: Path):
    with StageStore(tmp_path, SCHEMA, {}), pytest.raises(UserError, match="another run is writing here"):
        StageStore(tmp_path, SCHEMA, {})


def test_a_full_disk_is_one_line_and_loses_nothing(tmp_path: Path):
    """RLIMIT_FSIZE makes writes come back short and then fail, as a full disk does."""
    script = textwrap.dedent(f"""
        import errno, os, pyarrow as pa
        from pathlib import Path
        from pipeline.errors import UserError
        from pipeline.store import StageStore
        store = StageStore(Path({str(tmp_path / "stage")!r}), pa.schema([("n", pa.int64())]), {{}})
        room, real_write = 5000, os.write
        def write(fd, data):  # the disk takes what fits, then nothing
            global room
            if room == 0:
                raise OSError(errno.ENOSPC, "No space left on device")
            written = real_write(fd, data[:room])
            room -= written
            return written
        os.write = write
        n = 0
        try:
            while True:
                store.append(str(n), {{"n": n}})
                n += 1
        except UserError as error:
            print(n, error)
    """)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    kept, message = done.stdout.split(" ", 1)
    assert "the disk is full" in message
    with StageStore(tmp_path / "stage", pa.schema([("n", pa.int64())]), {}) as store:
        assert len(store) == int(kept) > 50
        store.append("more", {"n": -1})
        assert store.seal()["rows"] == int(kept) + 1


def test_setting_aside_keeps_every_older_run(tmp_path: Path):
    for n in range(3):
        (tmp_path / "generate").mkdir()
        (tmp_path / "generate" / "rows").write_text(str(n))
        target = set_aside(tmp_path / "generate")
        assert (target / "rows").read_text() == str(n)
    shutil.rmtree(tmp_path / "superseded" / "generate-0")
    (tmp_path / "generate").mkdir()
    assert set_aside(tmp_path / "generate").name == "generate-3"
    assert sorted(path.name for path in (tmp_path / "superseded").iterdir()) == [f"generate-{n}" for n in (1, 2, 3)]


def test_what_another_process_writes_is_not_moved(tmp_path: Path):
    with StageStore(tmp_path / "train", SCHEMA, {}) as store:
        with pytest.raises(UserError, match="another run is writing here"):
            set_aside(tmp_path / "train")
        store.append("a", {"n": 1})
        assert store.seal()["rows"] == 1
    assert set_aside(tmp_path / "train").name == "train-0"


def test_seconds_add_up_over_runs(tmp_path: Path):
    for _ in range(2):
        with StageStore(tmp_path, SCHEMA, {}):
            time.sleep(0.05)
    with StageStore(tmp_path, SCHEMA, {}) as store:
        assert store.seal()["seconds"] >= 0.1
    assert json.loads((tmp_path / "manifest.json").read_text())["rows"] == 0

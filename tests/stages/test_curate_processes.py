"""curate with several processes: the same bytes as with one, and nothing sealed when one dies."""

import multiprocessing
import os
import signal
import threading
import time
from multiprocessing.context import SpawnProcess

import pyarrow.parquet as pq
import pytest

from pipeline.errors import InfrastructureError
from pipeline.stages import curate
from pipeline.stages.curate import CurateConfig
from pipeline.store import read_manifest
from tests.synthetic_run import build_run, run_stage

KINDS = ({"kind": "correct"}, {"kind": "duplicates", "across_tasks": "no"}, {"kind": "language"}, {"kind": "leaks"},
         {"kind": "near_duplicates", "threshold": 1.0, "within_tasks": True})  # fmt: skip


def run_of_many_row_groups(out):
    """A run whose candidates stand in several row groups, with an id that occurs twice, in two of them."""
    build_run(out, last="verify")
    path = out / "generate" / "data.parquet"
    table = pq.read_table(path)
    rows = table.to_pylist()
    rows[-1]["id"] = rows[0]["id"]
    pq.write_table(table.from_pylist(rows, table.schema), path, row_group_size=20)
    return out


def config(workers):
    return CurateConfig.model_validate({"filters": KINDS, "workers": workers})


def test_any_number_of_processes_gives_the_same_bytes(tmp_path):
    for workers in (1, 3):
        out = run_of_many_row_groups(tmp_path / str(workers))
        manifest = run_stage(out, "curate", curate, curate=config(workers))
        assert manifest["reasons"]["repeated_id"] == 1
    for name in ("data.parquet", "rejected.parquet", "stats.json"):
        assert (tmp_path / "1/curate" / name).read_bytes() == (tmp_path / "3/curate" / name).read_bytes(), name


def test_a_process_that_dies_is_our_fault_and_nothing_is_sealed(tmp_path):
    out = run_of_many_row_groups(tmp_path)

    def kill_the_first():
        while not (children := multiprocessing.active_children()):
            time.sleep(0.01)
        os.kill(children[0].pid or 0, signal.SIGKILL)

    killer = threading.Thread(target=kill_the_first)
    killer.start()
    with pytest.raises(InfrastructureError, match=r"a process that looks into the texts of .* died"):
        run_stage(out, "curate", curate, curate=config(2))
    killer.join()
    assert read_manifest(out / "curate") is None
    assert not list((out / "curate").glob("*.parquet"))
    run_stage(out, "curate", curate, curate=config(1))


def test_a_process_that_was_being_started_when_another_died_is_not_waited_for(tmp_path, monkeypatch):
    out = run_of_many_row_groups(tmp_path)
    others, start = multiprocessing.active_children(), SpawnProcess.start
    waited_for = []

    def start_while_the_first_dies(process):
        start(process)
        for child in set(multiprocessing.active_children()).difference(others, [process]):
            os.kill(child.pid or 0, signal.SIGKILL)
            time.sleep(1.5)  # the other one is up by then, and is given no work

    def end_what_is_left():
        for child in set(multiprocessing.active_children()).difference(others):
            waited_for.append(child)
            child.kill()

    monkeypatch.setattr(SpawnProcess, "start", start_while_the_first_dies)
    rescue = threading.Timer(30, end_what_is_left)
    rescue.start()
    with pytest.raises(InfrastructureError, match=r"a process that looks into the texts of .* died"):
        run_stage(out, "curate", curate, curate=config(2))
    rescue.cancel()
    assert not waited_for
    assert not set(multiprocessing.active_children()).difference(others)

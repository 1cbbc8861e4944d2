"""A worker that a busy machine holds up has its time; one that waits for nothing has not. Nothing outlives the judge."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from pipeline.errors import InfrastructureError
from pipeline.judge.processes import ForkServer
from pipeline.judge.sandbox import missing
from pipeline.judge.workers import Limits, WorkerGoneError

LIMITS = Limits(cpu_seconds=10, wall_seconds=1.0)
WORKS = "import time\nbegan = time.process_time()\nwhile time.process_time() - began < 0.6: pass\n"
WAITS = "import time\ntime.sleep(60)\n"
MODEL = "import torch\nclass ModelNew(torch.nn.Module): pass\n"


@pytest.fixture
def on_a_busy_core() -> Iterator[ForkServer]:
    """Return a fork server whose workers share one core with four processes that never rest."""
    mine = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(mine)})
    hogs: list[subprocess.Popen[bytes]] = []
    server = ForkServer(sandbox=missing() is None, readable=[])
    try:
        server.prepare("json")  # it is ready
        hogs += [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(4)]
        os.sched_setaffinity(0, mine)
        yield server
    finally:
        os.sched_setaffinity(0, mine)
        for hog in hogs:
            hog.kill()
            hog.wait()
        server.close()


def test_waiting_for_a_core_is_not_charged(on_a_busy_core: ForkServer):
    began = time.monotonic()
    with on_a_busy_core.start_worker("candidate", LIMITS) as worker:
        answer, _ = worker.ask({"op": "load", "code": WORKS + MODEL})
        assert "error" not in answer
    assert time.monotonic() - began > LIMITS.wall_seconds


def test_a_request_is_sent_also_when_the_clock_ran_out_before(on_a_busy_core: ForkServer):
    with on_a_busy_core.start_worker("candidate", LIMITS) as worker:
        worker.ask({"op": "load", "code": MODEL})
        time.sleep(LIMITS.wall_seconds)
        answer, _ = worker.ask({"op": "load", "code": MODEL})
        assert "error" not in answer


def test_sleeping_is_charged_on_a_busy_machine_too(on_a_busy_core: ForkServer):
    with on_a_busy_core.start_worker("candidate", LIMITS) as worker:
        began = time.monotonic()
        with pytest.raises(WorkerGoneError) as gone:
            worker.ask({"op": "load", "code": WAITS + MODEL})
        assert gone.value.timed_out
        assert time.monotonic() - began < 20


def test_a_judge_that_is_killed_leaves_no_process_and_no_file(tmp_path: Path):
    script = (
        "import time\n"
        "from pipeline.judge.processes import ForkServer\n"
        "from pipeline.judge.sandbox import missing\n"
        "from pipeline.judge.workers import Limits\n"
        "worker = ForkServer(sandbox=missing() is None, readable=[]).start_worker('candidate', Limits())\n"
        "print(worker.sandbox, flush=True)\n"
        "time.sleep(60)\n"
    )
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen([sys.executable, "-c", script], env=environment, stdout=subprocess.PIPE) as judge:
        assert judge.stdout is not None
        assert judge.stdout.readline()
        processes = psutil.Process(judge.pid).children(recursive=True)
        assert len(processes) >= 2  # the fork server and the worker
        assert list(tmp_path.glob("*/*"))
        judge.kill()
    assert not psutil.wait_procs(processes, timeout=60)[1]
    assert not list(tmp_path.glob("*/*"))


def test_without_the_process_that_forks_candidates_all_of_it_ends():
    server = ForkServer(sandbox=missing() is None, readable=[])
    try:
        workers = [server.start_worker("reference", LIMITS), server.start_worker("candidate", LIMITS)]
        processes = psutil.Process().children(recursive=True)
        tree = {process: process.children() for process in processes}
        both = next(children for children in tree.values() if len(children) == 2)
        next(process for process in both if tree[process]).kill()  # the other of the two is the reference's
        assert not psutil.wait_procs(processes, timeout=30)[1]
        for worker in workers:
            with pytest.raises(InfrastructureError):
                worker.end()
        with pytest.raises(InfrastructureError):
            server.start_worker("candidate", LIMITS)
    finally:
        server.close()

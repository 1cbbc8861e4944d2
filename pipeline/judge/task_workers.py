"""The processes that run a task's own module: one of each role a thread, which serves one task at a time."""

import threading
from contextlib import suppress
from dataclasses import replace
from typing import Any, Literal

from pipeline.errors import InfrastructureError
from pipeline.judge.cuda.lock import GpuLock
from pipeline.judge.judging import using
from pipeline.judge.processes import ForkServer
from pipeline.judge.workers import Limits, Worker, WorkerGoneError
from pipeline.records import Task

ALL_DAY = 86400  # seconds of CPU: waiting for a GPU is work for the processor, and for all candidates of a task
BASELINE_LIMITS = Limits(cpu_seconds=ALL_DAY, wall_seconds=300.0)  # torch.compile takes its time

Role = Literal["reference", "baseline"]


class TaskWorkers:
    """Thread-safe.

    Args:
        server: forks the processes.
        limits: of a reference's process.
        gpu: shared while a process is at work, where there is one.
    """

    def __init__(self, server: ForkServer, limits: Limits, gpu: GpuLock | None) -> None:
        self._server = server
        own = limits if gpu is None else replace(limits, cpu_seconds=ALL_DAY)  # each request has its time on the wall
        self._limits = {"reference": own, "baseline": BASELINE_LIMITS}
        self._gpu = gpu
        self._local = threading.local()
        self._all: list[Worker] = []

    def ask(self, role: Role, task: Task, request: dict[str, Any]) -> tuple[dict[str, Any], list[bytearray]]:
        """Ask this thread's process of a role.

        One that dies is tried once more in a fresh process; then it counts as refusing what was asked.
        """
        ending = ""
        for _ in range(2):
            worker = self._worker(role, task)
            try:
                with using(self._gpu):
                    worker.renew()
                    answer, buffers = worker.ask(request)
            except WorkerGoneError as gone:
                self._forget(role)
                ending = "took too long" if gone.timed_out else f"died: {gone}"
                continue
            if "error" in answer and self._gpu is not None:  # its context may be lost with the error
                worker.end()
                self._forget(role)
            return answer, buffers
        return {"error": "task_dies", "detail": ending}, []

    def close(self) -> None:
        """End all processes."""
        for worker in self._all:
            with suppress(InfrastructureError):
                worker.__exit__()

    def _worker(self, role: Role, task: Task) -> Worker:
        mine: dict[str, tuple[Worker, str]] = self._local.__dict__.setdefault("workers", {})
        if role in mine and mine[role][1] == task.id:
            return mine[role][0]
        if role in mine:
            mine[role][0].end()
            self._forget(role)
        with using(self._gpu):
            worker = self._server.start_worker(role, self._limits[role])
        self._all.append(worker)
        mine[role] = worker, task.id
        return worker

    def _forget(self, role: str) -> None:
        self._all.remove(self._local.workers.pop(role)[0])

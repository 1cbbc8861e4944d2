"""The judge: is this kernel right and honest?

Three parties, three processes: this one decides; the reference's process makes inputs and expected results and never
sees a candidate; the candidate's process runs only the candidate, confined, and hands back raw tensors.
"""

import os
import platform
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Self

from pipeline.errors import InfrastructureError, TaskError, UserError
from pipeline.judge.config import Backend, JudgeConfig
from pipeline.judge.inputs import Case
from pipeline.judge.judging import Decided, Judgement
from pipeline.judge.probing import probe
from pipeline.judge.processes import ForkServer, Limits, Worker, WorkerGoneError
from pipeline.judge.sandbox import expected_tier
from pipeline.judge.simt.build import prepare
from pipeline.judge.simt.explain import explain
from pipeline.judge.version import judge_version
from pipeline.records import Check, Task, Verdict, VerdictStatus


class Judge:
    """Judges candidates on ``workers`` threads; thread-safe. Use as a context manager.

    Args:
        config: the recipe's ``judge`` section; ``workers: 0`` means one per core.
        seed: the recipe's seed, from which every case's seed derives.

    Raises:
        UserError: the backend can't run here, or candidates can't be confined here.
    """

    def __init__(self, config: JudgeConfig, seed: int = 0) -> None:
        self.config = config
        self.seed = seed
        self.backend = _choose_backend(config.backend)
        self.version = judge_version()
        self.workers = config.workers or os.cpu_count() or 1
        self._cache = config.cache.expanduser().resolve()
        self._limits = Limits(cpu_seconds=config.cpu_seconds, memory_bytes=config.memory_mb * 2**20)
        self._server: ForkServer | None = None
        self._local = threading.local()
        self._references: list[Worker] = []
        if self.backend != "none":
            confined = config.sandbox == "auto"
            if confined and "seccomp" not in expected_tier():
                raise UserError(
                    "judge.sandbox: this machine can't confine candidates; set judge.sandbox=none to accept that"
                )
            self._server = ForkServer(sandbox=confined, readable=[self._cache])
            try:
                prepare(self._cache)  # while the fork server imports torch
            except BaseException:
                self._server.close()
                raise
        self._pool = ThreadPoolExecutor(self.workers, thread_name_prefix="judge")

    def submit(self, task: Task, code: str, candidate_id: str) -> Future[Verdict]:
        """Judge a candidate's module; the future gives the verdict.

        A task that turns out to be broken gives ``unsupported`` with a reason ``task:...``: nothing is known about
        the candidate. The future raises InfrastructureError if the judge itself fails.
        """
        return self._pool.submit(self._judge, task, code, candidate_id)

    def probe(self, task: Task) -> Future[None]:
        """Check a task itself; the future raises TaskError with the reason why it can't be used (see ``probing``)."""
        return self._pool.submit(self._probe, task)

    def close(self) -> None:
        """End all processes; what is under way is given up."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        for worker in self._references:
            with suppress(InfrastructureError):
                worker.__exit__()
        if self._server is not None:
            self._server.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _judge(self, task: Task, code: str, candidate_id: str) -> Verdict:
        status: VerdictStatus
        if self._server is None:
            return self._verdict(candidate_id, "unsupported", "not_judged", (), None)
        server = self._server
        judgement = Judgement(
            task=task,
            code=code,
            strict=self.config.policy == "strict",
            seed=self.seed,
            cache=self._cache,
            max_case_bytes=self.config.max_case_mb * 2**20,
            explain=lambda request, buffers, orders: explain(server, self._cache, code, request, buffers, orders),
        )
        sandbox = None
        try:
            judgement.rules()
            with self._server.start_worker("candidate", self._limits) as worker:
                sandbox = worker.sandbox
                judgement.load(worker)
                judgement.correctness(worker, lambda case: self._reference(task, case))
            status, reason = "correct", None
        except Decided as decided:
            status, reason = decided.status, decided.reason
        except TaskError as error:
            status, reason = "unsupported", f"task:{error.reason}"
            judgement.checks.append(Check(name="task", passed=False, detail=str(error)))
        return self._verdict(candidate_id, status, reason, tuple(judgement.checks), sandbox)

    def _verdict(
        self,
        candidate_id: str,
        status: VerdictStatus,
        reason: str | None,
        checks: tuple[Check, ...],
        sandbox: str | None,
    ) -> Verdict:
        return Verdict(
            candidate_id=candidate_id,
            status=status,
            reason=reason,
            checks=checks,
            backend=self.backend,
            device=platform.machine() if self.backend == "simt" else None,
            sandbox=sandbox,
            judge_version=self.version,
        )

    def _probe(self, task: Task) -> None:
        if self._server is not None:
            probe(task, self.seed, lambda case, **more: self._reference(task, case, **more))

    def _reference(self, task: Task, case: Case, *, twice: bool = False) -> tuple[dict[str, Any], list[bytearray]]:
        """Ask this thread's reference process, which serves one task at a time, for a case.

        A reference that dies is tried once more in a fresh process; then it counts as refusing the case.
        """
        request = {
            "op": "case",
            "source": task.reference,
            "sizes": case.setting.sizes,
            "seed": case.seed,
            "distribution": case.distribution,
            "fresh_weights": case.fresh_weights,
            "twice": twice,
        }
        ending = ""
        for _ in range(2):
            worker = self._reference_worker(task)
            try:
                worker.renew()
                return worker.ask(request)
            except WorkerGoneError as gone:
                self._local.worker = None
                self._references.remove(worker)
                ending = "took too long" if gone.timed_out else f"died: {gone}"
        return {"error": "task_dies", "detail": ending}, []

    def _reference_worker(self, task: Task) -> Worker:
        if getattr(self._local, "worker", None) is not None and self._local.task_id == task.id:
            return self._local.worker
        if getattr(self._local, "worker", None) is not None:
            self._references.remove(self._local.worker)
            self._local.worker.end()
            self._local.worker = None
        if self._server is None:
            raise InfrastructureError("the judge is closed")
        worker = self._server.start_worker("reference", self._limits)
        self._references.append(worker)
        self._local.worker, self._local.task_id = worker, task.id
        return worker


def _choose_backend(wanted: Backend) -> str:
    if wanted == "cuda":
        raise UserError("judge.backend: cuda is not available in this version; use simt")
    return "simt" if wanted == "auto" else wanted

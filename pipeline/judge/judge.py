"""The judge: is this kernel right and honest?

Three parties, three processes: this one decides; the reference's process makes inputs and expected results and never
sees a candidate; the candidate's process runs only the candidate, confined, and hands back raw tensors.
"""

import hashlib
import os
import platform
import secrets
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from typing import Any, Self

from pipeline.errors import InfrastructureError, TaskError, UserError
from pipeline.judge.config import Backend, JudgeConfig
from pipeline.judge.correctness import Correctness
from pipeline.judge.cuda.device import why_not
from pipeline.judge.inputs import Case
from pipeline.judge.judging import Decided, Judgement
from pipeline.judge.probing import probe
from pipeline.judge.processes import ForkServer, Limits, Worker, WorkerGoneError
from pipeline.judge.sandbox import missing
from pipeline.judge.session import Session
from pipeline.judge.settings import Measurement, Plan, choose
from pipeline.judge.simt.build import prepare
from pipeline.judge.simt.explain import explain
from pipeline.judge.task_filters import TaskFilters, apply
from pipeline.judge.version import judge_version
from pipeline.records import Check, Setting, Task, Verdict, VerdictStatus

MEASURING = "pipeline.judge.meta"
FIGURES = "pipeline.judge.task_figures"
DIFFERENTIATING = "torch.fx.experimental.symbolic_shapes"  # torch.autograd.grad imports it: 3 s, and files to read
ANSWER_SLACK_BYTES = 16 * 2**20  # beyond twice a case: what small wrong answers may take before they are no answers
MAX_PLANS = 10_000  # tasks whose settings are remembered


class Judge:
    """Judges candidates on ``workers`` threads; thread-safe. Use as a context manager.

    Args:
        config: the recipe's ``judge`` section; ``workers: 0`` means one per core.
        seed: the recipe's seed, from which the seeds derive with which tasks are probed.

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
        answer_bytes = 2 * config.max_case_mb * 2**20 + ANSWER_SLACK_BYTES
        self._candidate_limits = replace(self._limits, answer_bytes=answer_bytes)
        self._server: ForkServer | None = None
        self._local = threading.local()
        self._lock = threading.Lock()
        self._plans: dict[str, Plan] = {}
        self._max_case_bytes = config.max_case_mb * 2**20
        self.seeds = secrets.token_hex(16) if config.seeds == "fresh" else config.seeds
        self._key = hashlib.blake2b(self.seeds.encode(), digest_size=32).digest()
        self._references: list[Worker] = []
        if self.backend != "none":
            confined = config.sandbox == "auto"
            if confined and (lacking := missing()):
                raise UserError(
                    f"judge.sandbox: this machine can't confine candidates, it lacks {lacking}; "
                    "set judge.sandbox=none to accept that"
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

    def probe(self, task: Task, filters: TaskFilters | None = None) -> Future[str | None]:
        """Check a task itself; the future raises TaskError with the reason why it can't be used.

        See ``probing`` and, where filters are given, ``task_filters``. The future's value says why redundant
        operations could not be looked for, None if they were.
        """
        return self._pool.submit(self._probe, task, filters)

    def settings(self, task: Task) -> Future[Plan]:
        """Find out at which settings candidates of this task are judged here; raises InfrastructureError only."""
        return self._pool.submit(self._settings, task)

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
        judgement = Judgement(
            task=task,
            code=code,
            strict=self.config.policy == "strict",
            cache=self._cache,
            max_case_bytes=self._max_case_bytes,
        )
        server = self._server
        explained = lambda request, buffers, orders: explain(server, self._cache, code, request, buffers, orders)  # noqa: E731
        session = Session(self._server, self._candidate_limits, judgement)
        try:
            judgement.rules()
            if task.direction == "backward":
                self._server.prepare(DIFFERENTIATING)
            with session:
                session.worker()
                settings = self._settings(task)
                reference = lambda case: self._reference(task, case)  # noqa: E731
                Correctness(judgement, session, reference, settings, self.config.budget_seconds, explained).run(
                    self._key
                )
            status, reason = "correct", None
        except Decided as decided:
            status, reason = decided.status, decided.reason
        except TaskError as error:
            status, reason = "unsupported", f"task:{error.reason}"
            judgement.checks.append(Check(name="task", passed=False, detail=str(error)))
        return self._verdict(candidate_id, status, reason, tuple(judgement.checks), session.sandbox)

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
            seeds=self.seeds,
            judge_version=self.version,
        )

    def _probe(self, task: Task, filters: TaskFilters | None) -> str | None:
        if self._server is None:
            return None
        if task.direction == "backward":
            self._server.prepare(DIFFERENTIATING)
        if filters is not None:
            self._server.prepare(FIGURES)
        reference = lambda case, **more: self._reference(task, case, **more)  # noqa: E731
        probe(self._settings(task), self.seed, reference, (filters or TaskFilters()).output_range)
        return None if filters is None else self._filter(task, filters)

    def _filter(self, task: Task, filters: TaskFilters) -> str | None:
        if filters.too_small is not None:
            measured = self._measure(task, task.settings[:1])[0]
            if measured.error is None and measured.work < filters.too_small:
                raise TaskError("too_small", f"{measured.work} operations, at least {filters.too_small} are wanted")
        setting = self._settings(task).settings[0]
        request = {
            "op": "figures",
            "source": task.reference,
            "sizes": setting.sizes,
            "direction": task.direction,
            "seed": self.seed,
            "seeds": filters.seeds,
            "redundant_below": filters.redundant_operation,
        }
        answer, _ = self._ask_reference(task, request)
        if "error" in answer:
            raise TaskError(answer["error"], answer["detail"])
        apply(filters, answer["figures"], f"setting {setting.name}")
        return answer["figures"].get("not_traced")

    def _settings(self, task: Task) -> Plan:
        """Return the settings to judge candidates of this task at; found out once a task."""
        with self._lock:
            plan = self._plans.get(task.id)
        if plan is None:
            seconds = self.config.budget_seconds
            plan = choose(task, lambda settings: self._measure(task, settings), seconds, self._max_case_bytes)
            with self._lock:
                if len(self._plans) >= MAX_PLANS:
                    self._plans.clear()
                self._plans[task.id] = plan
        return plan

    def _measure(self, task: Task, settings: Sequence[Setting]) -> list[Measurement]:
        if self._server is None:
            raise InfrastructureError("the judge is closed")
        self._server.prepare(MEASURING)  # before this task's process is forked
        request = {"op": "measure", "source": task.reference, "settings": [s.sizes for s in settings]}
        answer, _ = self._ask_reference(task, request)
        if "error" in answer:
            return [Measurement(0, 0, (), answer["detail"])] * len(settings)
        return [
            Measurement(m.get("work", 0), m.get("bytes", 0), tuple(m.get("ranks", ())), m.get("error"))
            for m in answer["measurements"]
        ]

    def _reference(self, task: Task, case: Case, *, twice: bool = False) -> tuple[dict[str, Any], list[bytearray]]:
        """Return the reference's answer to a case: see ``reference_worker``."""
        request = {
            "op": "case",
            "source": task.reference,
            "sizes": case.setting.sizes,
            "direction": task.direction,
            "seed": case.seed,
            "weights_seed": case.weights_seed,
            "distribution": case.distribution,
            "fresh_weights": case.fresh_weights,
            "twice": twice,
            "watched": case.call == 0,
        }
        return self._ask_reference(task, request)

    def _ask_reference(self, task: Task, request: dict[str, Any]) -> tuple[dict[str, Any], list[bytearray]]:
        """Ask this thread's reference process, which serves one task at a time.

        A reference that dies is tried once more in a fresh process; then it counts as refusing what was asked.
        """
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
        raise UserError(f"judge.backend: {why_not()}")
    return "simt" if wanted == "auto" else wanted

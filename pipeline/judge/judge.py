"""The judge: is this kernel right and honest?

Three parties, three processes: this one decides; the reference's process makes inputs and expected results and never
sees a candidate; the candidate's process runs only the candidate, confined, and hands back raw tensors.
"""

import math
import platform
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Any, Self

from pipeline.errors import InfrastructureError, TaskError, UserError
from pipeline.judge.ahead import AnswerAndBuffers, ReferenceAnswers
from pipeline.judge.answers import Expected
from pipeline.judge.config import Backend, JudgeConfig, Policy
from pipeline.judge.correctness import Correctness
from pipeline.judge.cuda.backend import GpuBackend
from pipeline.judge.cuda.gpus import why_not
from pipeline.judge.cuda.measuring import NotTimedError
from pipeline.judge.drawing import key_of
from pipeline.judge.inputs import Case
from pipeline.judge.judging import Decided, Judgement
from pipeline.judge.outputs import Fingerprint, outputs, shared_cases, shared_settings
from pipeline.judge.plans import MEASURING, ON_META, Plans
from pipeline.judge.probing import probe
from pipeline.judge.processes import ForkServer
from pipeline.judge.sandbox import missing
from pipeline.judge.session import Session
from pipeline.judge.settings import Plan
from pipeline.judge.simt.build import build, prepare_with_extension
from pipeline.judge.simt.explain import Findings, explain
from pipeline.judge.task_filters import TaskFilters, check
from pipeline.judge.task_workers import TaskWorkers
from pipeline.judge.version import judge_version
from pipeline.judge.workers import Limits
from pipeline.machine import cores
from pipeline.records import Check, Task, Timing, Verdict, VerdictStatus

FIGURES = "pipeline.judge.task_figures"
DIFFERENTIATING = "torch.fx.experimental.symbolic_shapes"  # torch.autograd.grad imports it: 3 s, and files to read
ANSWER_SLACK_BYTES = 16 * 2**20  # beyond twice a case: what small wrong answers may take before they are no answers
MAX_CASE_MB, MAX_CASE_MB_GPU = 64, 1024  # what a case may take where the recipe does not say
OUT_OF_MEMORY = ("out of memory", "NVML_SUCCESS")  # torch's and CUDA's words; torch's where it can't ask who has it


class Judge:
    """Judges candidates on ``workers`` threads; thread-safe. Use as a context manager.

    Args:
        config: the recipe's ``judge`` section; ``workers: 0`` means one per core.

    Raises:
        UserError: the backend can't run here, or candidates can't be confined here.
    """

    def __init__(self, config: JudgeConfig) -> None:
        self.config = config
        self.backend = _choose_backend(config.backend)
        self.version = judge_version()
        self.workers = config.workers or cores()
        self._gpu = GpuBackend.here() if self.backend == "cuda" else None
        max_case_mb = config.max_case_mb or (MAX_CASE_MB if self._gpu is None else MAX_CASE_MB_GPU)
        self._cache = config.cache.expanduser().resolve()
        self._limits = Limits(cpu_seconds=config.cpu_seconds, memory_bytes=config.memory_mb * 2**20)
        if self._gpu is not None:
            self.workers = config.workers or min(self.workers, self._gpu.most_workers(max_case_mb))
            self._limits = self._gpu.limits(self._limits, max_case_mb)
        self._candidate_limits = replace(self._limits, answer_bytes=2 * max_case_mb * 2**20 + ANSWER_SLACK_BYTES)
        self._server: ForkServer | None = None
        self._max_case_bytes = max_case_mb * 2**20
        self.seeds = config.drawn_seeds()
        self._seconds = config.budget_seconds if self._gpu is None else math.inf
        self._plans = Plans(self._measure_reference, self._seconds, self._max_case_bytes)
        self._answers = ReferenceAnswers(self._ask_reference)
        self._task_workers: TaskWorkers | None = None
        if self.backend != "none":
            confined = config.sandbox == "auto"
            if confined and (lacking := missing()):
                raise UserError(
                    f"judge.sandbox: this machine can't confine candidates, it lacks {lacking}; "
                    "set judge.sandbox=none to accept that"
                )
            on_gpu = None if self._gpu is None else self._gpu.workers(self._cache)
            self._server = ForkServer(sandbox=confined, readable=[self._cache], gpu=on_gpu)
            self._task_workers = TaskWorkers(self._server, self._limits, self._gpu and self._gpu.lock)
            try:  # meanwhile torch is imported there
                self._simt = prepare_with_extension(self._cache) if self._gpu is None else None
            except BaseException:
                self._server.close()
                raise
        self._pool = ThreadPoolExecutor(self.workers, thread_name_prefix="judge")

    def submit(
        self, task: Task, code: str, candidate_id: str, policy: Policy | None = None, seeds: str | None = None
    ) -> Future[Verdict]:
        """Judge a candidate; the future gives the verdict.

        A task that turns out to be broken gives ``unsupported`` with a reason ``task:...``: nothing is known about
        the candidate. The future raises InfrastructureError if the judge itself fails.

        Args:
            task: what the candidate has to do.
            code: the candidate's module, or a bare ``.cu``: see ``bare``.
            candidate_id: goes into the verdict.
            policy: by default the section's.
            seeds: by default the section's, or what was drawn for it.
        """
        return self._pool.submit(self._judge, task, code, candidate_id, policy, seeds)

    def outputs(
        self, task: Task, code: str, number: int, policy: Policy | None = None
    ) -> "Future[list[Fingerprint | None]]":
        """Run a candidate on the task's first ``number`` shared inputs, and say what it gives: see ``outputs``."""
        return self._pool.submit(self._outputs, task, code, number, policy)

    def probe(self, task: Task, filters: TaskFilters | None = None, seed: int = 0) -> Future[str | None]:
        """Check a task itself; the future raises TaskError with the reason why it can't be used.

        See ``probing`` and, where filters are given, ``task_filters``. The future's value says why redundant
        operations could not be looked for, None if they were. The task is run with seeds derived from ``seed``.
        """
        return self._pool.submit(self._probe, task, filters, seed)

    def settings(self, task: Task, seeds: str | None = None) -> Future[Plan]:
        """Find out the settings that ``submit`` judges at with these seeds; raises InfrastructureError only."""
        return self._pool.submit(self._plans.of, task, key_of(seeds or self.seeds))

    def close(self) -> None:
        """End all processes; what is under way is given up."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        if self._task_workers is not None:
            self._task_workers.close()
        if self._server is not None:
            self._server.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _judge(self, task: Task, code: str, candidate_id: str, policy: Policy | None, seeds: str | None) -> Verdict:
        policy, seeds = policy or self.config.policy, seeds or self.seeds
        verdict = self._judge_once(task, code, candidate_id, policy, seeds, self._answers)
        if self._gpu is None or not _may_be_others_fault(verdict):
            return verdict
        with self._gpu.lock.alone():
            own = ReferenceAnswers(self._ask_reference)  # the others may be locked by who waits for the GPU
            verdict = self._judge_once(task, code, candidate_id, policy, seeds, own)
        if verdict.status != "runtime_error" or not _may_be_others_fault(verdict):
            return verdict
        # Others' processes may hold what it lacks, although none of them is at work.
        return verdict.model_copy(update={"status": "unsupported", "reason": "unsupported:memory"})

    def _judge_once(
        self, task: Task, code: str, candidate_id: str, policy: Policy, seeds: str, answers: ReferenceAnswers
    ) -> Verdict:
        status: VerdictStatus
        if self._server is None:
            return self._verdict(candidate_id, "unsupported", "not_judged", (), None, seeds)
        judgement = self._judgement(task, code, strict=policy == "strict")
        key, server, timing = key_of(seeds), self._server, None

        def explained(*call: Any) -> Findings:
            if self._gpu is not None:
                return Findings([], None)
            return explain(server, self._cache, judgement.module(), *call)

        session = Session(self._server, self._candidate_limits, judgement)
        try:
            judgement.rules()
            self._prepare(task)
            with session:
                session.worker()
                settings = self._plans.of(task, key)
                reference = lambda case, **more: self._reference(task, case, **more)  # noqa: E731
                Correctness(judgement, session, reference, answers, settings, self._seconds, explained).run(key)
                if self._gpu is not None and self.config.timing == "auto":
                    timing = self._time(task, judgement, session, settings, key)
            status, reason = "correct", None
        except Decided as decided:
            status, reason = decided.status, decided.reason
        except TaskError as error:
            status, reason = "unsupported", f"task:{error.reason}"
            judgement.checks.append(Check(name="task", passed=False, detail=str(error)))
        return self._verdict(candidate_id, status, reason, tuple(judgement.checks), session.sandbox, seeds, timing)

    def _judgement(self, task: Task, code: str, *, strict: bool) -> Judgement:
        return Judgement(
            task=task,
            code=code,
            strict=strict,
            build=build if self._gpu is None else self._gpu.build,
            cache=self._cache,
            max_case_bytes=self._max_case_bytes,
            gpu=self._gpu and self._gpu.lock,
        )

    def _outputs(self, task: Task, code: str, number: int, policy: Policy | None) -> list[Fingerprint | None]:
        plan = self._plans.of(task, None)
        settings = shared_settings(plan, strict=(policy or self.config.policy) == "strict")
        cases = shared_cases(task, settings, number)
        if self._server is None or not cases:
            return [None] * number
        self._prepare(task)
        judgement = self._judgement(task, code, strict=False)  # rules have their say in the verdict
        with Session(self._server, self._candidate_limits, judgement) as session:
            return outputs(judgement, session, lambda case: self._answers.answer(task, case)[:2], cases)

    def _time(self, task: Task, judgement: Judgement, session: Session, settings: Plan, key: bytes) -> Timing | None:
        """Return how fast a right candidate is; None, and a check says why, where the task can't be timed."""
        if self._gpu is None:
            return None
        case = self._gpu.case(task, settings.settings[0], key)

        def expected(case: Case, scale: float, weights: bool) -> Expected | None:
            answer, buffers = self._reference(task, case, scale=scale, scale_weights=weights)
            return None if "error" in answer else Expected(answer["values"]["dict"], buffers)

        def baseline(request: dict[str, Any]) -> tuple[dict[str, Any], list[bytearray]]:
            return self._tasks_workers().ask("baseline", task, request)

        try:
            return self._gpu.measure(judgement, session, case, baseline, expected, case.request(task))
        except NotTimedError as error:
            judgement.passed("timing", f"not measured: {error}")
            return None

    def _verdict(
        self,
        candidate_id: str,
        status: VerdictStatus,
        reason: str | None,
        checks: tuple[Check, ...],
        sandbox: str | None,
        seeds: str,
        timing: Timing | None = None,
    ) -> Verdict:
        return Verdict(
            candidate_id=candidate_id,
            status=status,
            reason=reason,
            checks=checks,
            backend=self.backend,
            timing=timing,
            device=self._gpu.gpu.name if self._gpu else platform.machine() if self.backend == "simt" else None,
            sandbox=sandbox,
            seeds=seeds,
            judge_version=self.version,
        )

    def _probe(self, task: Task, filters: TaskFilters | None, seed: int) -> str | None:
        if self._server is None:
            return None
        self._prepare(task, *([] if filters is None else [FIGURES]))
        reference = lambda case, **more: self._reference(task, case, **more)  # noqa: E731
        plan = self._plans.of(task, None)
        probe(plan, seed, reference, filters and filters.output_range)
        if filters is None:
            return None
        setting, measure = plan.settings[0], lambda: self._plans.measure(task, task.settings[:1])[0]
        return check(filters, task, setting, seed, measure, lambda asked: self._ask_reference(task, asked)[0])

    def _prepare(self, task: Task, *modules: str) -> None:
        """Have imported what processes of this task need, before they are forked."""
        if self._server is None:
            raise InfrastructureError("the judge is closed")
        if self._simt is not None:
            self._server.open_simt(*self._simt)
        for module in ([DIFFERENTIATING] if task.direction == "backward" else []) + [*modules]:
            self._server.prepare(module)

    def _measure_reference(self, task: Task, request: dict[str, Any]) -> dict[str, Any]:
        return self._ask_reference(task, request)[0]

    def _reference(self, task: Task, case: Case, *, twice: bool = False, **more: Any) -> AnswerAndBuffers:
        """Return the reference's answer to a case: see ``reference_worker``."""
        return self._ask_reference(task, {**case.request(task), "op": "case", "twice": twice, **more})

    def _ask_reference(self, task: Task, request: dict[str, Any]) -> AnswerAndBuffers:
        if request["op"] in ON_META:
            self._prepare(task, MEASURING)
        return self._tasks_workers().ask("reference", task, request)

    def _tasks_workers(self) -> TaskWorkers:
        if self._task_workers is None:
            raise InfrastructureError("the judge is closed")
        return self._task_workers


def _may_be_others_fault(verdict: Verdict) -> bool:
    """Whether candidates beside it on the GPU may have taken the memory or the time that this one lacked."""
    return any(words in (verdict.detail or "") for words in OUT_OF_MEMORY) or verdict.reason == "timeout"


def _choose_backend(wanted: Backend) -> str:
    if wanted == "cuda" and (lacking := why_not()):
        raise UserError(f"judge.backend: {lacking}")
    return ("simt" if why_not() else "cuda") if wanted == "auto" else wanted

"""One judgement: the checks so far, the rules on the source, the build. ``correctness`` goes on from here."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.judge.bare import NotCallableError, is_bare, module_of
from pipeline.judge.cuda.lock import GpuLock
from pipeline.judge.rules import findings, native_findings
from pipeline.judge.rules.findings import Finding
from pipeline.judge.simt.build import ExtensionSource
from pipeline.judge.simt.errors import CompileError, CompileTimeoutError, ForbiddenError, Unsupported
from pipeline.judge.simt.fault import read_fault
from pipeline.judge.simt.sharing import host_may_reach, may_share
from pipeline.judge.workers import Worker, WorkerGoneError
from pipeline.records import Check, Task, VerdictStatus

MAX_DETAIL = 4000
MAX_CODE = 1_000_000  # characters; the longest real answers have some 50,000
# In which kernels are written, too: no cheating, and no CUDA.
OTHER_LANGUAGES = ("cupy", "cutlass", "helion", "jax", "numba", "pycuda", "taichi", "tilelang", "triton", "warp")
MAX_BUILDS = 64  # of one candidate, in all its processes: the time of a build is not its own
STATUS_OF_ERROR: dict[str, VerdictStatus] = {
    "build_failed": "compile_error",
    "no_model": "malformed",
    "wrong_type": "incorrect",
    "unwritten": "incorrect",
}


@contextmanager
def using(gpu: GpuLock | None, worker: Worker | None = None) -> Iterator[None]:
    """Share the GPU, if there is one, for the length of the block; a worker's time does not pass while waiting."""
    before = time.monotonic()
    with gpu.shared() if gpu else nullcontext():
        if worker is not None:
            worker.extend(time.monotonic() - before)
        yield


class Decided(Exception):  # noqa: N818  (it ends a judgement; nothing went wrong)
    """A check failed: the candidate's status and the reason."""

    def __init__(self, status: VerdictStatus, reason: str) -> None:
        super().__init__(status, reason)
        self.status: VerdictStatus = status
        self.reason = reason


@dataclass
class Judgement:
    """One candidate on its way through the checks.

    Args:
        task: what it must do.
        code: the candidate's text.
        strict: whether a rule that fires rejects.
        build: makes a library of an extension's sources, see ``simt.build`` and ``cuda.build``.
        cache: where builds are kept.
        max_case_bytes: cases whose inputs and results take more than this are left out.
        gpu: where candidates run on one; given up while something is built.
    """

    task: Task
    code: str
    strict: bool
    build: Callable[[ExtensionSource, Path], Path]
    cache: Path
    max_case_bytes: int
    gpu: GpuLock | None = None
    checks: list[Check] = field(default_factory=list)
    watched: bool = False  # what was built is to be run once more with every access watched
    _module: str | None = None
    _build_failure: tuple[VerdictStatus, str, str] | None = None
    _builds: int = 0

    def passed(self, name: str, detail: str | None = None, **figures: float | str | None) -> None:
        """Note a check that passed; what is done again in each new process is noted once."""
        check = Check(name=name, passed=True, detail=detail, figures=figures)
        if check not in self.checks:
            self.checks.append(check)

    def failed(self, name: str, status: VerdictStatus, reason: str, detail: str | None, **figures: Any) -> Decided:
        """Note a check that failed and return what to raise."""
        text = detail[:MAX_DETAIL] if detail else None
        self.checks.append(Check(name=name, passed=False, detail=text, figures=figures))
        return Decided(status, reason)

    def module(self) -> str:
        """Return the candidate's module: its text, or what a bare ``.cu`` amounts to."""
        if self._module is None:
            if len(self.code) > MAX_CODE:
                told = f"{len(self.code)} characters; at most {MAX_CODE}"
                raise self.failed("rules", "malformed", "too_long", told)
            try:
                self._module = module_of(self.code, self.task) if is_bare(self.code) else self.code
            except NotCallableError as error:
                status = "unsupported" if error.mismatch else "malformed"
                raise self.failed("rules", status, "not_callable", str(error)) from None
        return self._module

    def rules(self) -> None:
        """Apply the rules to the source."""
        try:
            module = self.module()
            found = [] if is_bare(self.code) else findings(module)  # of a bare one's Python, all is the task's
        except SyntaxError as error:
            where = f" (line {error.lineno})" if error.lineno else ""
            raise self.failed("rules", "malformed", "python_syntax", f"{error.msg}{where}") from None
        for finding in found:
            if finding.rule == "import" and finding.what.partition(".")[0] in OTHER_LANGUAGES:
                detail = f"written with {finding.what} (line {finding.line}); what is judged here is CUDA C++"
                raise self.failed("rules", "malformed", "not_cuda", detail)
        if rejected := self._note_findings("rules", found):
            raise self.failed("rules", *rejected)

    def _note_findings(self, name: str, found: list[Finding]) -> tuple[VerdictStatus, str, str] | None:
        """Note what rules found as a passed check, or return how the first that rejects decides."""
        text = "; ".join(map(str, found)) or None
        first = next((finding for finding in found if finding.rejects), None)
        if first and self.strict:
            return "cheating", f"rule:{first.rule}", f"{first.explanation} Found: {text}"
        self.passed(name, text)
        return None

    def load(self, candidate: Worker) -> None:
        """Have the candidate's module executed, and built on its request."""
        answer, _ = self.ask(candidate, "load", {"op": "load", "code": self.module(), "bare": is_bare(self.code)})
        self.raise_reported("load", answer)

    def _build(self, request: dict[str, Any]) -> dict[str, Any]:
        """Build what the candidate asks for; a failure is remembered, because the candidate may hide it."""
        try:
            source = ExtensionSource.requested(request)
        except (KeyError, TypeError):
            raise self.failed("build", "cheating", "bad_answer", "a request to build nothing") from None
        if not all(name.replace("::", "").isidentifier() for name in source.functions):
            raise self.failed("build", "compile_error", "compile_error", "a function's name is not one")
        self._builds += 1
        if self._builds > MAX_BUILDS or len(source.cpp) + len(source.cuda) > MAX_CODE:
            raise self.failed("build", "malformed", "too_long", f"over {MAX_BUILDS} builds, or too long a source")
        macros = "".join(
            f"#define {flag[2:].replace('=', ' ', 1)}\n" for flag in source.flags if flag.startswith("-D")
        )
        found = native_findings(macros, source.cpp, source.cuda)
        if rejected := self._note_findings("native_rules", found):
            self._build_failure = rejected
            return {"failed": True}
        try:
            with self.gpu.released() if self.gpu else nullcontext():
                path = self.build(source, self.cache)
        except CompileError as error:
            self._build_failure = ("compile_error", "compile_error", error.log)
        except CompileTimeoutError as error:
            self._build_failure = ("compile_error", "compile_timeout", str(error))
        except ForbiddenError as error:
            self._build_failure = ("cheating", "rule:native_calls", str(error))
        except Unsupported as error:
            self._build_failure = ("unsupported", f"unsupported:{error.construct}", str(error))
        else:
            self.passed("build")
            texts = source.cpp, source.cuda
            self.watched = self.watched or any(may_share(text) or host_may_reach(text) for text in texts)
            return {"path": str(path)}
        return {"failed": True}

    def ask(self, candidate: Worker, name: str, request: dict[str, Any], buffers: Any = ()) -> Any:
        """Return the worker's answer; a fault or death of the worker is a failed check ``name``.

        A module may build at any time: when it is loaded, in a constructor, at its first call.
        """
        try:
            with using(self.gpu, candidate):
                answer, theirs = candidate.ask(request, buffers, self._build)
        except WorkerGoneError as gone:
            fault = read_fault(gone.ending.fault_page)
            if fault is not None:
                raise self._faulty(name, fault.kind, str(fault)) from None
            if gone.forged:
                detail = f"the process sent no answer: {gone.forged}"
                raise self.failed(name, "cheating", "bad_answer", detail) from None
            if gone.timed_out:
                raise self.failed(name, "timeout", "timeout", "did not end within its time") from None
            how = f"signal {gone.ending.signal}" if gone.ending.signal else f"exit code {gone.ending.code}"
            raise self.failed(name, "runtime_error", "crash", f"the process ended: {how}") from None
        failure = self._build_failure
        if failure and (self.strict or "error" in answer):
            raise self.failed("build", failure[0], failure[1], failure[2])
        return answer, theirs

    def raise_reported(self, name: str, answer: dict[str, Any]) -> None:
        """Turn an error that the worker reports into a failed check ``name``."""
        if "error" in answer:
            raise self._faulty(name, str(answer["error"]), str(answer.get("detail")))

    def _faulty(self, name: str, kind: str, detail: str) -> Decided:
        if kind == "unsupported":  # what can't be known before it runs, such as the size of a launch
            return self.failed(name, "unsupported", f"unsupported:{detail.rpartition(': ')[2]}", detail)
        return self.failed(name, STATUS_OF_ERROR.get(kind, "runtime_error"), kind, detail)

"""The steps of one judgement: rules, build, correctness case by case, honesty.

Each adds checks; the first that fails decides.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pipeline.errors import TaskError
from pipeline.judge.compare import Comparison, compare
from pipeline.judge.inputs import ORDERS, Case, Order, plan
from pipeline.judge.processes import Worker, WorkerGoneError
from pipeline.judge.rules import findings
from pipeline.judge.simt.build import ExtensionSource, build
from pipeline.judge.simt.errors import CompileError, CompileTimeoutError, ForbiddenError, Unsupported
from pipeline.judge.simt.explain import EXPLAINABLE, specific_reason
from pipeline.judge.simt.fault import Fault, read_fault
from pipeline.records import Check, Task, VerdictStatus

MAX_DETAIL = 4000
MAX_HOST_BYTES = 1024  # a launcher may read a few numbers (a length, an index); more is data to compute with
SAME_ERROR = 1.01  # errors that differ by less than this factor are called the same

NO_ANSWER = (KeyError, TypeError, ValueError, AttributeError, OverflowError)
STATUS_OF_ERROR: dict[str, VerdictStatus] = {
    "build_failed": "compile_error",
    "no_model": "malformed",
    "wrong_type": "incorrect",
    "unwritten": "incorrect",
}


@dataclass(frozen=True)
class Answer:
    """What a candidate's process sent after a call. Hostile: only its form has been checked."""

    outputs: Any
    inputs: Any
    launches: int
    torch_operators: frozenset[str]
    host_bytes: int
    aliased: bool
    buffers: list[bytearray]

    @classmethod
    def read(cls, header: dict[str, Any], buffers: list[bytearray]) -> "Answer":
        """Return the answer; raises one of ``NO_ANSWER`` if it has another form."""
        values = header["values"]["dict"]
        return cls(
            outputs=values["outputs"],
            inputs=values["inputs"],
            launches=len(header["launches"]),
            torch_operators=frozenset(map(str, header["torch_operators"])),
            host_bytes=int(header["host_bytes"]),
            aliased=bool(header["aliased"]),
            buffers=buffers,
        )


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
        code: the candidate's module.
        strict: whether a rule that fires rejects.
        seed: of the recipe; the cases' seeds derive from it.
        cache: where builds are kept.
        max_case_bytes: cases whose inputs and results take more than this are left out.
        explain: runs a call that failed once more, instrumented, in the given orders; see ``simt.explain``.
    """

    task: Task
    code: str
    strict: bool
    seed: int
    cache: Path
    max_case_bytes: int
    explain: Callable[[dict[str, Any], list[bytearray], Sequence[Order]], list[Fault]] | None = None
    checks: list[Check] = field(default_factory=list)
    _build_failure: tuple[VerdictStatus, str, str] | None = None

    def passed(self, name: str, detail: str | None = None, **figures: float | str | None) -> None:
        """Note a check that passed."""
        self.checks.append(Check(name=name, passed=True, detail=detail, figures=figures))

    def failed(self, name: str, status: VerdictStatus, reason: str, detail: str | None, **figures: Any) -> Decided:
        """Note a check that failed and return what to raise."""
        text = detail[:MAX_DETAIL] if detail else None
        self.checks.append(Check(name=name, passed=False, detail=text, figures=figures))
        return Decided(status, reason)

    def rules(self) -> None:
        """Apply the rules to the source."""
        try:
            found = findings(self.code)
        except SyntaxError as error:
            where = f" (line {error.lineno})" if error.lineno else ""
            raise self.failed("rules", "malformed", "python_syntax", f"{error.msg}{where}") from None
        text = "; ".join(map(str, found)) or None
        if found and self.strict:
            raise self.failed("rules", "cheating", f"rule:{found[0].rule}", text)
        self.passed("rules", text)

    def load(self, candidate: Worker) -> None:
        """Have the candidate's module executed, and built on its request."""
        answer, _ = self._ask(candidate, "load", {"op": "load", "code": self.code}, on_build=self._build)
        failure = self._build_failure
        if failure and (self.strict or "error" in answer):
            raise self.failed("build", failure[0], failure[1], failure[2])
        self._raise_reported("load", answer)

    def correctness(
        self, candidate: Worker, reference: Callable[[Case], tuple[dict[str, Any], list[bytearray]]]
    ) -> None:
        """Run every case and compare; then look at what the calls did besides.

        ``reference(case)`` returns the reference worker's answer, ``{"error": ...}`` if it refuses the case.
        """
        previous, ran, operators, host_bytes = None, 0, set[str](), 0
        largest: dict[str, tuple[float, float]] = {}
        for case in plan(self.task, self.code, self.seed):
            answer, buffers = reference(case)
            if "error" in answer:
                if case.setting == self.task.settings[0] and case.distribution == "own":
                    raise TaskError(answer["error"], f"{self.task.name}: {answer['detail']}")
                self.passed(f"skipped:{case.name}", f"the reference refuses it: {answer['detail']}")
                continue
            values = answer["values"]["dict"]
            if sum(len(b) for b in buffers) > self.max_case_bytes:
                self.passed(f"skipped:{case.name}", "too large for this backend's budget")
                continue
            construct = case.setting != previous
            try:
                given = self._call(candidate, case, values, buffers, construct=construct)
                previous, ran = case.setting, ran + 1
                result = self._judge_call(candidate, case, values, buffers, given)
            except Decided as decided:
                raise self._explained(decided, case, values, buffers) from None
            operators |= given.torch_operators
            host_bytes = max(host_bytes, given.host_bytes)
            pair = largest.get(case.setting.name, (0.0, 1.0))
            largest[case.setting.name] = max(pair, (result.error, result.bound), key=lambda p: p[0] / p[1])
        if not ran:
            raise self.failed("correct", "unsupported", "too_large", "no setting fits this backend's budget")
        for name, (error, bound) in largest.items():
            self.passed(f"correct:{name}", error=error, bound=bound)
        if operators and self.strict:
            detail = f"forward computes with torch: {', '.join(sorted(operators))}"
            raise self.failed("own_kernels", "cheating", "torch_computes", detail)
        if host_bytes > MAX_HOST_BYTES and self.strict:
            detail = f"forward brings {host_bytes} bytes of device memory to the host, where no kernel runs"
            raise self.failed("own_kernels", "cheating", "host_computes", detail)
        self.passed("own_kernels", torch_operators=", ".join(sorted(operators)) or None, host_bytes=host_bytes)

    def _call(
        self, candidate: Worker, case: Case, values: dict[str, Any], buffers: list[bytearray], *, construct: bool
    ) -> "Answer":
        request = _call_request(case, values, construct=construct)
        name = f"run:{case.name}"
        header, theirs = self._ask(candidate, name, request, buffers)
        self._raise_reported(name, header)
        try:
            return Answer.read(header, theirs)
        except NO_ANSWER as error:
            raise self.failed(name, "cheating", "bad_answer", f"the process sent no answer: {error!r}") from None

    def _explained(self, decided: Decided, case: Case, values: dict[str, Any], buffers: list[bytearray]) -> Decided:
        """Return the decision with what an instrumented run adds to detail and reason; the status stays."""
        if self.explain is None or decided.reason not in EXPLAINABLE:
            return decided
        orders: list[Order] = [case.order]
        if decided.reason == "thread_order":
            orders += [order for order in ORDERS if order != case.order]
        found = self.explain(_call_request(case, values, construct=True), buffers, orders)
        if found:
            told = "; ".join([*map(str, found), self.checks[-1].detail or ""])
            self.checks[-1] = self.checks[-1].model_copy(update={"detail": told[:MAX_DETAIL]})
        return Decided(decided.status, specific_reason(decided.reason, found))

    def _judge_call(
        self, candidate: Worker, case: Case, values: dict[str, Any], buffers: list[bytearray], given: "Answer"
    ) -> Comparison:
        result = compare(values["expected"], values["eager"], given.outputs, buffers, given.buffers)
        if result.mismatch is not None:
            name, reason, detail = f"correct:{case.name}", result.mismatch.reason, result.mismatch.detail
            afresh = {order: self._error_afresh(order, candidate, case, values, buffers) for order in ORDERS}
            if afresh[case.order] == 0:
                reason = "stale"
                detail = f"right on a new instance, wrong on a later call: something is kept between calls; {detail}"
            elif max(afresh.values()) > SAME_ERROR * min(afresh.values()):
                reason = "thread_order"
                detail = f"a missing barrier or a race: the result depends on the order of threads; {detail}"
            raise self.failed(name, "incorrect", reason, detail, error=result.error, bound=result.bound)
        if not _same_bytes(values["inputs"], buffers, given.inputs, given.buffers):
            raise self.failed(f"inputs:{case.name}", "incorrect", "inputs_changed", "forward changed its inputs")
        if given.aliased:
            detail = "an output lies in an input's memory"
            raise self.failed(f"alias:{case.name}", "cheating", "aliased_output", detail)
        if not given.launches:
            detail = "forward launched no kernel of its own"
            raise self.failed(f"launch:{case.name}", "cheating", "no_kernel", detail)
        return result

    def _error_afresh(
        self, order: Order, candidate: Worker, case: Case, values: dict[str, Any], buffers: list[bytearray]
    ) -> float:
        """Return the error of the case on a new instance with the threads run in this order; 0 if it is right."""
        noted = len(self.checks)
        try:
            given = self._call(candidate, replace(case, order=order), values, buffers, construct=True)
        except Decided:
            del self.checks[noted:]
            return float("inf")
        result = compare(values["expected"], values["eager"], given.outputs, buffers, given.buffers)
        return result.error if result.mismatch else 0.0

    def _build(self, request: dict[str, Any]) -> dict[str, Any]:
        """Build what the candidate asks for; a failure is remembered, because the candidate may hide it."""
        source = ExtensionSource(str(request["cpp"]), str(request["cuda"]), tuple(map(str, request["functions"])))
        try:
            path = build(source, self.cache)
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
            return {"path": str(path)}
        return {"failed": True}

    def _ask(
        self, candidate: Worker, name: str, request: dict[str, Any], buffers: Any = (), on_build: Any = None
    ) -> Any:
        try:
            return candidate.ask(request, buffers, on_build)
        except WorkerGoneError as gone:
            fault = read_fault(gone.ending.fault_page)
            if fault is not None:
                raise self.failed(name, "runtime_error", fault.kind, str(fault)) from None
            if gone.timed_out:
                raise self.failed(name, "timeout", "timeout", "did not end within its time") from None
            how = f"signal {gone.ending.signal}" if gone.ending.signal else f"exit code {gone.ending.code}"
            raise self.failed(name, "runtime_error", "crash", f"the process ended: {how}") from None

    def _raise_reported(self, name: str, answer: dict[str, Any]) -> None:
        if "error" in answer:
            kind = str(answer["error"])
            status = STATUS_OF_ERROR.get(kind, "runtime_error")
            raise self.failed(name, status, kind, str(answer.get("detail")))


def _call_request(case: Case, values: dict[str, Any], *, construct: bool) -> dict[str, Any]:
    sent = {"dict": {name: values[name] for name in ("init", "state", "inputs")}}
    return {"op": "call", "construct": construct, "order": case.order, "seed": case.seed, "values": sent}


def _same_bytes(tree: Any, buffers: list[bytearray], other: Any, theirs: list[bytearray]) -> bool:
    """Whether two trees hold the same values, tensors compared by their bytes."""
    if isinstance(tree, dict) and "tensor" in tree:
        if not isinstance(other, dict) or type(other.get("tensor")) is not int or other["tensor"] >= len(theirs):
            return False
        same_kind = tree["dtype"] == other.get("dtype") and tree["shape"] == other.get("shape")
        return same_kind and buffers[tree["tensor"]] == theirs[other["tensor"]]
    if isinstance(tree, dict):
        return (
            isinstance(other, dict)
            and tree.keys() == other.keys()
            and all(_same_bytes(tree[k], buffers, other[k], theirs) for k in tree)
        )
    if isinstance(tree, list):
        return (
            isinstance(other, list)
            and len(tree) == len(other)
            and all(_same_bytes(a, buffers, b, theirs) for a, b in zip(tree, other, strict=True))
        )
    return tree == other

"""Is the candidate right, and does it do the work itself? Call after call, each compared with the reference's.

Under policy ``strict`` the first failure decides. Under ``report`` a candidate that fails at other sizes than the
task's own is called specialised and may still be right.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from pipeline.errors import TaskError
from pipeline.judge.ahead import AnswerAndBuffers, ReferenceAnswers
from pipeline.judge.answers import (
    MOST,
    NO_ANSWER,
    Answer,
    Expected,
    comparison,
    share_right,
)
from pipeline.judge.compare import Comparison
from pipeline.judge.conclusion import Shown, conclude
from pipeline.judge.examining import examine, examine_modes, examine_weights, in_modes
from pipeline.judge.hidden_faults import Explain, RightCall, find_hidden_faults
from pipeline.judge.inputs import ORDERS, Case, Order, call_request, plan, room, with_weights_of
from pipeline.judge.judging import MAX_DETAIL, Decided, Judgement
from pipeline.judge.pace import Pace
from pipeline.judge.rehearsal import rehearse_launches
from pipeline.judge.session import Session
from pipeline.judge.settings import Plan
from pipeline.judge.simt.explain import EXPLAINABLE, specific_reason
from pipeline.records import SETTINGS, Check

SAME_ERROR = 1.01  # errors that differ by less than this factor are called the same
WRONG = ("incorrect", "runtime_error", "timeout")  # what a kernel made for other sizes can end in
KEPT = ("stale", "drift")  # at whatever sizes: it keeps results between calls

Reference = Callable[..., AnswerAndBuffers]  # of a case; see ``reference_worker`` for more


class Correctness:
    """The calls of one candidate and what they showed.

    Args:
        judgement: takes the checks; raises ``Decided`` where one decides.
        session: the candidate's process.
        reference: returns the reference process's answer to a case, ``{"error": ...}`` if it refuses it.
        answers: those to the cases that all candidates of the task have.
        settings: at which sizes.
        seconds: of work that a candidate may cost here; the main setting is left out if it would cost more.
        explain: runs a call that failed once more, instrumented, in the given orders; see ``simt.explain``.
    """

    def __init__(
        self,
        judgement: Judgement,
        session: Session,
        reference: Reference,
        answers: ReferenceAnswers,
        settings: Plan,
        seconds: float,
        explain: Explain,
    ) -> None:
        self._judgement = judgement
        self._session = session
        self._reference = reference
        self._answers = answers
        self._settings = settings
        self._pace = Pace(settings, seconds)
        self._explain = explain
        self._shown = Shown()
        self._instance_for: str | None = None  # the setting that the process's instance was made at
        self._before: tuple[Case, Expected] | None = None  # the last case that was right, on the process's instance
        self._right: list[RightCall] = []  # the largest setting first

    def run(self, key: bytes) -> None:
        """Run every case; raises ``Decided`` unless the candidate is right and honest.

        Raises:
            TaskError: the reference itself does not run.
        """
        judgement = self._judgement
        for name, why in self._settings.left_out.items():
            judgement.passed(f"skipped:{name}", why)
        used = self._settings.told(judgement.task.reference)
        judgement.checks.append(Check(name=SETTINGS, passed=True, figures={**used}))
        cases = plan(judgement.task, self._settings.settings, key, self._settings.long)
        for number, planned in enumerate(cases):
            case = planned if self._shown.names is not None else with_weights_of(planned, cases)
            idle = case.setting.name in self._shown.failures or not self._shown.asks_for(case)
            if idle or self._too_slow(case):
                continue
            expected = self._expected(case, cases[number + 1 :])
            if expected is None:
                continue
            fresh, self._instance_for = case.setting.name != self._instance_for, case.setting.name
            try:
                self._judge(case, expected, construct=fresh)
                if not self._shown.needs_its_kernels:
                    self._shown.needs_its_kernels = self._lost_without_kernels(case, expected)
            except Decided as decided:
                if decided.status == "runtime_error":  # on a GPU the process is of no use any more
                    self._restart()
                self._note_or_raise(case, self._explained(decided, case, expected))
                self._instance_for = None
        if self._shown.errors and judgement.strict:
            self._look_further()
        conclude(judgement, self._shown)
        if judgement.gpu is None and not (self._settings.own and cases[-1].setting.name in self._shown.errors):
            own = replace(cases[-1], setting=judgement.task.settings[0])
            rehearse_launches(judgement, self._session, lambda: self._reference(own, op="arguments"))

    def _look_further(self) -> None:
        """Repeat right calls in other modes and with every access watched; raises ``Decided`` for what that shows."""
        examine_modes(self._judgement, self._session, self._right, self._shown.names)
        if self._judgement.watched:
            find_hidden_faults(self._judgement, self._right, self._explain)

    def _expected(self, case: Case, following: list[Case]) -> Expected | None:
        """Return the reference's values; None if it refuses the case or they are too many."""
        main = self._settings.settings[0]
        following = [] if self._shown.names is None else following
        likely = [c for c in following if self._shown.asks_for(c) and (c.setting is not main or case.setting is main)]
        with self._session.away():  # most wrong answers are so at the first case
            answer, buffers, yardsticks = self._answers.answer(self._judgement.task, case, likely)
        if "error" in answer:
            own = self._settings.own and case.setting is main and case.distribution == "own"
            outgrown = answer["error"] == "task_dies" and self._shown.errors  # it runs at smaller sizes
            if own and not outgrown:
                raise TaskError(answer["error"], f"{self._judgement.task.name}: {answer['detail']}")
            self._judgement.passed(f"skipped:{case.name}", f"the reference refuses it: {answer['detail']}")
            return None
        if sum(len(b) for b in buffers) > self._judgement.max_case_bytes:
            self._judgement.passed(f"skipped:{case.name}", "too large for this backend's budget")
            return None
        return Expected.read(answer, buffers, room(case.distribution), yardsticks)

    def _too_slow(self, case: Case) -> bool:
        """Whether there is no time for a call, by the candidate's own speed at other settings."""
        alone = len(self._settings.settings) == 1 or not self._shown.errors
        why = None if alone else self._pace.refuses(case)
        if why and case.call == 0:
            self._judgement.passed(f"skipped:{case.setting.name}", why)
        return why is not None

    def _judge(self, case: Case, expected: Expected, *, construct: bool) -> None:
        given = self._call(case, expected, construct=construct)
        if given.names is None and case.fresh_weights:
            detail = "the model's parameters changed between calls"
            raise self._judgement.failed(f"run:{case.name}", "cheating", "bad_answer", detail)
        self._shown.note(expected, given)
        self._pace.note(case, given.seconds)
        result = self._compared(case, expected, given)
        before = (case, expected) if construct or self._before is None else self._before
        kept = given.kept and self._judgement.strict and self._is_kept(*before)
        examine(self._judgement, case, expected, given, kept=kept)
        self._before = case, expected
        if construct and not case.is_long:
            with self._session.away():
                examine_weights(self._judgement, case, expected, given, self._reference)
            if given.names is None and self._judgement.strict:
                self._follow_weights(case, expected, sorted(expected.parameters.intersection(given.constants)))
            request = self._request(replace(case, repeats=0), expected, construct=True)
            self._right.insert(0, RightCall(case.name, request, expected.buffers, in_modes(case, expected, given)))
        if case.is_long:  # one size alone says nothing of the others
            self._judgement.passed(f"correct:{case.setting.name}", error=result.error, bound=result.bound)
            return
        self._shown.launches = given.launches
        pair = self._shown.errors.get(case.setting.name, (0.0, 1.0))
        self._shown.errors[case.setting.name] = max(pair, (result.error, result.bound), key=lambda p: p[0] / p[1])

    def _follow_weights(self, case: Case, expected: Expected, constants: list[str]) -> None:
        """Change weights that a candidate holds under names of its own; raises ``Decided`` if its result does not.

        Numbers that were made of them at first are used then, and those that are held lie about.
        """
        with self._session.away():
            answer, buffers = self._reference(case, halved=constants)
        if "error" in answer:
            return
        once = replace(case, repeats=int(not expected.changed_buffers), seeks_kept=False)
        given = self._call(once, expected, construct=True, halved=constants)
        if (wrong := comparison(Expected.read(answer, buffers, expected.room), given).mismatch) is not None:
            detail = f"weights that it holds were changed, and its result did not follow: {wrong.detail}"
            raise self._judgement.failed(f"weights:{case.name}", "incorrect", "weights_missing", detail)

    def _call(self, case: Case, expected: Expected, *, construct: bool, **how: Any) -> Answer:
        request = self._request(case, expected, construct=construct, **how)
        name = f"run:{case.name}"
        header, theirs = self._judgement.ask(self._session.worker(), name, request, expected.buffers)
        self._judgement.raise_reported(name, header)
        try:
            return Answer.read(header, theirs)
        except NO_ANSWER as error:
            detail = f"the process sent no answer: {error!r}"
            raise self._judgement.failed(name, "cheating", "bad_answer", detail) from None

    def _explained(self, decided: Decided, case: Case, expected: Expected) -> Decided:
        """Return the decision with what an instrumented run adds to detail and reason; the status stays."""
        if decided.reason not in EXPLAINABLE:
            return decided
        orders = (case.order, *ORDERS) if decided.reason == "thread_order" else (case.order,)
        request = self._request(replace(case, repeats=0), expected, construct=True)
        with self._session.away():
            found = self._explain(request, expected.buffers, list(dict.fromkeys(orders))).faults
        if found:
            failed = self._judgement.checks[-1]
            told = "; ".join([*map(str, found), failed.detail or ""])[:MAX_DETAIL]
            self._judgement.checks[-1] = failed.model_copy(update={"detail": told})
        return Decided(decided.status, specific_reason(decided.reason, found))

    def _compared(self, case: Case, expected: Expected, given: Answer) -> Comparison:
        with self._session.away():  # of large results this takes longer than the call
            result = comparison(expected, given)
        if result.mismatch is None:
            return result
        reason, detail = result.mismatch.reason, result.mismatch.detail
        self._restart()
        afresh = {order: self._error_afresh(order, case, expected) for order in ORDERS}
        if afresh[case.order] == 0:
            reason = "drift" if case.repeats > 1 else "stale"
            detail = f"right in a new process, wrong on a later call: something is kept between calls; {detail}"
        elif max(afresh.values()) > SAME_ERROR * min(afresh.values()):
            reason = "thread_order"
            detail = f"a missing barrier or a race: the result depends on the order of threads; {detail}"
        name = f"correct:{case.name}"
        raise self._judgement.failed(name, "incorrect", reason, detail, error=result.error, bound=result.bound)

    def _restart(self) -> None:
        self._session.restart()
        self._instance_for = None

    def _error_afresh(self, order: Order, case: Case, expected: Expected) -> float:
        """Return the error of the case on a new instance, threads run in this order; 0 if it is right."""
        noted = len(self._judgement.checks)
        try:
            given = self._call(replace(case, order=order, repeats=0), expected, construct=True)
        except Decided:
            del self._judgement.checks[noted:]
            return float("inf")
        result = comparison(expected, given)
        return result.error if result.mismatch else 0.0

    def _lost_without_kernels(self, case: Case, expected: Expected) -> bool:
        """Run the case on a new instance with launches that do nothing; return whether its result is wrong then.

        A right one may be chance: a few booleans are easily what unwritten memory holds. So one case that needs the
        kernels is enough.
        """
        noted = len(self._judgement.checks)
        try:
            given = self._call(replace(case, repeats=0), expected, construct=True, launching=False)
        except Decided:
            del self._judgement.checks[noted:]
            self._restart()
            return True
        if expected.places_only and self._judgement.strict and (share := share_right(expected, given)) > MOST:
            detail = f"{share:.0%} of the result are there if its kernels do nothing: torch moved them"
            raise self._judgement.failed("own_kernels", "cheating", "torch_moves", detail)
        return comparison(expected, given).mismatch is not None

    def _is_kept(self, case: Case, expected: Expected) -> bool:
        """Whether a result that was there without kernels had been kept: then it is not in a new process.

        Where it is, these inputs ask nothing of them: a relu of what is below zero, in memory that was zeroed.
        """
        if not self._shown.needs_its_kernels:
            return False
        self._restart()
        return self._lost_without_kernels(case, expected)

    def _note_or_raise(self, case: Case, decided: Decided) -> None:
        """Under policy report a failure at other sizes than the main ones is a note; so is a long call's timeout."""
        if case.is_long and decided.reason == "timeout":
            self._judgement.checks.pop()
            self._judgement.passed(f"skipped:{case.setting.name}", "out of this backend's time")
            return
        only_main_counts = self._settings.own and case.setting is self._settings.settings[0]
        if self._judgement.strict or only_main_counts or decided.status not in WRONG or decided.reason in KEPT:
            raise self._only_slow(case, decided) or decided
        failed = self._judgement.checks.pop()
        self._shown.failures[case.setting.name] = decided
        self._shown.errors.pop(case.setting.name, None)
        self._judgement.passed(f"specialised:{case.setting.name}", f"{decided.reason}: {failed.detail}")

    def _only_slow(self, case: Case, decided: Decided) -> Decided | None:
        """Return what is decided of a kernel that a CPU has no time for, but which was right at smaller sizes."""
        right = [name for name in self._shown.errors if name != case.setting.name]
        if decided.reason != "timeout" or self._judgement.gpu is not None or not right:
            return None
        detail = f"right at {', '.join(right)}, and out of this backend's time here"
        return self._judgement.failed(self._judgement.checks.pop().name, "unsupported", "too_slow", detail)

    def _request(self, case: Case, expected: Expected, *, construct: bool, **how: Any) -> dict[str, Any]:
        request = call_request(case, expected.values, construct=construct, names=self._shown.names, **how)
        own = {"compared": expected.changed_buffers, "parameters": sorted(expected.parameters)}
        return {**request, **own, "keep_copies": expected.places_only}

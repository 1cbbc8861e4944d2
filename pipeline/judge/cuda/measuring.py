"""How fast is a candidate that is right? Asked of a fresh process, with the GPU to itself.

Who could lie about it: the candidate's process alone. So the baselines run in another one, eager is timed before that
process exists and again beside it, the events are read by a library that was loaded before the candidate's code,
values and the number of calls are not known beforehand, results are looked at afterwards, and the times are held
against this process's own clock (``crosscheck``). A candidate that is faster than eager is measured twice.
"""

import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pipeline.judge.answers import Expected
from pipeline.judge.compare import compare
from pipeline.judge.cuda.crosscheck import contradiction
from pipeline.judge.cuda.gpus import Gpu, watched
from pipeline.judge.cuda.lock import GpuLock
from pipeline.judge.cuda.race import CANDIDATE, Ask, BadTimesError, Output, Race, Result, burst, samples_for
from pipeline.judge.cuda.roofline import Work
from pipeline.judge.cuda.timing import cautious, own_share, timing_of
from pipeline.judge.inputs import Case
from pipeline.judge.judging import Decided, Judgement
from pipeline.judge.session import Session
from pipeline.records import Timing

BASELINES = ("eager", "compile", "graph")
CHECK = "timing"
TIMED_CPU_SECONDS = 200  # waiting for the GPU is work for the processor
IDLE_BURSTS = 5


class NotTimedError(Exception):
    """The task can't be timed here; says nothing about the candidate."""


@dataclass(frozen=True)
class Stand:
    """What measurements of one task need.

    Attributes:
        gpu: the device.
        lock: of the device.
        case: at which setting, on which values; the same for all candidates of the task.
        baseline: asks the baselines' process.
        expected: the reference's answer to the case with arguments scaled, and weights too if it says so; None if it
            refuses them.
    """

    gpu: Gpu
    lock: GpuLock
    case: Case
    baseline: Ask
    expected: Callable[[Case, float, bool], Expected | None]


def measure(judgement: Judgement, session: Session, stand: Stand, arm: dict[str, Any]) -> Timing:
    """Return how fast the candidate is; ``arm`` is the baselines' request for the stand's case.

    Raises:
        Decided: its times are contradicted, or its results are wrong when it is timed.
        NotTimedError: the reference can't be measured at this setting.
    """
    given = stand.expected(stand.case, 1.0, False)
    if given is None:
        raise NotTimedError("the reference refuses its own values")
    samples = samples_for(sum(map(len, given.buffers)))
    with stand.lock.shared():
        armed = _asked(stand.baseline, {**arm, "samples": samples})
    absent = dict(armed["absent"])
    measurement = _Measurement(judgement, session, stand, given, samples, [b for b in BASELINES if b not in absent])
    work = Work(armed["read_bytes"], armed["flops"], armed["wide"])
    timing = measurement.take(work)
    if timing.speedup > 1:
        timing = cautious(timing, measurement.take(work))
    told = "; ".join(f"no {name}: {why}" for name, why in absent.items()) or None
    judgement.passed(CHECK, told, speedup=timing.speedup, setting=stand.case.setting.name)
    return timing


class _Measurement:
    """Of one candidate, as often as ``take`` is called, each time in a process of its own."""

    def __init__(
        self,
        judgement: Judgement,
        session: Session,
        stand: Stand,
        given: Expected,
        samples: int,
        baselines: Sequence[str],
    ) -> None:
        self._judgement = judgement
        self._session = session
        self._stand = stand
        self._given = given
        self._samples = samples
        self._baselines = baselines

    def take(self, work: Work) -> Timing:
        stand = self._stand
        self._session.restart()
        self._session.limits = replace(self._session.limits, cpu_seconds=TIMED_CPU_SECONDS)
        with stand.lock.alone():
            baselines: dict[str, Ask] = {name: lambda r: _asked_all(stand.baseline, r) for name in self._baselines}
            alone = Race({"eager": baselines["eager"]}, self._samples, secrets.randbits(48), time.perf_counter).run()
            weights = self._arm()
            contestants = {CANDIDATE: self._ask, **baselines}
            try:
                with watched(stand.gpu.uuid) as states:
                    result = Race(contestants, self._samples, secrets.randbits(48), time.perf_counter).run()
            except BadTimesError as error:
                raise self._judgement.failed(CHECK, "cheating", "bad_answer", str(error)) from None
            idle = self._idle(result.calls)
            share = self._own_share()  # last: a profiler that does not work here may be the process's end
        self._session.restart()
        self._examine(result, idle, weights=weights)
        return timing_of(result, alone.series["eager"].event, work, stand.gpu, states, share)

    def _arm(self) -> bool:
        """Make the candidate ready; return whether its weights are the reference's and so are scaled."""
        names = ("init", "state", "inputs", "upstream")
        request = {
            "op": "arm",
            "samples": self._samples,
            "weights_seed": self._stand.case.weights_seed,
            "values": {"dict": {name: self._given.values[name] for name in names}},
        }
        header, _ = self._ask(request, self._given.buffers)
        return header.get("names") is not None

    def _ask(self, request: dict[str, Any], buffers: Any = ()) -> tuple[dict[str, Any], list[bytearray]]:
        worker = self._session.worker()
        worker.renew()
        header, theirs = self._judgement.ask(worker, CHECK, request, buffers)
        self._judgement.raise_reported(CHECK, header)
        return header, theirs

    def _own_share(self) -> float | None:
        noted = len(self._judgement.checks)
        try:
            header, _ = self._ask({"op": "profile", "contestant": CANDIDATE})
        except Decided:  # a profiler that does not work here is not the candidate's fault
            del self._judgement.checks[noted:]
            return None
        try:
            return own_share([(str(name), float(us)) for name, us in header["ran"]], map(str, header["launched"]))
        except (KeyError, TypeError, ValueError):
            raise self._judgement.failed(CHECK, "cheating", "bad_answer", "no profile") from None

    def _idle(self, calls: int) -> list[float]:
        """Return the milliseconds of a call in bursts whose kernels do nothing; none if it can't do without them."""
        noted = len(self._judgement.checks)
        scales = [1 - step / 256 for step in range(self._samples)]
        try:
            clock = time.perf_counter
            return [burst(self._ask, CANDIDATE, calls, scales, clock, launching=False) for _ in range(IDLE_BURSTS)]
        except Decided:
            del self._judgement.checks[noted:]
            return []

    def _examine(self, result: Result, idle: list[float], *, weights: bool) -> None:
        """Look at the results of the timed calls, and hold the times against this process's clock."""
        for output in result.outputs:
            expected = self._stand.expected(self._stand.case, output.scale, weights)
            if expected is None:
                raise NotTimedError("the reference refuses scaled values")
            if mismatch := _mismatch(expected, output):
                detail = f"right before, wrong when it was timed; {mismatch}"
                raise self._judgement.failed(CHECK, "incorrect", "wrong_when_timed", detail)
        if found := contradiction(result.series[CANDIDATE], result.series["eager"], idle):
            raise self._judgement.failed(CHECK, "cheating", "impossible_times", found)


def _mismatch(expected: Expected, output: Output) -> str | None:
    found = compare(expected.reference(expected.values), output.tree, output.buffers).mismatch
    return None if found is None else found.detail


def _asked(ask: Ask, request: dict[str, Any]) -> dict[str, Any]:
    return _asked_all(ask, request)[0]


def _asked_all(ask: Ask, request: dict[str, Any]) -> tuple[dict[str, Any], list[bytearray]]:
    header, buffers = ask(request)
    if "error" in header:
        raise NotTimedError(f"the baselines' process: {header['detail']}")
    return header, buffers

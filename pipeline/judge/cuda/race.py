"""Measures contestants against each other: in turn, in random order, on values that none has seen before.

What a contestant's process says of its times is written down here beside what this process's own clock says, and
``timing`` decides what to make of both. Nothing here touches a GPU.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.judge.cuda.crosscheck import Series
from pipeline.judge.cuda.plan import interleaved, last_scale

ROUNDS, FEWEST_ROUNDS = 12, 5
SAMPLES, FEWEST_SAMPLES = 8, 2
CONTESTANT_MS = 3000.0  # for all rounds of one contestant, about
BURST_MS, LONGEST_BURST = 20.0, 500  # a burst is long enough that one message to the process does not count
ROTATED_BYTES = 4 * 2**30
CANDIDATE = "candidate"

Ask = Callable[[dict[str, Any]], tuple[dict[str, Any], list[bytearray]]]


class BadTimesError(Exception):
    """A process sent something else than times."""


@dataclass(frozen=True)
class Output:
    """A result of the candidate to be compared with the reference's of the same ``scale``."""

    scale: float
    tree: Any
    buffers: list[bytearray]


@dataclass(frozen=True)
class Result:
    """The times of all contestants, by name, some of the candidate's results, and how many calls its bursts had."""

    series: Mapping[str, Series]
    outputs: list[Output]
    calls: int = 1


def samples_for(bytes_a_call: int) -> int:
    """Return how many calls a round can have if each needs arguments and results in memory of its own."""
    return min(SAMPLES, max(FEWEST_SAMPLES, ROTATED_BYTES // max(1, bytes_a_call)))


def lengths(slowest_ms: float, samples: int) -> tuple[int, int]:
    """Return how many rounds of how many samples fit the time of the slowest contestant; some are the least."""
    affordable = int(CONTESTANT_MS / max(slowest_ms, 1e-6))
    rounds = min(ROUNDS, max(FEWEST_ROUNDS, affordable // samples))
    return rounds, min(samples, max(FEWEST_SAMPLES, affordable // rounds))


def burst_calls(call_ms: float, samples: int) -> int:
    """Return how many calls a burst of a contestant has, by what its calls took so far."""
    return max(samples, min(LONGEST_BURST, math.ceil(BURST_MS / max(call_ms, 1e-6))))


def burst(
    ask: Ask, name: str, calls: int, scales: Sequence[float], clock: Callable[[], float], *, launching: bool = True
) -> float:
    """Return the milliseconds of a call in a burst, by this process's clock; not ``launching``: its kernels idle."""
    before = clock()
    ask({"op": "burst", "contestant": name, "calls": calls, "scales": list(scales), "launching": launching})
    return (clock() - before) * 1e3 / calls


class Race:
    """One measurement of contestants, of which one is the candidate.

    Args:
        contestants: by name, what asks its process, see ``timed.Timed``.
        samples: that they were armed with.
        secret: from which order and values come.
        clock: seconds, this process's own.
    """

    def __init__(self, contestants: Mapping[str, Ask], samples: int, secret: int, clock: Callable[[], float]) -> None:
        self._contestants = contestants
        self._samples = samples
        self._secret = secret
        self._clock = clock
        self._events: dict[str, list[list[float]]] = {name: [] for name in contestants}
        self._wholes: dict[str, list[list[float]]] = {name: [] for name in contestants}
        self._walls: dict[str, list[float]] = {name: [] for name in contestants}
        self._outputs: list[Output] = []

    def run(self) -> Result:
        """Measure.

        Raises:
            BadTimesError: a process sent no times.
        """
        first = {name: self._round(name, self._warm_up()) for name in self._contestants}
        rough = {name: min(whole) for name, (_, whole) in first.items()}
        rounds, samples = lengths(max(rough.values()), self._samples)
        plan = interleaved(tuple(self._contestants), rounds, samples, self._secret)
        for each in plan:
            for name in each.order:
                event, whole = self._round(name, each.scales)
                if name == CANDIDATE and each.checked:
                    self._keep(each.kept, each.scales[each.kept])
                calls = burst_calls(rough[name], samples)
                wall = burst(self._contestants[name], name, calls, each.scales, self._clock)
                if name == CANDIDATE and each.checked:
                    self._keep(0, each.scales[last_scale(calls, samples)])
                self._events[name].append(event)
                self._wholes[name].append(whole)
                self._walls[name].append(wall)
        series = {n: Series(self._events[n], self._wholes[n], self._walls[n]) for n in self._contestants}
        return Result(series, self._outputs, burst_calls(rough.get(CANDIDATE, 1.0), samples))

    def _warm_up(self) -> tuple[float, ...]:
        (one,) = interleaved((CANDIDATE,), 1, self._samples, self._secret + 1)
        return one.scales

    def _round(self, name: str, scales: Sequence[float]) -> tuple[list[float], list[float]]:
        header, _ = self._contestants[name]({"op": "round", "contestant": name, "scales": list(scales)})
        return _times(header, "event", len(scales)), _times(header, "whole", len(scales))

    def _keep(self, index: int, scale: float) -> None:
        header, buffers = self._contestants[CANDIDATE]({"op": "output", "contestant": CANDIDATE, "index": index})
        self._outputs.append(Output(scale, header.get("outputs"), buffers))


def _times(header: dict[str, Any], name: str, count: int) -> list[float]:
    times = header.get(name)
    if not isinstance(times, list) or len(times) != count:
        raise BadTimesError(f"the process sent not {count} {name} times")
    if not all(type(t) in (int, float) and math.isfinite(t) for t in times):
        raise BadTimesError(f"the process sent no {name} times")
    return [float(t) for t in times]

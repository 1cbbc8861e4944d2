"""A module whose calls are timed, the reference's or the candidate's, in its own process (imports torch).

Each call gets values that it has not seen, at addresses that rotate: the pristine arguments and weights, scaled.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from pipeline.judge.cuda.plan import last_scale
from pipeline.judge.cuda.stopwatch import Stopwatch
from pipeline.judge.torch_values import map_tensors

PROFILED_CALLS = 3
HEAD_START, LEAST_HEAD_START_MS = 2.0, 0.1  # of the host before the GPU: so many times what a call takes on the host


@dataclass(frozen=True)
class Weight:
    """A parameter or buffer, and the values that it had at first."""

    target: torch.Tensor
    pristine: torch.Tensor


class Contestant:
    """Use ``round``, ``burst`` and ``output`` in turn.

    Args:
        call: runs the module on arguments and returns its results.
        inputs: the pristine arguments, on the GPU.
        weights: changed in place before each call.
        samples: calls a round, each with arguments at an address of its own.
        stopwatch: of this process.
        fixed: arguments that ``call`` reads wherever the others are (a captured graph's); they are filled instead.
    """

    def __init__(
        self,
        call: Callable[[list[Any]], Any],
        inputs: list[Any],
        weights: Sequence[Weight],
        samples: int,
        stopwatch: Stopwatch,
        fixed: list[Any] | None = None,
    ) -> None:
        self._call = call
        self._inputs = inputs
        self._weights = weights
        self._stopwatch = stopwatch
        self._places: list[list[Any]] = [
            map_tensors(inputs, torch.clone) if fixed is None else fixed for _ in range(samples)
        ]
        self._outputs: list[Any] = []

    def round(self, scales: Sequence[float]) -> dict[str, list[float]]:
        """Time one call for each scale, and return {"event", "whole"}: milliseconds, see ``Stopwatch.time``.

        The call before them, which is not timed, says how far ahead the host has to be.
        """
        self._outputs = []
        found: dict[str, list[float]] = {"event": [], "whole": []}
        self._stopwatch.reset_cache()
        self._fill(self._places[0], scales[-1])
        host = self._stopwatch.host(lambda: self._call(self._places[0]))
        busy = max(LEAST_HEAD_START_MS, HEAD_START * host)
        for place, scale in zip(self._places, scales, strict=False):  # a race may need fewer
            self._fill(place, scale)
            result, event, whole = self._stopwatch.time(lambda place=place: self._call(place), busy)
            found["event"].append(event)
            found["whole"].append(whole)
            self._outputs.append(map_tensors(result, torch.clone))  # a module may give the same memory each time
        return found

    def burst(self, calls: int, scales: Sequence[float]) -> None:
        """Make calls one after the other and wait for the last: whoever asked has a clock of their own.

        ``output(0)`` is the last call's.
        """
        self._outputs = []
        result: Any = None
        for number in range(calls):
            place = number % len(self._places)
            self._fill(self._places[place], scales[last_scale(number + 1, len(scales))])
            result = self._call(self._places[place])
        self._stopwatch.wait()
        self._outputs = [map_tensors(result, torch.clone)]

    def output(self, index: int) -> Any:
        """Return the result of a call of the last round or burst."""
        return self._outputs[index]

    def profile(self) -> list[tuple[str, float]]:
        """Return the names of what ran on the GPU in some calls, with microseconds; empty if it can't be known."""
        from torch.profiler import ProfilerActivity, profile

        with profile(activities=[ProfilerActivity.CUDA]) as profiler:
            for place in self._places[:PROFILED_CALLS]:
                self._call(place)
            self._stopwatch.wait()
        events = [event for event in profiler.events() or () if event.device_type.name == "CUDA"]
        return [(event.name, float(event.self_device_time_total)) for event in events]

    def _fill(self, place: list[Any], scale: float) -> None:
        for source, target in zip(tensors(self._inputs), tensors(place), strict=True):
            if source.is_floating_point():
                target.data.copy_(source * scale)
        for weight in self._weights:
            weight.target.data.copy_(weight.pristine * scale)


def weights_of(model: torch.nn.Module, names: Collection[str] | None = None) -> list[Weight]:
    """Return the floating parameters and buffers of a module, those with ``names`` if given."""
    own = torch.nn.Module.state_dict(model, keep_vars=True)
    chosen = [t for name, t in own.items() if t.is_floating_point() and (names is None or name in names)]
    return [Weight(t, t.detach().clone()) for t in chosen]


def tensors(value: Any) -> list[torch.Tensor]:
    """Return the tensors in a tree of values, in order."""
    found: list[torch.Tensor] = []
    map_tensors(value, found.append)
    return found

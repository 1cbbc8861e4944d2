"""Answers requests for measurements in a worker's process, the candidate's or the baselines' (imports torch)."""

from collections.abc import Callable
from typing import Any

from pipeline.judge.cuda import binding
from pipeline.judge.cuda.contestant import Contestant, Weight
from pipeline.judge.torch_values import pack_values

# How a contestant is called, its arguments and weights, and where its arguments must be, if anywhere.
Entry = tuple[Callable[[list[Any]], Any], list[Any], list[Weight], list[Any] | None]


class Timed:
    """The contestants of one process, by name, each with as many ``samples`` a round."""

    def __init__(self, entries: dict[str, Entry], samples: int) -> None:
        binding.poison_new_memory(on=False)
        stopwatch = binding.stopwatch()
        self._contestants = {
            name: Contestant(call, inputs, weights, samples, stopwatch, fixed)
            for name, (call, inputs, weights, fixed) in entries.items()
        }

    def answer(self, request: dict[str, Any]) -> tuple[dict[str, Any], list[memoryview]]:
        """Return the header and buffers for a request.

        {"op": "round", "contestant", "scales"} -> {"event", "whole"}: milliseconds of one call for each scale;
        {"op": "burst", "contestant", "scales", "calls"} -> {}, when the calls are done;
        {"op": "output", "contestant", "index"} -> {"outputs": tree} of a call of the last round or burst;
        {"op": "profile", "contestant"} -> {"ran": [[name, microseconds], ..]}: what ran on the GPU in some calls.
        """
        contestant = self._contestants[request["contestant"]]
        match request["op"]:
            case "round":
                return dict(contestant.round(request["scales"])), []
            case "burst":
                contestant.burst(request["calls"], request["scales"])
                return {}, []
            case "output":
                tree, buffers = pack_values(contestant.output(request["index"]))
                return {"outputs": tree}, buffers
            case "profile":
                return {"ran": [list(pair) for pair in contestant.profile()]}, []
            case other:
                raise ValueError(f"no request {other!r}")

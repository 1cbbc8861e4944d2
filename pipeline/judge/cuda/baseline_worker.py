"""The baselines' process: times the reference eagerly, under torch.compile and as a CUDA graph (imports torch).

Like the reference's process it never sees a candidate and is confined; but torch.compile starts compilers, so it may
start processes. Only times come from here, never what a result is compared with.
"""

import copy
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch

from pipeline.judge import calling
from pipeline.judge.channel import Channel, ChannelClosedError
from pipeline.judge.cuda import binding
from pipeline.judge.cuda.contestant import tensors, weights_of
from pipeline.judge.cuda.timed import Entry, Timed
from pipeline.judge.operators import FlopCount
from pipeline.judge.reference_worker import make
from pipeline.judge.task_module import describe
from pipeline.judge.torch_values import map_tensors, seed_all

WARM_UP = 3  # calls before a capture, as torch's documentation of CUDA graphs has it
PREPARING_SECONDS = 120.0  # for one baseline: together they must fit what a process has for an answer


class TooLongError(Exception):
    """A baseline took longer to prepare than it may."""


def serve(channel: Channel) -> None:
    """Answer requests until the parent closes the channel.

    {"op": "arm", "samples", ...: of a reference's case} -> {"absent": {baseline: why it can't be},
    "flops": of products and convolutions, None if they can't be counted, "read_bytes": of arguments and weights,
    "wide": whether they are of 32 or more bits}; then what ``Timed`` answers. Whatever the task's module raises is
    answered with {"error", "detail"}.
    """
    timed: Timed | None = None
    armed: tuple[dict[str, Any], dict[str, Any]] = {}, {}
    buffers: list[memoryview] = []
    while True:
        try:
            request, _ = channel.receive()
        except ChannelClosedError:
            return
        channel.answering = request.pop("number")
        torch.set_grad_enabled(False)
        try:
            if request["op"] == "arm" and timed is not None and request == armed[0]:
                header, buffers = armed[1], []  # for another candidate of the task: nothing is compiled again
            elif request["op"] == "arm":
                timed = None
                (timed, header), buffers = _arm(request), []
                armed = request, header
            elif timed is not None:
                header, buffers = timed.answer(request)
            else:
                header, buffers = {"error": "not_armed", "detail": "this process was not armed, or lost what was"}, []
        except Exception as error:  # noqa: BLE001  (whatever a module raises)
            header, buffers = {"error": "task_raises", "detail": describe(error, "<task>")}, []
        channel.send(header, buffers)


def _arm(request: dict[str, Any]) -> tuple[Timed, dict[str, Any]]:
    _, model, arguments = make(request, "cuda")
    inputs = arguments()
    binding.poison_new_memory(on=False)
    run = _runner(request)
    seed_all(request["seed"])
    run(model, inputs)
    entries: dict[str, Entry] = {"eager": (lambda given: run(model, given), inputs, weights_of(model), None)}
    absent: dict[str, str] = {}
    for name, prepare in (("compile", _compiled), ("graph", _captured)):
        try:
            with _at_most(PREPARING_SECONDS):
                entries[name] = prepare(copy.deepcopy(model), inputs, run)
        except Exception as error:  # noqa: BLE001  (what can't be compiled or captured is no baseline)
            absent[name] = describe(error, "<task>")[:500]
            torch.cuda.synchronize()
    return Timed(entries, request["samples"]), {"absent": absent, **_work(model, inputs, run)}


@contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    """End the block with a TooLongError once it has taken so long; again and again, if somebody catches that."""

    def ring(*_: object) -> None:
        raise TooLongError(f"not ready after {seconds:.0f} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds, 5.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _runner(request: dict[str, Any]) -> Callable[[Any, list[Any]], Any]:
    if request["direction"] == "forward":
        return calling.forward
    upstream = calling.random_upstream(request["seed"] + 2)
    kept: list[list[torch.Tensor]] = []

    def arriving(outputs: list[torch.Tensor]) -> list[torch.Tensor]:
        if not kept:
            kept.append(upstream(outputs))
        return kept[0]

    return lambda model, inputs: calling.backward(model, inputs, arriving)


def _compiled(model: torch.nn.Module, inputs: list[Any], run: Callable[[Any, list[Any]], Any]) -> Entry:
    weights = weights_of(model)
    compiled = torch.compile(model)
    for _ in range(WARM_UP):
        run(compiled, inputs)
    torch.cuda.synchronize()
    return lambda given: run(compiled, given), inputs, weights, None


def _captured(model: torch.nn.Module, inputs: list[Any], run: Callable[[Any, list[Any]], Any]) -> Entry:
    """Capture a call. Its arguments stay where the capture saw them and are filled before each replay.

    A capture that fails (the module waits for the GPU) leaves its own stream the current one: torch's ``graph`` does
    not get to setting it back.
    """
    fixed = map_tensors(inputs, torch.clone)
    weights = weights_of(model)
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(WARM_UP):
            run(model, fixed)
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.stream(torch.cuda.current_stream()), torch.cuda.graph(graph):
        outputs = run(model, fixed)

    def replay(_: list[Any]) -> Any:
        graph.replay()
        return outputs

    replay(fixed)
    torch.cuda.synchronize()
    return replay, inputs, weights, fixed


def _work(model: torch.nn.Module, inputs: list[Any], run: Callable[[Any, list[Any]], Any]) -> dict[str, Any]:
    given = [*tensors(inputs), *model.state_dict().values()]
    floating = [tensor for tensor in given if tensor.is_floating_point()]
    try:
        with FlopCount() as counter:
            run(model, inputs)
        flops: int | None = counter.flops
    except Exception:  # noqa: BLE001  (an operator that the counter can't follow)
        flops = None
    return {
        "flops": flops,
        "read_bytes": sum(tensor.nbytes for tensor in given),
        "wide": any(tensor.element_size() >= 4 for tensor in floating),
    }

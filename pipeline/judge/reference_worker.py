"""The reference's process: makes inputs and expected outputs, and never sees a candidate.

The task's module is foreign code too, so this process is confined like the candidate's.
"""

import time
from collections.abc import Collection
from contextlib import nullcontext
from typing import Any

import torch

from pipeline.judge import calling, shapes
from pipeline.judge.accepting import Arguments, first_accepted, whole_numbers
from pipeline.judge.channel import Channel, ChannelClosedError
from pipeline.judge.device_names import accept_cuda
from pipeline.judge.distributions import transform
from pipeline.judge.exactness import refuse_rounded, refuse_ties
from pipeline.judge.fresh_weights import change_weights, randomise
from pipeline.judge.inputs import LARGE, Distribution
from pipeline.judge.operators import OperatorLog
from pipeline.judge.results import same_bytes
from pipeline.judge.task_module import Refused, describe, load_module
from pipeline.judge.torch_values import map_tensors, pack_values, seed_all, widen
from pipeline.judge.values import BadValueError
from pipeline.judge.weights import is_compared

# Of a value: some rounding errors of float64, or else of float32, as any kernel makes in its first operations.
NEARBY, NEARBY_WIDE = 2.0**-21, 2.0**-50
KEPT_ON_GPU = 2**30  # bytes that torch keeps for the next case
BATCH_SECONDS, BATCH_BYTES = 0.05, 4 * 2**20  # of the processor, of results: what is made of cases asked for ahead


def serve(channel: Channel, device: str = "cpu") -> None:
    """Answer requests until the parent closes the channel; modules are run on ``device``.

    Arguments and weights are made on the CPU, so that they are the same on every backend.

    {"op": "case", "source", "sizes", "seed", "distribution", ...} -> the arguments and results of one call, see
    ``_case``; {"op": "cases", "cases"} -> those of several, see ``_cases``; {"op": "measure", "source", "settings",
    "computed"} -> what a call at each of the settings takes; {"op": "arguments", "source", "sizes"} -> of which
    shapes these are, see ``shapes``; {"op": "figures", "source", "sizes", "direction", "seed", "seeds",
    "redundant_below"} -> what the task filters decide by, see ``task_figures``.
    A module that raises is answered with {"error": kind, "detail": text}.
    """
    if device == "cpu":
        accept_cuda()
    while True:
        try:
            request, _ = channel.receive()
        except ChannelClosedError:
            return
        channel.answering = request["number"]
        torch.set_grad_enabled(False)
        channel.send(*answer(request, device))
        if torch.cuda.is_initialized() and torch.cuda.memory_reserved() > KEPT_ON_GPU:
            torch.cuda.empty_cache()  # others are in want of it until the next case


def answer(request: dict[str, Any], device: str) -> tuple[dict[str, Any], list[memoryview]]:
    """Return the header and the buffers of the answer to a request; see ``serve``."""
    try:
        if request["op"] == "measure":
            source, computed = request["source"], request["computed"]
            return {"measurements": [shapes.measured(source, s, computed=computed) for s in request["settings"]]}, []
        if request["op"] == "arguments":
            return shapes.arguments(request["source"], request["sizes"]), []
        if request["op"] == "figures":
            return {"figures": _figures(request)}, []
        return _cases(request["cases"], device) if request["op"] == "cases" else _case(request, device)
    except Refused as refusal:
        return {"error": refusal.kind, "detail": str(refusal)}, []


def _cases(requests: list[dict[str, Any]], device: str) -> tuple[dict[str, Any], list[memoryview]]:
    """Return {"answers", "counts": how many of the buffers are whose} to the first of the cases.

    These are as many as cost little, and at least one. A later case that the module refuses is left to be asked for.
    """
    until = time.process_time() + BATCH_SECONDS
    answers: list[dict[str, Any]] = []
    counts: list[int] = []
    buffers: list[memoryview] = []
    for request in requests:
        try:
            header, raw = _case(request, device)
        except Refused:
            if not answers:
                raise
            break
        answers.append(header)
        counts.append(len(raw))
        buffers += raw
        if time.process_time() > until or sum(map(len, buffers)) > BATCH_BYTES:
            break
    return {"answers": answers, "counts": counts}, buffers


def _case(request: dict[str, Any], device: str) -> tuple[dict[str, Any], list[memoryview]]:
    """Run one call of the reference.

    Returns a tree {"init", "state", "inputs", "upstream", "expected", "nearby", "eager"}: constructor arguments,
    named parameters and buffers, call arguments, for direction ``backward`` the gradients that arrive at the outputs
    (else None), results in float64 where the module can compute in it, the same of arguments a rounding error away,
    and the results of the module as it stands; these two set the tolerance. ``twice`` is a second run's result when
    asked for. ``buffers`` has the same three of the module's buffers that the call changed, by name. ``computing``
    beside the tree names the torch operators that computed something, None unless the request is ``watched``, and
    ``parameters`` the module's; if the request ``evaluates``, ``alike_in_evaluation`` is whether the results after
    ``model.eval()`` are the same to the bit. Floating arguments are multiplied by ``scale``, if there is one, and
    weights with ``scale_weights``; the weights named by ``replaced`` have other values, with ``halved`` all that are
    ``varied`` and, of those it names, the ``constants``.
    """
    seed = request["seed"]
    backward = request["direction"] == "backward"
    try:
        init, model, arguments = make(request, device)
        change_weights(model, request, torch.Generator(device).manual_seed(seed))
        call = Call(seed, backward=backward, watched=request["watched"])
        values = {
            "init": init,
            "state": dict(model.state_dict()),
            **_results(call, model, arguments, request["distribution"], seed),
            "upstream": call.upstream,
        }
        if request.get("twice"):
            values["twice"] = call(model, values["inputs"])
    except Refused:
        raise
    except Exception as error:
        raise Refused("task_raises", describe(error, "<task>")) from error
    try:
        tree, raw = pack_values(values)
    except BadValueError as error:
        raise Refused("task_unsupported", f"gives {error}") from error
    parameters = [name for name, _ in model.named_parameters()]
    header = {"values": tree, "computing": call.computing, "parameters": parameters}
    if request.get("evaluates"):
        header["alike_in_evaluation"] = call.is_alike_in_evaluation(model, values["inputs"], values["eager"])
    return header, raw


def make(request: dict[str, Any], device: str) -> tuple[list[Any], torch.nn.Module, Arguments]:
    """Return constructor arguments, the module on the device, and what makes the call arguments there.

    Raises:
        Refused: the source is no task's module. What it raises itself goes through.
    """
    module = load_module(request["source"], request["sizes"])
    weights_seed, seed = request["weights_seed"], request["seed"]
    seed_all(weights_seed)
    init = list(module.get_init_inputs())
    seed_all(weights_seed)
    model = module.Model(*init)
    if request["fresh_weights"]:
        randomise(model, weights_seed)
    seed_all(seed + 1)
    made = list(module.get_inputs())
    scale = request.get("scale")

    def scaled(tensor: torch.Tensor) -> torch.Tensor:
        return tensor if scale is None or not tensor.is_floating_point() else tensor * scale

    def arguments(factor: int = LARGE[0], only: Collection[int] | None = None) -> list[Any]:
        placed = map_tensors(made, lambda tensor: tensor.to(device))
        return map_tensors(transform(placed, request["distribution"], seed, factor, only), scaled)

    return init, model.to(device), arguments


class Call:
    """Calls the reference, forward or backward, always with the same seed and the same upstream gradients."""

    def __init__(self, seed: int, *, backward: bool, watched: bool = False) -> None:
        self._seed = seed
        self._watched = watched
        self.computing: list[str] | None = None  # torch operators in the first call, if it is watched
        self._backward = backward
        self.upstream: list[torch.Tensor] | None = None
        self.buffers: dict[str, torch.Tensor] = {}  # those that count, after the last call

    def __call__(self, model: torch.nn.Module, inputs: list[Any], *, wide: bool = False) -> Any:
        """Run a copy, ``wide`` in float64, on copies: a module that changes inputs or buffers changes only those."""
        seed_all(self._seed)
        model, inputs = calling.copied(model), map_tensors(inputs, torch.clone)
        if wide:
            model = model.double()
        with OperatorLog() if self._watched else nullcontext() as log:
            run = (
                calling.backward(model, inputs, self._arriving) if self._backward else calling.forward(model, inputs)
            )
        if log is not None:
            self._watched, self.computing = False, sorted(log.computing)
        self.buffers = {name: b.detach() for name, b in model.named_buffers() if is_compared(model, name)}
        return run

    def in_float64(self, model: torch.nn.Module, inputs: list[Any], eager: Any) -> Any:
        """Return the results in float64; ``eager`` itself, widened, where the module can't compute in float64."""
        try:
            return widen(self(model, widen(inputs), wide=True))
        except torch.OutOfMemoryError:  # it can, where others leave it the memory
            raise
        except (RuntimeError, TypeError, ValueError, NotImplementedError):
            return widen(eager)

    def refuse_rounded(self, model: torch.nn.Module, inputs: list[Any], *, deciding: bool) -> None:
        """Raise ``Refused`` if a value that was rounded decides; if ``deciding``, also where nothing does."""
        seed_all(self._seed)
        refuse_rounded(calling.copied(model), inputs, backward=self._backward, deciding=deciding)

    def refuse_ties(self, model: torch.nn.Module, inputs: list[Any], results: Any) -> None:
        """Raise ``Refused`` if whole numbers among the results of a way forward turn on a rounding error."""
        if whole := whole_numbers(results):
            seed_all(self._seed)
            refuse_ties(calling.copied(model), inputs, whole, self._seed)

    def is_alike_in_evaluation(self, model: torch.nn.Module, inputs: list[Any], results: Any) -> bool:
        """Whether the results after ``model.eval()``, which the model stays in, are these to the bit."""
        try:
            return same_bytes(self(model.eval(), inputs), results)
        except Exception:  # noqa: BLE001  (the task's own code)
            return False

    def _arriving(self, outputs: list[torch.Tensor]) -> list[torch.Tensor]:
        if self.upstream is None:
            self.upstream = calling.random_upstream(self._seed + 2)(outputs)
        return [gradient.to(output) for gradient, output in zip(self.upstream, outputs, strict=True)]


def _results(
    call: Call, model: torch.nn.Module, arguments: Arguments, distribution: Distribution, seed: int
) -> dict[str, Any]:
    """Return the call arguments and what ``_case`` says of the results and buffers."""
    before = dict(model.named_buffers())
    inputs, eager = first_accepted(lambda given: call(model, given), arguments, distribution)
    if distribution in ("coarse", "level") or (distribution == "zeros" and call.upstream is not None):
        call.refuse_rounded(model, inputs, deciding=distribution == "coarse")
    elif distribution == "zeros":
        call.refuse_ties(model, inputs, eager)
    left = call.buffers
    changed = [name for name, buffer in left.items() if name not in before or not torch.equal(before[name], buffer)]
    expected = call.in_float64(model, inputs, eager)
    wide = call.buffers
    exact = distribution == "coarse"  # what it is for is what a rounding error would hide
    nearby = expected if exact else call.in_float64(model, _nearby(inputs, seed), eager)
    by_name = {"expected": widen(wide), "nearby": widen(call.buffers), "eager": left}
    buffers = {kind: {name: found.get(name, left[name]) for name in changed} for kind, found in by_name.items()}
    return {"inputs": inputs, "expected": expected, "nearby": nearby, "eager": eager, "buffers": buffers}


def _nearby(inputs: list[Any], seed: int) -> list[Any]:
    """Return the arguments in float64, each floating value changed by some rounding errors of its type.

    The noise is made where the value is, and changed in place: it is in float64, and a large value's takes gigabytes.
    """
    generators: dict[torch.device, torch.Generator] = {}

    def change(value: torch.Tensor) -> torch.Tensor:
        if not value.is_floating_point():
            return value
        device = value.device
        generator = generators.setdefault(device, torch.Generator(device).manual_seed(seed))
        noise = torch.empty_like(value, dtype=torch.float64).uniform_(generator=generator).mul_(2).sub_(1)
        step = NEARBY_WIDE if value.dtype == torch.float64 else NEARBY
        return noise.mul_(step).add_(1).mul_(value)

    return map_tensors(inputs, change)


def _figures(request: dict[str, Any]) -> dict[str, Any]:
    """Return ``task_figures.measure`` of the module at one setting."""
    from pipeline.judge.task_figures import measure

    module = load_module(request["source"], request["sizes"])
    first = request["seed"]

    def model_of(number: int) -> torch.nn.Module:
        seed_all(first)
        init = list(module.get_init_inputs())
        seed_all(first + number)
        model = module.Model(*init)
        randomise(model, first + number)
        return model

    def inputs_of(number: int) -> list[Any]:
        seed_all(first + number + 1)
        return list(module.get_inputs())

    call = Call(first, backward=request["direction"] == "backward")
    try:
        return measure(model_of, inputs_of, call, request["seeds"], request["redundant_below"])
    except Exception as error:
        raise Refused("task_raises", describe(error, "<task>")) from error

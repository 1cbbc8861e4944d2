"""The reference's process: makes inputs and expected outputs, and never sees a candidate.

The task's module is foreign code too, so this process is confined like the candidate's.
"""

import ast
import copy
import traceback
import types
from typing import Any

import torch

from pipeline.judge import calling
from pipeline.judge.channel import Channel, ChannelClosedError
from pipeline.judge.inputs import transform
from pipeline.judge.sizes import with_sizes
from pipeline.judge.torch_values import map_tensors, pack_values, seed_all, widen
from pipeline.judge.values import BadValueError

NEARBY = 2.0**-21  # of a value: some rounding errors of float32, as any kernel makes in its first operations
REQUIRED = ("Model", "get_inputs", "get_init_inputs")


def serve(channel: Channel, device: str = "cpu") -> None:
    """Answer requests until the parent closes the channel; modules are run on ``device``.

    Arguments and weights are made on the CPU, so that they are the same on every backend.

    {"op": "case", "source", "sizes", "seed", "distribution", ...} -> the arguments and results of one call, see
    ``_case``; {"op": "measure", "source", "settings"} -> what a call at each of the settings takes, see ``_measure``;
    {"op": "figures", "source", "sizes", "direction", "seed", "seeds", "redundant_below"} -> what the task filters
    decide by, see ``task_figures``.
    A module that raises is answered with {"error": kind, "detail": text}.
    """
    while True:
        try:
            request, _ = channel.receive()
        except ChannelClosedError:
            return
        channel.answering = request["number"]
        torch.set_grad_enabled(False)
        try:
            if request["op"] == "measure":
                found = [_measure(request["source"], sizes) for sizes in request["settings"]]
                header, buffers = {"measurements": found}, []
            elif request["op"] == "figures":
                header, buffers = {"figures": _figures(request)}, []
            else:
                header, buffers = _case(request, device)
        except Refused as refusal:
            header, buffers = {"error": refusal.kind, "detail": str(refusal)}, []
        channel.send(header, buffers)


class Refused(Exception):  # noqa: N818  (it is an answer, not an error of ours)
    """The task's module can't do this case."""

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind


def load_module(source: str, sizes: dict[str, int]) -> types.ModuleType:
    """Execute a task's module with some of its module-level integers replaced.

    The replacement happens in the syntax tree, so that sizes derived from others follow.

    Raises:
        Refused: it does not parse, raises, or lacks one of ``REQUIRED``.
    """
    try:
        tree = ast.parse(source, "<task>")
        with_sizes(tree, sizes)
        module = types.ModuleType("task")
        exec(compile(tree, "<task>", "exec"), module.__dict__)  # noqa: S102  (that is what a task is; confined)
    except Exception as error:
        raise Refused("task_raises", describe(error, "<task>")) from error
    missing = [name for name in REQUIRED if not hasattr(module, name)]
    if missing:
        raise Refused("task_incomplete", f"lacks {', '.join(missing)}")
    return module


def describe(error: BaseException, filename: str) -> str:
    """Return the exception in one line with the last line number inside ``filename``."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == filename]
    if isinstance(error, SyntaxError) and error.filename == filename:
        lines.append(error.lineno)
    where = f" (line {lines[-1]})" if lines else ""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:1500]}{where}"


def _case(request: dict[str, Any], device: str) -> tuple[dict[str, Any], list[memoryview]]:
    """Run one call of the reference.

    Returns a tree {"init", "state", "inputs", "upstream", "expected", "nearby", "eager"}: constructor arguments,
    named parameters and buffers, call arguments, for direction ``backward`` the gradients that arrive at the outputs
    (else None), results in float64 where the module can compute in it, the same of arguments a rounding error away,
    and the results of the module as it stands; these two set the tolerance. ``twice`` is a second run's result when
    asked for. Floating arguments are multiplied by ``scale``, if there is one, and weights with ``scale_weights``.
    """
    seed = request["seed"]
    backward = request["direction"] == "backward"
    try:
        init, model, inputs = make(request, device)
        if (scale := request.get("scale")) is not None:
            for tensor in model.state_dict().values() if request["scale_weights"] else ():
                if tensor.is_floating_point():
                    tensor.mul_(scale)
            inputs = map_tensors(inputs, lambda t: t * scale if t.is_floating_point() else t)
        call = Call(seed, backward=backward)
        eager = call(model, inputs)
        values = {
            "init": init,
            "state": dict(model.state_dict()),
            "inputs": inputs,
            "upstream": call.upstream,
            "expected": call.in_float64(model, inputs, eager),
            "nearby": call.in_float64(model, _nearby(inputs, seed), eager),
            "eager": eager,
        }
        if request.get("twice"):
            values["twice"] = call(model, inputs)
    except Refused:
        raise
    except Exception as error:
        raise Refused("task_raises", describe(error, "<task>")) from error
    try:
        tree, buffers = pack_values(values)
    except BadValueError as error:
        raise Refused("task_unsupported", f"gives {error}") from error
    return {"values": tree}, buffers


def make(request: dict[str, Any], device: str) -> tuple[list[Any], torch.nn.Module, list[Any]]:
    """Return constructor arguments, the module on the device, and call arguments there, as a request asks for them.

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
        _randomise(model, weights_seed)
    seed_all(seed + 1)
    inputs = transform(list(module.get_inputs()), request["distribution"], seed)
    return init, model.to(device), map_tensors(inputs, lambda t: t.to(device))


class Call:
    """Calls the reference, forward or backward, always with the same seed and the same upstream gradients."""

    def __init__(self, seed: int, *, backward: bool) -> None:
        self._seed = seed
        self._backward = backward
        self.upstream: list[torch.Tensor] | None = None

    def __call__(self, model: torch.nn.Module, inputs: list[Any]) -> Any:
        """Run a copy on copies, so that a module that changes its inputs or buffers changes only those."""
        seed_all(self._seed)
        model, inputs = copy.deepcopy(model), map_tensors(inputs, torch.clone)
        return calling.backward(model, inputs, self._arriving) if self._backward else calling.forward(model, inputs)

    def in_float64(self, model: torch.nn.Module, inputs: list[Any], eager: Any) -> Any:
        """Return the results in float64; ``eager`` itself, widened, where the module can't compute in float64."""
        try:
            return widen(self(copy.deepcopy(model).double(), widen(inputs)))
        except (RuntimeError, TypeError, ValueError, NotImplementedError):
            return widen(eager)

    def _arriving(self, outputs: list[torch.Tensor]) -> list[torch.Tensor]:
        if self.upstream is None:
            self.upstream = calling.random_upstream(self._seed + 2)(outputs)
        return [gradient.to(output) for gradient, output in zip(self.upstream, outputs, strict=True)]


def _nearby(inputs: list[Any], seed: int) -> list[Any]:
    """Return the arguments in float64, each floating value changed by up to ``NEARBY`` of itself."""
    generator = torch.Generator().manual_seed(seed)

    def change(value: torch.Tensor) -> torch.Tensor:
        if not value.is_floating_point():
            return value
        noise = 2 * torch.rand(value.shape, generator=generator, dtype=torch.float64) - 1
        return value.double() * (1 + NEARBY * noise.to(value.device))

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
        _randomise(model, first + number)
        return model

    def inputs_of(number: int) -> list[Any]:
        seed_all(first + number + 1)
        return list(module.get_inputs())

    call = Call(first, backward=request["direction"] == "backward")
    try:
        return measure(model_of, inputs_of, call, request["seeds"], request["redundant_below"])
    except Exception as error:
        raise Refused("task_raises", describe(error, "<task>")) from error


def _measure(source: str, sizes: dict[str, int]) -> dict[str, Any]:
    """Return what one call takes, see ``meta.measure``, or {"error": text} if the module refuses the sizes."""
    from pipeline.judge.meta import measure

    try:
        return measure(load_module(source, sizes))
    except Exception as error:  # noqa: BLE001  (whatever a module raises is its refusal)
        return {"error": describe(error, "<task>")}


def _randomise(model: torch.nn.Module, seed: int) -> None:
    """Give parameters that are all alike (zero biases, unit scales) values that a kernel can't leave out."""
    generator = torch.Generator().manual_seed(seed)
    for parameter in model.parameters():
        if (
            parameter.is_floating_point()
            and parameter.numel() > 1
            and bool((parameter == parameter.flatten()[0]).all())
        ):
            parameter.add_(torch.randn(parameter.shape, generator=generator, dtype=torch.float32).to(parameter.dtype))

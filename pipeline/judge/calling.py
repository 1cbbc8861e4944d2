"""One call of a module, the reference's or the candidate's: its results, or its gradients (imports torch)."""

import copy
from collections import OrderedDict
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch

from pipeline.judge.device import Device
from pipeline.judge.inputs import MODES, TRAINED, Mode
from pipeline.judge.task_module import describe
from pipeline.judge.torch_values import map_tensors, plain, seed_all

Upstream = list[torch.Tensor]
_FIXED = (bool, int, float, str, type(None))
_EMPTY = (dict, OrderedDict, set, list)


def copied(model: torch.nn.Module) -> torch.nn.Module:
    """Return a deep copy; of a module that holds only numbers and texts one by hand, in a twentieth of the time."""
    plain = all(type(value) in _FIXED or (type(value) in _EMPTY and not value) for value in vars(model).values())
    if not plain or hasattr(model, "__deepcopy__"):
        return copy.deepcopy(model)
    other = object.__new__(type(model))
    vars(other).update({k: v if type(v) in _FIXED else type(v)() for k, v in vars(model).items()})
    return other


def run(model: Any, inputs: list[Any], upstream: Upstream | None, names: Mapping[str, str] | None = None) -> Any:
    """Return what ``forward`` does, or ``backward`` where gradients arrive at the outputs."""
    return forward(model, inputs) if upstream is None else backward(model, inputs, lambda _: upstream, names)


def forward(model: Any, inputs: list[Any]) -> Any:
    """Return ``model(*inputs)``, computed without gradients."""
    with torch.no_grad():
        return model(*inputs)


def backward(
    model: Any,
    inputs: list[Any],
    upstream: Callable[[Upstream], Upstream],
    names: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return {"outputs", "input_gradients", "parameter_gradients"} of one call and its way back.

    Args:
        model: a module; its parameters that require gradients get them, by name.
        inputs: floating tensors among them get gradients, in this order, None for what no output depends on.
        upstream: is given the differentiable outputs and returns the gradients that arrive at them.
        names: the model's own of the reference's weights, which its parameters are told by if they are known.

    Raises:
        ValueError: no output is differentiable.
    """
    parameters = _told(model, names)
    leaves = [value for value in inputs if isinstance(value, torch.Tensor) and value.is_floating_point()]
    with torch.enable_grad():
        for leaf in leaves:
            torch.Tensor.requires_grad_(leaf)
        try:
            outputs = model(*inputs)
            differentiable: Upstream = []
            map_tensors(outputs, lambda t: differentiable.append(t) if t.requires_grad else None)
            if not differentiable:
                raise ValueError("no output is differentiable")
            wanted = [*leaves, *parameters.values()]
            arrived = upstream(differentiable)
            found = torch.autograd.grad(differentiable, wanted, arrived, allow_unused=True)
        finally:
            for leaf in leaves:
                torch.Tensor.requires_grad_(leaf, False)
    return {
        "outputs": map_tensors(outputs, torch.Tensor.detach),
        "input_gradients": list(found[: len(leaves)]),
        "parameter_gradients": dict(zip(parameters, found[len(leaves) :], strict=True)),
    }


def _told(model: Any, names: Mapping[str, str] | None) -> dict[str, torch.nn.Parameter]:
    """Return the parameters that require gradients, by the reference's names, one that modules share by the first."""
    own: dict[str, torch.nn.Parameter] = {name: p for name, p in model.named_parameters() if p.requires_grad}
    first: dict[str, str] = {}
    for theirs, mine in (names or {}).items():
        first.setdefault(mine, theirs)
    return {first.get(name, name): parameter for name, parameter in own.items()}


def in_modes(
    model: torch.nn.Module,
    inputs: list[Any],
    upstream: Upstream | None,
    names: Mapping[str, str] | None,
    seed: int,
    prepare: Callable[[], None],
    device: Device,
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return by the names of ``MODES`` what ``model(*inputs)`` does in each, and where it raises what it says.

    Each call comes after ``prepare`` and with the same seed. A kernel's fault is raised. Where gradients arrive,
    ``TRAINED`` has what ``backward`` gives as training may call it.
    """
    outputs: dict[str, Any] = {}
    raised: dict[str, str] = {}
    ways = {mode.name: partial(in_mode, model, inputs, mode) for mode in MODES}
    if upstream is not None:
        ways[TRAINED] = partial(_trained, model, inputs, upstream, names, device)
    for name, call in ways.items():
        prepare()
        seed_all(seed)
        try:
            outputs[name] = plain(call())
        except Exception as error:
            if device.fault_of(error):
                raise
            raised[name] = describe(error, "<candidate>")
    return outputs, raised


def _trained(
    model: torch.nn.Module,
    inputs: list[Any],
    upstream: Upstream,
    names: Mapping[str, str] | None,
    device: Device,
) -> dict[str, Any]:
    """Return what ``backward`` does if the module is called on other inputs before the way back.

    The gradients that arrive are every second value of a tensor, as they are where outputs were stacked.
    """
    others = map_tensors(inputs, lambda t: device.guard(t * -0.5 if t.is_floating_point() else t))
    spread = [device.guard(torch.stack([g, g], -1)[..., 0]) for g in upstream]

    def arriving(_: Upstream) -> Upstream:
        model(*others)
        return spread

    return backward(model, inputs, arriving, names)


def in_mode(model: torch.nn.Module, inputs: list[Any], mode: Mode) -> Any:
    """Return what ``model(*inputs)`` does in a mode; what the mode changes is set back."""
    trained = {parameter for parameter in model.parameters() if parameter.requires_grad}
    training = {module: module.training for module in model.modules()}
    required = [value for value in inputs if isinstance(value, torch.Tensor) and value.is_floating_point()]
    surroundings = {"on": torch.enable_grad, "off": torch.no_grad, "inference": torch.inference_mode}
    try:
        if mode.evaluates:
            model.eval()
        for parameter in trained if mode.frozen else ():
            torch.Tensor.requires_grad_(parameter, False)
        for value in required if mode.inputs_require else ():
            torch.Tensor.requires_grad_(value)
        with surroundings[mode.gradients]():
            return model(*inputs)
    finally:
        for value in required:
            torch.Tensor.requires_grad_(value, False)
        for parameter in trained:
            torch.Tensor.requires_grad_(parameter)
        for module, was in training.items():
            module.training = was


def random_upstream(seed: int) -> Callable[[Upstream], Upstream]:
    """Return what draws gradients from a normal distribution, in the outputs' shapes and dtypes."""

    def draw(outputs: Upstream) -> Upstream:
        generator = torch.Generator().manual_seed(seed)
        return [torch.randn(t.shape, generator=generator).to(t) for t in outputs]

    return draw

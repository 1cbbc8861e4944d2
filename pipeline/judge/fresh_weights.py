"""Other weights than a constructor gives: a kernel may not rely on those, training changes them (imports torch)."""

from typing import Any

import torch

from pipeline.judge.distributions import is_symmetric, touch
from pipeline.judge.weights import changed_constant, constants, distinct, halved, varied

LOOKED_AT = 4096  # of a parameter's values: random ones are hardly ever the same


def randomise(model: torch.nn.Module, seed: int) -> None:
    """Give parameters that a constructor has filled by a rule, and running statistics, other values, in place.

    A kernel could leave out ones, a scale that always begins as 0.25, or the zeros of an identity.
    """
    generator = torch.Generator().manual_seed(seed)
    for parameter in model.parameters():
        if parameter.is_floating_point() and parameter.numel():
            _randomise(parameter, generator)
    for name, buffer in model.named_buffers():  # a kernel that leaves out statistics of 0 and 1 has nothing to do
        if name.endswith("running_mean"):
            buffer.add_(torch.randn(buffer.shape, generator=generator).to(buffer.dtype))
        elif name.endswith("running_var"):  # some small: then epsilon counts, too
            buffer.mul_((torch.rand(buffer.shape, generator=generator) ** 4 + 1e-3).to(buffer.dtype))
        elif name.endswith("num_batches_tracked"):  # who waits for a number of calls finds any
            buffer.add_(torch.randint(2**20, buffer.shape, generator=generator).to(buffer.dtype))


def _randomise(parameter: torch.nn.Parameter, generator: torch.Generator) -> None:
    drawn = torch.randn(parameter.shape, generator=generator, dtype=torch.float32).to(parameter.dtype)
    flat = parameter.flatten()
    if parameter.numel() == 1:  # its sign stays: a temperature, an exponent
        factor = 1 + 0.5 * drawn.clamp(-1, 1)
        parameter.copy_(torch.where(parameter == 0, factor, parameter * factor))
    elif bool((flat == flat[0]).all()):
        parameter.add_(drawn)
    elif parameter.requires_grad and bool(flat.isfinite().all()) and _follows_a_rule(flat[:LOOKED_AT]):
        parameter.add_(drawn * flat.square().mean().sqrt() / 2)


def _follows_a_rule(values: torch.Tensor) -> bool:
    """Whether values are few, each often there, or evenly spaced: an identity, a mask, a ramp."""
    if len(values.unique()) <= len(values) // 2:
        return True
    steps = values.double().diff()
    return len(steps) > 2 and torch.allclose(steps, steps[0], rtol=1e-2, atol=0)


def touch_weights(model: torch.nn.Module, seed: int) -> None:
    """Make one value of each parameter larger, in place; its sign stays, since some have to be positive."""
    for weight in model.parameters():
        if weight.is_floating_point() and weight.numel() > 1 and not is_symmetric(weight):
            touch(weight.data, 5, seed)


def change_weights(model: torch.nn.Module, request: dict[str, Any], generator: torch.Generator) -> None:
    """Change weights in place, as ``reference_worker`` says of a case."""
    state = distinct(model.state_dict())
    if request["distribution"] == "touched" and request["fresh_weights"]:
        touch_weights(model, request["seed"])
    scale = request.get("scale")
    if scale is not None and request["scale_weights"]:
        for tensor in state.values():
            if tensor.is_floating_point():
                tensor.mul_(scale)
    for name in request.get("replaced", ()):
        state[name].uniform_(0.5, 1.5, generator=generator)
    if (names := request.get("halved")) is not None:
        for name in constants(state, names):
            state[name].copy_(changed_constant(state[name]))
        for weight in varied(state).values():
            weight.copy_(halved(weight))

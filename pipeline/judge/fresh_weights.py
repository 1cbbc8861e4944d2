"""Other values for the reference's weights than those it is made with (imports torch)."""

from typing import Any

import torch

from pipeline.judge.weights import halved, varied


def randomise(model: torch.nn.Module, seed: int) -> None:
    """Give parameters that are all alike, and running statistics, values that a kernel can't leave out."""
    generator = torch.Generator().manual_seed(seed)
    for parameter in model.parameters():
        if not parameter.is_floating_point() or not parameter.numel():
            continue
        if parameter.numel() == 1:  # a temperature, an epsilon: its sign stays
            factor, least = 0.5 + torch.rand(2, generator=generator).to(parameter)
            parameter.copy_(parameter * factor + (parameter == 0) * least)
        elif bool((parameter == parameter.flatten()[0]).all()):
            parameter.add_(torch.randn(parameter.shape, generator=generator, dtype=torch.float32).to(parameter.dtype))
    for name, buffer in model.named_buffers():  # a kernel that leaves out statistics of 0 and 1 has nothing to do
        if name.endswith("running_mean"):
            buffer.add_(torch.randn(buffer.shape, generator=generator).to(buffer.dtype))
        elif name.endswith("running_var"):  # some small: then epsilon counts, too
            buffer.mul_((torch.rand(buffer.shape, generator=generator) ** 4 + 1e-3).to(buffer.dtype))
        elif name.endswith("num_batches_tracked"):  # who waits for a number of calls finds any
            buffer.add_(torch.randint(2**20, buffer.shape, generator=generator).to(buffer.dtype))


def change_weights(state: dict[str, torch.Tensor], request: dict[str, Any], generator: torch.Generator) -> None:
    """Change weights in place, as ``reference_worker`` says of a case."""
    scale = request.get("scale")
    if scale is not None and request["scale_weights"]:
        for tensor in state.values():
            if tensor.is_floating_point():
                tensor.mul_(scale)
    for name in request.get("replaced", ()):
        state[name].uniform_(0.5, 1.5, generator=generator)
    if request.get("halved"):
        for weight in varied(state).values():
            weight.copy_(halved(weight))

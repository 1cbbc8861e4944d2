"""What the task filters decide by, measured in the reference's process (imports torch)."""

from collections.abc import Callable
from typing import Any

import torch

from pipeline.judge.redundancy import NotTracedError, find_redundant
from pipeline.judge.torch_values import map_tensors

Draw = Callable[[int], Any]
Run = Callable[[Any, list[Any]], Any]
MAGNITUDES = (1.0, 1.0, 1e3)  # the last one makes a shift matter that only keeps an exponential from overflowing


def measure(model_of: Draw, inputs_of: Draw, run: Run, seeds: int, redundant_below: float | None) -> dict[str, Any]:
    """Return the figures of ``TaskFilters`` by name, None where there is none, and why an operation can't be sought.

    Args:
        model_of: makes the module with the weights of a seed.
        inputs_of: makes the arguments of a seed.
        run: calls a module on arguments, both left as they are.
        seeds: how many of each are drawn.
        redundant_below: the largest relative change by an operation that counts as none; None: do not look.
    """
    models, inputs = [model_of(n) for n in range(seeds)], [inputs_of(n) for n in range(seeds)]
    both = _stacks([run(model, given) for model, given in zip(models, inputs, strict=True)])
    by_input = _stacks([run(models[0], given) for given in inputs])
    weighted = any(p.is_floating_point() for p in models[0].parameters())
    by_weight = _stacks([run(model, inputs[0]) for model in models]) if weighted else []
    figures: dict[str, Any] = {
        "output_std": _largest(both),
        "axis_std": max((_least_axis(s) for s in both if s.numel()), default=None),
        "input_impact": _largest(by_input),
        "weight_impact": _largest(by_weight),
    }
    if redundant_below is not None:
        scaled = [_scaled(given, size) for given, size in zip(inputs, MAGNITUDES, strict=False)]
        try:
            figures["redundant_operation"] = find_redundant(models[-1], scaled, redundant_below)
        except NotTracedError as error:
            figures["not_traced"] = str(error)
    return figures


def _stacks(runs: list[Any]) -> list[torch.Tensor]:
    """Return for each tensor of the results its values over the runs, stacked in front, in float64.

    Results whose shapes change from run to run can't be compared and are left out.
    """
    flat: list[list[torch.Tensor]] = []
    for result in runs:
        found: list[torch.Tensor] = []
        map_tensors(result, lambda t, found=found: found.append(t.detach().double()))
        flat.append(found)
    columns = zip(*flat, strict=False)
    return [torch.stack(column) for column in columns if len({t.shape for t in column}) == 1]


def _largest(stacks: list[torch.Tensor]) -> float | None:
    """Return the largest standard deviation over the runs of any element."""
    return max((float(s.std(dim=0).max()) for s in stacks if s.numel()), default=None)


def _least_axis(stack: torch.Tensor) -> float:
    """Return, of the axes with more than one entry, the least that any has as its largest standard deviation."""
    return min(float(stack.std(dim=axis).max()) for axis in range(stack.dim()) if stack.shape[axis] > 1)


def _scaled(inputs: list[Any], size: float) -> list[Any]:
    return map_tensors(inputs, lambda t: t * size if t.is_floating_point() else t)

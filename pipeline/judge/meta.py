"""What a call of a reference takes, from torch's meta device, which computes shapes and no values.

The first computation on that device makes torch import a thousand modules (0.8 s). Importing this module does that,
so that the fork server can do it once, and only when something has to be measured.
"""

import os
import tempfile
from typing import Any

import torch

from pipeline.judge.operators import TooLongError, WorkCount
from pipeline.judge.torch_values import NAMES, map_tensors
from pipeline.judge.values import Described, pack

MEASURING_SECONDS = 1.0  # a recurrent network is thousands of operators; one that takes longer is too much anyway
BEYOND_COUNT = 2**62


def _warm_up() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = folder  # made on import, and used for nothing here
        with torch.device("meta"), torch.no_grad():
            torch.randn(2).mul(2)
        del os.environ["TORCHINDUCTOR_CACHE_DIR"]


_warm_up()


def measure(module: Any, *, computed: bool = False) -> dict[str, Any]:
    """Return {"work", "bytes", "ranks"} of one call of a task's module; see ``settings.Measurement``.

    ``computed``: it is called with values, as some modules have to be. Whatever it raises is its refusal.
    """
    with torch.device("cpu" if computed else "meta"), torch.no_grad():
        model = module.Model(*module.get_init_inputs())
        inputs = list(module.get_inputs())
        try:
            with WorkCount(MEASURING_SECONDS) as count:
                outputs = model(*inputs)
        except TooLongError:
            return {"work": BEYOND_COUNT, "bytes": 0, "ranks": []}
    found: list[torch.Tensor] = []
    map_tensors(outputs, found.append)
    given: list[torch.Tensor] = [*model.state_dict().values()]
    map_tensors(inputs, given.append)
    # As ``reference_worker`` answers: results as they are, and those of two calls in float64.
    total = sum(t.nbytes for t in given) + sum(t.nbytes + 2 * 8 * t.numel() for t in found)
    return {"work": count.work, "bytes": total, "ranks": [t.dim() for t in found]}


def arguments(module: Any) -> dict[str, Any]:
    """Return {"shapes": the tree {"init", "inputs"} of a task's arguments, "bytes": of each of its tensors}.

    Raises:
        BadValueError: an argument is no tensor of a known dtype, nor a plain value.
    """
    with torch.device("meta"), torch.no_grad():
        values = {"init": list(module.get_init_inputs()), "inputs": list(module.get_inputs())}
    buffers: list[range] = []
    return {"shapes": pack(values, buffers, _shape_of), "bytes": [len(buffer) for buffer in buffers]}


def _shape_of(value: Any) -> Described | None:
    if not isinstance(value, torch.Tensor) or value.dtype not in NAMES:
        return None
    return NAMES[value.dtype], list(value.shape), list(value.stride()), range(value.nbytes)

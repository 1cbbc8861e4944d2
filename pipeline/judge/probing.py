"""Is a task fit to be posed? Its reference is run twice, on two sets of values, before it is accepted."""

from collections.abc import Callable
from typing import Any

import numpy as np

from pipeline.errors import TaskError
from pipeline.judge.inputs import Case
from pipeline.judge.values import checked_tensor, to_numpy
from pipeline.records import Setting, Task

CONSTANT_STD = 1e-6  # relative to the largest value: below this, an output is called constant
SENSITIVITY = 1e-3  # relative change that other inputs must cause somewhere
TINY = 1e-2  # robust-kbench's bound: outputs all within it would let zeros pass

Reference = Callable[..., tuple[dict[str, Any], list[bytearray]]]


def probe(task: Task, seed: int, reference: Reference) -> None:
    """Check that every setting runs and gives results one can judge by.

    Raises:
        TaskError: ``task_raises`` and the like from the reference's process, ``nondeterministic``, ``not_finite``,
            ``constant``, ``near_zero`` or ``insensitive`` (other inputs, same result).
    """
    for setting in task.settings:
        first = _outputs(setting, seed, reference)
        second = _outputs(setting, seed + 1, reference)
        for one, other in zip(first, second, strict=True):
            _examine(setting, one, other)


def _examine(setting: Setting, one: np.ndarray, other: np.ndarray) -> None:
    where = f"setting {setting.name}"
    if not np.isfinite(one).all():
        raise TaskError("not_finite", where)
    largest = float(np.abs(one).max(initial=0.0))
    if largest < TINY:
        raise TaskError("near_zero", where)
    if one.size > 1 and float(one.std()) < CONSTANT_STD * largest:
        raise TaskError("constant", where)
    if one.shape == other.shape and float(np.abs(one - other).max(initial=0.0)) < SENSITIVITY * largest:
        raise TaskError("insensitive", where)


def _outputs(setting: Setting, seed: int, reference: Reference) -> list[np.ndarray]:
    case = Case(setting, 0, "own", "forward", seed, seed, fresh_weights=False)
    answer, buffers = reference(case, twice=True)
    if "error" in answer:
        raise TaskError(answer["error"], answer["detail"])
    values = answer["values"]["dict"]
    runs = [_floats(values[name], buffers) for name in ("eager", "twice")]
    if not runs[0]:
        raise TaskError("no_output", f"setting {setting.name}")
    if not all(np.array_equal(a, b, equal_nan=True) for a, b in zip(*runs, strict=True)):
        raise TaskError("nondeterministic", f"setting {setting.name}")
    return runs[0]


def _floats(tree: Any, buffers: list[bytearray]) -> list[np.ndarray]:
    """Return the tensors of a tree as float64 arrays."""
    if isinstance(tree, dict) and "tensor" in tree:
        return [to_numpy(*checked_tensor(tree, buffers)).astype(np.float64)]
    if isinstance(tree, dict):
        return [array for value in tree.values() for array in _floats(value, buffers)]
    if isinstance(tree, list):
        return [array for value in tree for array in _floats(value, buffers)]
    return []

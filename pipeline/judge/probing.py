"""Is a task fit to be posed? Its reference is run twice, on two sets of values, before it is accepted.

What is asked here is what judging rests on: a reference that runs, says the same twice, and can't be answered with a
constant. Derived settings have the sizes that follow from the task, so that the same tasks are posed in each run;
those that a run draws are like them. Which tasks are worth posing beyond that, ``task_filters`` says.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from pipeline.errors import TaskError
from pipeline.judge.compare import FLOOR, indistinct
from pipeline.judge.compare import Reference as ComparedWith
from pipeline.judge.inputs import Case
from pipeline.judge.settings import Plan
from pipeline.judge.task_filters import key
from pipeline.judge.values import leaves
from pipeline.records import Setting

CONSTANT_STD = 1e-6  # relative to the largest value: below this, an output is called constant
SENSITIVITY = 8 * FLOOR["float32"]  # relative change that other inputs must cause somewhere, or a constant would do

Reference = Callable[..., tuple[dict[str, Any], list[bytearray]]]


def probe(plan: Plan, seed: int, reference: Reference, output_range: float | None) -> None:
    """Check that every one of these settings runs and gives results one can judge by.

    Args:
        plan: the settings.
        seed: of the values.
        reference: runs the reference on a case.
        output_range: what the largest absolute value of each output must reach; None: anything will do.

    Raises:
        TaskError: ``task_raises`` and the like from the reference's process, ``too_large`` (no setting fits this
            backend), ``nondeterministic``, ``not_finite``, ``constant``, ``output_range``, ``insensitive`` (other
            values, same result) or ``indistinct`` (zeros would be accepted, at the main setting or at all
            others: results are but rounding errors).
    """
    if not plan.settings:
        raise TaskError("too_large", "; ".join(f"setting {name}: {why}" for name, why in plan.left_out.items()))
    distinct: list[bool] = []
    for setting in plan.settings:
        first, place = _outputs(setting, seed, reference)
        second, _ = _outputs(setting, seed + 1, reference)
        for one, other in zip(first, second, strict=True):
            _examine(setting, one, other, output_range)
        distinct.append(place is None)
        # Sizes may make groups of one element, whose results are zeros. The main setting tells right from wrong then,
        # and one of the others has to: candidates that are slow are not run at the main one.
        if not distinct[0] or (len(distinct) == len(plan.settings) > 1 and not any(distinct[1:])):
            raise TaskError("indistinct", f"setting {setting.name}: zeros would be accepted as {place}")


def _examine(setting: Setting, one: np.ndarray, other: np.ndarray, output_range: float | None) -> None:
    where = f"setting {setting.name}"
    if not np.isfinite(one).all():
        raise TaskError("not_finite", where)
    largest = float(np.abs(one).max(initial=0.0))
    if output_range is not None and largest < output_range:
        wanted = f"at least {output_range:g} is wanted ({key('output_range')})"
        raise TaskError("output_range", f"{where}: {largest:.3g}, {wanted}")
    if one.size > 1 and float(one.std()) <= CONSTANT_STD * largest:  # equal where all is 0
        raise TaskError("constant", where)
    if one.shape == other.shape and float(np.abs(one - other).max(initial=0.0)) <= SENSITIVITY * largest:
        raise TaskError("insensitive", where)


def _outputs(setting: Setting, seed: int, reference: Reference) -> tuple[list[np.ndarray], str | None]:
    """Return the results of the module as it stands, and the first of them as which zeros would be accepted."""
    case = Case(setting, 0, "own", "forward", seed, seed, fresh_weights=False)
    answer, buffers = reference(case, twice=True)
    if "error" in answer:
        raise TaskError(answer["error"], answer["detail"])
    values = answer["values"]["dict"]
    runs = [[a.astype(np.float64) for a in leaves(values[name], buffers)] for name in ("eager", "twice")]
    if not runs[0]:
        raise TaskError("no_output", f"setting {setting.name}")
    if not all(np.array_equal(a, b, equal_nan=True) for a, b in zip(*runs, strict=True)):
        raise TaskError("nondeterministic", f"setting {setting.name}")
    given = ComparedWith(values["expected"], values["nearby"], values["eager"], buffers)
    return runs[0], indistinct(given)

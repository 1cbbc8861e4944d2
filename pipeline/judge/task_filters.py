"""The recipe's ``tasks.filters``: which tasks are worth posing, by figures that the reference's process measures.

The numeric filters and their thresholds are robust-kbench's (arXiv 2509.14279, robust_kbench/filter/forward.py); they
are absolute, as a benchmark's tolerances are. The process that measures runs the task's module and
could be lied to by it; nothing but that task's own place in the data depends on it.
"""

from collections.abc import Callable
from typing import Any

from pydantic import Field

from pipeline.errors import TaskError
from pipeline.judge.measurement import Measurement
from pipeline.records import Setting, Task
from pipeline.section import Section


class TaskFilters(Section):
    """Thresholds below which a task is rejected, for the reason of the same name; ``null`` switches a filter off.

    The others are compared over ``seeds`` seeds, at the task's main setting as far as this machine can afford it. Of
    several outputs (or gradients) one that is fit makes the task fit.

    Attributes:
        seeds: how many draws of inputs and weights.
        output_range: the largest absolute value of every output must reach this, at every setting and for each of
            two seeds (``probing`` measures it), or zeros would pass where a benchmark's tolerance is absolute. The
            tolerance here is relative: with ``null`` a softmax over thousands of values can be posed.
        output_std: other inputs and weights; the largest standard deviation over seeds of any element.
        axis_std: the same along each axis, the seeds' included: none may have all its deviations below this.
        input_impact: like ``output_std``, with the same weights throughout.
        weight_impact: like ``output_std``, with the same inputs throughout; for tasks that have weights.
        redundant_operation: an operation is one without which the results, over seeds and magnitudes of inputs,
            change by less than this, relative to their largest value; looked for where torch.fx can trace.
        too_small: least work of one call, in elements written plus multiply-adds, at the task's own sizes. CUDA
            Agent keeps tasks of 1 to 100 ms in eager mode; without a GPU nothing is timed, and this estimate is
            for sources whose tasks should be worth timing. Off by default: small tasks are what a CPU can judge.
    """

    seeds: int = Field(default=5, ge=2, le=100)
    output_range: float | None = Field(default=0.01, ge=0)
    output_std: float | None = Field(default=0.01, ge=0)
    axis_std: float | None = Field(default=0.01, ge=0)
    input_impact: float | None = Field(default=0.01, ge=0)
    weight_impact: float | None = Field(default=0.01, ge=0)
    redundant_operation: float | None = Field(default=1e-6, ge=0)
    too_small: int | None = Field(default=None, ge=1)


NUMERIC = ("output_std", "axis_std", "input_impact", "weight_impact")


def key(name: str) -> str:
    """Return a filter's key in a recipe, for messages: what to set to null to pose such tasks all the same."""
    return f"tasks.filters.{name}"


def check(
    filters: TaskFilters,
    task: Task,
    setting: Setting,
    seed: int,
    measure: Callable[[], Measurement],
    ask: Callable[[dict[str, Any]], dict[str, Any]],
) -> str | None:
    """Return why redundant operations could not be looked for, None if they were.

    Args:
        filters: the thresholds.
        task: what is looked at.
        setting: at which sizes.
        seed: the first of those drawn.
        measure: returns what a call at the task's own sizes takes.
        ask: returns the answer of the reference's process.

    Raises:
        TaskError: a filter rejects the task, or its module does not run.
    """
    if filters.too_small is not None:
        measured = measure()
        if measured.error is None and measured.work < filters.too_small:
            wanted = f"at least {filters.too_small} are wanted ({key('too_small')})"
            raise TaskError("too_small", f"{measured.work} operations, {wanted}")
    request = {
        "op": "figures",
        "source": task.reference,
        "sizes": setting.sizes,
        "direction": task.direction,
        "seed": seed,
        "seeds": filters.seeds,
        "redundant_below": filters.redundant_operation,
    }
    answer = ask(request)
    if "error" in answer:
        raise TaskError(answer["error"], answer["detail"])
    apply(filters, answer["figures"], f"setting {setting.name}")
    return answer["figures"].get("not_traced")


def apply(filters: TaskFilters, figures: dict[str, Any], where: str) -> None:
    """Raise ``TaskError`` with the first filter's name that rejects.

    Args:
        filters: the thresholds.
        figures: of ``task_figures.measure``; a figure that does not exist (no weights, one element) rejects nothing.
        where: names the setting in the error's detail.
    """
    for name in NUMERIC:
        threshold, figure = getattr(filters, name), figures.get(name)
        if threshold is not None and figure is not None and float(figure) < threshold:
            raise TaskError(name, f"{where}: {float(figure):.3g}, at least {threshold:g} is wanted ({key(name)})")
    if operation := figures.get("redundant_operation"):
        told = f"{str(operation)[:200]} changes nothing ({key('redundant_operation')})"
        raise TaskError("redundant_operation", f"{where}: {told}")

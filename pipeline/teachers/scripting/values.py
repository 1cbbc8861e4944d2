"""What a plan computes on a few fixed elements, in plain Python.

The steps' CUDA text itself is run, so a change of the text shows as a change of the values.
"""

import functools
import math
import re
import types
from collections.abc import Callable, Sequence
from statistics import NormalDist
from typing import Any

from pipeline.teachers.scripting.plan import Plan, Step

COUNT = 24  # elements of the row that is computed
CLEARLY = 1e-2  # of the results' root mean square: far more than any tolerance of a judge
_LITERAL = re.compile(r"\b(\d[\d.]*(?:e-?\d+)?)f\b")


def _exp(x: float) -> float:
    return math.exp(x) if x < 88.0 else math.inf  # where float32 overflows


MATH: dict[str, Callable[..., Any]] = {
    "fabsf": math.fabs, "fmaxf": max, "fminf": min, "expf": _exp, "expm1f": math.expm1, "logf": math.log,
    "log1pf": math.log1p, "sqrtf": math.sqrt, "tanhf": math.tanh, "erff": math.erf, "sinf": math.sin,
    "cosf": math.cos,
}  # fmt: skip


def differ(plan: Plan, other: Plan) -> bool:
    """Return whether two plans give clearly different results on inputs like the task's."""
    pairs = [(a, b) for a, b in zip(_run(plan), _run(other), strict=True) if math.isfinite(a) and math.isfinite(b)]
    scale = math.sqrt(sum(a * a for a, _ in pairs) / len(pairs)) if pairs else 0.0
    return any(abs(a - b) > CLEARLY * scale for a, b in pairs)


def trace(steps: Sequence[Step], names: dict[str, float]) -> list[float]:
    """Run the steps on one element; ``names`` holds the variables and is changed. Return what each step gave."""
    results: list[float] = []
    for step in steps:
        try:
            exec(_compiled(step.code), {"__builtins__": {}, **MATH}, names)  # noqa: S102  (text of our own rules)
        except (ValueError, ZeroDivisionError, OverflowError):
            names[step.variable] = math.nan
        results.append(names[step.variable])
    return results


def _run(plan: Plan) -> list[float]:
    """Return the results on one row of ``COUNT`` elements."""
    row: list[float] = []
    for index in range(COUNT):
        names = _element(plan, index)
        trace(plan.steps, names)
        row.append(names[plan.inputs[0]])
    match plan.row_operator:
        case None:
            return row
        case "sum" | "mean":
            return [sum(row)]
        case "amax":
            return [max(row)]
        case "amin":
            return [min(row)]
        case "softmax" | "log_softmax":
            powers = [_exp(value - max(row)) for value in row]
            return [power / sum(powers) for power in powers]


def _element(plan: Plan, index: int) -> dict[str, float]:
    """Return the variables at one element: quantiles of the inputs' distribution, in another order for each."""
    names: dict[str, float] = {}
    for name, stride in zip(plan.variables, (1, 7, 11), strict=False):  # strides coprime to COUNT
        share = (index * stride % COUNT + 0.5) / COUNT
        is_uniform = plan.generator == "rand" and name != plan.parameter
        names[name] = share if is_uniform else NormalDist().inv_cdf(share)
    return names


@functools.lru_cache(maxsize=4096)
def _compiled(code: str) -> types.CodeType:
    return compile(_LITERAL.sub(r"\1", code.rstrip(";")), "<step>", "exec")

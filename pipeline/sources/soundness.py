"""Does a composition make a task worth solving? Decided by running it on fixed samples (imports torch).

All of it is computed in float64, also what float32 would give: there each value is rounded to 24 bits. Float32's own
last digits depend on a processor's vector instructions, and so would the tasks of a recipe.
"""

import functools
import math
import types
from collections.abc import Sequence
from typing import Any

from pipeline.sources.compositions import Composition

ROWS, COLUMNS = 32, 64
LARGE = 16.0  # inputs this many times as large must still give finite and well-conditioned results
MAX_VALUE, MAX_LARGE_VALUE = 100.0, 2e4
MAX_LARGE_LOGIT = 500.0  # before a softmax: beyond it, rounding of the argument is all that is left of the value
MIN_SPREAD = {"elementwise": 0.1, "binary": 0.1, "bias_activation": 0.1, "reduction": 0.04, "softmax": 0.02}
MAX_ERROR = 1e-5  # of float32 against float64, relative as in judge.compare


def is_sound(composition: Composition) -> bool:
    """Return whether results are well-scaled and well-conditioned and no operator could be left out.

    An operator without effect (``abs`` after ``square``, a shift before a softmax) would reward a kernel that skips
    it, and results that hardly depend on the input would accept a constant one.
    """
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # on a busy machine, waking the others costs ten times as much as the operator
    try:
        return _has_effect(composition) and all(_is_conditioned(composition, factor) for factor in (1.0, LARGE))
    finally:
        torch.set_num_threads(threads)


def _has_effect(composition: Composition) -> bool:
    """Whether results vary in a sane range, and each operator changes them."""
    import torch

    lines = composition.lines
    values = _samples(composition.generator, 1.0)
    result = run(lines, values, rounded=True)
    spread = float(result.std(dim=0).max())
    if not bool(torch.isfinite(result).all()) or spread < MIN_SPREAD[composition.category]:
        return False
    if float(result.abs().max()) > MAX_VALUE or _share_of_commonest(result) > 0.7:
        return False
    for skipped in range(len(lines)):
        shorter = run(lines[:skipped] + lines[skipped + 1 :], values, rounded=True)
        if shorter.shape == result.shape and float((shorter - result).abs().mean()) < 0.05 * spread:
            return False
    return True


def run(lines: Sequence[str], values: dict[str, Any], *, rounded: bool = False) -> Any:
    """Return ``x`` after the statements.

    Args:
        lines: statements in ``x``, ``y`` and ``self``.
        values: of these.
        rounded: each statement's result is rounded to float32.
    """
    import torch

    names = {"torch": torch, "F": torch.nn.functional, **values}
    for line in lines:
        exec(_compiled(line), names)  # noqa: S102  (text of our own table)
        if rounded:
            names.update({name: names[name].float().double() for name in ("x", "y")})
    return names["x"]


@functools.lru_cache(maxsize=1024)
def _compiled(line: str) -> types.CodeType:
    return compile(line, "<composition>", "exec")


@functools.lru_cache(maxsize=4)
def _samples(generator: str, factor: float) -> dict[str, Any]:
    """Return inputs, which are ``factor`` times as large as the task's, and a bias; float64 of 24 bits."""
    import numpy as np
    import torch

    seeded = np.random.default_rng(0)  # torch's normal numbers depend on the processor
    draw = {"randn": seeded.standard_normal, "rand": seeded.random}[generator]
    x, y = (torch.from_numpy(draw((ROWS, COLUMNS))).float().double() * factor for _ in range(2))
    bias = torch.from_numpy(seeded.standard_normal(COLUMNS)).float().double()
    return {"x": x, "y": y, "self": types.SimpleNamespace(bias=bias)}


def _share_of_commonest(result: Any) -> float:
    return int(result.unique(return_counts=True)[1].max()) / result.numel()


def _is_conditioned(composition: Composition, factor: float) -> bool:
    """Whether float32 agrees with float64 on inputs that are ``factor`` times as large, and nothing explodes."""
    lines, values = composition.lines, _samples(composition.generator, factor)
    exact = run(lines, values)
    if composition.category == "softmax" and float(run(lines[:-1], values).abs().max()) > MAX_LARGE_LOGIT:
        return False
    if not float(exact.abs().max()) <= MAX_LARGE_VALUE:
        return False
    weight = exact.abs() + math.sqrt(float(exact.square().mean())) + 1e-300
    return float(((run(lines, values, rounded=True) - exact).abs() / weight).max()) < MAX_ERROR

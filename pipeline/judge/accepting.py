"""Which arguments of a distribution a reference accepts: there are limits to what it takes (imports torch)."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeAlias

import torch

from pipeline.judge.inputs import Distribution, factors
from pipeline.judge.task_module import Refused
from pipeline.judge.torch_values import map_tensors

Arguments: TypeAlias = Callable[..., list[Any]]  # of ``factor`` and ``only``, see ``distributions.transform``


def first_accepted(
    call: Callable[[list[Any]], Any], arguments: Arguments, distribution: Distribution
) -> tuple[list[Any], Any]:
    """Return the call arguments and the results.

    Of large arguments they are those for which the results are finite, and of which the same is chosen as of less
    large ones: what a softmax makes of the largest is zero nearly everywhere, and nothing says which zero is meant.
    Where the module raises, all arguments but one are as the task makes them: one that has to be a probability spares
    no other.

    Raises:
        Refused: the result may be any of several.
        Exception: whatever the module raises.
    """
    try:
        inputs, results = _first_finite(call, arguments, distribution)
    except Exception:  # the module's own code: it may raise whatever it likes
        inputs, results = _one_changed(call, arguments, distribution)
        if results is None:
            raise
    if distribution == "zeros":
        map_tensors(results, _refuse_ties)
    return inputs, results


def _one_changed(
    call: Callable[[list[Any]], Any], arguments: Arguments, distribution: Distribution
) -> tuple[list[Any], Any]:
    """Return the same with the first argument alone that may be changed; no results if there is none."""
    for only, value in enumerate(arguments()):
        if isinstance(value, torch.Tensor) and value.is_floating_point() and distribution != "own":
            with suppress(Exception):
                return _first_finite(call, lambda factor, only=only: arguments(factor, only), distribution)
    return [], None


def _first_finite(
    call: Callable[[list[Any]], Any], arguments: Arguments, distribution: Distribution
) -> tuple[list[Any], Any]:
    *larger, last = factors(distribution)
    chosen: list[torch.Tensor] | None = None
    for factor in larger:
        inputs = arguments(factor)
        results = call(inputs)
        if not _is_finite(results):
            continue
        if not (whole := _whole_numbers(results)):
            return inputs, results
        chosen = _whole_numbers(call(arguments(last))) if chosen is None else chosen
        if all(map(torch.equal, whole, chosen)):
            return inputs, call(inputs)  # once more: what a call leaves in the module's buffers is the last one's
    inputs = arguments(last)
    return inputs, call(inputs)


def _whole_numbers(results: Any) -> list[torch.Tensor]:
    found: list[torch.Tensor] = []
    map_tensors(results, lambda t: found.append(t) if _is_whole(t) else None)
    return found


def _is_whole(result: torch.Tensor) -> bool:
    return not result.is_floating_point() and result.dtype is not torch.bool


def _is_finite(results: Any) -> bool:
    finite: list[bool] = []
    map_tensors(results, lambda t: finite.append(bool(torch.isfinite(t).all())))
    return all(finite)


def _refuse_ties(result: torch.Tensor) -> None:
    """Raise ``Refused`` of a whole number: which of equal values is meant, nothing says."""
    if _is_whole(result):
        raise Refused("task_raises", "of equal values, any may be the one that a whole number stands for")

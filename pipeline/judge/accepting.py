"""Which arguments of a distribution a reference accepts: there are limits to what it takes (imports torch)."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeAlias

import torch

from pipeline.judge.inputs import Distribution, factors
from pipeline.judge.torch_values import map_tensors

Arguments: TypeAlias = Callable[..., list[Any]]  # of ``factor`` and ``only``, see ``distributions.transform``


def first_accepted(
    call: Callable[[list[Any]], Any], arguments: Arguments, distribution: Distribution
) -> tuple[list[Any], Any]:
    """Return the call arguments and the results; the last call is that of these.

    Of large arguments they are those for which the results are finite, and of which the same is chosen as of less
    large ones: what a softmax makes of the largest is zero nearly everywhere, and nothing says which zero is meant.
    Where the module raises, or a result is not finite and so says nothing, arguments that bring it to that are as the
    task makes them: a probability, or what a root or a logarithm is taken of.

    Raises:
        Exception: whatever the module raises.
    """
    try:
        inputs, results = _first_finite(call, arguments, distribution)
    except Exception:  # the module's own code: it may raise whatever it likes
        if (chosen := _chosen(call, arguments, distribution)) is None:
            raise
        return chosen, call(chosen)
    if distribution == "own" or _is_finite(results):
        return inputs, results
    chosen = _chosen(call, arguments, distribution)
    inputs = inputs if chosen is None else chosen
    return inputs, call(inputs)


def _chosen(call: Callable[[list[Any]], Any], arguments: Arguments, distribution: Distribution) -> list[Any] | None:
    """Return the arguments, those changed of which the module takes one after the other; None if it takes none."""
    inputs: list[Any] | None = None
    changed: list[int] = []
    for number, value in enumerate(arguments()):
        if isinstance(value, torch.Tensor) and value.is_floating_point() and distribution != "own":
            only = [*changed, number]
            with suppress(Exception):
                given, results = _first_finite(call, lambda factor, only=only: arguments(factor, only), distribution)
                if _is_finite(results):
                    inputs, changed = given, only
    return inputs


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
        if not (whole := whole_numbers(results)):
            return inputs, results
        chosen = whole_numbers(call(arguments(last))) if chosen is None else chosen
        if all(map(torch.equal, whole, chosen)):
            return inputs, call(inputs)  # once more: what a call leaves in the module's buffers is the last one's
    inputs = arguments(last)
    return inputs, call(inputs)


def whole_numbers(results: Any) -> list[torch.Tensor]:
    """Return the tensors of whole numbers among the results."""
    found: list[torch.Tensor] = []
    map_tensors(results, lambda t: found.append(t) if _is_whole(t) else None)
    return found


def _is_whole(result: torch.Tensor) -> bool:
    return not result.is_floating_point() and result.dtype is not torch.bool


def _is_finite(results: Any) -> bool:
    finite: list[bool] = []
    map_tensors(results, lambda t: finite.append(bool(torch.isfinite(t).all())))
    return all(finite)

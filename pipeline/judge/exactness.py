"""Do equal values decide, and are they equal however one computes them? Asked of a reference (imports torch).

Among inputs that are multiples of a power of two many are equal. That tells a right kernel from a wrong one as long
as nothing was rounded before a comparison: a sum in another order would find other values equal.
"""

from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from pipeline.judge.accepting import whole_numbers
from pipeline.judge.moving import AMBIGUOUS, ARITHMETIC, CHOOSING, CORNERS, EXACT, UNSETTLED
from pipeline.judge.operators import name_of
from pipeline.judge.task_module import Refused
from pipeline.judge.torch_values import map_tensors

SHAKEN = 2.0  # rounding errors
TIES = "of equal values, any may be the one that a whole number stands for"


class Exactness(TorchDispatchMode):
    """Context manager; raises ``Refused`` where a value that was rounded decides, and ``decided`` says if any did.

    Args:
        backward: whether the results are gradients, to which more operators' equal values matter.
    """

    def __init__(self, *, backward: bool) -> None:
        super().__init__()
        self.decided = False
        self._deciding = CHOOSING | CORNERS if backward else CHOOSING
        self._ambiguous = AMBIGUOUS | UNSETTLED if backward else AMBIGUOUS
        self._rounded: dict[int, torch.Tensor] = {}  # by their ids, which are theirs as long as they are kept
        self._all_rounded = False

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        library, name = name_of(func)
        given = _tensors((args, kwargs))
        rounded = self._all_rounded or any(id(tensor) in self._rounded for tensor in given)
        decides = name in self._deciding
        self.decided |= decides
        if name in self._ambiguous or library != "aten" or (decides and rounded):
            raise Refused("task_raises", "of values that are equal but for rounding, any may be the larger one")
        elsewhere = args[0] if name == "_to_copy" else None
        if name in ARITHMETIC and not rounded:
            elsewhere = func(*map_tensors(args, _other_precision), **map_tensors(kwargs, _other_precision))
        result = func(*args, **kwargs)
        if rounded or not (name in EXACT or (elsewhere is not None and _same(result, elsewhere))):
            made = [tensor for tensor in _tensors((result,)) if tensor.is_floating_point()]
            self._rounded.update((id(tensor), tensor) for tensor in made)
            self._all_rounded |= bool(made) and func._schema.is_mutable  # noqa: SLF001  (views of it are other objects)
        return result


class Shaken(TorchDispatchMode):
    """Context manager; each operator's floating result is changed by a rounding error, but for what rounds nothing.

    Raises ``Refused`` where it may be any of several anyway.
    """

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._generator = torch.Generator().manual_seed(seed)

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        library, name = name_of(func)
        if name in AMBIGUOUS:
            raise Refused("task_raises", TIES)
        result = func(*args, **(kwargs or {}))
        if library != "aten" or name in EXACT or func.is_view:
            return result
        if func._schema.is_mutable:  # noqa: SLF001
            map_tensors(result, lambda t: t.copy_(self._shaken(t)))
            return result
        return map_tensors(result, self._shaken)

    def _shaken(self, tensor: torch.Tensor) -> torch.Tensor:
        if not tensor.is_floating_point():
            return tensor
        up = torch.randint(2, tensor.shape, generator=self._generator).to(tensor.device, torch.bool)
        step = SHAKEN * torch.finfo(tensor.dtype).eps
        return torch.where(up, tensor * (1 + step), tensor * (1 - step))


def refuse_ties(model: Any, inputs: list[Any], whole: list[torch.Tensor], seed: int) -> None:
    """Raise ``Refused`` if the whole numbers that ``model(*inputs)`` gives are others after other rounding errors."""
    with torch.no_grad(), Shaken(seed):
        again = model(*map_tensors(inputs, torch.clone))
    if not all(map(torch.equal, whole, whole_numbers(again))):
        raise Refused("task_raises", TIES)


def refuse_rounded(model: Any, inputs: list[Any], *, backward: bool, deciding: bool) -> None:
    """Raise ``Refused`` if a rounded value decides in ``model(*inputs)``; if ``deciding``, also where none does."""
    leaves = map_tensors(inputs, lambda t: t.clone().requires_grad_(backward and t.is_floating_point()))
    with torch.set_grad_enabled(backward), Exactness(backward=backward) as watch:
        model(*leaves)
    if deciding and not watch.decided:
        raise Refused("task_raises", "nothing turns on equal values")


def _tensors(value: Any) -> list[torch.Tensor]:
    found: list[torch.Tensor] = []
    map_tensors(value, found.append)
    return found


def _other_precision(tensor: torch.Tensor) -> torch.Tensor:
    """Return a copy in float64, or in float32 if it is that: where both give the same, nothing was rounded."""
    if not tensor.is_floating_point():
        return tensor.clone()
    return tensor.float() if tensor.dtype is torch.float64 else tensor.double()


def _same(result: Any, elsewhere: Any) -> bool:
    pairs = zip(_tensors((result,)), _tensors((elsewhere,)), strict=True)
    return all(torch.equal(one.double(), other.double()) for one, other in pairs)

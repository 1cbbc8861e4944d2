"""Tensors of any size that take no memory: addresses that nobody may touch, and torch's operators on them.

Torch's meta device says what an operator would return; nothing is computed. What an operator would read for the host
(``.item()``) is not there.
"""

import ctypes
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map_only

from pipeline.judge.moving import MOVING
from pipeline.judge.operators import counts_up, name_of
from pipeline.judge.prescribed import Prescribed
from pipeline.judge.simt.binding import allocate
from pipeline.judge.simt.values import DTYPES

SMALL_BYTES = 2**16  # what is made from nothing up to this size is real: host code may look numbers up in it
META = torch.device("meta")


class NoValueError(RuntimeError):
    """Host code wants to know a value."""


def unbacked(shape: Any, strides: Any, dtype: torch.dtype) -> torch.Tensor:
    """Return a tensor without memory.

    Raises:
        NoValueError: there are none of its dtype.
        MemoryError: more bytes than there are addresses.
    """
    if dtype not in DTYPES:
        raise NoValueError(f"no tensors of {dtype}")
    shape = tuple(shape)
    span = 1 + sum((n - 1) * step for n, step in zip(shape, strides, strict=True)) if 0 not in shape else 0
    return allocate((span,), dtype).as_strided(shape, tuple(strides))


def like(tensor: torch.Tensor) -> torch.Tensor:
    """Return a tensor of the same shape, strides and dtype without memory."""
    return unbacked(tensor.shape, tensor.stride(), tensor.dtype)


class Unbacked(TorchDispatchMode):
    """Context manager: large new tensors, and all made of ones without memory, have none either.

    Attributes:
        computing: the operators that would have computed something.

    Args:
        runtime: in rehearsal.
    """

    def __init__(self, runtime: ctypes.PyDLL) -> None:
        super().__init__()
        self._runtime = runtime
        self.computing: set[str] = set()

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # see ``OperatorLog``

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        given = [leaf for leaf in tree_flatten((args, kwargs))[0] if isinstance(leaf, torch.Tensor)]
        if func.is_view or torch.Tag.inplace_view in func.tags:
            return func(*args, **kwargs)
        if not any(map(self._has_none, given)):
            return self._of_real_ones(func, args, kwargs)
        library, name = name_of(func)
        moving = library == "aten" and name in MOVING
        if not moving and not counts_up(name, args) and not Prescribed.now:
            self.computing.add(name if library == "aten" else f"{library}::{name}")
        if name == "_local_scalar_dense" or self._writes_to_real_ones(func, args, kwargs):
            raise self._no_value(name)
        try:
            return self._on_meta(func, args, kwargs)
        except NotImplementedError:
            raise self._no_value(name) from None

    def _of_real_ones(self, func: Any, args: Any, kwargs: Any) -> Any:
        """Return an operator's own result if that is small, or can't be told beforehand."""
        if any(argument.alias_info is not None for argument in func._schema.arguments):  # noqa: SLF001
            return func(*args, **kwargs)
        try:
            made = self._on_meta(func, args, kwargs)
        except (NotImplementedError, RuntimeError):
            return func(*args, **kwargs)
        tensors = [leaf for leaf in tree_flatten(made)[0] if isinstance(leaf, torch.Tensor)]
        return made if sum(t.nbytes for t in tensors) > SMALL_BYTES else func(*args, **kwargs)

    def _on_meta(self, func: Any, args: Any, kwargs: Any) -> Any:
        """Return what an operator does, in tensors without memory; those that it writes to are its arguments."""
        originals: dict[int, torch.Tensor] = {}
        kept: list[torch.Tensor] = []  # their numbers are theirs as long as they live

        def to_meta(tensor: torch.Tensor) -> torch.Tensor:
            kept.append(torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device=META))
            originals[id(kept[-1])] = tensor
            return kept[-1]

        def from_meta(tensor: torch.Tensor) -> torch.Tensor:
            return originals[id(tensor)] if id(tensor) in originals else like(tensor)

        args, kwargs = tree_map_only(torch.Tensor, to_meta, (args, kwargs))
        if any(argument.name == "device" for argument in func._schema.arguments):  # noqa: SLF001
            kwargs = {**kwargs, "device": META}
        kwargs.pop("generator", None)
        return tree_map_only(torch.Tensor, from_meta, func(*args, **kwargs))

    def _writes_to_real_ones(self, func: Any, args: Any, kwargs: Any) -> bool:
        arguments = func._schema.arguments  # noqa: SLF001
        written = [a for a in arguments if a.alias_info is not None and a.alias_info.is_write]
        places = [args[i] if i < len(args) else kwargs.get(a.name) for i, a in enumerate(arguments) if a in written]
        return any(isinstance(place, torch.Tensor) and not self._has_none(place) for place in places)

    def _has_none(self, tensor: torch.Tensor) -> bool:
        return self._runtime.simt_is_unbacked(tensor.untyped_storage().data_ptr())

    def _no_value(self, what: str) -> NoValueError:
        self._runtime.simt_host_has_read()
        return NoValueError(f"a rehearsal has no values: {what}")

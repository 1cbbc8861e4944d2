"""Tensors to raw bytes and back, inside a worker process (imports torch)."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from pipeline.judge.values import ITEM_BYTES, Described, pack, unpack

DTYPES: dict[str, torch.dtype] = {name: getattr(torch, name) for name in ITEM_BYTES}
NAMES = {dtype: name for name, dtype in DTYPES.items()}
LACKING = (torch.bfloat16,)  # of NumPy
# What computes and copies nothing: that a log sees it too takes ten times as long.
_unseen = torch._C._DisableTorchDispatch  # noqa: SLF001


def described(value: Any) -> Described | None:
    """Return what ``values.pack`` asks of a dense tensor of exactly torch's own type, None of anything else."""
    if type(value) not in (torch.Tensor, torch.nn.Parameter) or value.dtype not in NAMES:
        return None
    if value.layout is not torch.strided:
        return None
    value = own_object(value)
    dense = value.is_contiguous()
    if dense and value.device.type == "cpu" and not (value.is_conj() or value.is_neg() or value.dtype in LACKING):
        with _unseen():
            flat = value.numpy().reshape(-1).view(np.uint8)
    else:
        plain = value.cpu().resolve_conj().resolve_neg().contiguous().reshape(-1)
        flat = plain.view(torch.uint8).numpy()
    strides = None if dense or overlaps(value) else list(value.stride())
    return NAMES[value.dtype], list(value.shape), strides, memoryview(flat)


def own_object(tensor: torch.Tensor) -> torch.Tensor:
    """Return the same tensor as an object that nobody else has: whose methods are torch's, whatever its own has.

    One of another class is returned as it is, for those who look at classes.
    """
    if type(tensor) not in (torch.Tensor, torch.nn.Parameter):
        return tensor
    with _unseen():
        return torch.Tensor.detach(tensor)


def plain(value: Any) -> Any:
    """Return the value in lists, tuples and dicts of Python's own, and with tensors that nobody else has."""
    return map_tensors(value, own_object)


def overlaps(tensor: torch.Tensor) -> bool:
    """Return whether two elements may share a place in memory, as those of an expanded tensor do."""
    span = 1
    for stride, size in sorted(zip(tensor.stride(), tensor.shape, strict=True)):
        if size > 1 and stride < span:
            return True
        span += (size - 1) * stride
    return False


def make_tensor(dtype: str, shape: list[int], data: bytearray, strides: list[int] | None = None) -> torch.Tensor:
    """Return a tensor over the bytes (no copy), or one with these strides."""
    if not math.prod(shape):
        return torch.empty(shape, dtype=DTYPES[dtype])
    tensor = torch.frombuffer(data, dtype=DTYPES[dtype]).reshape(shape)
    return tensor if strides is None else torch.empty_strided(shape, strides, dtype=tensor.dtype).copy_(tensor)


def pack_values(value: Any) -> tuple[Any, list[memoryview]]:
    """Return the tree and the buffers of a value; raises ``BadValueError`` as ``values.pack`` does."""
    buffers: list[memoryview] = []
    return pack(value, buffers, described), buffers


def unpack_values(tree: Any, buffers: list[bytearray]) -> Any:
    """Return the value of a tree, tensors over the buffers themselves."""
    return unpack(tree, buffers, make_tensor)


def seed_all(seed: int) -> None:
    """Seed torch as ``torch.manual_seed`` does, without the millisecond it spends on absent accelerators."""
    if torch.cuda.is_initialized():
        torch.cuda.manual_seed_all(seed)
    torch.default_generator.manual_seed(seed)


def widen(value: Any) -> Any:
    """Return the value with its floating tensors in float64."""
    return map_tensors(value, lambda t: t.double() if t.is_floating_point() else t)


def copy_into(targets: list[Any], values: Any, put: Callable[[torch.Tensor], torch.Tensor]) -> None:
    """Give the targets other values: in place where they can hold them, else in a new one where ``put`` puts it."""
    for index, value in enumerate(values):
        target = targets[index]
        if isinstance(value, torch.Tensor) and target.shape == value.shape and target.dtype == value.dtype:
            target.data.copy_(value)  # .data: the tensor's version counter does not tell
        else:
            targets[index] = map_tensors(value, put)


def map_tensors(value: Any, function: Callable[[torch.Tensor], Any]) -> Any:
    """Return the value with every tensor in its lists, tuples and dicts replaced by ``function(tensor)``.

    They become lists, tuples and dicts of Python's own: another class's constructor is foreign code.
    """
    if isinstance(value, torch.Tensor):
        return function(value)
    for kind in (list, tuple):
        if (
            isinstance(value, kind) and type(value).__iter__ is kind.__iter__
        ):  # what makes up its items stays as it is
            return kind(map_tensors(item, function) for item in value)
    if type(value) is dict:
        return {key: map_tensors(item, function) for key, item in value.items()}
    return value

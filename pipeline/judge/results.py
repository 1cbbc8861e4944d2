"""What a call's results lie in and hold, looked at in the candidate's process (imports torch)."""

from typing import Any

import torch

from pipeline.judge.device import Device
from pipeline.judge.torch_values import map_tensors
from pipeline.judge.values import BadValueError


def _bytes_of(value: Any) -> list[torch.Tensor]:
    found: list[torch.Tensor] = []
    map_tensors(value, lambda t: found.append(t.detach().contiguous().reshape(-1).view(torch.uint8)))
    return found


def copied(value: Any) -> Any:
    """Return a result with copies of its tensors: the memory that they lie in may be written to."""
    return map_tensors(value, lambda tensor: tensor.detach().clone())


def same_bytes(one: Any, other: Any) -> bool:
    """Whether two results are the same to the bit, and there is something in them."""
    ours, theirs = _bytes_of(one), _bytes_of(other)
    same = len(ours) == len(theirs) and all(map(torch.equal, ours, theirs))
    return same and any(part.numel() for part in ours)


def holds(tensor: torch.Tensor, outputs: Any) -> bool:
    """Whether the memory that a tensor is part of holds one of the outputs, its values in the same order."""
    held = torch.empty(0, dtype=torch.uint8, device=tensor.device).set_(tensor.untyped_storage())
    parts = [part for part in _bytes_of(outputs) if part.numel() > 1 and part.device == held.device]
    return any(torch.equal(held, part) for part in parts)


def shares_memory(outputs: Any, inputs: Any, others: Any = ()) -> bool:
    """Whether an output lies in the memory of an input that is not that of one of the others, too."""
    taken: set[int] = set()
    map_tensors(inputs, lambda t: taken.add(t.untyped_storage().data_ptr()))
    map_tensors(others, lambda t: taken.discard(t.untyped_storage().data_ptr()))
    shared: list[bool] = []
    map_tensors(outputs, lambda t: shared.append(t.numel() > 0 and t.untyped_storage().data_ptr() in taken))
    return any(shared)


def check_place(device: Device, tensor: torch.Tensor) -> None:
    """Raise ``BadValueError`` if a tensor is not on the device."""
    if not device.on_device(tensor):
        raise BadValueError(f"a tensor on {tensor.device}")

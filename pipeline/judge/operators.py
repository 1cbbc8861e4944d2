"""Which torch operators ran: those of a candidate, which may only move data, and the work of those of a reference."""

import time
from collections.abc import Callable
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from pipeline.judge.moving import MOVING

PLAIN = (torch.Tensor, torch.nn.Parameter)
ALLOCATING = frozenset(
    {"empty", "empty_like", "empty_strided", "new_empty", "zeros", "zeros_like", "new_zeros"}
    | {"ones", "ones_like", "new_ones", "full", "full_like", "new_full"}
)
COPYING = frozenset({"clone", "copy_", "_to_copy"})


class OperatorLog(TorchDispatchMode):
    """Context manager; afterwards ``computing`` holds the names of the operators that computed something.

    ``scalars`` counts the elements that became Python numbers, ``copied_bytes`` what went from a GPU's memory to the
    host's. ``copies`` has the tensors that were copied to, if ``keep_copies``. ``place`` moves new tensors to where
    an access beyond them is found.
    """

    def __init__(
        self, *, keep_copies: bool = False, place: Callable[[torch.Tensor], torch.Tensor] | None = None
    ) -> None:
        super().__init__()
        self._place = place
        self.computing: set[str] = set()
        self.copies: list[torch.Tensor] = []
        self._keep_copies = keep_copies
        self.scalars = 0
        self.copied_bytes = 0

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # True would import torch._dynamo at the first operator: 1.5 seconds and writes to the disk

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        library, name, *_ = str(func).split(".")
        if library != "aten" or name not in MOVING:  # another library's "empty" may do anything
            self.computing.add(name if library == "aten" else f"{library}::{name}")
        self.computing |= {f"a {kind.__name__}" for kind in types if kind not in PLAIN}  # its handlers are not seen
        self.scalars += name == "_local_scalar_dense"
        result = func(*args, **(kwargs or {}))
        if self._place is not None and name in ALLOCATING and type(result) is torch.Tensor and result.numel():
            result = self._place(result)
        if name in COPYING and isinstance(result, torch.Tensor):
            self._note_copy(name, args[1] if name == "copy_" else args[0], result)
        if name in ("_to_copy", "copy_") and _on_host(result) and any(map(_on_gpu, args)):
            self.copied_bytes += result.nbytes
        return result

    def _note_copy(self, name: str, source: Any, result: torch.Tensor) -> None:
        rounds = isinstance(source, torch.Tensor) and source.is_floating_point() and not result.is_floating_point()
        if rounds and result.numel() > 1:  # to whole numbers it truncates, to bool it compares with zero
            self.computing.add(f"{name} to {result.dtype}")
        if self._keep_copies:
            self.copies.append(result)


def _on_host(value: Any) -> bool:
    return isinstance(value, torch.Tensor) and value.device.type == "cpu"


def _on_gpu(value: Any) -> bool:
    return isinstance(value, torch.Tensor) and value.device.type == "cuda"


class TooLongError(Exception):
    """Counting took longer than it may."""


class WorkCount(TorchDispatchMode):
    """Context manager; afterwards ``work`` is the number of elements written plus that of multiply-adds.

    Multiply-adds are those of products, convolutions and attention, as torch's own counter of operations has them.
    What is still going on after ``seconds`` is ended with a TooLongError.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.work = 0
        self._until = time.process_time() + seconds

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if time.process_time() > self._until:
            raise TooLongError
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        if count := flop_registry.get(func._overloadpacket):  # noqa: SLF001
            self.work += count(*args, **kwargs, out_val=result) // 2
        for value in result if isinstance(result, tuple | list) else (result,):
            self.work += value.numel() if isinstance(value, torch.Tensor) else 0
        return result

"""Which torch operators ran: those of a candidate, which may only move data, and the work of those of a reference."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from pipeline.judge.moving import MOVING

PLAIN = (torch.Tensor, torch.nn.Parameter)
COPYING = frozenset({"clone", "copy_", "_to_copy"})


class OperatorLog(TorchDispatchMode):
    """Context manager; afterwards ``computing`` holds the names of the operators that computed something.

    ``scalars`` counts the elements that became Python numbers, ``copied_bytes`` what went from a GPU's memory to the
    host's. ``copies`` has the tensors that were copied to, if ``keep_copies``.
    """

    def __init__(self, *, keep_copies: bool = False) -> None:
        super().__init__()
        self.computing: set[str] = set()
        self.copies: list[torch.Tensor] = []
        self._keep_copies = keep_copies
        self.scalars = 0
        self.copied_bytes = 0
        self._paused = False

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Note nothing for the length of the block: what runs in it is the judge's own."""
        self._paused = True
        try:
            yield
        finally:
            self._paused = False

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # True would import torch._dynamo at the first operator: 1.5 seconds and writes to the disk

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if self._paused:
            return func(*args, **(kwargs or {}))
        library, name, *_ = str(func).split(".")
        moving = library == "aten" and name in MOVING  # another library's "empty" may do anything
        if not moving and not _counts_up(name, args):
            self.computing.add(name if library == "aten" else f"{library}::{name}")
        self.computing |= {f"a {kind.__name__}" for kind in types if kind not in PLAIN}  # its handlers are not seen
        self.scalars += name == "_local_scalar_dense"
        result = func(*args, **(kwargs or {}))
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


def _counts_up(name: str, args: Any) -> bool:
    """Whether it is ``num_batches_tracked.add_(1)``, as every batch normalisation has it."""
    if name != "add_" or not isinstance(args[0], torch.Tensor) or args[0].dim() or args[0].dtype is not torch.int64:
        return False
    return type(args[1]) is int and args[1] == 1


def _on_host(value: Any) -> bool:
    return isinstance(value, torch.Tensor) and value.device.type == "cpu"


def _on_gpu(value: Any) -> bool:
    return isinstance(value, torch.Tensor) and value.device.type == "cuda"


class FlopCount(TorchDispatchMode):
    """Context manager; afterwards ``flops`` is that of products, convolutions and attention, as torch counts them.

    torch's own counter follows modules too, and with that refuses ``torch.autograd.grad``.
    """

    def __init__(self) -> None:
        super().__init__()
        self.flops = 0

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        if count := flop_registry.get(func._overloadpacket):  # noqa: SLF001
            self.flops += count(*args, **kwargs, out_val=result)
        return result


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

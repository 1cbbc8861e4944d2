"""Which torch operators ran: those of a candidate, which may only move data, and the work of those of a reference."""

import math
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, ClassVar, Protocol, Self

import torch
from torch import _tensor_str
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from pipeline.judge.moving import MOVING
from pipeline.judge.prescribed import Prescribed
from pipeline.judge.torch_values import own_object

PLAIN = (torch.Tensor, torch.nn.Parameter)
ALLOCATING = frozenset(
    {"empty", "empty_like", "empty_strided", "new_empty", "zeros", "zeros_like", "new_zeros"}
    | {"ones", "ones_like", "new_ones", "full", "full_like", "new_full"}
)
COPYING = frozenset({"clone", "copy_", "_to_copy"})
SCALAR_BYTES = 8  # what a tensor's element takes as a Python number
FEW_BYTES = 128  # of a new tensor
MOST_NUMBERS = 1024  # of one that was made of integers from Python


class Enclosure(Protocol):
    """What an ``OperatorLog`` needs of a device; see ``pipeline.judge.device``."""

    def guard(self, tensor: torch.Tensor) -> torch.Tensor: ...  # noqa: D102

    def holds(self, tensor: torch.Tensor) -> bool: ...  # noqa: D102


class OperatorLog(TorchDispatchMode):
    """Context manager; afterwards ``computing`` holds the names of the operators that computed something.

    ``scalars`` counts the elements that became Python numbers or text, ``copied_bytes`` what went from a GPU's memory
    to the host's, or into memory that is not enclosed. ``copies`` has the tensors that were copied to, if
    ``keep_copies``, and ``moved_bytes`` what they take whose values lie otherwise than in what they were copied from,
    or in a part of something.

    Args:
        keep_copies: see there.
        given: the call's arguments; one that does not lie contiguously may be copied so that it does.
        enclosure: where new tensors are to be, in place of where torch makes them.
    """

    open: ClassVar[list["OperatorLog"]] = []

    def __init__(
        self, *, keep_copies: bool = False, given: Iterable[Any] = (), enclosure: Enclosure | None = None
    ) -> None:
        super().__init__()
        self._given = {(t.data_ptr(), t.shape, t.stride()) for t in given if isinstance(t, torch.Tensor)}
        self.moved_bytes = 0
        self._enclosure = enclosure
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

    def __enter__(self) -> Self:
        self.open.append(self)
        return super().__enter__()

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)
        self.open.remove(self)

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # True would import torch._dynamo at the first operator: 1.5 seconds and writes to the disk

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if self._paused:
            return func(*args, **(kwargs or {}))
        library, name = name_of(func)
        if Prescribed.now:
            result = func(*args, **(kwargs or {}))
            return result if self._enclosure is None else self._enclosed(self._enclosure, name, args, result)
        moving = library == "aten" and name in MOVING  # another library's "empty" may do anything
        if not moving and not counts_up(name, args):
            self.computing.add(name if library == "aten" else f"{library}::{name}")
        self.computing |= {f"a {kind.__name__}" for kind in types if kind not in PLAIN}  # its handlers are not seen
        if name == "_local_scalar_dense":
            self.scalars += max(1, args[0].element_size() // SCALAR_BYTES)
        result = func(*args, **(kwargs or {}))
        if self._enclosure is not None:
            result = self._enclosed(self._enclosure, name, args, result)
        if name in COPYING and isinstance(result, torch.Tensor):
            self._note_copy(name, args[1] if name == "copy_" else args[0], result)
        if name in ("_to_copy", "copy_") and _on_host(result) and any(map(_on_gpu, args)):
            self.copied_bytes += result.nbytes
        return result

    def _enclosed(self, enclosure: Enclosure, name: str, args: Any, result: Any) -> Any:
        """Return a result with its new tensors in the enclosure: out of reach for host code, and stray writes found.

        Small ones that are made of something stay: they may hold numbers for the host's code, sizes or the like, but
        no data may come there.
        """
        if isinstance(result, tuple | list):
            return type(result)(self._enclosed(enclosure, name, args, part) for part in result)
        if not isinstance(result, torch.Tensor) or type(result) not in PLAIN or not result.numel():
            return result
        if result.layout is not torch.strided or result.device.type != "cpu":
            return result
        if name == "copy_":
            self.copied_bytes += 0 if enclosure.holds(result) else result.nbytes
        numbers = name.startswith("lift") and not result.is_floating_point()
        few = 0 if name in ALLOCATING else MOST_NUMBERS if numbers else FEW_BYTES
        if result.nbytes <= few or enclosure.holds(result):
            return result
        return result if not name.startswith("lift") and _shares(result, args) else enclosure.guard(result)

    def _note_copy(self, name: str, source: Any, result: torch.Tensor) -> None:
        rounds = isinstance(source, torch.Tensor) and source.is_floating_point() and not result.is_floating_point()
        if rounds and result.numel() > 1:  # to whole numbers it truncates, to bool it compares with zero
            self.computing.add(f"{name} to {result.dtype}")
        if self._keep_copies and isinstance(source, torch.Tensor):
            lies = source.shape, source.stride()
            as_given = not source.is_contiguous() and (source.data_ptr(), *lies) in self._given
            is_part = result.nbytes < result.untyped_storage().nbytes()
            stays = as_given or (lies == (result.shape, result.stride()) and not is_part)
            self.moved_bytes += 0 if stays else result.nbytes
        if self._keep_copies:
            self.copies.append(own_object(result))  # the other one is the candidate's, and may bring code along


@cache
def name_of(operator: Any) -> tuple[str, str]:
    """Return an operator's library and its name there; those that are asked for are few and live on."""
    library, name, *_ = str(operator).split(".")
    return library, name


def count_printing() -> None:
    """Have what is printed counted, in this process: torch formats a tensor while no mode sees its operators.

    Foreign code must not get its turn then: methods that a tensor's object has of its own.
    """
    formatted = _tensor_str._str  # noqa: SLF001
    if formatted.__module__ == __name__:
        return

    def text(tensor: torch.Tensor, *, tensor_contents: str | None = None) -> str:
        options = _tensor_str.PRINT_OPTS
        most = 2 * options.edgeitems if tensor.numel() > options.threshold else tensor.numel()
        shown = [min(size, most) for size in tensor.shape]
        for log in OperatorLog.open:
            log.scalars += math.prod(shown)
        return formatted(own_object(tensor), tensor_contents=tensor_contents)

    _tensor_str._str = text  # noqa: SLF001


def _shares(result: torch.Tensor, args: Any) -> bool:
    """Whether a result lies in the memory of an argument."""
    place = result.untyped_storage().data_ptr()
    parts = [part for value in args for part in (value if isinstance(value, tuple | list) else (value,))]
    return any(isinstance(part, torch.Tensor) and part.untyped_storage().data_ptr() == place for part in parts)


def counts_up(name: str, args: Any) -> bool:
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

"""Calls extensions from Python: ctypes only, in the candidate's process.

Before the first ``load`` there is no runtime: settings wait for it, and ``guard`` copies without guarding.
"""

import ctypes
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from pipeline.judge.inputs import Order
from pipeline.judge.simt.errors import SimtFault
from pipeline.judge.simt.fault import Fault, read_fault
from pipeline.judge.simt.launches import Launch, recorded_launches
from pipeline.judge.simt.library import Value, open_library
from pipeline.judge.simt.toolchain import LIBRARY
from pipeline.judge.simt.torch_calls import make_callback
from pipeline.judge.simt.values import DTYPES, TYPE_NAMES, Frame, address_of, take, take_tensor
from pipeline.judge.torch_values import overlaps

_ORDERS: dict[Order, int] = {"forward": 0, "reverse": 1, "random": 2}
_EXCEPTIONS = (RuntimeError, IndexError, ValueError, TypeError, NotImplementedError)  # of the statuses from 1 on
_FAULT_STATUS = 6
POISON_BITS = 0x7FFB  # include/simt/abi.h: kPoison


class _Runtime:
    """The runtime library of this process, of which there is at most one, and what was set before it came."""

    def __init__(self) -> None:
        self.library: ctypes.PyDLL | None = None
        self.order: tuple[Order, int] = ("forward", 0)
        self.fault_page: int | None = None
        self.launching = True
        self.torch_callback: Any = None

    def open(self, path: Path) -> ctypes.PyDLL:
        if self.library is None:
            self.library = open_library(path)
            self.library.simt_set_order(_ORDERS[self.order[0]], self.order[1])
            self.library.simt_set_launching(self.launching)
            self.torch_callback = make_callback(self.library, guard)
            self.library.simt_set_torch(self.torch_callback)
            if self.fault_page is not None:
                self.library.simt_set_fault_page(self.fault_page)
        return self.library


_runtime = _Runtime()


class Extension:
    """A loaded extension; its exported functions are its attributes."""

    def __init__(self, functions: dict[str, "Function"]) -> None:
        self.__dict__.update(functions)

    def __getattr__(self, name: str) -> "Function":
        raise AttributeError(f"the extension exports no function {name!r}")


class Function:
    """One exported function, called like the one that pybind11 would make."""

    def __init__(self, library: ctypes.PyDLL, address: int) -> None:
        self._library = library
        self._address = address
        self.__name__: str = library.simt_function_name(address).decode()
        count = library.simt_parameter_count(address)
        self._codes = [library.simt_parameter_code(address, i).decode() for i in range(count)]
        found = (library.simt_parameter(address, i) for i in range(count))
        self._parameters = [pointer.contents if pointer else None for pointer in found]
        self._names = [p.name.decode() if p else f"arg{i}" for i, p in enumerate(self._parameters)]
        self._slots = Value * max(1, count)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call it.

        Raises:
            TypeError: number or types of the arguments don't fit.
            RuntimeError: the C++ code threw, for example from TORCH_CHECK.
            SimtFault: a kernel did what a GPU would not allow.
        """
        slots = self._slots()
        frame = Frame(self._library)
        try:
            if not self._fill(frame, slots, args, kwargs):
                raise TypeError(self._mismatch(args, kwargs))
            result = Value()
            status = self._library.simt_call(self._address, slots, ctypes.byref(result))
            if status == _FAULT_STATUS:
                raise SimtFault(faults()[-1])
            if status:
                message = self._library.simt_message().decode(errors="replace")
                raise _EXCEPTIONS[status - 1](message)
            value = take(self._library, result)
            self._library.simt_free_result(ctypes.byref(result))
            return value
        finally:
            frame.close()

    def _fill(self, frame: Frame, slots: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
        if len(args) > len(self._codes) or (kwargs and not set(kwargs) <= set(self._names[len(args) :])):
            return False
        for i, (code, name) in enumerate(zip(self._codes, self._names, strict=True)):
            if i < len(args) or name in kwargs:
                if not frame.put(slots[i], code, args[i] if i < len(args) else kwargs[name]):
                    return False
            elif (parameter := self._parameters[i]) is not None and parameter.has_default:
                slots[i] = parameter.value
                if code.endswith("d") and parameter.value.tag == 2:  # an int literal as the default of a double
                    slots[i].d = float(parameter.value.i)
            else:
                return False
        return True

    def _mismatch(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
        wanted = ", ".join(f"{n}: {_type_name(c)}" for n, c in zip(self._names, self._codes, strict=True))
        given = ", ".join([type(a).__name__ for a in args] + [f"{n}: {type(a).__name__}" for n, a in kwargs.items()])
        return (
            f"{self.__name__}(): incompatible function arguments. The following argument types are supported: "
            f"({wanted}); invoked with: {given}"
        )


def _type_name(code: str) -> str:
    if code[0] == "?":
        return f"{_type_name(code[1:])} | None"
    return f"list[{_type_name(code[1:])}]" if code[0] == "[" else TYPE_NAMES[code]


def load(path: Path) -> Extension:
    """Load a library that ``build`` made.

    Raises:
        ImportError: it can't be loaded, or exports nothing.
    """
    return extension_of(_runtime.open(path.parent / LIBRARY), path)


def open_runtime(path: Path) -> None:
    """Load the runtime library, as the first ``load`` would: processes forked from this one have it."""
    _runtime.open(path)


def runtime() -> ctypes.PyDLL | None:
    """Return the runtime library; None before there is one."""
    return _runtime.library


def extension_of(library: ctypes.PyDLL, path: Path) -> Extension:
    """Return what an extension exports by way of a runtime library; raises ImportError as ``load`` does."""
    try:
        define = ctypes.PyDLL(str(path)).simt_module
    except (OSError, AttributeError) as error:
        raise ImportError(f"the extension exports no module: {path.name}") from error
    registry = library.simt_load(ctypes.cast(define, ctypes.c_void_p))
    addresses = [library.simt_function(registry, i) for i in range(library.simt_function_count(registry))]
    functions = [Function(library, address) for address in addresses]
    return Extension({function.__name__: function for function in functions})


def set_order(order: Order, seed: int) -> None:
    """Set in which order threads and blocks run, and (seed % 3) what unwritten memory holds: none may matter."""
    _runtime.order = (order, seed)
    if _runtime.library is not None:
        _runtime.library.simt_set_order(_ORDERS[order], seed)


def set_launching(launching: bool) -> bool:
    """Let kernels run, or have their launches counted and nothing else; return that this backend can do that."""
    _runtime.launching = launching
    if _runtime.library is not None:
        _runtime.library.simt_set_launching(launching)
    return True


def set_watching(watching: bool) -> None:
    """Let host code's accesses to device memory be faults, or not, in the calls to come."""
    if _runtime.library is not None:
        _runtime.library.simt_set_watching(watching)


def set_fault_page(fd: int) -> None:
    """Have faults written to a shared file of at least ``fault.RECORD_BYTES`` bytes, the first one kept.

    From then on, a touched guard page ends the process with exit status 86.
    """
    _runtime.fault_page = fd
    if _runtime.library is not None:
        _runtime.library.simt_set_fault_page(fd)


def launches() -> list[Launch]:
    """Return the kernels that ran since ``reset_launches``, the first 4096 of them (see ``launch_count``)."""
    return [] if _runtime.library is None else recorded_launches(_runtime.library)


def launch_count() -> int:
    """Return how many kernels ran since the start or the last ``reset_launches``."""
    return _runtime.library.simt_launch_count() if _runtime.library is not None else 0


def host_bytes() -> int:
    """Return how many bytes of device memory host code has read or shared so far (copies, managed memory, item)."""
    return _runtime.library.simt_host_bytes() if _runtime.library is not None else 0


def copies() -> tuple[int, int]:
    """Return how many bytes host code had copied to another layout, and how many floats to integers or booleans."""
    if _runtime.library is None:
        return 0, 0
    return _runtime.library.simt_moved_bytes(), _runtime.library.simt_truncated()


def lend(address: int, size: int) -> None:
    """Let kernels use memory that is not the runtime's own: that of a tensor whose address was asked for."""
    if _runtime.library is not None:
        _runtime.library.simt_lend(address, size)


def reset_launches() -> None:
    """Forget the launches so far."""
    if _runtime.library is not None:
        _runtime.library.simt_reset_launches()


def faults() -> list[Fault]:
    """Return the faults since the start or the last ``clear_faults``, launch errors among them."""
    if _runtime.library is None:
        return []
    raw = (_runtime.library.simt_fault(i).contents.raw for i in range(_runtime.library.simt_fault_count()))
    return [fault for fault in map(read_fault, raw) if fault is not None]


def clear_faults() -> None:
    """Forget the faults so far; the fault page keeps what it has."""
    if _runtime.library is not None:
        _runtime.library.simt_clear_faults()


def check_guards() -> None:
    """Look for writes next to guarded tensors, those already freed included, and for launches refused unnoticed.

    Raises:
        SimtFault: of the first such write, or the last such launch.
    """
    if _runtime.library is None:
        return
    _runtime.library.simt_check_guards()
    found = [fault for fault in faults() if fault.kind == "out_of_bounds"]
    if not found and _runtime.library.simt_has_unread_error():  # on a GPU, torch's next launch raises it
        found = [fault for fault in faults() if fault.kind == "launch_error"][-1:]
    if found:
        clear_faults()
        raise SimtFault(found[0])


def allocate(shape: Sequence[int], dtype: torch.dtype = torch.float32) -> torch.Tensor:
    """Return a guarded tensor filled with poison: NaN as any float, far out of range as an index.

    Raises:
        MemoryError: there is no memory for it.
    """
    if _runtime.library is None or dtype not in DTYPES:
        return torch.empty(tuple(shape), dtype=dtype)
    sizes = (ctypes.c_int64 * max(1, len(shape)))(*shape)
    pointer = _runtime.library.simt_allocate(DTYPES[dtype], len(shape), sizes)
    if pointer is None:
        raise MemoryError(f"no memory for a guarded tensor of shape {tuple(shape)}")
    return take_tensor(_runtime.library, pointer)


def guard(tensor: torch.Tensor) -> torch.Tensor:
    """Return a guarded copy with the same strides, poison in its gaps; a contiguous one if elements overlap."""
    if tensor.is_contiguous() or overlaps(tensor):
        copy = allocate(tensor.shape, tensor.dtype)
    else:
        span = 1 + sum((size - 1) * stride for size, stride in zip(tensor.shape, tensor.stride(), strict=True))
        copy = allocate((span,), tensor.dtype).as_strided(tensor.shape, tensor.stride())
    with torch.no_grad():
        return copy.copy_(tensor.detach())


def holds(tensor: torch.Tensor) -> bool:
    """Return whether a tensor lies in the runtime's own memory; True before there is a runtime."""
    return _runtime.library is None or _runtime.library.simt_is_guarded(address_of(tensor))

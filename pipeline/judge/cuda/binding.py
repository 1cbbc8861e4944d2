"""Loads and calls extensions in the candidate's process: the functions of ``simt.binding``, on a GPU.

Guards are bands of poison around a copy, compared after the call. A write further away than a band, and any stray
read, goes unseen here; on the CPU (simt) both are found. CUDA is initialised by ``install``, in the process that runs
the candidate and never in the fork server: a context does not survive a fork.
"""

import ctypes
import importlib.machinery
import importlib.util
import math
from pathlib import Path
from typing import Any

import torch

from pipeline.judge.cuda.full import MODULE
from pipeline.judge.cuda.library import LIBRARY
from pipeline.judge.cuda.memory import Callbacks, make_callbacks
from pipeline.judge.cuda.stopwatch import STOPWATCH, Stopwatch
from pipeline.judge.inputs import Order
from pipeline.judge.simt.binding import POISON_BITS, extension_of
from pipeline.judge.simt.errors import SimtFault
from pipeline.judge.simt.fault import Fault
from pipeline.judge.simt.launches import Launch, recorded_launches
from pipeline.judge.simt.library import Signatures, open_library
from pipeline.judge.simt.torch_calls import make_callback

GUARD_BYTES = 4096
_SIGNATURES: Signatures = {
    "simt_set_python": (None, (ctypes.POINTER(Callbacks),)),
    "simt_python_failed": (None, (ctypes.c_char_p,)),
    "simt_set_torch": (None, (ctypes.c_void_p,)),
    "simt_set_launching": (None, (ctypes.c_bool,)),
    **STOPWATCH,
}
# What CUDA says of a kernel that went wrong, and what simt calls it. All but the last leave the process without a
# usable context.
_FAULTS = {
    "an illegal memory access": "out_of_bounds",
    "misaligned address": "misaligned",
    "an illegal instruction": "illegal_instruction",
    "device-side assert": "assert",
    "unspecified launch failure": "launch_failure",
    "invalid configuration argument": "launch_error",
    "too many resources requested": "launch_error",
    "invalid argument": "launch_error",
}


class _Process:
    """The runtime library of this process and the guarded tensors in it."""

    def __init__(self) -> None:
        self.library: ctypes.PyDLL | None = None
        self.callbacks: tuple[Callbacks, Any] | None = None  # kept as long as the library calls them
        self.stopwatch: Stopwatch | None = None
        self.launching = True
        self.device = torch.device("cuda")
        self.bands: list[torch.Tensor] = []

    def open(self, path: Path) -> ctypes.PyDLL:
        if self.library is None:
            self.library = open_library(path, _SIGNATURES)
            memory, operators = make_callbacks(self.library, self.device), make_callback(self.library, _as_it_is)
            self.library.simt_set_python(ctypes.byref(memory))
            self.library.simt_set_torch(operators)
            self.library.simt_set_launching(self.launching)
            self.callbacks = memory, operators
            self.stopwatch = Stopwatch(self.library)
        return self.library


def _as_it_is(tensor: torch.Tensor) -> torch.Tensor:
    return tensor


_process = _Process()


def install() -> None:
    """Initialise CUDA in this process and have torch poison what it allocates.

    Products of float32 values are of float32 values, in the candidate's process as in the reference's.

    Raises:
        RuntimeError: torch can't use the GPU here.
    """
    if _process.device.type == "cuda":
        torch.cuda.init()
        torch.zeros(1, device=_process.device).item()
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    poison_new_memory(on=True)


def set_fault_page(fd: int) -> None:
    """Do nothing: what a kernel must not do, CUDA reports to the process itself."""


def use_device(device: torch.device) -> None:
    """Choose where the extensions' tensors are made, before the first ``load``: the GPU, unless a test says else."""
    _process.device = device


def load(path: Path) -> Any:
    """Load a library that ``build`` made: the small runtime's kind, or a Python module over torch's own headers.

    Raises:
        ImportError: it can't be loaded, or exports nothing.
    """
    library = _process.open(path.parent / LIBRARY)
    if path.name.endswith(".full.so"):
        return _load_module(path)
    return extension_of(library, path)


def _load_module(path: Path) -> Any:
    loader = importlib.machinery.ExtensionFileLoader(MODULE, str(path))
    spec = importlib.util.spec_from_loader(MODULE, loader)
    if spec is None:
        raise ImportError(f"no module: {path.name}")
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def set_order(order: Order, seed: int) -> None:
    """Do nothing: a GPU runs its threads in an order of its own."""


def set_launching(launching: bool) -> bool:
    """Let extensions' kernels run, or have their launches counted and nothing else; return that this can be done."""
    _process.launching = launching
    if _process.library is not None:
        _process.library.simt_set_launching(launching)
    return True


def place(tensor: torch.Tensor) -> torch.Tensor:
    """Return the tensor on the GPU."""
    return tensor.to(_process.device)


def on_device(tensor: torch.Tensor) -> bool:
    """Whether a tensor is on the GPU."""
    return tensor.device.type == _process.device.type


def fault_of(error: BaseException) -> Fault | None:
    """Return the fault of which torch's or an extension's exception tells, None if it tells of none."""
    text = str(error)
    if not isinstance(error, RuntimeError) or "CUDA error" not in text:
        return None
    kind = next((kind for words, kind in _FAULTS.items() if words in text), None)
    return None if kind is None else Fault(kind, "", 0, (0, 0, 0), (0, 0, 0), text.splitlines()[0][:200])


def open_runtime(path: Path) -> None:
    """Open the runtime library, so that what measures is there before a candidate is.

    Raises:
        RuntimeError: CUDA's runtime in it, which is the toolkit's and not torch's, does not work with this driver.
    """
    _process.open(path)
    if _process.device.type == "cuda":
        stopwatch().wait()


def stopwatch() -> Stopwatch:
    """Return this process's; raises RuntimeError where the runtime was not opened."""
    if _process.stopwatch is None:
        raise RuntimeError("the runtime was not opened")
    return _process.stopwatch


def launches() -> list[Launch]:
    """Return the kernels that extensions launched since ``reset_launches``, the first 4096 of them."""
    return [] if _process.library is None else recorded_launches(_process.library)


def reset_launches() -> None:
    """Forget the launches so far."""
    if _process.library is not None:
        _process.library.simt_reset_launches()


def host_bytes() -> int:
    """Return how many bytes extensions have brought from the GPU to the host, or shared with it, so far."""
    return _process.library.simt_host_bytes() if _process.library is not None else 0


def guard(tensor: torch.Tensor) -> torch.Tensor:
    """Return a copy on the GPU, contiguous or with the same dense strides, between two bands of poison."""
    source = tensor.detach()
    span = 1 + sum((size - 1) * stride for size, stride in zip(source.shape, source.stride(), strict=True))
    dense = source.numel() > 0 and span == source.numel()
    item = source.element_size()
    body = math.ceil(source.numel() * item / GUARD_BYTES) * GUARD_BYTES  # keeps the alignment of torch's allocator
    whole = torch.empty(2 * GUARD_BYTES + body, dtype=torch.uint8, device=_process.device)
    whole.view(torch.int16).fill_(POISON_BITS)
    _process.bands += [whole[:GUARD_BYTES], whole[GUARD_BYTES + source.numel() * item :]]
    flat = whole[GUARD_BYTES : GUARD_BYTES + source.numel() * item].view(source.dtype)
    copy = flat.as_strided(source.shape, source.stride()) if dense else flat.view(source.shape)
    with torch.no_grad():
        return copy.copy_(source)


def check_guards() -> None:
    """Look for writes into the bands of guarded tensors.

    Raises:
        SimtFault: of the first such write.
    """
    if _process.device.type == "cuda":
        torch.cuda.synchronize()
    for band in _process.bands:
        even = band if (band.numel() % 2 == 0 and band.storage_offset() % 2 == 0) else band[1:]
        halves = even[: even.numel() // 2 * 2].view(torch.int16)
        if not bool((halves == POISON_BITS).all()):
            release_guards()
            raise SimtFault(Fault("out_of_bounds", "", 0, (0, 0, 0), (0, 0, 0), "write next to a tensor"))


def release_guards() -> None:
    """Forget the guarded tensors so far, so that their memory can be freed."""
    _process.bands.clear()


def poison_new_memory(*, on: bool) -> None:
    """Have torch fill what it allocates with NaN (integers: their largest), so that unwritten results show.

    Measurements turn it off. Memory that an extension takes from CUDA itself is not filled.
    """
    # Not torch.use_deterministic_algorithms, which also imports inductor's settings: a second in each process.
    torch._C._set_deterministic_algorithms(on, warn_only=True)  # noqa: SLF001
    torch.utils.deterministic.fill_uninitialized_memory = on  # type: ignore[attr-defined]

"""Makes CPU tensors pass for CUDA tensors in a candidate's process: there is one memory, the GPU's."""

import sys
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

from pipeline.judge.device import MODULE
from pipeline.judge.device_names import accept_cuda
from pipeline.judge.operators import count_printing
from pipeline.judge.simt.binding import lend
from pipeline.judge.simt.values import address_of

PROPERTIES = {  # as runtime/launch.cpp has them for native code
    "name": "NVIDIA A100-SXM4-40GB MIG 2g.10gb",
    "major": 8,
    "minor": 0,
    "total_memory": 10 << 30,
    "multi_processor_count": 28,
    "max_threads_per_multi_processor": 2048,
    "shared_memory_per_block": 48 * 1024,
    "shared_memory_per_block_optin": 163 * 1024,
    "shared_memory_per_multiprocessor": 164 * 1024,
    "regs_per_multiprocessor": 65536,
    "warp_size": 32,
    "L2_cache_size": 10 << 20,
    "is_integrated": 0,
    "is_multi_gpu_board": 0,
    "gcnArchName": "NVIDIA A100-SXM4-40GB MIG 2g.10gb",
}


def install() -> None:
    """Patch torch in this process: ``.cuda()``, ``.is_cuda`` and ``device="cuda"`` work, waiting does nothing."""
    accept_cuda()
    count_printing()
    torch.Tensor.is_cuda = property(lambda _: True)  # type: ignore[assignment]
    _answer_candidates()
    for name in ("apply_", "map_", "map2_"):
        setattr(torch.Tensor, name, _only_for_cpu(name))
    torch.Tensor.data_ptr = _lent  # type: ignore[assignment]
    torch.Tensor.tolist = _to_list  # type: ignore[assignment]
    torch.Tensor.__array__ = _to_array  # type: ignore[assignment]
    for name, answer in _answers().items():
        setattr(torch.cuda, name, answer)
    for name in ("range_push", "range_pop", "mark"):  # nobody profiles
        setattr(torch.cuda.nvtx, name, lambda *_: None)
    for owner, names in (
        (torch.Tensor, ("new_empty", "new_empty_strided")),
        (torch, ("empty", "empty_like", "empty_strided", "empty_permuted")),
    ):
        for name in names:
            setattr(owner, name, _poisoned(getattr(owner, name)))


def _answers() -> dict[str, Any]:
    """Return what functions of ``torch.cuda`` are replaced with: there is one GPU, and one stream."""
    properties = SimpleNamespace(**PROPERTIES)
    stream = SimpleNamespace(cuda_stream=0, stream_id=0, synchronize=lambda: None, query=lambda: True)
    return {
        "synchronize": lambda *_, **__: None,
        "is_available": lambda: True,
        "is_initialized": lambda: True,
        "get_arch_list": lambda: ["sm_80"],
        "memory_allocated": lambda *_, **__: 1 << 20,
        "mem_get_info": lambda *_: (properties.total_memory, properties.total_memory),
        "is_bf16_supported": lambda *_, **__: True,
        "current_device": lambda: 0,
        "device_count": lambda: 1,
        "set_device": lambda *_: None,
        "device": lambda *_: nullcontext(),
        "device_of": lambda *_: nullcontext(),
        "current_stream": lambda *_: stream,
        "default_stream": lambda *_: stream,
        "get_device_properties": lambda *_: properties,
        "get_device_capability": lambda *_: (properties.major, properties.minor),
        "get_device_name": lambda *_: properties.name,
    }


def _answer_candidates() -> None:
    """Have tensors say that they are on a GPU, if the candidate asks: torch itself would act upon it."""
    device: Any = torch.Tensor.device
    is_cpu: Any = torch.Tensor.is_cpu
    get_device, kind = torch.Tensor.get_device, torch.Tensor.type

    def asks() -> bool:
        return sys._getframe(2).f_globals.get("__name__") == MODULE  # noqa: SLF001

    def type_of(self: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
        answer = kind(self, *args, **kwargs)
        return answer.replace("torch.", "torch.cuda.", 1) if isinstance(answer, str) and asks() else answer

    gpu = torch.device("cuda", 0)
    patched: Any = torch.Tensor
    patched.device = property(lambda self: gpu if asks() else device.__get__(self))
    patched.is_cpu = property(lambda self: not asks() and is_cpu.__get__(self))
    patched.get_device = lambda self: 0 if asks() else get_device(self)
    patched.type = type_of


def _lent(tensor: torch.Tensor) -> int:
    """Return what ``data_ptr`` does: an address that a launcher may hand on to a kernel as it stands."""
    address = address_of(tensor)
    if tensor.numel():
        last = sum((n - 1) * step for n, step in zip(tensor.shape, tensor.stride(), strict=True))
        lend(address, (last + 1) * tensor.itemsize)
    return address


def _only_for_cpu(name: str) -> Any:
    def call(*_: Any, **__: Any) -> Any:
        raise TypeError(f"{name} is only implemented on CPU tensors")

    return call


def _to_list(tensor: torch.Tensor) -> Any:
    """Return what ``tolist`` does, element by element, so that an ``OperatorLog`` sees each."""
    return tensor.item() if tensor.dim() == 0 else [_to_list(part) for part in tensor.unbind()]


def _to_array(tensor: torch.Tensor, dtype: Any = None) -> Any:
    """Return what numpy makes of a tensor that one of its functions is given, seen as above."""
    return np.array(_to_list(tensor), dtype or str(tensor.dtype).removeprefix("torch."))


def _poisoned(create: Any) -> Any:
    """Return what creates the same tensors, and fills them so that no earlier result is left in them."""

    def call(*args: Any, **kwargs: Any) -> Any:
        tensor = create(*args, **kwargs)
        if type(tensor) is torch.Tensor and tensor.layout is torch.strided and tensor.device.type == "cpu":
            with torch.no_grad():
                if tensor.is_floating_point():
                    tensor.fill_(torch.nan)
                elif tensor.dtype is torch.bool:
                    tensor.view(torch.uint8).fill_(0xFB)
                elif not tensor.is_complex():
                    tensor.fill_(torch.iinfo(tensor.dtype).max - 4)
        return tensor

    return call

"""Makes CPU tensors pass for CUDA tensors in a candidate's process: there is one memory, the GPU's."""

from typing import Any

import torch

from pipeline.judge.operators import count_printing
from pipeline.judge.simt.binding import lend
from pipeline.judge.simt.values import address_of


def install() -> None:
    """Patch torch in this process: ``.cuda()``, ``.is_cuda`` and ``device="cuda"`` work, waiting does nothing."""
    count_printing()

    def same(self: Any, *_: Any, **__: Any) -> Any:
        return self

    torch.Tensor.cuda = same
    torch.nn.Module.cuda = same
    torch.Tensor.is_cuda = property(lambda _: True)  # type: ignore[assignment]
    for name in ("apply_", "map_", "map2_"):
        setattr(torch.Tensor, name, _only_for_cpu(name))
    torch.Tensor.data_ptr = _lent  # type: ignore[assignment]
    torch.Tensor.tolist = _to_list  # type: ignore[assignment]
    torch.cuda.synchronize = lambda *_, **__: None
    torch.cuda.is_available = lambda: True
    torch.cuda.current_device = lambda: 0
    for owner, names in (
        (torch.Tensor, ("to", "new_empty", "new_empty_strided", "new_zeros", "new_ones", "new_full", "new_tensor")),
        (torch.nn.Module, ("to",)),
        (torch, ("empty", "empty_like", "empty_strided", "empty_permuted")),
        (torch, ("zeros", "zeros_like", "ones", "ones_like", "full", "full_like", "tensor")),
    ):
        for name in names:
            create = _without_cuda(getattr(owner, name))
            setattr(owner, name, _poisoned(create) if "empty" in name else create)


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


def _without_cuda(function: Any) -> Any:
    def call(*args: Any, **kwargs: Any) -> Any:
        if _is_cuda(kwargs.get("device")):
            kwargs["device"] = "cpu"
        return function(*("cpu" if _is_cuda(a) else a for a in args), **kwargs)

    return call


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


def _is_cuda(value: object) -> bool:
    return (isinstance(value, str) and value.startswith("cuda")) or (
        isinstance(value, torch.device) and value.type == "cuda"
    )

"""``device="cuda"`` where there is no GPU: what asks torch for memory there gets the CPU's.

For a task's module, which may make its inputs on a GPU, and for candidates on the ``simt`` backend.
"""

from typing import Any

import torch
from torch.utils._device import _device_constructors

METHODS = ("new_empty", "new_empty_strided", "new_zeros", "new_ones", "new_full", "new_tensor")
MAKERS = (
    *("empty", "empty_like", "empty_strided", "empty_permuted", "zeros", "zeros_like", "ones", "ones_like"),
    *("full", "full_like", "tensor", "as_tensor", "arange", "linspace", "eye"),
    *("rand", "rand_like", "randn", "randn_like", "randint", "randperm", "normal"),
)


def accept_cuda() -> None:
    """Patch torch in this process: ``.cuda()`` does nothing, and ``device="cuda"`` names the device that there is."""

    def same(self: Any, *_: Any, **__: Any) -> Any:
        return self

    _device_constructors()  # keeps torch's own functions, for which ``with torch.device("meta")`` looks out
    torch.Tensor.cuda = same
    torch.nn.Module.cuda = same
    for owner in (torch.Tensor, torch.nn.Module):
        owner.to = _moving(owner.to)
    for name in METHODS:
        setattr(torch.Tensor, name, _making(getattr(torch.Tensor, name)))
    for name in MAKERS:
        setattr(torch, name, _making(getattr(torch, name)))


def _making(function: Any) -> Any:
    def call(*args: Any, **kwargs: Any) -> Any:
        if _is_cuda(kwargs.get("device")):
            del kwargs["device"]
        return function(*args, **kwargs)

    return call


def _moving(function: Any) -> Any:
    """Return what does ``to``, but stays where it is (in torch's meta device, too) if it is sent to a GPU."""

    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        kept = [a for a in args if not _is_cuda(a)]
        if _is_cuda(kwargs.get("device")):
            del kwargs["device"]
        return function(self, *kept, **kwargs) if kept or kwargs else self

    return call


def _is_cuda(value: object) -> bool:
    return (isinstance(value, str) and value.startswith("cuda")) or (
        isinstance(value, torch.device) and value.type == "cuda"
    )

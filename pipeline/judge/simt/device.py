"""This backend as a ``pipeline.judge.device.Device``."""

import torch

from pipeline.judge.simt.binding import (
    check_guards,
    copies,
    guard,
    holds,
    host_bytes,
    launches,
    load,
    reset_launches,
    set_fault_page,
    set_launching,
    set_order,
    set_watching,
)
from pipeline.judge.simt.fault import Fault
from pipeline.judge.simt.regions import buffers, regions
from pipeline.judge.simt_device import install

__all__ = [
    "buffers",
    "check_guards",
    "copies",
    "fault_of",
    "guard",
    "holds",
    "host_bytes",
    "install",
    "launches",
    "load",
    "on_device",
    "place",
    "poisons",
    "regions",
    "release_guards",
    "reset_launches",
    "set_fault_page",
    "set_launching",
    "set_order",
    "set_watching",
]


def place(tensor: torch.Tensor) -> torch.Tensor:
    """Return the tensor itself: there is one memory."""
    return tensor


def poisons() -> bool:
    """Return True: the runtime poisons what it allocates, ``simt_device`` what torch does."""
    return True


def on_device(tensor: torch.Tensor) -> bool:
    """Whether the tensor is where all are, and not on torch's meta device."""
    return tensor.device.type == "cpu"


def release_guards() -> None:
    """Do nothing: the runtime itself follows what is freed."""


def fault_of(error: BaseException) -> Fault | None:  # noqa: ARG001  (the protocol's)
    """Return None: the runtime reports faults itself."""
    return None

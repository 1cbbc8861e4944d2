"""This backend as a ``pipeline.judge.device.Device``."""

import torch

from pipeline.judge.cuda.binding import (
    check_guards,
    fault_of,
    guard,
    host_bytes,
    install,
    launches,
    load,
    on_device,
    open_runtime,
    place,
    release_guards,
    reset_launches,
    set_fault_page,
    set_launching,
    set_order,
)

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
    "open_runtime",
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


def holds(tensor: torch.Tensor) -> bool:  # noqa: ARG001  (the protocol's)
    """Return True: the GPU's memory is out of reach for host code."""
    return True


def poisons() -> bool:
    """Return False: a block of torch's allocator may hold the result of an earlier call."""
    return False


def buffers() -> list[tuple[int, int]]:
    """Return nothing: it is on the GPU, and is not looked at."""
    return []


def regions() -> list[tuple[int, int]]:
    """Return nothing, as ``buffers`` does."""
    return []


def copies() -> tuple[int, int]:
    """Return zeros: copies are made by torch's own operators, where they are seen."""
    return 0, 0


def set_watching(watching: bool) -> None:
    """Do nothing: host code that touches device memory ends the process."""

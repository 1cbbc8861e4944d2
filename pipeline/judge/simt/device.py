"""This backend as a ``pipeline.judge.device.Device``."""

from pipeline.judge.simt.binding import (
    check_guards,
    guard,
    host_bytes,
    launches,
    load,
    set_fault_page,
    set_launching,
    set_order,
)
from pipeline.judge.simt_device import install

__all__ = [
    "check_guards",
    "guard",
    "host_bytes",
    "install",
    "launches",
    "load",
    "set_fault_page",
    "set_launching",
    "set_order",
]

"""This backend as a ``pipeline.judge.device.Device``."""

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
    set_fault_page,
    set_launching,
    set_order,
)

__all__ = [
    "check_guards",
    "fault_of",
    "guard",
    "host_bytes",
    "install",
    "launches",
    "load",
    "on_device",
    "open_runtime",
    "place",
    "release_guards",
    "set_fault_page",
    "set_launching",
    "set_order",
]

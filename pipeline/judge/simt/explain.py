"""Explains a failure: the same call once more on an instrumented build, in a process of its own.

A failure is run once more so that it can be said why, and under policy strict a success whose threads may meet at one
address, because a race can come out right in every order of threads.
"""

import dataclasses
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.errors import InfrastructureError
from pipeline.judge.processes import ForkServer
from pipeline.judge.simt.build import ExtensionSource, build
from pipeline.judge.simt.errors import CompileError, CompileTimeoutError, ForbiddenError, Unsupported
from pipeline.judge.simt.fault import Fault, read_faults
from pipeline.judge.workers import Limits, WorkerGoneError

LIMITS = Limits(cpu_seconds=6, wall_seconds=120.0)
SOURCES = ("cuda.cu", "main.cpp")
# Which findings may take the place of a reason, the strongest first. Others only add to the detail. Wrong but finite
# values in every order of threads are not explained: they are wrong arithmetic (what was never written is a NaN), by
# far the most common failure, and an instrumented build costs several times a fast one.
_PROOFS: dict[str, tuple[str, ...]] = {
    "thread_order": ("race", "race_with_atomic", "uninitialised_read", "host_memory"),
    "non_finite": ("host_memory", "race", "race_with_atomic", "uninitialised_read"),
    "crash": ("host_memory",),
}
EXPLAINABLE = (*_PROOFS, "out_of_bounds", "illegal_instruction", "divergent_barrier", "unwritten", "timeout")
_NO_BUILD = (CompileError, CompileTimeoutError, ForbiddenError, Unsupported, InfrastructureError)
_STOPPING = ("out_of_bounds", "host_memory", "host_access", "divergent_barrier", "spin_wait")  # they end the kernel


class Findings(NamedTuple):
    """The faults, the strongest first, and what kept the run from its end, like ``could not be built``; else None."""

    faults: list[Fault]
    trouble: str | None


def explain(
    server: ForkServer,
    cache: Path,
    code: str,
    request: dict[str, Any],
    buffers: list[bytearray],
    orders: Sequence[str],
) -> Findings:
    """Return what an instrumented run of a call finds.

    Args:
        server: starts the process.
        cache: of builds; the instrumented ones are kept beside the fast ones.
        code: the candidate's module.
        request: the candidate worker's ``call``, which constructs the model anew.
        buffers: the tensors of the request.
        orders: of threads; the first in which something is found ends the search.
    """
    trouble: str | None = None
    for order in orders:
        found, trouble = _run(server, cache, code, {**request, "order": order}, buffers)
        if found:
            return Findings(sorted(found, key=lambda fault: fault.kind not in _STOPPING), trouble)
    return Findings([], trouble)


def specific_reason(reason: str, found: Sequence[Fault]) -> str:
    """Return the kind of the finding that proves what is behind ``reason``; ``reason`` itself if none does."""
    kinds = {fault.kind for fault in found}
    proofs = ("out_of_bounds", *_PROOFS.get(reason, ())) if reason in _PROOFS else ()
    return next((kind for kind in proofs if kind in kinds), reason)


def located(fault: Fault, library: Path) -> Fault:
    """Return the fault with lines of the source in place of offsets in its library."""
    line, other = (_line(library, place) if place else 0 for place in (fault.place, fault.other_place))
    return dataclasses.replace(fault, line=line or fault.line, other_line=other)


def _run(
    server: ForkServer, cache: Path, code: str, request: dict[str, Any], buffers: list[bytearray]
) -> tuple[list[Fault], str | None]:
    """Return the faults, and what kept the run from its end."""
    libraries: dict[str, Path] = {}
    trouble: list[str] = []

    def on_build(asked: dict[str, Any]) -> dict[str, Any]:
        try:
            path = build(ExtensionSource.requested(asked), cache, instrumented=True)
        except (KeyError, TypeError, *_NO_BUILD):
            trouble.append("could not be built")
            return {"failed": True}
        libraries[path.name] = path
        return {"path": str(path)}

    worker = server.start_worker("candidate", LIMITS)
    with worker:
        try:
            worker.ask({"op": "load", "code": code}, (), on_build)
            worker.ask(request, buffers, on_build)
            page = worker.end().fault_page
        except WorkerGoneError as gone:
            page = gone.ending.fault_page
            trouble.append("did not come to its end")
    faults = [fault for fault in read_faults(page) if fault.kind != "launch_error"]
    placed = [located(f, libraries[f.library]) if f.library in libraries else f for f in faults]
    return placed, trouble[0] if trouble else None


def _line(library: Path, place: int) -> int:
    """Return the innermost line of the candidate's own source that an instruction belongs to, 0 if unknown."""
    command = ["addr2line", "-i", "-e", str(library), hex(place)]
    try:
        result = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return 0
    for frame in result.stdout.splitlines():
        path, _, line = frame.split(" ")[0].rpartition(":")
        if Path(path).name in SOURCES and line.isdigit():
            return int(line)
    return 0

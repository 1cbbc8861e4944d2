"""Does CUDA work in a confined process, all that workers use of it, and if not, which layer keeps it from working?

Each line is a forked child, confined with some of the layers, that does one kind of work on the GPU. What does not
work with all of them is tried again without one layer each. Where it is the seccomp filter, the listed system calls
are denied in ever smaller groups, until those are found without which it does not work. At the end a process of each
role is started as the judge does it.
"""

import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, Literal
from unittest.mock import patch

from pipeline.errors import InfrastructureError
from pipeline.judge import namespaces, sandbox, seccomp
from pipeline.judge.cuda.backend import GpuBackend
from pipeline.judge.cuda.gpus import why_not
from pipeline.judge.cuda.sandbox import allowances
from pipeline.judge.processes import GPU_ENVIRONMENT, ForkServer
from pipeline.judge.workers import Limits

SECONDS = 90
OK = "ok"
Role = Literal["reference", "candidate", "baseline"]
ROLES: tuple[Role, ...] = ("reference", "candidate", "baseline")


def main(_arguments: list[str]) -> dict[str, Any]:
    """Print one line a trial."""
    if lacking := why_not():
        print(f"cuda-sandbox: {lacking}", file=sys.stderr)
        raise SystemExit(2)
    import torch  # noqa: F401  (before the forks, as in the fork server)

    print("devices:", *allowances().devices)
    print("readable:", *allowances().readable)
    return {**{name: _examined(name) for name in WORK}, "workers": _workers()}


def _workers() -> dict[str, str]:
    """Return, by role, what confines a process in which CUDA has started, or why it has not."""
    with tempfile.TemporaryDirectory() as name:
        gpu = GpuBackend.here().workers(Path(name))
        with closing(ForkServer(sandbox=sandbox.missing() is None, readable=[Path(name)], gpu=gpu)) as server:
            return {role: _started(server, role) for role in ROLES}


def _started(server: ForkServer, role: Role) -> str:
    try:
        with server.start_worker(role, Limits()) as worker:
            told = worker.sandbox
    except InfrastructureError as error:
        told = str(error)
    print(f"{'worker':10} {role:25} {told[:300]}", flush=True)
    return told


Patch = Callable[[], Any]


def _examined(work: str) -> Any:
    """Return "ok", or what every trial of this work ended with."""
    if (told := _trial(work, "all layers")) == OK:
        return told
    figures: dict[str, Any] = {"all layers": told}
    figures |= {layer: _trial(work, layer, *patches) for layer, *patches in _layers()}
    if figures["no seccomp"] == OK:
        listed = f"{seccomp.PROCESSES} {seccomp.HOUSEKEEPING} {seccomp.ALWAYS}".split()
        figures["calls"] = _needed(work, [entry.partition("=")[0] for entry in listed])
        print("it does not work without:", *figures["calls"])
    return figures


def _layers() -> Iterator[tuple[Any, ...]]:
    yield "no layer at all", *(make for _, make in _single_layers())
    for name, make in _single_layers():
        yield f"no {name}", make
    yield "all of /proc, /sys, /dev", _with_all_of_proc


def _single_layers() -> list[tuple[str, Patch]]:
    return [
        ("seccomp", lambda: patch.object(sandbox, "install_filter", lambda *_: True)),
        ("Landlock", lambda: patch.object(sandbox, "restrict", lambda *_: True)),
        ("limits", lambda: patch.object(sandbox, "_limit", lambda *_, **__: None)),
        ("folder of its own", lambda: patch.object(sandbox, "own_folder", lambda *_, **__: True)),
        ("namespaces", lambda: patch.object(namespaces, "enter", lambda **_: False)),
        ("loss of capabilities", lambda: patch.object(sandbox, "drop_capabilities", lambda: None)),
    ]


def _with_all_of_proc() -> Any:
    real, trees = sandbox.restrict, [Path("/proc"), Path("/sys"), Path("/etc")]
    return patch.object(sandbox, "restrict", lambda w, r: real([*w, Path("/dev")], [*r, *trees]))


def _needed(work: str, names: list[str]) -> list[str]:
    """Return those of the system calls without which the work does not work, any of which alone may be let through."""
    if _trial(work, f"{len(names)} calls denied", _denying(names)) == OK:
        return []
    if len(names) == 1:
        return names
    middle = len(names) // 2
    return [*_needed(work, names[:middle]), *_needed(work, names[middle:])] or names


def _denying(names: list[str]) -> Patch:
    """Deny these calls and no others."""

    def left(table: str) -> str:
        return " ".join(entry for entry in table.split() if entry.partition("=")[0] in names)

    def patched() -> Any:
        seccomp.worker_filter.cache_clear()
        processes, housekeeping = left(seccomp.PROCESSES), left(seccomp.HOUSEKEEPING)
        return patch.multiple(seccomp, PROCESSES=processes, HOUSEKEEPING=housekeeping, ALWAYS=left(seccomp.ALWAYS))

    return patched


def _trial(work: str, name: str, *patches: Patch) -> str:
    """Return "ok", or how the child ended."""
    there, here = os.pipe()
    with tempfile.TemporaryDirectory() as folder:
        pid = os.fork()
        if pid == 0:
            with ExitStack() as stack:
                for make in patches:
                    stack.enter_context(make())
                namespaces.enter(own_proc=True)
                signal.alarm(SECONDS)
                os.write(here, _confined(work, Path(folder)).encode()[:2000])
            os._exit(0)
        os.close(here)
        _, status = os.waitpid(pid, 0)
    with os.fdopen(there, "rb") as answer:
        told = answer.read().decode(errors="replace") or f"status {os.waitstatus_to_exitcode(status)}"
    print(f"{work:10} {name:25} {told[:300]}", flush=True)
    return told


def _confined(work: str, folder: Path) -> str:
    libraries = os.environ.get("LD_LIBRARY_PATH", "")
    readable = [Path(entry) for entry in libraries.split(os.pathsep) if entry]
    try:
        sandbox.confine(folder, readable, 120, 8 * 2**30, allowances(compiling=work == "compile"))
        os.environ.update({**GPU_ENVIRONMENT, "TRITON_HOME": str(folder), "LD_LIBRARY_PATH": libraries})
        return WORK[work]()
    except BaseException as error:  # noqa: BLE001  (what is asked for is whatever goes wrong)
        return f"{type(error).__name__}: {error}"


def _add() -> str:
    import torch

    weight = torch.ones(1024, device="cuda", requires_grad=True)
    (weight * weight).sum().backward()  # on a thread of autograd's
    one = weight.detach()
    return OK if float((one + one)[0]) == 2 else "wrong"


def _libraries() -> str:
    """Use cuBLAS, cuSOLVER and cuDNN, which load libraries of their own at first use."""
    import torch

    a = torch.randn(256, 256, device="cuda", dtype=torch.float64)
    product, image = a @ a, torch.randn(2, 8, 32, 32, device="cuda")
    kernel = torch.randn(8, 8, 3, 3, device="cuda", requires_grad=True)
    torch.nn.functional.conv2d(image, kernel).sum().backward()
    torch.linalg.solve(a, product)
    return OK if bool(torch.isfinite(product).all()) else "wrong"


def _graph() -> str:
    import torch

    x = torch.ones(1024, device="cuda")
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        y = x + 1
    graph.replay()
    return OK if float(y[0]) == 2 else "wrong"


def _profiler() -> str:
    import torch
    from torch.profiler import ProfilerActivity, profile

    x = torch.ones(1024, device="cuda")
    with profile(activities=[ProfilerActivity.CUDA]) as profiler:
        x.add_(1)
        torch.cuda.synchronize()
    events = [event for event in profiler.events() or () if event.device_type.name == "CUDA"]
    return OK if sum(event.self_device_time_total for event in events) > 0 else f"no times: {events}"


def _compile() -> str:
    import torch

    x = torch.rand(1024, device="cuda")
    module: dict[str, Any] = {}
    exec(
        "import torch\ndef call(t):\n    return torch.relu(t) * 2 + 1\n", module
    )  # a task's source is not a file either
    return OK if torch.allclose(torch.compile(module["call"])(x), module["call"](x)) else "wrong"


WORK: dict[str, Callable[[], str]] = {
    "add": _add,
    "libraries": _libraries,
    "graph": _graph,
    "profiler": _profiler,
    "compile": _compile,
}

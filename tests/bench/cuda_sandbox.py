"""Does CUDA start in a confined process and, if not, which layer keeps it from starting?

Each line is a forked child, confined with some of the layers, that computes on the GPU. When the seccomp filter is
what keeps it, every listed system call is let through in turn, alone: those that make a difference are named.
"""

import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest.mock import patch

from pipeline.judge import sandbox, seccomp
from pipeline.judge.cuda.gpus import why_not
from pipeline.judge.cuda.sandbox import allowances

SECONDS = 60


def main(_arguments: list[str]) -> dict[str, Any]:
    """Print one line a trial."""
    if lacking := why_not():
        print(f"cuda-sandbox: {lacking}", file=sys.stderr)
        raise SystemExit(2)
    import torch  # noqa: F401  (before the forks, as in the fork server)

    print("devices:", *allowances().devices)
    figures: dict[str, Any] = {name: _trial(name, *patches) for name, *patches in _layers()}
    if figures["all layers"] != "ok" and figures["no seccomp"] == "ok":
        listed = f"{seccomp.PROCESSES} {seccomp.HOUSEKEEPING} {seccomp.ALWAYS}".split()
        names = [entry.partition("=")[0] for entry in listed]
        figures["calls"] = [name for name in names if _trial(f"without {name}", _without_call(name)) == "ok"]
        print("let through alone, these make it start:", *figures["calls"])
    return figures


Patch = Callable[[], Any]


def _layers() -> Iterator[tuple[Any, ...]]:
    yield ("all layers",)
    yield "no seccomp", lambda: patch.object(sandbox, "install_filter", lambda *_: True)
    yield "no Landlock", lambda: patch.object(sandbox, "restrict", lambda *_: True)
    yield "no limits", lambda: patch.object(sandbox, "_limit", lambda *_, **__: None)
    yield "no folder of its own", lambda: patch.object(sandbox, "own_folder", lambda *_, **__: True)
    yield "all of /proc and /sys", _with_all_of_proc


def _with_all_of_proc() -> Any:
    real = sandbox.restrict
    return patch.object(sandbox, "restrict", lambda w, r: real(w, [*r, Path("/proc"), Path("/sys")]))


def _without_call(name: str) -> Patch:
    def left(table: str) -> str:
        return " ".join(entry for entry in table.split() if entry.partition("=")[0] != name)

    def patched() -> Any:
        seccomp.worker_filter.cache_clear()
        processes, housekeeping = left(seccomp.PROCESSES), left(seccomp.HOUSEKEEPING)
        return patch.multiple(seccomp, PROCESSES=processes, HOUSEKEEPING=housekeeping, ALWAYS=left(seccomp.ALWAYS))

    return patched


def _trial(name: str, *patches: Patch) -> str:
    """Return "ok", or how the child ended."""
    there, here = os.pipe()
    with tempfile.TemporaryDirectory() as folder:
        pid = os.fork()
        if pid == 0:
            signal.alarm(SECONDS)
            with ExitStack() as stack:
                for make in patches:
                    stack.enter_context(make())
                os.write(here, _add(Path(folder)).encode()[:500])
            os._exit(0)
        os.close(here)
        _, status = os.waitpid(pid, 0)
    with os.fdopen(there, "rb") as answer:
        told = answer.read().decode(errors="replace") or f"signal {os.WTERMSIG(status)}"
    print(f"{name:25} {told[:150]}", flush=True)
    return told


def _add(folder: Path) -> str:
    import torch

    try:
        sandbox.confine(folder, [], 60, 8 * 2**30, allowances())
        one = torch.ones(1024, device="cuda", requires_grad=True)
        (one * one).sum().backward()
        return "ok" if float((one + one)[0]) == 2 else "wrong"
    except BaseException as error:  # noqa: BLE001  (what is asked for is whatever goes wrong)
        return f"{type(error).__name__}: {error}"

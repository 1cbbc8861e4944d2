"""What a worker process gives up before it runs code that nobody has read.

Layers, each applied where the machine has it, none needing root, all but the first in the worker itself:
bubblewrap or namespaces around the fork server (no network, no other processes), a small file system of its own for
the private folder, Landlock (no files but the interpreter's own libraries, the build cache and that folder),
a seccomp filter (see there) and resource limits. ``tier`` names what was applied, for example
``bwrap+tmpfs+landlock6+seccomp+rlimits``; it is recorded in every verdict.
"""

import ctypes
import os
import resource
import sys
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import get_args

from pipeline.judge.bubblewrap import bubblewrap
from pipeline.judge.cuda.sandbox import OWN_READABLE, OWN_WRITABLE, Allowances
from pipeline.judge.landlock import landlock_abi, restrict
from pipeline.judge.namespaces import FOLDER_BYTES, drop_capabilities, own_folder
from pipeline.judge.seccomp import Kind, install_filter, worker_filter

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_GET_SECCOMP, PR_SET_NO_NEW_PRIVS = 1, 4, 21, 38
SIGKILL = 9
OPEN_FILES, OPEN_FILES_GPU = 128, 1024  # CUDA opens its devices again and again

_libc = ctypes.CDLL(None, use_errno=True)


def confine(
    folder: Path, readable: Sequence[Path], cpu_seconds: int, memory_bytes: int, gpu: Allowances | None = None
) -> str:
    """Confine this process for good and return the tier of what it did, for example ``landlock6+seccomp+rlimits``.

    Args:
        folder: private, writable; becomes the working directory.
        readable: further trees that may be read and whose libraries may be loaded.
        cpu_seconds: after which the kernel kills the process.
        memory_bytes: of address space beyond what the process has now; with ``gpu``, of private writable memory.
        gpu: what is allowed besides, so that CUDA works.
    """
    tier: list[str] = []
    _limit(cpu_seconds, memory_bytes, gpu=gpu is not None)
    if own_folder(folder, executable=gpu is not None and gpu.compiling):
        tier.append("tmpfs")
    os.chdir(folder)
    os.environ.clear()
    tempfile.tempdir = str(folder)  # the fork server's own was looked up before
    os.environ.update({"HOME": str(folder), "TMPDIR": str(folder), "PATH": "/usr/bin:/bin"})
    drop_capabilities()
    _libc.prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0)
    _libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    if _libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0:
        writable, more = ([], []) if gpu is None else _for_cuda(gpu)
        if landlock_abi() and restrict([folder, *writable], [*_interpreter_trees(), *readable, *more]):
            tier.append(f"landlock{landlock_abi()}")
        if install_filter(os.getpid(), "worker" if gpu is None else "gpu_compiling" if gpu.compiling else "gpu"):
            tier.append("seccomp")
    return "+".join([*tier, "rlimits"])


def _for_cuda(gpu: Allowances) -> tuple[list[Path], list[Path]]:
    """Return what CUDA writes to and what it reads, in the process that calls.

    A rule on a folder of /proc holds as long as the kernel keeps that folder in mind: as long as it is open.
    """
    for own in (OWN_READABLE, OWN_WRITABLE):
        os.open(own, os.O_PATH | os.O_CLOEXEC)  # for good
    return [*gpu.devices, OWN_WRITABLE], [*gpu.readable, OWN_READABLE]


def prepare() -> None:
    """Compute once, before a fork, what ``confine`` needs in every child."""
    _interpreter_trees()
    landlock_abi()
    for kind in get_args(Kind):
        worker_filter(kind)


def missing() -> str | None:
    """Return what this machine lacks for running foreign code at all, None if it lacks nothing."""
    if sys.platform != "linux" or worker_filter() is None or _libc.prctl(PR_GET_SECCOMP, 0, 0, 0, 0) < 0:
        return "seccomp"
    if not landlock_abi() and bubblewrap() is None:
        return "Landlock (Linux 5.13) or a bubblewrap that works"
    return None


def _limit(cpu_seconds: int, memory_bytes: int, *, gpu: bool) -> None:
    limits = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_CPU: cpu_seconds,
        resource.RLIMIT_FSIZE: FOLDER_BYTES,
        resource.RLIMIT_NOFILE: OPEN_FILES_GPU if gpu else OPEN_FILES,
    }
    size, _, _, _, _, data, *_ = map(int, Path("/proc/self/statm").read_text().split())
    if gpu:  # CUDA reserves address space for all memory of host and GPU, and locks some for transfers
        limits[resource.RLIMIT_DATA] = data * resource.getpagesize() + memory_bytes
    else:
        limits[resource.RLIMIT_AS] = size * resource.getpagesize() + memory_bytes
        limits[resource.RLIMIT_MEMLOCK] = 0
    for kind, value in limits.items():
        _, hard = resource.getrlimit(kind)
        ceiling = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (ceiling, ceiling))


@cache
def _interpreter_trees() -> tuple[Path, ...]:
    trees = {Path(sys.prefix), Path(sys.base_prefix), Path("/usr"), Path("/lib"), Path("/lib64"), *_packages()}
    return tuple(tree for tree in trees if tree.exists())


def _packages() -> list[Path]:
    """Return the folders on Python's path that hold packages: torch may be in the user's own, or in PYTHONPATH's.

    Not the project, the working directory or what holds them or the user's home, which may be on the path as well.
    """
    kept = [Path(os.environ.get("HOME", "/root")), Path.cwd(), Path(__file__).parents[2]]
    entries = [Path(entry).absolute() for entry in sys.path if entry]
    return [entry for entry in entries if not any(place.is_relative_to(entry) for place in kept)]

"""Runs compilers, confined: they read what nobody has read, and its text could ask them for the user's files.

Landlock: the system's headers and libraries, the toolchain, and the build's own folder, the only one that can be
written to. A seccomp filter without sockets and reach into other processes. Limits. Each where the machine has it. A
small program of C does that and becomes the compiler, in a millisecond.
"""

import contextlib
import hashlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

from pipeline.errors import InfrastructureError
from pipeline.judge.landlock import attributes, landlock_abi, rules
from pipeline.judge.seccomp import compiler_filter
from pipeline.judge.simt.errors import CompileTimeoutError
from pipeline.judge.simt.toolchain import LAUNCHER, atomic, lock

SYSTEM = ("/usr", "/bin", "/lib", "/lib64", "/etc/ld.so.cache")
OUT_OF_TIME = "CPU time limit exceeded"  # what the compilers' drivers print of the signal
REFUSED = 125  # the launcher's exit code; no compiler's


def confined(
    command: Sequence[str], folder: Path, shared: Path, compiler: str, readable: Iterable[Path] = ()
) -> list[str]:
    """Return the command confined to reading what compiling takes and to writing to its folder.

    It may read the system's folders, its own program's, those that its arguments name, what all builds share
    (``shared``, where the launcher is kept) and the ``readable`` ones. ``compiler`` compiles the launcher.
    """
    launcher, filter_file = _launcher(shared, compiler)
    program = shutil.which(command[0]) or command[0]
    options: list[str] = []
    if landlock_abi():
        named = (Path(argument.removeprefix("-I").removeprefix("-L")) for argument in command[1:])
        own = [Path(program).resolve().parent.parent, shared, *(p for p in named if p.is_absolute()), *readable]
        options += ["landlock", attributes().hex()]
        for path, rights in rules([folder], [*map(Path, SYSTEM), *own]):
            options += ["allow", str(rights), str(path)]
    if filter_file is not None:
        options += ["filter", str(filter_file)]
    return [str(launcher), *options, "--", program, *command[1:]]


def limits(*, gib: int, cpu_seconds: int, file_mib: int) -> str:
    """Return the ``ulimit`` commands for a compiler: address space, its seconds of CPU, the size of a file.

    At the end of its seconds it gets a signal that it tells of; a second later one that it can't outlive.
    """
    seconds = f"ulimit -S -t {cpu_seconds}; ulimit -H -t {cpu_seconds + 1}"  # no limit may be below the soft one
    return f"ulimit -v {gib * 2**20}; {seconds}; ulimit -f {file_mib * 2**20 // 512};"


def limited(command: Sequence[str], limits: str) -> list[str]:
    """Return the command run by a shell under its ``ulimit`` commands."""
    return ["/bin/sh", "-c", f'{limits} exec "$@"', "sh", *command]


def run_compiler(command: Sequence[str], folder: Path, deadline: float) -> tuple[int, str]:
    """Run a compiler or linker in a private folder; return its exit code and all that it printed.

    Raises:
        CompileTimeoutError: it was not done at the deadline (of ``time.monotonic``), and it and what it started are
            dead; or it ran out of its seconds of CPU.
        InfrastructureError: it can't be confined.
    """
    process = subprocess.Popen(
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env={**os.environ, "LC_ALL": "C", "TMPDIR": str(folder)},  # the messages are read by diagnostics.py
        start_new_session=True,
    )
    try:
        log, _ = process.communicate(timeout=max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        raise CompileTimeoutError("the compiler did not finish in time") from None
    finally:
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # the compiler's driver starts the compiler
            process.communicate()
    if process.returncode == REFUSED and log.startswith("confine:"):
        raise InfrastructureError(log.strip())
    if process.returncode and OUT_OF_TIME in log:
        raise CompileTimeoutError("the compiler did not finish within its seconds of CPU")
    return process.returncode, log


@cache
def _launcher(folder: Path, compiler: str) -> tuple[Path, Path | None]:
    """Return the launcher and the filter that it is to install, made on first use in a folder that builds share."""
    source, code = LAUNCHER / "confine.c", compiler_filter()
    launcher = folder / f"confine-{_digest(source.read_bytes())}"
    filter_file = folder / f"compiler-{_digest(code)}.seccomp" if code is not None else None
    with lock(folder / "confine.lock"):
        if not launcher.exists():
            with atomic(launcher) as made:
                command = [compiler, "-O1", "-x", "c", str(source), "-o", str(made)]
                done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
                if done.returncode:
                    raise InfrastructureError(f"{compiler} failed: {done.stderr[-2000:]}")
                made.chmod(0o755)
        if code is not None and filter_file is not None and not filter_file.exists():
            with atomic(filter_file) as made:
                made.write_bytes(code)
    return launcher, filter_file


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]

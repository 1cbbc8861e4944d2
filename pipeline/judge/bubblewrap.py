"""The fork server inside bubblewrap, where that is installed and works: a process more per judge, not per worker."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

SECONDS = 10
# Of /etc what the dynamic linker reads; of /sys how large the pages are (the allocator's huge pages) and the cores.
SYSTEM = (
    *("/usr", "/bin", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/alternatives"),
    *("/sys/kernel/mm/transparent_hugepage", "/sys/devices/system/cpu"),
)


@cache
def bubblewrap() -> str | None:
    """Return the program's path if it works here, decided by a trial; None otherwise."""
    program = shutil.which("bwrap")
    if program is None:
        return None
    command = [program, *_isolation(), *_trees([], []), "/bin/sh", "-c", "exit 0"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=SECONDS, check=False)
    except (OSError, subprocess.SubprocessError):
        return None
    return program if done.returncode == 0 else None


def wrapped(
    command: Sequence[str], writable: Sequence[Path], readable: Sequence[Path], devices: Sequence[Path] = ()
) -> list[str]:
    """Return the command inside bubblewrap, or as it is where that does not work.

    Inside there is no network and no other process; of the file system the system's libraries, what Python has on
    its path and ``readable``, all read-only, ``writable`` and ``devices``.
    """
    program = bubblewrap()
    if program is None:
        return list(command)
    python = [Path(sys.prefix), Path(sys.base_prefix), *(Path(entry) for entry in sys.path if entry)]
    options = _trees(writable, [*python, *readable])
    for device in devices:
        options += ["--dev-bind-try", os.fspath(device), os.fspath(device)]
    return [program, *_isolation(), *options, *command]


def _isolation() -> list[str]:
    # No --die-with-parent: it would be the end of the parent's thread. The fork server ends when its socket closes.
    return ["--unshare-all", "--new-session", "--chdir", "/"]


def _trees(writable: Sequence[Path], readable: Sequence[Path]) -> list[str]:
    options = ["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"]  # noqa: S108  (inside)
    # Shortest first, so that a tree inside another is not hidden by it.
    for tree in sorted({*map(Path, SYSTEM), *readable}, key=lambda path: len(path.parts)):
        options += ["--ro-bind-try", os.fspath(tree), os.fspath(tree)]
    for tree in writable:
        options += ["--bind", os.fspath(tree), os.fspath(tree)]
    return options

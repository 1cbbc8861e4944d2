"""What a worker process gives up before it runs code that nobody has read.

Three layers, each applied where the kernel has it, none needing root: Landlock (no files but the interpreter's own
libraries, the build cache and a private temporary folder), a seccomp filter (no sockets, no new processes, no
signals to others, no looking into other processes) and resource limits. ``tier`` names what was applied; it is
recorded in every verdict.
"""

import ctypes
import os
import platform
import resource
import struct
import sys
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from pipeline.judge.seccomp import install_filter, prepare_filter

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS = 1, 4, 38
SIGKILL = 9
LANDLOCK_CREATE_RULESET, LANDLOCK_ADD_RULE, LANDLOCK_RESTRICT_SELF = 444, 445, 446  # the same on every architecture
LANDLOCK_CREATE_RULESET_VERSION = 1
LANDLOCK_RULE_PATH_BENEATH = 1
FS_EXECUTE, FS_WRITE_FILE, FS_READ_FILE, FS_READ_DIR = 1, 2, 4, 8
FS_RIGHTS_BY_ABI = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1, 5: (1 << 16) - 1}
FS_RIGHTS_ON_FILES = FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | (1 << 14)  # 14: truncate
NET_ALL = 3  # bind and connect TCP, from ABI 4
SCOPE_ALL = 3  # abstract UNIX sockets and signals, from ABI 6

_libc = ctypes.CDLL(None, use_errno=True)


def confine(folder: Path, readable: Sequence[Path], cpu_seconds: int, memory_bytes: int) -> str:
    """Confine this process for good and return the tier, for example ``landlock6+seccomp+rlimits``.

    Args:
        folder: private, writable; becomes the working directory.
        readable: further trees that may be read and whose libraries may be loaded.
        cpu_seconds: after which the kernel kills the process.
        memory_bytes: of address space beyond what the process has now.
    """
    os.chdir(folder)
    os.environ.clear()
    tempfile.tempdir = str(folder)  # the fork server's own was looked up before
    os.environ.update({"HOME": str(folder), "TMPDIR": str(folder), "PATH": "/usr/bin:/bin"})
    _libc.prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0)
    _libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    _limit(cpu_seconds, memory_bytes)
    tier = ["rlimits"]
    if _libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0:
        if install_filter(os.getpid()):
            tier.insert(0, "seccomp")
        abi = landlock_abi()
        if abi and _landlock(abi, folder, [*_interpreter_trees(), *readable]):
            tier.insert(0, f"landlock{abi}")
    return "+".join(tier)


def prepare() -> None:
    """Compute once, before a fork, what ``confine`` needs in every child."""
    _interpreter_trees()
    prepare_filter()


def landlock_abi() -> int:
    """Return the kernel's Landlock version, 0 where there is none."""
    return max(0, _libc.syscall(LANDLOCK_CREATE_RULESET, None, ctypes.c_size_t(0), LANDLOCK_CREATE_RULESET_VERSION))


def expected_tier() -> str:
    """Return the tier that ``confine`` will reach on this machine, without confining anything."""
    abi = landlock_abi()
    seccomp = sys.platform == "linux" and platform.machine() in ("x86_64", "aarch64")
    return "+".join([f"landlock{abi}"] * bool(abi) + ["seccomp"] * seccomp + ["rlimits"])


def _limit(cpu_seconds: int, memory_bytes: int) -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    address_space = pages * resource.getpagesize() + memory_bytes
    limits = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_CPU: cpu_seconds,
        resource.RLIMIT_AS: address_space,
        resource.RLIMIT_FSIZE: 64 * 2**20,
        resource.RLIMIT_NOFILE: 128,
    }
    for kind, value in limits.items():
        _, hard = resource.getrlimit(kind)
        ceiling = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (ceiling, ceiling))


@cache
def _interpreter_trees() -> tuple[Path, ...]:
    trees = {Path(sys.prefix), Path(sys.base_prefix), Path("/usr"), Path("/lib"), Path("/lib64")}
    return tuple(tree for tree in trees if tree.exists())


def _landlock(abi: int, folder: Path, readable: Sequence[Path]) -> bool:
    fs = FS_RIGHTS_BY_ABI.get(abi, FS_RIGHTS_BY_ABI[5])
    attributes = struct.pack("=QQQ", fs, NET_ALL if abi >= 4 else 0, SCOPE_ALL if abi >= 6 else 0)
    size = 24 if abi >= 6 else 16 if abi >= 4 else 8
    ruleset = _libc.syscall(LANDLOCK_CREATE_RULESET, attributes, ctypes.c_size_t(size), 0)
    if ruleset < 0:
        return False
    try:
        read = FS_EXECUTE | FS_READ_FILE | FS_READ_DIR
        rules = [(folder, fs & ~FS_EXECUTE), (Path("/dev/null"), FS_READ_FILE | FS_WRITE_FILE)]
        rules += [(tree, read) for tree in readable]
        return all(_allow(ruleset, path, rights & fs) for path, rights in rules) and (
            _libc.syscall(LANDLOCK_RESTRICT_SELF, ruleset, 0) == 0
        )
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: Path, rights: int) -> bool:
    if not path.is_dir():
        rights &= FS_RIGHTS_ON_FILES
    fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        rule = struct.pack("=Qi", rights, fd)
        return _libc.syscall(LANDLOCK_ADD_RULE, ruleset, LANDLOCK_RULE_PATH_BENEATH, rule, 0) == 0
    finally:
        os.close(fd)

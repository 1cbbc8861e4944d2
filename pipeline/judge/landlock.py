"""Landlock: which files a process may open, without root (Linux 5.13 and later)."""

import ctypes
import os
import struct
from collections.abc import Iterable
from functools import cache
from pathlib import Path

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446  # the same on every architecture
CREATE_RULESET_VERSION = 1
RULE_PATH_BENEATH = 1
FS_EXECUTE, FS_WRITE_FILE, FS_READ_FILE, FS_READ_DIR, FS_TRUNCATE = 1, 2, 4, 8, 1 << 14
FS_RIGHTS_BY_ABI = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1}
FS_RIGHTS_NEWEST = (1 << 16) - 1  # from ABI 5: FS_IOCTL_DEV
FS_IOCTL_DEV = 1 << 15
FS_RIGHTS_ON_FILES = FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE | FS_IOCTL_DEV
NET_ALL = 3  # bind and connect TCP, from ABI 4
SCOPE_ALL = 3  # abstract UNIX sockets and signals, from ABI 6

_libc = ctypes.CDLL(None, use_errno=True)


@cache
def landlock_abi() -> int:
    """Return the kernel's Landlock version, 0 where there is none."""
    return max(0, _libc.syscall(CREATE_RULESET, None, ctypes.c_size_t(0), CREATE_RULESET_VERSION))


def attributes() -> bytes:
    """Return the ``landlock_ruleset_attr`` that denies everything this kernel's Landlock knows of."""
    abi = landlock_abi()
    words = [_all_rights(abi), *[NET_ALL] * (abi >= 4), *[SCOPE_ALL] * (abi >= 6)]
    return struct.pack(f"={len(words)}Q", *words)


def rules(writable: Iterable[Path], readable: Iterable[Path]) -> list[tuple[Path, int]]:
    """Return (path, rights) of what stays allowed: the trees, as far as they exist, and ``/dev/null``."""
    everything = _all_rights(landlock_abi())
    read = FS_EXECUTE | FS_READ_FILE | FS_READ_DIR
    wanted = [(path, everything & ~FS_EXECUTE) for path in writable] + [(path, read) for path in readable]
    wanted.append((Path("/dev/null"), FS_READ_FILE | FS_WRITE_FILE))
    on_files = [(p, rights if p.is_dir() else rights & FS_RIGHTS_ON_FILES) for p, rights in wanted if p.exists()]
    return [(path, rights & everything) for path, rights in on_files]


def restrict(writable: Iterable[Path], readable: Iterable[Path]) -> bool:
    """Restrict this process for good; return whether the kernel did it. ``no_new_privs`` must be set."""
    attr = attributes()
    ruleset = _libc.syscall(CREATE_RULESET, attr, ctypes.c_size_t(len(attr)), 0)
    if ruleset < 0:
        return False
    try:
        allowed = all(_allow(ruleset, path, rights) for path, rights in rules(writable, readable))
        return allowed and _libc.syscall(RESTRICT_SELF, ruleset, 0) == 0
    finally:
        os.close(ruleset)


def _all_rights(abi: int) -> int:
    return FS_RIGHTS_BY_ABI.get(abi, FS_RIGHTS_NEWEST)


def _allow(ruleset: int, path: Path, rights: int) -> bool:
    fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        rule = struct.pack("=Qi", rights, fd)
        return _libc.syscall(ADD_RULE, ruleset, RULE_PATH_BENEATH, rule, 0) == 0
    finally:
        os.close(fd)

"""Namespaces of the kernel's own: entered by the fork server as a whole, and by each worker for its private folder.

Where the kernel lets nobody but root make them, nothing changes and the tier says so.
"""

import contextlib
import ctypes
import os
import signal
from pathlib import Path

CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC = 0x00020000, 0x04000000, 0x08000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000
MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REC, MS_PRIVATE = 2, 4, 8, 1 << 14, 1 << 18
PR_SET_PDEATHSIG = 1
CAPABILITY_VERSION_3 = 0x20080522
FOLDER_BYTES, FOLDER_FILES = 64 * 2**20, 4096
ROOM_TO_COMPILE = 16  # times that: of a large model torch.compile makes hundreds of kernels, each in a dozen files

_libc = ctypes.CDLL(None, use_errno=True)


def enter(*, own_proc: bool = False) -> bool:
    """Move the rest of this process into namespaces without network, other processes or their shared memory.

    What returns True is a child of the calling process, the first of its process namespace: when it ends, the
    kernel kills all others in it. The calling process waits for it and ends as it does. Must be called while there
    is one thread. False: the kernel does not allow it, nothing has changed.

    With ``own_proc`` processes are in /proc under the numbers that they have here, as CUDA's driver takes for
    granted. Where no such /proc can be made, they stay in the process namespace that they were in.
    """
    processes = CLONE_NEWPID
    if own_proc:
        processes = CLONE_NEWPID | CLONE_NEWNS if _proc_can_be_made() else 0
    if not _unshared(processes | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS):
        return False
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        os._exit(os.waitstatus_to_exitcode(status) & 0xFF)
    die_with_parent()
    if processes & CLONE_NEWNS and not _make_proc():
        raise OSError("no /proc, where one could be made just now")
    return True


def die_with_parent() -> None:
    """Have the kernel kill this process when the one that forked it ends."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def own_folder(folder: Path, *, executable: bool = False) -> bool:
    """Put a file system of this process's own on the folder, of ``FOLDER_BYTES`` and ``FOLDER_FILES``.

    Unless ``executable``, no program or library in it can be used; if so, there is ``ROOM_TO_COMPILE``. Nobody else
    sees it and it goes with the process. False: the kernel does not allow it; the folder is as it was.
    """
    if not _unshared(CLONE_NEWNS) or not _keep_mounts_private():
        return False
    times = ROOM_TO_COMPILE if executable else 1
    options = f"size={times * FOLDER_BYTES},nr_inodes={times * FOLDER_FILES},mode=700".encode()
    flags = MS_NOSUID | MS_NODEV | (0 if executable else MS_NOEXEC)
    return _libc.mount(b"tmpfs", os.fsencode(folder), b"tmpfs", flags, options) == 0


def drop_capabilities() -> None:
    """Give up all that root, or the owner of a namespace, may do beyond other users."""
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    _libc.capset(header, (ctypes.c_uint32 * 6)())


def _unshared(namespaces: int) -> bool:
    """Enter new namespaces, of which a new user namespace is the owner; return whether the kernel allows it."""
    user, group = os.getuid(), os.getgid()
    if _libc.unshare(CLONE_NEWUSER | namespaces) != 0:
        return False
    _map(user, group)
    return True


def _proc_can_be_made() -> bool:
    """Whether a process namespace can have a /proc of its own: tried in a child."""
    pid = os.fork()
    if pid == 0:
        made = False
        if _unshared(CLONE_NEWPID | CLONE_NEWNS):
            first = os.fork()
            if first == 0:
                os._exit(0 if _make_proc() else 1)
            made = os.waitpid(first, 0)[1] == 0
        os._exit(0 if made else 1)
    return os.waitpid(pid, 0)[1] == 0


def _make_proc() -> bool:
    """Mount the /proc of the process namespace that this process is in."""
    flags = MS_NOSUID | MS_NODEV | MS_NOEXEC
    return _keep_mounts_private() and _libc.mount(b"proc", b"/proc", b"proc", flags, None) == 0


def _keep_mounts_private() -> bool:
    return _libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None) == 0


def _map(user: int, group: int) -> None:
    """Keep the user's and the group's own numbers in the new user namespace."""
    for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        with contextlib.suppress(OSError):  # then files still belong to whom they belong; only the mount may fail
            Path(f"/proc/self/{name}").write_text(text)

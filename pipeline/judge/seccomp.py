"""A seccomp filter for worker processes: no sockets, no new processes, no reach into other processes.

Denied calls fail with EPERM rather than kill, so that a library which merely asks goes on.
"""

import ctypes
import errno
import platform
import struct
from functools import cache

PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2
ALLOW, ERRNO = 0x7FFF0000, 0x00050000
LOAD, JUMP_EQUAL, JUMP_ANY_BIT, RETURN = 0x20, 0x15, 0x45, 0x06
OFFSET_NUMBER, OFFSET_ARCH, OFFSET_ARGUMENT_0 = 0, 4, 16
CLONE_THREAD = 0x00010000
_OWN_PID = 0x7E57A61D  # stands for a process number in a prepared filter; larger than any

# (architecture's audit number, call numbers), from the kernel's syscall tables
_ARCHITECTURES = {
    "x86_64": (
        0xC000003E,
        {
            "socket": 41, "connect": 42, "accept": 43, "bind": 49, "listen": 50, "socketpair": 53, "accept4": 288,
            "clone": 56, "fork": 57, "vfork": 58, "execve": 59, "execveat": 322, "clone3": 435,
            "kill": 62, "tkill": 200, "tgkill": 234, "rt_sigqueueinfo": 129, "rt_tgsigqueueinfo": 297,
            "setsid": 112, "setpgid": 109, "ptrace": 101, "process_vm_readv": 310, "process_vm_writev": 311,
            "pidfd_open": 434, "pidfd_getfd": 438, "pidfd_send_signal": 424, "kcmp": 312,
            "unshare": 272, "setns": 308, "mount": 165, "umount2": 166, "pivot_root": 155, "chroot": 161,
            "bpf": 321, "perf_event_open": 298, "userfaultfd": 323, "io_uring_setup": 425, "keyctl": 250,
            "add_key": 248, "request_key": 249, "open_by_handle_at": 304, "prlimit64": 302, "setrlimit": 160,
            "setpriority": 141, "sched_setaffinity": 203, "shmget": 29, "shmat": 30, "msgget": 68, "semget": 64,
        },
    ),
    "aarch64": (
        0xC00000B7,
        {
            "socket": 198, "connect": 203, "accept": 202, "bind": 200, "listen": 201, "socketpair": 199,
            "accept4": 242, "clone": 220, "execve": 221, "execveat": 281, "clone3": 435,
            "kill": 129, "tkill": 130, "tgkill": 131, "rt_sigqueueinfo": 138, "rt_tgsigqueueinfo": 240,
            "setsid": 157, "setpgid": 154, "ptrace": 117, "process_vm_readv": 270, "process_vm_writev": 271,
            "pidfd_open": 434, "pidfd_getfd": 438, "pidfd_send_signal": 424, "kcmp": 272,
            "unshare": 97, "setns": 268, "mount": 40, "umount2": 39, "pivot_root": 41, "chroot": 51,
            "bpf": 280, "perf_event_open": 241, "userfaultfd": 282, "io_uring_setup": 425, "keyctl": 219,
            "add_key": 217, "request_key": 218, "open_by_handle_at": 265, "prlimit64": 261, "setrlimit": 164,
            "setpriority": 140, "sched_setaffinity": 122, "shmget": 194, "shmat": 196, "msgget": 186, "semget": 190,
        },
    ),
}  # fmt: skip


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def install_filter(own_pid: int) -> bool:
    """Install the filter on this process for good; return whether the kernel took it.

    ``no_new_privs`` must be set. Signals to ``own_pid`` stay allowed, because abort() sends one.
    """
    template = prepare_filter()
    if template is None:
        return False
    code = template.replace(struct.pack("=I", _OWN_PID), struct.pack("=I", own_pid))
    buffer = ctypes.create_string_buffer(code, len(code))
    program = _Program(len(code) // 8, ctypes.cast(buffer, ctypes.c_void_p))
    libc = ctypes.CDLL(None, use_errno=True)
    return libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0) == 0


@cache
def prepare_filter() -> bytes | None:
    """Return the filter for this machine with ``_OWN_PID`` in place of the process; None where there is none."""
    machine = _ARCHITECTURES.get(platform.machine())
    return _compile(*machine) if machine else None


def _compile(architecture: int, numbers: dict[str, int]) -> bytes:
    def op(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
        return struct.pack("=HBBI", code, if_true, if_false, value)

    deny = op(RETURN, ERRNO | errno.EPERM)
    allow = op(RETURN, ALLOW)
    program = [op(LOAD, OFFSET_ARCH), op(JUMP_EQUAL, architecture, 1, 0), deny, op(LOAD, OFFSET_NUMBER)]
    for name, number in numbers.items():
        if name == "clone3":  # glibc falls back to clone, whose flags a filter can see
            body = [op(RETURN, ERRNO | errno.ENOSYS)]
        elif name == "clone":
            body = [op(LOAD, OFFSET_ARGUMENT_0), op(JUMP_ANY_BIT, CLONE_THREAD, 0, 1), allow, deny]
        elif name in ("kill", "tgkill"):
            body = [op(LOAD, OFFSET_ARGUMENT_0), op(JUMP_EQUAL, _OWN_PID, 0, 1), allow, deny]
        else:
            body = [deny]
        program += [op(JUMP_EQUAL, number, 0, len(body)), *body]
    if architecture == 0xC000003E:  # the x32 calls share the architecture and have bit 30 set
        program += [op(JUMP_ANY_BIT, 0x40000000, 0, 1), deny]
    return b"".join([*program, allow])

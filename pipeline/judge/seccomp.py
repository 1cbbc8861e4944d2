"""Seccomp filters: which system calls foreign code may not make.

A list of what is denied rather than of what is allowed: torch and the C library call what they like, and a false
rejection would be blamed on an honest candidate. What keeps the list whole is that calls newer than it was read
through for do not exist (ENOSYS, as on an older kernel), nor do those of other ABIs (i386, x32). Denied calls fail
with EPERM rather than kill, so that a library which merely asks goes on.
"""

import ctypes
import errno
import platform
import struct
from collections.abc import Iterable
from functools import cache
from typing import Literal

PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2
ALLOW, ERRNO = 0x7FFF0000, 0x00050000
LOAD, JUMP_EQUAL, JUMP_AT_LEAST, JUMP_ANY_BIT, AND, RETURN = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06
OFFSET_NUMBER, OFFSET_ARCH, OFFSET_ARGUMENT_0, OFFSET_ARGUMENT_1, OFFSET_ARGUMENT_2 = 0, 4, 16, 24, 32
AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
X32_BIT = 0x40000000
NEWEST_KNOWN = 451  # cachestat; the same number on every architecture, like all from 424 on
_OWN_PID = 0x7E57A61D  # stands for a process number in a prepared filter; larger than any

# name=x86_64/aarch64, from the kernel's tables; "-" where an architecture lacks the call.
PROCESSES = """
fork=57/- vfork=58/- clone=56/220 clone3=435/435 execve=59/221 execveat=322/281 setsid=112/157 setpgid=109/154
"""
# The C library limits itself and signals itself; a linker makes its output executable.
HOUSEKEEPING = """
prlimit64=302/261 setrlimit=160/164 kill=62/129 tgkill=234/131 prctl=157/167 chmod=90/- fchmod=91/52 fchmodat=268/53
"""
ALWAYS = """
socket=41/198 socketpair=53/199 connect=42/203 bind=49/200 listen=50/201 accept=43/202 accept4=288/242
tkill=200/130 rt_sigqueueinfo=129/138 rt_tgsigqueueinfo=297/240 pidfd_send_signal=424/424 pidfd_open=434/434
pidfd_getfd=438/438 ptrace=101/117 process_vm_readv=310/270 process_vm_writev=311/271 process_madvise=440/440
process_mrelease=448/448 kcmp=312/272 move_pages=279/239 migrate_pages=256/238
setpriority=141/140 ioprio_set=251/30 sched_setaffinity=203/122 sched_setscheduler=144/119 sched_setparam=142/118
sched_setattr=314/274 personality=135/92 seccomp=317/277 capset=126/91 setuid=105/146 setgid=106/144
setreuid=113/145 setregid=114/143 setresuid=117/147 setresgid=119/149 setgroups=116/159 setfsuid=122/151
setfsgid=123/152
unshare=272/97 setns=308/268 mount=165/40 umount2=166/39 pivot_root=155/41 chroot=161/51 mount_setattr=442/442
open_tree=428/428 move_mount=429/429 fsopen=430/430 fsconfig=431/431 fsmount=432/432 fspick=433/433
quotactl=179/60 quotactl_fd=443/443
chown=92/- fchown=93/55 lchown=94/- fchownat=260/54 utime=132/- utimes=235/- futimesat=261/- utimensat=280/88
setxattr=188/5 lsetxattr=189/6 fsetxattr=190/7 removexattr=197/14 lremovexattr=198/15 fremovexattr=199/16
inotify_init=253/- inotify_init1=294/26 fanotify_init=300/262 name_to_handle_at=303/264 open_by_handle_at=304/265
mknod=133/- mknodat=259/33 sync=162/81 syncfs=306/267
memfd_create=319/279 memfd_secret=447/447 shmget=29/194 shmat=30/196 shmctl=31/195 msgget=68/186 msgsnd=69/189
msgrcv=70/188 msgctl=71/187 semget=64/190 semop=65/193 semctl=66/191 semtimedop=220/192 mq_open=240/180
mq_unlink=241/181 mbind=237/235 set_mempolicy=238/237 set_mempolicy_home_node=450/450
bpf=321/280 perf_event_open=298/241 userfaultfd=323/282 io_uring_setup=425/425 io_uring_enter=426/426
io_uring_register=427/427 io_setup=206/0 io_submit=209/2 keyctl=250/219 add_key=248/217 request_key=249/218
splice=275/76 tee=276/77 vmsplice=278/75 modify_ldt=154/- ioctl=16/29 fcntl=72/25
kexec_load=246/104 kexec_file_load=320/294 init_module=175/105 finit_module=313/273 delete_module=176/106
reboot=169/142 swapon=167/224 swapoff=168/225 acct=163/89 settimeofday=164/170 clock_settime=227/112
clock_adjtime=305/266 adjtimex=159/171 sethostname=170/161 setdomainname=171/162 syslog=103/116 iopl=172/-
ioperm=173/- vhangup=153/58
"""

# What stays allowed of calls that do many things, by their argument.
PRCTL_ALLOWED = (15, 16, 0x53564D41)  # PR_SET_NAME, PR_GET_NAME, PR_SET_VMA: names of threads and of memory
IOCTL_ALLOWED = (0x5401, 0x541B, 0x5421, 0x5450, 0x5451)  # TCGETS, FIONREAD, FIONBIO, FIONCLEX, FIOCLEX
# F_SETOWN, F_SETSIG, F_SETOWN_EX, F_NOTIFY: they make the kernel send signals, to whatever process is named.
FCNTL_DENIED = (8, 10, 15, 1026)


# For CUDA: threads of the driver and of autograd, requests to the driver's devices (those of their magic number, and
# nvidia-uvm's, which have none), a look at the process's own limits, and the socket on which the driver listens for
# other processes of the same user. It can neither connect nor send, and nobody outside the network namespace sees it.
# The driver tries to connect, too, to a control daemon (MPS), and starts without one only if that is not there: any
# other error than ENOENT is the end of its own start (error 304).
CLONE_THREAD = 0x00010000
IOCTL_MAGIC_MASK, IOCTL_NVIDIA, IOCTL_UVM = 0xFF00, ord("F") << 8, (0x30000001, 0x30000002)
AF_UNIX, SOCK_SEQPACKET, SOCK_TYPE_MASK = 1, 5, 0xF
LISTENING = ("bind", "listen", "accept", "accept4")

Kind = Literal["worker", "gpu", "gpu_compiling"]  # the last one also starts compilers, for torch.compile


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def install_filter(own_pid: int, kind: Kind = "worker") -> bool:
    """Install the workers' filter on this process for good; return whether the kernel took it.

    ``no_new_privs`` must be set. Signals to ``own_pid`` stay allowed, because abort() sends one.
    """
    template = worker_filter(kind)
    if template is None:
        return False
    code = template.replace(struct.pack("=I", _OWN_PID), struct.pack("=I", own_pid))
    buffer = ctypes.create_string_buffer(code, len(code))
    program = _Program(len(code) // 8, ctypes.cast(buffer, ctypes.c_void_p))
    libc = ctypes.CDLL(None, use_errno=True)
    return libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0) == 0


@cache
def worker_filter(kind: Kind = "worker") -> bytes | None:
    """Return the filter for workers with ``_OWN_PID`` in place of the process; None for an unknown machine.

    No sockets, no new processes or threads, no signals to others, no reach into others, no changed attributes of
    files that can't be opened, no memory that no limit counts; on a GPU, what CUDA can't do without is let through.
    """
    if kind == "gpu_compiling":
        return _filter(ALWAYS, gpu=True)
    return _filter(f"{PROCESSES} {HOUSEKEEPING} {ALWAYS}", gpu=kind == "gpu")


@cache
def compiler_filter() -> bytes | None:
    """Return the filter for compilers, which start processes; None for an unknown machine."""
    return _filter(ALWAYS)


def _filter(table: str, *, gpu: bool = False) -> bytes | None:
    machine = platform.machine()
    if machine not in AUDIT_ARCH:
        return None
    column = list(AUDIT_ARCH).index(machine)
    calls = (entry.partition("=") for entry in table.split())
    numbers = {name: both.split("/")[column] for name, _, both in calls}
    known = {name: int(number) for name, number in numbers.items() if number != "-"}
    return _compile(AUDIT_ARCH[machine], known, gpu=gpu)


def _compile(architecture: int, numbers: dict[str, int], *, gpu: bool) -> bytes:
    denied, absent, allowed = _op(RETURN, ERRNO | errno.EPERM), _op(RETURN, ERRNO | errno.ENOSYS), _op(RETURN, ALLOW)
    program = [_op(LOAD, OFFSET_ARCH), _op(JUMP_EQUAL, architecture, 1, 0), denied, _op(LOAD, OFFSET_NUMBER)]
    if architecture == AUDIT_ARCH["x86_64"]:
        program += [_op(JUMP_ANY_BIT, X32_BIT, 0, 1), denied]
    program += [_op(JUMP_AT_LEAST, NEWEST_KNOWN + 1, 0, 1), absent]
    for name, number in numbers.items():
        body = (_for_cuda(name, allowed, denied) if gpu else None) or _usual(name, allowed, denied, absent)
        program += [_op(JUMP_EQUAL, number, 0, len(body)), *body]
    return b"".join([*program, allowed])


def _usual(name: str, allowed: bytes, denied: bytes, absent: bytes) -> list[bytes]:
    """Return the instructions that decide over a listed call."""
    match name:
        case "clone3":  # glibc falls back to clone
            return [absent]
        case "kill" | "tgkill":
            return _by_argument(OFFSET_ARGUMENT_0, [_OWN_PID], allowed, denied)
        case "prctl":
            return _by_argument(OFFSET_ARGUMENT_0, PRCTL_ALLOWED, allowed, denied)
        case "ioctl":
            return _by_argument(OFFSET_ARGUMENT_1, IOCTL_ALLOWED, allowed, denied)
        case "fcntl":
            return _by_argument(OFFSET_ARGUMENT_1, FCNTL_DENIED, denied, allowed)
        case _:
            return [denied]


def _for_cuda(name: str, allowed: bytes, denied: bytes) -> list[bytes] | None:
    """Return the instructions for a listed call that CUDA needs in part; None for any other."""
    match name:
        case "clone":
            body = [_op(LOAD, OFFSET_ARGUMENT_0), _op(JUMP_ANY_BIT, CLONE_THREAD, 0, 1), allowed, denied]
        case "socket":
            body = _only_listening(allowed, denied)
        case "connect":
            body = [_op(RETURN, ERRNO | errno.ENOENT)]
        case "prlimit64":
            body = _only_asking(allowed, denied)
        case "ioctl":
            body = _requests_to_nvidia(allowed, denied)
        case _:
            body = [allowed] if name in LISTENING else None
    return body


def _by_argument(offset: int, values: Iterable[int], listed: bytes, otherwise: bytes) -> list[bytes]:
    """Return the instructions that decide by the low half of an argument, which is all that these calls look at."""
    checks = [op for value in values for op in (_op(JUMP_EQUAL, value, 0, 1), listed)]
    return [_op(LOAD, offset), *checks, otherwise]


def _only_listening(allowed: bytes, denied: bytes) -> list[bytes]:
    """Return the instructions that let socket() make a UNIX one of sequenced packets only."""
    return [
        *(_op(LOAD, OFFSET_ARGUMENT_0), _op(JUMP_EQUAL, AF_UNIX, 1, 0), denied),
        *(_op(LOAD, OFFSET_ARGUMENT_1), _op(AND, SOCK_TYPE_MASK), _op(JUMP_EQUAL, SOCK_SEQPACKET, 1, 0), denied),
        allowed,
    ]


def _only_asking(allowed: bytes, denied: bytes) -> list[bytes]:
    """Return the instructions that let prlimit64() tell a limit, not set one: both halves of its pointer are 0."""
    halves = [op for half in (0, 4) for op in (_op(LOAD, OFFSET_ARGUMENT_2 + half), _op(JUMP_EQUAL, 0, 1, 0), denied)]
    return [*halves, allowed]


def _requests_to_nvidia(allowed: bytes, denied: bytes) -> list[bytes]:
    """Return the instructions that let ioctl() through as for any worker, or with a request of NVIDIA's driver."""
    usual = _by_argument(OFFSET_ARGUMENT_1, (*IOCTL_ALLOWED, *IOCTL_UVM), allowed, b"")[:-1]
    masked = [_op(AND, IOCTL_MAGIC_MASK), _op(JUMP_EQUAL, IOCTL_NVIDIA, 0, 1), allowed]
    whole = [_op(LOAD, OFFSET_ARGUMENT_1), _op(JUMP_AT_LEAST, 0x100, 0, 1), denied, allowed]  # nvidia-uvm's others
    return [*usual, *masked, *whole]


def _op(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)

"""Hostile candidates and tasks through the real judge: it survives each, nothing is left, and it goes on.

Policy ``report``, so that no rule spares the sandbox the meeting. Python with ``ctypes`` is native code: it may call
the C library and the kernel as it likes.
"""

import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from pipeline.errors import TaskError
from pipeline.judge import forkserver, processes
from pipeline.judge.config import JudgeConfig
from pipeline.judge.judge import Judge
from pipeline.judge.sandbox import missing
from pipeline.judge.simt import explain
from pipeline.records import Task
from tests.judge.examples import CALL, HONEST, REFERENCE, TASK, changed

pytestmark = pytest.mark.skipif(missing() is not None, reason="this machine can't confine anything")

SECRET = "a-key-of-the-user"
PRELUDE = """
import ctypes, fcntl, os, signal, socket, struct, subprocess, sys, threading, time
libc = ctypes.CDLL(None, use_errno=True)


def must_fail(*actions):
    for number, action in enumerate(actions):
        try:
            result = action()
        except (OSError, RuntimeError) as error:
            continue
        if not (isinstance(result, int) and result == -1):
            raise AssertionError(f"escaped by action {number}: {result!r}")
    raise ValueError("denied")


def descriptors():
    found = []
    for fd in range(256):
        try:
            os.fstat(fd)
        except OSError:
            continue
        found.append(fd)
    return found


def channel():
    return next(fd for fd in descriptors() if os.path.stat.S_ISSOCK(os.fstat(fd).st_mode))


def frame(header, *buffers):
    text = header.encode()
    return struct.pack("!I", len(text)) + text + b"".join(buffers)
"""


def python(body: str) -> str:
    """Return the honest candidate whose forward first runs these statements."""
    lines = "\n        ".join(body.strip().splitlines())
    return PRELUDE + changed(CALL, f"{lines}\n        {CALL}")


def native(body: str, declarations: str = "") -> str:
    """Return the honest candidate whose launcher first runs these C++ statements."""
    code = changed("#include <cuda_runtime.h>", f"#include <cuda_runtime.h>\n{declarations}")
    return code.replace("auto y = torch::empty_like(x);", f"{body}\n    auto y = torch::empty_like(x);", 1)


DENIED = {
    "fork bomb": "must_fail(os.fork, libc.fork, libc.vfork, lambda: libc.syscall(56, 17, 0, 0, 0, 0))",
    "background process": "must_fail(lambda: subprocess.Popen(['/bin/sleep', '1000']), lambda: os.posix_spawn('/bin/sleep', ['sleep', '9'], {}))",
    "background thread": "must_fail(lambda: threading.Thread(target=time.sleep, args=(9,)).start())",
    "another program": "must_fail(lambda: os.execv('/bin/true', ['true']))",
    "network": "must_fail(socket.socket, lambda: socket.socket(socket.AF_UNIX), lambda: socket.socket(socket.AF_NETLINK), socket.socketpair, lambda: libc.syscall(425, 8, 0))",
    "home folder": "must_fail(lambda: os.listdir('HOME'), lambda: open('HOME/secret').read(), lambda: os.open('HOME', os.O_RDONLY), lambda: os.listdir('/root'), lambda: os.listdir('/home'))",
    "beside the project": "must_fail(lambda: open('HOME/new', 'w'), lambda: open('PROJECT/new', 'w'), lambda: os.mkdir('HOME/new'), lambda: os.symlink('a', 'HOME/new'), lambda: os.unlink('HOME/secret'), lambda: os.rename('HOME/secret', 'HOME/other'))",
    "attributes": "must_fail(lambda: os.chmod('HOME/secret', 0), lambda: os.utime('HOME/secret', (0, 0)), lambda: os.chown('HOME/secret', 1, 1), lambda: os.setxattr('HOME/secret', 'user.a', b'b'), lambda: libc.syscall(452, -100, b'HOME/secret', 0, 0))",
    "the judge's own files": "must_fail(lambda: open('PROJECT/pipeline/judge/judge.py').read(), lambda: open('/etc/passwd').read())",
    "signals": "must_fail(lambda: os.kill(os.getppid(), 9), lambda: os.kill(JUDGE, 9), lambda: os.kill(-1, 9), lambda: os.killpg(0, 0), lambda: libc.syscall(200, JUDGE, 9), lambda: libc.syscall(129, JUDGE, 9, 0))",
    "signals by the kernel's hand": "must_fail(lambda: fcntl.fcntl(channel(), fcntl.F_SETOWN, os.getppid()), lambda: fcntl.fcntl(channel(), fcntl.F_SETSIG, 9), lambda: fcntl.ioctl(channel(), 0x8901, struct.pack('i', JUDGE)))",
    "other processes' memory": "must_fail(lambda: open('/proc/JUDGE/mem', 'rb').read(1), lambda: open('/proc/JUDGE/environ').read(), lambda: libc.ptrace(16, JUDGE, 0, 0), lambda: libc.syscall(310, JUDGE, 0, 0, 0, 0, 0), lambda: libc.syscall(434, JUDGE, 0), lambda: open('/proc/self/mem', 'rb'), lambda: os.listdir('/proc'))",
    "undoing it": "must_fail(lambda: libc.prctl(1, 0, 0, 0, 0), lambda: libc.prctl(4, 1, 0, 0, 0), lambda: libc.unshare(0x10000000), lambda: libc.mount(b'a', b'/', b'tmpfs', 0, 0), lambda: libc.umount2(os.getcwd().encode(), 2), os.setsid, lambda: libc.personality(0x400000), lambda: libc.syscall(302, 0, 9, struct.pack('QQ', 1 << 40, 1 << 40), 0), lambda: os.setuid(1), lambda: libc.syscall(442, 0, 0, 0, 0, 0))",
    "uncounted memory": "must_fail(lambda: os.memfd_create('a'), lambda: libc.shmget(0, 1 << 30, 0o1600), lambda: open('/dev/shm/a', 'w'), lambda: os.ftruncate(descriptors()[-1], 1 << 30), lambda: os.ftruncate(next(fd for fd in descriptors() if fd > 2 and fd != channel()), 1 << 30))",
    "administration": "must_fail(lambda: libc.reboot(0x89ABCDEF), lambda: libc.sethostname(b'a', 1), lambda: libc.swapoff(b'/a'), lambda: libc.syscall(246, 0, 0, 0, 0), lambda: libc.klogctl(3, 0, 0), lambda: libc.iopl(3), lambda: libc.syscall(321, 0, 0, 0), lambda: libc.syscall(250, 0, 0, 0), lambda: fcntl.ioctl(0, 0x5412, b'x'))",
    "what it was given": "if len(descriptors()) == 5 and 'KEY' not in os.environ: must_fail()",  # channel, fault page, /dev/null
}  # fmt: skip
ENDED = {
    "endless loop in Python": (python("while True: pass"), "timeout", "timeout"),
    "endless loop in C++": (native("volatile int i = 0; while (true) i = 1;"), "timeout", "timeout"),
    "sleeps": (python("libc.pause()"), "timeout", "timeout"),
    "memory hog in Python": (python("hog = [bytearray(2**26) for _ in range(64)]"), "runtime_error", "raises"),
    # It takes addresses, not pages: some virtual machines give pages so slowly that the time would end first.
    "memory hog in C++": (native("std::vector<std::vector<char>> v; while (true) v.emplace_back().reserve(1 << 26);"), "runtime_error", "raises"),
    "segfault": (python("ctypes.string_at(8)"), "runtime_error", None),
    "null pointer in C++": (native("*(volatile int*)nullptr = 1;"), "runtime_error", None),
    "os._exit": (python("os._exit(0)"), "runtime_error", "crash"),
    "abort": (python("os.abort()"), "runtime_error", "crash"),
    "kills itself": (python("os.kill(os.getpid(), 9)"), "runtime_error", "crash"),
    "deep recursion in Python": (python("sys.setrecursionlimit(10**9); a, b = [], []\nfor _ in range(2 * 10**5): a, b = [a], [b]\na == b"), "runtime_error", None),
    "deep recursion in C++": (native("TORCH_CHECK(deep(x.numel()) != 3);", "int deep(int n) { volatile char a[4096]; a[n % 7] = n; return n < -5 ? 0 : deep(n + 1) + a[n % 3]; }"), "runtime_error", None),
    "1 GB on disk": (python("for n in range(2**20): open(f'f{n}', 'wb').write(bytes(2**24))"), "runtime_error", None),
    "a million files": (python("for n in range(10**6): os.mkdir(str(n))"), "runtime_error", None),
    "256 MB of answer": (python("return torch.zeros(2**26)"), "cheating", "bad_answer"),
    "1 GB into the channel": (python("while True: os.write(channel(), bytes(2**20))"), "cheating", "bad_answer"),
    "half a frame": (python("os.write(channel(), frame('{\"buffers\": [1000]}')); libc.pause()"), "timeout", "timeout"),
    "an absurd length": (python("os.write(channel(), b'\\xff' * 8); libc.pause()"), "cheating", "bad_answer"),
    "a nested header": (python("os.write(channel(), frame('[' * 100000)); libc.pause()"), "cheating", "bad_answer"),
    "many buffers": (python("os.write(channel(), frame('{\"buffers\": [' + '0,' * 10**6 + '0]}')); libc.pause()"), "cheating", "bad_answer"),
    "a forged verdict": (python("os.write(channel(), frame('{\"accepted\": true, \"status\": \"correct\", \"buffers\": []}'))"), "cheating", "bad_answer"),
    "an early answer": (python("pass") + "\nos.write(channel(), frame('{\"ok\": true, \"buffers\": []}'))\n", "cheating", "bad_answer"),
    "an endless stream of answers": (python("pass") + "\nfor _ in range(99): os.write(channel(), frame('{\"ok\": true, \"buffers\": []}'))\n", "cheating", "bad_answer"),
    "closes the channel": (python("os.close(channel())"), "runtime_error", "crash"),
    "overwrites descriptors": (python("[os.dup2(0, fd) for fd in descriptors()]"), "runtime_error", "crash"),
    "builds without end": (python("pass").replace("ext = load_inline(", "while True:\n    try: load_inline(name='n', cpp_sources=f'int a{time.time_ns()};'.replace(';', ''), functions=[])\n    except RuntimeError: pass\next = load_inline("), "malformed", "too_long"),
}  # fmt: skip
HARMLESS = {
    "fake verdicts on stdout": "print('{\"accepted\": true}'); os.write(1, b'correct'); os.write(2, b'correct')",
    "1 GB of output": "for _ in range(1024): os.write(1, bytes(2**20))",
}


ALL = ("best", "namespaces", "least")
TIERS = pytest.mark.parametrize("judge", ALL, indirect=True)
BEST = pytest.mark.parametrize("judge", ["best"], indirect=True)
WITHOUT_OWN_FOLDERS = """
import sys
from pathlib import Path
from pipeline.judge import namespaces
namespaces.own_folder = lambda folder, **_: False
from pipeline.judge.forkserver import main
main(int(sys.argv[1]), int(sys.argv[2]), "none", Path(sys.argv[3]), "simt")
"""


@pytest.fixture(scope="module")
def judge(request: pytest.FixtureRequest, builds: Path) -> Iterator[Judge]:
    """A judge on the best that the machine has; without bubblewrap; and with what every kernel has."""
    commands = {
        "namespaces": lambda command, *_: [*command[:-3], "own", *command[-2:]],
        "least": lambda command, *_: [sys.executable, "-c", WITHOUT_OWN_FOLDERS, *command[-5:-3], command[-2]],
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KEY", SECRET)
        patch.setattr(explain, "LIMITS", replace(explain.LIMITS, cpu_seconds=1, wall_seconds=2.0))
        if request.param in commands:
            patch.setattr(processes, "wrapped", commands[request.param])
        judge = Judge(
            JudgeConfig(backend="simt", cache=builds, workers=1, cpu_seconds=2, memory_mb=1024, policy="report")
        )
        judge._limits = replace(judge._limits, wall_seconds=10.0)
        judge._candidate_limits = replace(judge._candidate_limits, wall_seconds=4.0)
        with judge:
            yield judge


def put(text: str, home: Path) -> str:
    project = Path(forkserver.__file__).parents[2]
    return text.replace("HOME", str(home)).replace("PROJECT", str(project)).replace("JUDGE", str(os.getpid()))


def goes_on(judge: Judge) -> None:
    """The judge works, and nothing of earlier candidates is left: no process, no file."""
    assert judge.submit(TASK, HONEST, "after").result().accepted
    workers = [p for p in psutil.Process().children(recursive=True) if not p.children() and p.status() != "zombie"]
    assert len(workers) <= 2, workers  # the task's reference, and what forks candidates
    assert judge._server is not None
    left = list(Path(judge._server._folders.name).rglob("*"))
    assert len(left) <= 1, left  # the reference's


@TIERS
@pytest.mark.parametrize("name", DENIED)
def test_what_is_denied(judge: Judge, tmp_path: Path, name: str):
    (tmp_path / "secret").write_text("secret")
    verdict = judge.submit(TASK, python(put(DENIED[name], tmp_path)), name).result()
    assert (verdict.status, verdict.reason) == ("runtime_error", "raises"), verdict
    assert "denied" in str(verdict.detail), verdict
    assert [p.name for p in tmp_path.iterdir()] == ["secret"]
    assert (tmp_path / "secret").read_text() == "secret"
    goes_on(judge)


@BEST
@pytest.mark.parametrize("name", ENDED)
def test_what_ends_it(judge: Judge, name: str):
    code, status, reason = ENDED[name]
    before = psutil.Process().memory_info().rss
    verdict = judge.submit(TASK, code, name).result()
    assert verdict.status == status, verdict
    assert reason is None or verdict.reason == reason, verdict
    assert psutil.Process().memory_info().rss - before < 300 * 2**20
    goes_on(judge)


@BEST
@pytest.mark.parametrize("name", HARMLESS)
def test_what_is_ignored(judge: Judge, name: str):
    wrong = python(HARMLESS[name]).replace("* 2.0f + bias[c] - largest) / ", "* 2.1f + bias[c] - largest) / ")
    assert judge.submit(TASK, wrong, name).result().status == "incorrect"
    goes_on(judge)


@pytest.mark.parametrize("judge", ["least"], indirect=True)
@pytest.mark.parametrize("name", ["1 GB on disk", "a million files"])
def test_a_full_disk_is_prevented_without_the_kernels_help(judge: Judge, name: str):
    verdict = judge.submit(TASK, ENDED[name][0], name).result()
    assert verdict.status in ("runtime_error", "timeout"), verdict
    goes_on(judge)


@TIERS
def test_hostile_tasks(judge: Judge, tmp_path: Path):
    (tmp_path / "secret").write_text("secret")
    for name, body in DENIED.items():
        source = PRELUDE + REFERENCE.replace(
            "return torch.softmax", f"{put(body, tmp_path)}\n        return torch.softmax"
        )
        task = Task(**{**TASK.model_dump(exclude={"id"}), "reference": source})
        with pytest.raises(TaskError, match="denied"):
            judge.probe(task).result()
        assert name
    goes_on(judge)


@TIERS
def test_the_fork_server_is_told_none_of_the_users_keys(judge: Judge):
    for process in psutil.Process().children(recursive=True):
        assert SECRET not in process.environ().values()
    assert judge.submit(TASK, HONEST, "after").result().accepted

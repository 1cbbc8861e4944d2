"""What a confined process can't do, tried for real in a forked child."""

import faulthandler
import os
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.judge.sandbox import confine, missing

pytestmark = pytest.mark.skipif(missing() is not None, reason="this machine can't confine anything")


def confined(folder: Path, action: Callable[[], object], cpu_seconds: int = 5) -> int:
    """Run the action in a confined child; return 0 if it succeeded, 1 for PermissionError, 128+n for signal n."""
    pid = os.fork()
    if pid == 0:
        code = 3
        faulthandler.disable()  # pytest's: it would print the stack of a child that is meant to die
        try:
            confine(folder, [], cpu_seconds, 2**30)
            action()
            code = 0
        except PermissionError:
            code = 1
        except MemoryError:
            code = 2
        finally:
            os._exit(code)
    _, status = os.waitpid(pid, 0)
    return 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def spin() -> None:
    while True:
        pass


def fill_memory() -> None:
    hog = [bytearray(64 * 2**20) for _ in range(64)]
    del hog


def test_what_is_forbidden(tmp_path: Path):
    private, outside = tmp_path / "private", tmp_path / "outside"
    private.mkdir()
    outside.write_text("secret")
    for action in (
        outside.read_text,
        lambda: outside.write_text("x"),
        lambda: (tmp_path / "new").write_text("x"),
        lambda: Path("/proc/self/mem").read_bytes(),
        lambda: Path(f"/proc/{os.getppid()}/environ").read_bytes(),
        socket.socket,
        os.fork,
        lambda: os.execv("/bin/true", ["true"]),
        lambda: os.kill(os.getppid(), 0),
        os.setsid,
    ):
        assert confined(private, action) == 1
    assert outside.read_text() == "secret"


def test_what_is_allowed(tmp_path: Path):
    def work() -> None:
        Path("own").write_text("x")
        assert Path("own").read_text() == "x"
        assert os.environ["HOME"] == str(tmp_path)
        assert "PATH" in os.environ

    assert confined(tmp_path, work) == 0


def test_time_and_memory_end(tmp_path: Path):
    assert (
        confined(tmp_path, fill_memory, cpu_seconds=60) == 2
    )  # a virtual machine's first touch of a page can be slow
    assert confined(tmp_path, spin, cpu_seconds=1) in (128 + 9, 128 + 24)
    assert confined(tmp_path, os.abort) == 128 + 6
    assert confined(tmp_path, lambda: time.sleep(0.01)) == 0

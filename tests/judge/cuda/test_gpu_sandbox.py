"""What CUDA needs is let through and no more: the filter for workers on a GPU, tried in a confined child."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from fcntl import ioctl
from pathlib import Path
from typing import Literal

import pytest

from pipeline.errors import InfrastructureError
from pipeline.judge import sandbox
from pipeline.judge.cuda.gpus import why_not
from pipeline.judge.cuda.sandbox import Allowances
from pipeline.judge.processes import GPU_ENVIRONMENT, ForkServer, OnGpu
from pipeline.judge.sandbox import confine, missing
from pipeline.judge.workers import Limits

pytestmark = pytest.mark.skipif(missing() is not None, reason="this machine can't confine anything")
TIOCSTI = 0x5412  # puts words into a terminal's mouth
NV_ESC_CARD_INFO, UVM_INITIALIZE = 0xC00046C8, 0x30000001  # as NVIDIA's driver is asked


def outcome(folder: Path, action: Callable[[], object], gpu: Allowances | None) -> str:
    """Return "done", or the name of the exception that the action ends with in a confined child."""
    there, here = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            confine(folder, [], 5, 2**30, gpu)
            action()
            os.write(here, b"done")
        except BaseException as error:  # noqa: BLE001
            os.write(here, type(error).__name__.encode())
        finally:
            os._exit(0)
    os.close(here)
    os.waitpid(pid, 0)
    with os.fdopen(there, "rb") as answer:
        return answer.read().decode()


def thread() -> None:
    worker = threading.Thread(target=lambda: None)
    worker.start()
    worker.join()


def listen() -> None:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(f"\0cuda-uvmfd-{os.getpid()}")
    listener.listen()


def connect() -> None:
    socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET).connect("\0somebody")


def asked(request: int) -> Callable[[], object]:
    """Ask a pipe: what is let through ends with the pipe's own OSError, what is not with PermissionError."""
    return lambda: ioctl(os.pipe()[0], request)


@pytest.mark.parametrize(
    ("action", "on_gpu", "elsewhere"),
    [
        (thread, "done", "RuntimeError"),
        (listen, "done", "PermissionError"),
        (asked(NV_ESC_CARD_INFO), "OSError", "PermissionError"),
        (asked(UVM_INITIALIZE), "OSError", "PermissionError"),
        (asked(0x25), "OSError", "PermissionError"),  # one of nvidia-uvm's
        (asked(TIOCSTI), "PermissionError", "PermissionError"),
        (connect, "PermissionError", "PermissionError"),
        (socket.socket, "PermissionError", "PermissionError"),
        (lambda: socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM), "PermissionError", "PermissionError"),
        (os.fork, "PermissionError", "PermissionError"),
        (lambda: os.execv("/bin/true", ["true"]), "PermissionError", "PermissionError"),
        (lambda: Path("/etc/hostname").read_text(), "PermissionError", "PermissionError"),
    ],
)
def test_what_a_gpu_adds(action: Callable[[], object], on_gpu: str, elsewhere: str, tmp_path: Path):
    assert outcome(tmp_path, action, Allowances((), ())) == on_gpu
    assert outcome(tmp_path, action, None) == elsewhere


def test_only_the_baselines_process_may_start_compilers(tmp_path: Path):
    compiles = lambda: subprocess.run(["/bin/true"], check=True)  # noqa: E731
    assert outcome(tmp_path, compiles, Allowances((), (), compiling=True)) == "done"
    assert outcome(tmp_path, compiles, Allowances((), ())) == "PermissionError"
    assert outcome(tmp_path, socket.socket, Allowances((), (), compiling=True)) == "PermissionError"


def test_inductor_finds_a_place_for_its_cache(tmp_path: Path):
    """Whose home was another, and whose name nobody can look up in a confined process."""

    def make_folders() -> None:
        from torch._inductor.runtime.cache_dir_utils import cache_dir

        os.environ.update(GPU_ENVIRONMENT)
        assert Path(cache_dir()).is_relative_to(tmp_path)

    assert outcome(tmp_path, make_folders, Allowances((), (), compiling=True)) == "done"


def test_packages_are_found_where_the_parent_finds_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "carried_along.py").write_text("")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with closing(ForkServer(sandbox=True, readable=[])) as server:
        server.prepare("carried_along")
    monkeypatch.setattr(sys, "path", [str(tmp_path), str(Path.home().parent), str(Path.cwd()), *sys.path])
    trees = sandbox._interpreter_trees.__wrapped__()
    assert tmp_path in trees
    assert not {Path.home().parent, Path.cwd()} & set(trees)


@pytest.mark.skipif(not why_not(), reason="CUDA starts here")
def test_cuda_that_does_not_start_is_no_candidate_s_fault():
    roles: tuple[Literal["candidate", "reference", "baseline"], ...] = ("candidate", "reference", "baseline")
    with closing(ForkServer(sandbox=True, readable=[], gpu=OnGpu("GPU-1", Path("/nowhere.so")))) as server:
        for role in roles:
            with pytest.raises(InfrastructureError, match="CUDA does not start"):
                server.start_worker(role, Limits())

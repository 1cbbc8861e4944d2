"""What CUDA needs is let through and no more: the filter for workers on a GPU, tried in a confined child."""

import os
import resource
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
import torch  # noqa: F401  (before the forks, as in the fork server)

from pipeline.errors import InfrastructureError
from pipeline.judge import namespaces, sandbox
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


def name_a_thread() -> None:
    """As CUDA's driver does: by the number that the thread has for itself, and the process too."""
    failed: list[OSError] = []

    def named() -> None:
        try:
            Path(f"/proc/{os.getpid()}/task/{threading.get_native_id()}/comm").write_text("cuda00001400006")
        except OSError as error:
            failed.append(error)

    worker = threading.Thread(target=named)
    worker.start()
    worker.join()
    if failed:
        raise failed[0]


def limit_files() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))


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
        (connect, "FileNotFoundError", "PermissionError"),  # as if no control daemon of CUDA's were there
        (name_a_thread, "done", "RuntimeError"),
        (lambda: [*Path("/proc/self/fd").iterdir()], "done", "PermissionError"),
        (lambda: resource.getrlimit(resource.RLIMIT_NOFILE), "done", "PermissionError"),
        (limit_files, "ValueError", "ValueError"),
        (lambda: Path(f"/proc/{os.getppid()}/comm").read_text(), "PermissionError", "PermissionError"),
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


def test_threads_can_be_named_inside_the_namespaces(tmp_path: Path):
    """Where a /proc from outside knows processes under other numbers."""

    def named() -> None:
        if namespaces.enter(own_proc=True):
            name_a_thread()

    there, here = os.pipe()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            named()
            code = 0
        except OSError as error:
            os.write(here, str(error).encode())
        finally:
            os._exit(code)
    os.close(here)
    _, status = os.waitpid(pid, 0)
    with os.fdopen(there, "rb") as told:
        assert (status, told.read()) == (0, b"")


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


def test_what_is_imported_late_finds_what_it_asks_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Inductor's settings and torch's look for GPUs: the fork server may neither start CUDA nor a pool of compilers."""
    asked = "import os\n{}[os.environ['PYTORCH_NVML_BASED_CUDA_CHECK'], os.environ['TORCHINDUCTOR_COMPILE_THREADS']]"
    (tmp_path / "asks_for_them.py").write_text(asked.format(""))
    (tmp_path / "asks_for_more.py").write_text(asked.format("os.environ['PATH'], "))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with closing(ForkServer(sandbox=True, readable=[])) as server:
        server.prepare("asks_for_them")
        with pytest.raises(InfrastructureError):
            server.prepare("asks_for_more")


@pytest.mark.skipif(not why_not(), reason="CUDA starts here")
def test_cuda_that_does_not_start_is_no_candidate_s_fault():
    roles: tuple[Literal["candidate", "reference", "baseline"], ...] = ("candidate", "reference", "baseline")
    with closing(ForkServer(sandbox=True, readable=[], gpu=OnGpu("GPU-1", Path("/nowhere.so")))) as server:
        for role in roles:
            with pytest.raises(InfrastructureError, match="CUDA does not start"):
                server.start_worker(role, Limits())

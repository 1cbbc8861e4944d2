"""The parent's side of the fork server: start workers, end them, and learn how they ended."""

import contextlib
import fcntl
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import psutil

from pipeline.errors import InfrastructureError
from pipeline.judge.bubblewrap import bubblewrap, wrapped
from pipeline.judge.channel import Channel
from pipeline.judge.cuda.sandbox import Allowances, allowances
from pipeline.judge.workers import FAULT_PAGE_BYTES, Limits, Worker

START_SECONDS = 120  # importing torch on a busy machine
# Of the environment the fork server gets what running Python takes, and none of the user's keys: foreign code in its
# children can read all of its memory.
INHERITED = ("PATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "HOME", "CUDA_HOME", "CUDA_VISIBLE_DEVICES")
# All memory from glibc's allocator, and that in huge pages: fork copies a page table of a few entries instead of tens
# of thousands. Measured with torch imported: a fork and an exit cost 2.5 ms instead of 6.
FORK_SERVER = {
    "OMP_NUM_THREADS": "1",
    "PYTHONMALLOC": "malloc",
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
    "PYTORCH_NVML_BASED_CUDA_CHECK": "1",  # the other check starts CUDA, which does not survive a fork
}
THERE_ANYWAY = ("usr", "proc")  # inside bubblewrap; what is in them can't be bound a second time
# CUDA numbers GPUs as nvidia-smi does; inductor compiles in its own process, and cuBLAS gives the same result twice.
GPU_ENVIRONMENT = {
    "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
    "TORCHINDUCTOR_COMPILE_THREADS": "1",
    "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
}


@dataclass(frozen=True)
class OnGpu:
    """What workers need for CUDA: the value of CUDA_VISIBLE_DEVICES, and the runtime library of ``cuda.library``."""

    visible: str
    runtime: Path


class ForkServer:
    """Owns the fork server's process; thread-safe. Use as a context manager.

    Args:
        sandbox: whether workers are confined.
        readable: trees that confined workers may read besides the interpreter's own.
        gpu: for workers that use CUDA; None: they do not.
    """

    def __init__(self, *, sandbox: bool, readable: Sequence[Path], gpu: OnGpu | None = None) -> None:
        self.sandbox = sandbox
        self._device = {"backend": "simt", "environment": {}, "runtime": ""}
        if gpu is not None:
            environment = {**GPU_ENVIRONMENT, "CUDA_VISIBLE_DEVICES": gpu.visible}
            self._device = {"backend": "cuda", "environment": environment, "runtime": str(gpu.runtime)}
        self.readable = [str(tree) for tree in readable]
        self._lock = threading.Lock()
        self._folders = tempfile.TemporaryDirectory(prefix="judge-", ignore_cleanup_errors=True)
        for tree in readable:
            with contextlib.suppress(OSError):  # whoever fills it says what is wrong; it has to be there to be seen
                tree.mkdir(parents=True, exist_ok=True)
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        around = "none" if not sandbox else "own" if bubblewrap() is None else "bwrap"
        arguments = [str(theirs.fileno()), around, self._folders.name]
        command = [sys.executable, "-m", "pipeline.judge.forkserver", *arguments]
        root = Path(__file__).parents[2]
        if sandbox:
            allowed = Allowances((), ()) if gpu is None else allowances()
            trees = [root, *readable, *(t for t in allowed.readable if t.parts[1] not in THERE_ANYWAY)]
            command = wrapped(command, [Path(self._folders.name)], trees, allowed.devices)
        inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
        environment = {**inherited, **FORK_SERVER, "PYTHONPATH": str(root)}
        self._process = subprocess.Popen(command, pass_fds=[theirs.fileno()], env=environment)
        theirs.close()
        self._ready = False
        self._prepared: set[str] = set()

    def start_worker(self, role: Literal["reference", "baseline", "candidate"], limits: Limits) -> Worker:
        """Fork a worker.

        Raises:
            InfrastructureError: the fork server is gone, or CUDA does not start in the worker.
        """
        folder = Path(tempfile.mkdtemp(dir=self._folders.name))
        ours, theirs = socket.socketpair()
        fault_page = os.memfd_create("fault", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.ftruncate(fault_page, FAULT_PAGE_BYTES)
        fcntl.fcntl(fault_page, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL)
        request = {
            "op": "fork",
            "role": role,
            "folder": str(folder),
            **self._device,
            "sandbox": self.sandbox,
            "readable": self.readable,
            "cpu_seconds": limits.cpu_seconds,
            "memory_bytes": limits.memory_bytes,
        }
        try:
            answer = self._ask(request, [theirs.fileno(), fault_page])
        except InfrastructureError:
            ours.close()
            os.close(fault_page)
            raise
        finally:
            theirs.close()
        worker = Worker(self, answer["pid"], Channel(ours, limits.answer_bytes), folder, fault_page, limits)
        worker.greet()
        return worker

    def prepare(self, module: str) -> None:
        """Have a module imported in the fork server, so that workers forked later need not; once."""
        if module not in self._prepared:
            self._ask({"op": "import", "module": module}, [])
            self._prepared.add(module)

    def end(self, pid: int) -> dict[str, Any]:
        """Kill a worker and its group, unless it is dead, and return how it ended: {"signal", "code", "cpu_seconds"}.

        The fork server does it, because only there the number is the process's.
        """
        return self._ask({"op": "end", "pid": pid}, [])

    def waited(self, pid: int) -> float:
        """Return for how many seconds a worker has been ready to run and had no core; 0 if the kernel won't say."""
        with contextlib.suppress(psutil.Error, OSError, ValueError):
            for child in psutil.Process(self._process.pid).children(recursive=True):
                status = Path(f"/proc/{child.pid}/status").read_text()
                numbers = re.search(r"^NSpid:(.*)$", status, re.MULTILINE)  # the last is the one in its own namespace
                if numbers and int(numbers[1].split()[-1]) == pid:
                    return int(Path(f"/proc/{child.pid}/schedstat").read_text().split()[1]) / 1e9
        return 0.0

    def close(self) -> None:
        """End the fork server and with it every worker."""
        self._socket.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._folders.cleanup()

    def _ask(self, request: dict[str, Any], descriptors: list[int]) -> dict[str, Any]:
        with self._lock:
            try:
                if not self._ready:
                    self._receive(START_SECONDS)
                    self._ready = True
                self._socket.settimeout(START_SECONDS)
                socket.send_fds(self._socket, [json.dumps(request).encode()], descriptors)
                return self._receive(START_SECONDS)
            except OSError as error:
                raise InfrastructureError(f"the judge's fork server does not answer: {error}") from error

    def _receive(self, seconds: float) -> dict[str, Any]:
        self._socket.settimeout(seconds)
        data = self._socket.recv(65536)
        if not data:
            raise InfrastructureError("the judge's fork server died")
        return json.loads(data)

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
from functools import partial
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
    "TORCHINDUCTOR_COMPILE_THREADS": "1",  # read on import, which a measurement on torch's meta device leads to
}
# Inside bubblewrap; what is in them can't be bound a second time, and a device bound as a file would be none.
THERE_ANYWAY = ("usr", "proc", "dev")
# CUDA numbers GPUs as nvidia-smi does; inductor compiles in its own process and names its cache after the user, whom
# it can't look up in a confined one; cuBLAS gives the same result twice.
GPU_ENVIRONMENT = {
    "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
    "TORCHINDUCTOR_COMPILE_THREADS": "1",
    "USER": "judge",
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
        for tree in readable:
            with contextlib.suppress(OSError):  # whoever fills it says what is wrong; it has to be there to be seen
                tree.mkdir(parents=True, exist_ok=True)
        self._device = {"backend": "simt", "environment": {}, "runtime": ""}
        if gpu is not None:
            environment = {**GPU_ENVIRONMENT, "CUDA_VISIBLE_DEVICES": gpu.visible}
            if libraries := os.environ.get("LD_LIBRARY_PATH"):  # the driver's may be there: Triton looks for it
                environment["LD_LIBRARY_PATH"] = libraries
                readable = [*readable, *(path for path in map(Path, libraries.split(":")) if path.is_absolute())]
            self._device = {"backend": "cuda", "environment": environment, "runtime": str(gpu.runtime)}
        self.readable = [str(tree) for tree in readable]
        self._folders = tempfile.TemporaryDirectory(prefix="judge-", ignore_cleanup_errors=True)
        self._tasks, self._candidates = _Stem(), _Stem()
        theirs = [stem.theirs.fileno() for stem in (self._tasks, self._candidates)]
        around = "none" if not sandbox else "own" if bubblewrap() is None else "bwrap"
        arguments = [*map(str, theirs), around, self._folders.name, self._device["backend"]]
        command = [sys.executable, "-m", "pipeline.judge.forkserver", *arguments]
        root = Path(__file__).parents[2]
        if sandbox:
            allowed = Allowances((), ()) if gpu is None else allowances()
            trees = [root, *readable, *(t for t in allowed.readable if t.parts[1] not in THERE_ANYWAY)]
            command = wrapped(command, [Path(self._folders.name)], trees, allowed.devices)
        inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
        given = os.environ.get("PYTHONPATH", "").split(os.pathsep)
        python_path = [str(root), *(str(Path(entry).absolute()) for entry in given if entry)]
        environment = {**inherited, **FORK_SERVER, "PYTHONPATH": os.pathsep.join(python_path)}
        self._process = subprocess.Popen(command, pass_fds=theirs, env=environment)
        for stem in (self._tasks, self._candidates):
            stem.theirs.close()
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
        stem = self._candidates if role == "candidate" else self._tasks
        try:
            answer = stem.ask(request, [theirs.fileno(), fault_page])
        except InfrastructureError:
            ours.close()
            os.close(fault_page)
            raise
        finally:
            theirs.close()
        channel, end = Channel(ours, limits.answer_bytes), partial(stem.ask, {"op": "end", "pid": answer["pid"]})
        worker = Worker(end, partial(self._waited, answer["pid"]), channel, folder, fault_page, limits)
        worker.greet()
        return worker

    def prepare(self, module: str) -> None:
        """Have a module imported here, so that workers forked later need not; once."""
        if module not in self._prepared:
            for stem in (self._tasks, self._candidates):
                stem.ask({"op": "import", "module": module})
            self._prepared.add(module)

    def open_simt(self, runtime: Path, extension: Path) -> None:
        """Have simt's runtime library loaded, and ``warming``'s extension run, for candidates forked later; once."""
        if str(runtime) not in self._prepared:
            self._candidates.ask({"op": "open", "runtime": str(runtime), "extension": str(extension)})
            self._prepared.add(str(runtime))

    def _waited(self, pid: int) -> float:
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
        for stem in (self._tasks, self._candidates):
            stem.ours.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._folders.cleanup()


class _Stem:
    """A process that forks workers, as its parent sees it; thread-safe. ``theirs`` is its end of the socket."""

    def __init__(self) -> None:
        self.ours, self.theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._lock = threading.Lock()
        self._ready = False

    def ask(self, request: dict[str, Any], descriptors: Sequence[int] = ()) -> dict[str, Any]:
        """Return the answer to a request (see ``forkserver``); raises InfrastructureError if there is none."""
        with self._lock:
            try:
                if not self._ready:
                    self._receive()
                    self._ready = True
                self.ours.settimeout(START_SECONDS)
                socket.send_fds(self.ours, [json.dumps(request).encode()], list(descriptors))
                return self._receive()
            except OSError as error:
                raise InfrastructureError(f"the judge's fork server does not answer: {error}") from error

    def _receive(self) -> dict[str, Any]:
        self.ours.settimeout(START_SECONDS)
        data = self.ours.recv(65536)
        if not data:
            raise InfrastructureError("the judge's fork server died")
        return json.loads(data)

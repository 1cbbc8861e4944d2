"""The parent's side of its worker processes: start, talk, time out, kill, and learn how they ended."""

import contextlib
import fcntl
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

from pipeline.errors import InfrastructureError
from pipeline.judge.bubblewrap import bubblewrap, wrapped
from pipeline.judge.channel import MAX_BUFFER_BYTES, Channel, ChannelClosedError, ChannelTimeoutError, NotAFrameError
from pipeline.judge.cuda.sandbox import Allowances, allowances
from pipeline.judge.values import only_named

FAULT_PAGE_BYTES = 4096
START_SECONDS = 120  # importing torch on a busy machine
# All memory from glibc's allocator, and that in huge pages: fork copies a page table of a few entries instead of tens
# of thousands. Measured with torch imported: a fork and an exit cost 2.5 ms instead of 6.
# Of the environment the fork server gets what running Python takes, and none of the user's keys: foreign code in its
# children can read all of its memory.
INHERITED = ("PATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "HOME", "CUDA_HOME", "CUDA_VISIBLE_DEVICES")
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
class Limits:
    """What one worker may use: seconds of CPU, seconds on the clock, bytes of memory beyond torch's own.

    ``answer_bytes`` is what the tensors of one answer may take: that much the parent has to hold.
    """

    cpu_seconds: int = 20
    wall_seconds: float = 60.0
    memory_bytes: int = 4 * 2**30
    answer_bytes: int = MAX_BUFFER_BYTES


@dataclass(frozen=True)
class Ending:
    """How a worker ended."""

    signal: int | None
    code: int | None
    cpu_seconds: float
    fault_page: bytes


class WorkerGoneError(Exception):
    """A worker died or hung in the middle of a request; ``ending`` and ``timed_out`` say how.

    ``forged`` is what it sent instead of an answer, None if it sent nothing.
    """

    def __init__(self, ending: Ending, *, timed_out: bool, forged: str | None = None) -> None:
        super().__init__(f"signal {ending.signal}, code {ending.code}, timed out: {timed_out}")
        self.ending = ending
        self.timed_out = timed_out
        self.forged = forged


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
        command = [sys.executable, "-m", "pipeline.judge.forkserver", str(theirs.fileno()), around]
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

    def start_worker(self, role: Literal["reference", "baseline", "candidate"], limits: Limits) -> "Worker":
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


class Worker:
    """A confined process that answers requests."""

    def __init__(
        self, server: ForkServer, pid: int, channel: Channel, folder: Path, fault_page: int, limits: Limits
    ) -> None:
        self._server = server
        self._pid = pid
        self._channel = channel
        self._folder = folder
        self._fault_page = fault_page
        self._limits = limits
        self.ended = False
        self._deadline = time.monotonic() + limits.wall_seconds
        self.sandbox = "none"

    def greet(self) -> None:
        """Wait until the process is confined and learn the tier."""
        try:
            header, _ = self._channel.receive(time.monotonic() + START_SECONDS)
        except (ChannelClosedError, ChannelTimeoutError) as error:
            self.end()
            raise InfrastructureError(f"a worker did not start: {error}") from error
        if "failed" in header:
            self.end()
            raise InfrastructureError(header["failed"])
        self.sandbox = header["sandbox"]

    def extend(self, seconds: float) -> None:
        """Add to the worker's wall-clock budget what it did not spend itself."""
        self._deadline += seconds

    def renew(self) -> None:
        """Give the worker its wall-clock budget anew (before a request to a long-lived one)."""
        self._deadline = time.monotonic() + self._limits.wall_seconds

    def ask(
        self,
        header: dict[str, Any],
        buffers: Sequence[Any] = (),
        on_build: Callable[[dict[str, Any]], dict[str, Any]] | None = None,
    ) -> tuple[dict[str, Any], list[bytearray]]:
        """Send a request and return the answer; build requests in between go to ``on_build``.

        The time that ``on_build`` takes is not charged to the worker. Of the buffers, those are sent that tensors in
        the header's ``values`` name: a case's others are the expected results, which no candidate's process may hold.

        Raises:
            WorkerGoneError: it died, or had no answer in time; it is dead afterwards either way.
        """
        if "values" in header:
            values, buffers = only_named(header["values"], buffers)
            header = {**header, "values": values}
        number = secrets.token_hex(8)  # what an answer must bear: none can be sent before its question is known
        try:
            self._channel.send({**header, "number": number}, buffers, self._deadline)
            while True:
                answer, data = self._channel.receive(self._deadline)
                _check_number(answer, number)
                if "build" not in answer or on_build is None:
                    return answer, data
                before = time.monotonic()
                built = on_build(answer["build"])
                self._deadline += time.monotonic() - before
                self._channel.send(built, (), self._deadline)
        except ChannelTimeoutError as error:
            raise WorkerGoneError(self.end(), timed_out=True) from error
        except NotAFrameError as error:
            raise WorkerGoneError(self.end(), timed_out=False, forged=str(error)) from error
        except ChannelClosedError as error:
            ending = self.end()
            spent = ending.cpu_seconds >= 0.8 * self._limits.cpu_seconds
            raise WorkerGoneError(ending, timed_out=spent) from error

    def end(self) -> Ending:
        """Kill the process and its group, remove its folder and return how it ended. For a dead one: collect."""
        if self.ended:
            raise InfrastructureError("this worker has ended already")
        self.ended = True
        self._channel.close()
        how = self._server.end(self._pid)
        page = os.pread(self._fault_page, FAULT_PAGE_BYTES, 0)
        os.close(self._fault_page)
        shutil.rmtree(self._folder, ignore_errors=True)
        return Ending(how["signal"], how["code"], how["cpu_seconds"], page)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if not self.ended:
            self.end()


def _check_number(answer: dict[str, Any], number: str) -> None:
    if answer.pop("number", None) != number:
        raise NotAFrameError("an answer to something else")

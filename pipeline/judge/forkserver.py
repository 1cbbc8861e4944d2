"""Two processes that have torch imported and fork workers on request, so that a worker costs milliseconds.

Run as ``python -m pipeline.judge.forkserver TASKS CANDIDATES AROUND FOLDERS BACKEND``. The first two are
SOCK_SEQPACKET sockets to the parent: at one, processes for tasks' modules are asked for, at the other, those for
candidates, whose torch is another one (see ``simt_device``). AROUND says what confines both themselves (``bwrap``
already does, ``own`` namespaces are to be entered, or ``none``) and FOLDERS holds the workers' folders. They run no
foreign code themselves. When the parent goes, they go, and their workers and the folders with them: a parent that was
killed could not remove them.

Requests, one JSON message each:
    {"op": "fork", "role": "reference" | "baseline" | "candidate", "backend": "simt" | "cuda", ...}  with a stream
        socket and a fault page as descriptors
        -> {"pid": ...}
    {"op": "import", "module": ...} -> {}
    {"op": "open", "runtime": the path of simt's runtime library, "extension": that of ``warming``'s, for candidates}
        -> {}
    {"op": "end", "pid": ...}, which kills it and its group
        -> {"signal": N or null, "code": N or null, "cpu_seconds": ...}
"""

import contextlib
import gc
import importlib
import json
import os
import select
import shutil
import signal
import socket
import sys
import traceback
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.judge import namespaces

if TYPE_CHECKING:
    from pipeline.judge.channel import Channel

MESSAGE_BYTES = 65536
MOST_DESCRIPTORS = 2**31 - 1
GOING_SECONDS = 2.0  # in which a parent that dies has closed both of its ends
WATCH_SECONDS = 0.2  # between two looks at how much workers have written
READ_LATE = ("PYTORCH_NVML_BASED_CUDA_CHECK", "TORCHINDUCTOR_COMPILE_THREADS")  # by what is imported on request
# All that a worker uses: what is not imported here, each of them would import for itself.
PREPARED = (
    "numpy",
    "torch",
    "torch.nn.functional",
    "pipeline.judge.candidate_worker",
    "pipeline.judge.reference_worker",
    "pipeline.judge.simt.device",
    "pipeline.judge.cuda.device",
    "pipeline.judge.cuda.baseline_worker",
    "pipeline.judge.heap",
    "pipeline.judge.sandbox",
    "pipeline.judge.warming",
)


def main(tasks: int, candidates: int, around: str, folders: Path, backend: str) -> None:
    """Serve until the parent closes its ends."""
    if around == "own":
        around = "namespaces" if namespaces.enter(own_proc=backend == "cuda") else "none"
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
    _import_everything()
    other = os.fork()
    if other == 0:
        _serve_candidates(tasks, candidates, around, backend)
    os.close(candidates)
    parent_went = _serve(tasks, around, os.pidfd_open(other))
    os.waitpid(other, 0)
    if parent_went:
        shutil.rmtree(folders, ignore_errors=True)


def _serve_candidates(tasks: int, candidates: int, around: str, backend: str) -> None:
    """Serve in this forked process until the parent closes its end; never returns."""
    code = 70
    try:
        namespaces.die_with_parent()
        os.close(tasks)
        if backend == "simt":
            from pipeline.judge.simt import device
            from pipeline.judge.warming import warm_up_candidates

            device.install()
            warm_up_candidates(device)
        _settle()
        _serve(candidates, around)
        code = 0
    except BaseException:
        traceback.print_exc()
        raise
    finally:
        os._exit(code)


def _serve(descriptor: int, around: str, other: int | None = None) -> bool:
    """Serve until the parent closes its end (True), or the other process ends, given by a descriptor (False)."""
    try:
        return _answer_all(socket.socket(fileno=descriptor), around, [] if other is None else [other])
    except ConnectionError:  # the parent went in the middle of something
        return True


def _answer_all(server: socket.socket, around: str, ending: list[int]) -> bool:
    server.send(b'{"ready": true}')
    folders: dict[int, tuple[Path, int]] = {}  # of the workers whose folders the kernel does not bound
    while True:
        while not (ready := select.select([server, *ending], [], [], WATCH_SECONDS if folders else None)[0]):
            _kill_the_greedy(folders)
        if server not in ready:  # the parent's death ends both, in either order
            return bool(select.select([server], [], [], GOING_SECONDS)[0]) and not server.recv(1, socket.MSG_PEEK)
        data, descriptors, _, _ = socket.recv_fds(server, MESSAGE_BYTES, 2)
        if not data:
            return True
        request = json.loads(data)
        answer: dict[str, Any] = {}
        if request["op"] == "fork":
            pid = os.fork()
            if pid == 0:
                _become_worker(server, request, descriptors, around)
            if request["sandbox"] and not _kernel_bounds_folders():
                folders[pid] = Path(request["folder"]), namespaces.ROOM_TO_COMPILE if _compiles(request) else 1
            for fd in descriptors:
                os.close(fd)
            answer = {"pid": pid}
        elif request["op"] == "end":
            folders.pop(request["pid"], None)
            answer = _end(request["pid"])
        else:
            _make_ready(request)
        server.send(json.dumps(answer).encode())


def _end(pid: int) -> dict[str, Any]:
    """Kill a worker and its group and return how it ended."""
    for kill in (os.killpg, os.kill):  # both: it may not lead its group yet
        with contextlib.suppress(ProcessLookupError):
            kill(pid, signal.SIGKILL)  # a dead one stays a zombie, so its number is still its own
    _, status, usage = os.wait4(pid, 0)
    died = os.WIFSIGNALED(status)
    return {
        "signal": os.WTERMSIG(status) if died else None,
        "code": None if died else os.WEXITSTATUS(status),
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
    }


def _make_ready(request: dict[str, Any]) -> None:
    """Have here, for all workers to come, what each would have to load for itself."""
    if request["op"] == "import":
        importlib.import_module(request["module"])
    else:
        from pipeline.judge.simt import device
        from pipeline.judge.simt.binding import open_runtime
        from pipeline.judge.warming import warm_up_candidates

        open_runtime(Path(request["runtime"]))
        warm_up_candidates(device, Path(request["extension"]))
    _settle()


def _import_everything() -> None:
    for name in PREPARED:
        importlib.import_module(name)
    import torch

    from pipeline.judge.sandbox import prepare
    from pipeline.judge.warming import warm_up

    torch.set_num_threads(1)
    warm_up()
    prepare()
    late = {name: os.environ[name] for name in READ_LATE if name in os.environ}
    os.environ.clear()  # what the imports read from it they have read; no worker is to see it
    os.environ.update(late)
    _settle()


def _settle() -> None:
    """Have workers copy as few pages as possible: none for the garbage collector, few for what they allocate."""
    from pipeline.judge.heap import collapse, fill_gaps

    gc.collect()
    gc.freeze()
    fill_gaps()
    collapse()


@cache
def _kernel_bounds_folders() -> bool:
    """Whether workers can have a file system of their own for their folder: tried once, in a child."""
    pid = os.fork()
    if pid == 0:
        os._exit(0 if namespaces.own_folder(Path("/tmp")) else 1)  # noqa: S108  (in the child's own mounts)
    return os.waitpid(pid, 0)[1] == 0


def _compiles(request: dict[str, Any]) -> bool:
    return request["backend"] == "cuda" and request["role"] == "baseline"


def _kill_the_greedy(folders: dict[int, tuple[Path, int]]) -> None:
    """Kill the workers that have written more than they may; how they ended is asked later."""
    for pid, (folder, times) in folders.items():
        used = files = 0
        with contextlib.suppress(OSError):  # what is being removed at this moment
            for parent, _, names in os.walk(folder):
                files += 1 + len(names)
                used += sum(os.lstat(os.path.join(parent, name)).st_blocks * 512 for name in names)  # noqa: PTH118  (fast)
                if used > times * namespaces.FOLDER_BYTES or files > times * namespaces.FOLDER_FILES:
                    os.kill(pid, signal.SIGKILL)
                    break


def _become_worker(server: socket.socket, request: dict[str, Any], descriptors: list[int], around: str) -> None:
    """Turn this forked process into a worker; never returns."""
    code = 70
    try:
        server.close()
        null = os.open("/dev/null", os.O_RDWR)
        for standard in (0, 1, 2):
            os.dup2(null, standard)
        _close_all_but(*descriptors)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.setsid()
        from pipeline.judge.channel import Channel

        sandbox = _confine(request, around)
        os.environ.update(request["environment"])
        os.environ["TRITON_HOME"] = request["folder"]  # else that of the home that was there when it was imported
        channel = Channel(socket.socket(fileno=descriptors[0]))
        if request["backend"] == "cuda" and (why_not := _start_cuda(Path(request["runtime"]))):
            channel.send({"failed": why_not})
            return
        channel.send({"sandbox": sandbox})
        _work(request, channel, descriptors[1])
        code = 0
    finally:
        os._exit(code)


def _confine(request: dict[str, Any], around: str) -> str:
    """Confine this process as far as it is asked for; return the tier."""
    from pipeline.judge.cuda.sandbox import allowances
    from pipeline.judge.sandbox import confine

    if not request["sandbox"]:
        os.chdir(request["folder"])
        os.environ.update({"HOME": request["folder"], "TMPDIR": request["folder"], "PATH": "/usr/bin:/bin"})
        return "none"
    readable = [Path(tree) for tree in request["readable"]]
    gpu = allowances(compiling=_compiles(request)) if request["backend"] == "cuda" else None
    tier = confine(Path(request["folder"]), readable, request["cpu_seconds"], request["memory_bytes"], gpu)
    return tier if around == "none" else f"{around}+{tier}"


def _start_cuda(runtime: Path) -> str | None:
    """Initialise CUDA in this worker; return why that can't be done, which is no candidate's fault."""
    from pipeline.judge.cuda import device

    try:
        device.install()
        device.open_runtime(runtime)
    except Exception as error:  # noqa: BLE001  (whatever torch raises goes to the parent, which raises it)
        return f"CUDA does not start in a confined process ({type(error).__name__}: {error})"
    return None


def _work(request: dict[str, Any], channel: "Channel", fault_page: int) -> None:
    from pipeline.judge import candidate_worker, reference_worker
    from pipeline.judge.cuda import baseline_worker
    from pipeline.judge.cuda import device as cuda
    from pipeline.judge.simt import device as simt

    on_gpu = request["backend"] == "cuda"
    match request["role"]:
        case "candidate":
            candidate_worker.serve(channel, fault_page, cuda if on_gpu else simt)
        case "baseline":
            baseline_worker.serve(channel)
        case _:
            reference_worker.serve(channel, "cuda" if on_gpu else "cpu")


def _close_all_but(*kept: int) -> None:
    """Close all descriptors but the standard ones and those that are kept."""
    for before, after in pairwise([2, *sorted(kept), MOST_DESCRIPTORS]):
        os.closerange(before + 1, after)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], Path(sys.argv[4]), sys.argv[5])

"""A process that has torch imported and forks workers on request, so that a worker costs milliseconds.

Run as ``python -m pipeline.judge.forkserver FD``, where FD is a SOCK_SEQPACKET socket to the parent. It runs no
foreign code itself. When the parent goes, it goes, and its workers with it.

Requests, one JSON message each:
    {"op": "fork", "role": "reference" | "candidate", ...}  with a stream socket and a fault page as descriptors
        -> {"pid": ...}
    {"op": "import", "module": ...} -> {}
    {"op": "wait", "pid": ...} -> {"signal": N or null, "code": N or null, "cpu_seconds": ...}
"""

import contextlib
import gc
import importlib
import json
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any

MESSAGE_BYTES = 65536
# All that a worker uses: what is not imported here, each of them would import for itself.
PREPARED = (
    "numpy",
    "torch",
    "torch.nn.functional",
    "pipeline.judge.candidate_worker",
    "pipeline.judge.reference_worker",
    "pipeline.judge.sandbox",
)


def main(descriptor: int) -> None:
    """Serve until the parent closes its end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
    _import_everything()
    with contextlib.suppress(ConnectionError):  # the parent went in the middle of something
        _serve(socket.socket(fileno=descriptor))


def _serve(server: socket.socket) -> None:
    server.send(b'{"ready": true}')
    while True:
        data, descriptors, _, _ = socket.recv_fds(server, MESSAGE_BYTES, 2)
        if not data:
            return
        request = json.loads(data)
        if request["op"] == "fork":
            pid = os.fork()
            if pid == 0:
                _become_worker(server, request, descriptors)
            for fd in descriptors:
                os.close(fd)
            server.send(json.dumps({"pid": pid}).encode())
        elif request["op"] == "import":
            importlib.import_module(request["module"])
            gc.freeze()
            server.send(b"{}")
        else:
            _, status, usage = os.wait4(request["pid"], 0)
            died = os.WIFSIGNALED(status)
            answer = {
                "signal": os.WTERMSIG(status) if died else None,
                "code": None if died else os.WEXITSTATUS(status),
                "cpu_seconds": usage.ru_utime + usage.ru_stime,
            }
            server.send(json.dumps(answer).encode())


def _import_everything() -> None:
    for name in PREPARED:
        importlib.import_module(name)
    import torch

    from pipeline.judge.sandbox import prepare

    torch.set_num_threads(1)
    torch.randn(4).double().sum().item()
    prepare()
    os.environ.clear()  # what the imports read from it they have read; no worker is to see it
    gc.collect()
    gc.freeze()  # keeps the collector from touching, and so copying, pages shared with the workers


def _become_worker(server: socket.socket, request: dict[str, Any], descriptors: list[int]) -> None:
    """Turn this forked process into a worker; never returns."""
    code = 70
    try:
        server.close()
        null = os.open("/dev/null", os.O_RDWR)
        for standard in (0, 1, 2):
            os.dup2(null, standard)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.setsid()
        from pipeline.judge import candidate_worker, reference_worker
        from pipeline.judge.channel import Channel
        from pipeline.judge.sandbox import confine

        sandbox = "none"
        if request["sandbox"]:
            readable = [Path(tree) for tree in request["readable"]]
            limits = request["cpu_seconds"], request["memory_bytes"]
            sandbox = confine(Path(request["folder"]), readable, *limits)
        else:
            os.chdir(request["folder"])
        channel = Channel(socket.socket(fileno=descriptors[0]))
        channel.send({"sandbox": sandbox})
        if request["role"] == "candidate":
            candidate_worker.serve(channel, fault_page=descriptors[1])
        else:
            reference_worker.serve(channel)
        code = 0
    finally:
        os._exit(code)


if __name__ == "__main__":
    main(int(sys.argv[1]))

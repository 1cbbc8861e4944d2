"""This process's connection to a Ray cluster: made once, kept until the process ends."""

import importlib
import signal
import socket
import threading
from typing import Any

from pipeline.errors import UserError, first_line

CONNECT_SECONDS = 10


def connect(address: str) -> Any:
    """Return the module ``ray``, connected.

    Args:
        address: ``auto``, ``local`` or HOST:PORT, see ``RayConfig``.

    Raises:
        UserError: ray is not installed, or there is no such cluster.
    """
    handler = signal.getsignal(signal.SIGTERM)
    try:
        ray = importlib.import_module("ray")
    except ImportError:
        raise UserError("executor.kind: ray is not installed here; pip install 'kernel-pipeline[ray]'") from None
    if ray.is_initialized():
        return ray
    host, _, port = address.rpartition(":")
    if host and port.isdecimal():
        _answers(host, int(port), address)
    try:
        ray.init(address=address, log_to_driver=False, logging_level="ERROR")
    except (ConnectionError, RuntimeError, ValueError, OSError) as error:
        raise UserError(
            f"executor.address: no Ray cluster at {address!r} that this machine is part of "
            f"({first_line(error)[:200]}); start one with `ray start --head`, or set executor.kind=local"
        ) from None
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, handler)  # ray has put its own there
    return ray


def room(ray: Any, cpus: float, gpus: float) -> int:
    """Return how many actors of these needs the machines of the cluster have room for, if nothing else runs."""
    resources = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    places = 0
    for has in resources:
        by_cpu = has.get("CPU", 0) // cpus if cpus else float("inf")
        by_gpu = has.get("GPU", 0) // gpus if gpus else float("inf")
        places += int(min(by_cpu, by_gpu))
    return places


def has_gpus(ray: Any) -> bool:
    """Return whether a machine of the cluster has a GPU."""
    return ray.cluster_resources().get("GPU", 0) > 0


def _answers(host: str, port: int, address: str) -> None:
    """Raise UserError if nobody listens there: ray itself takes a minute to find out."""
    try:
        socket.create_connection((host, port), CONNECT_SECONDS).close()
    except OSError as error:
        raise UserError(f"executor.address: no Ray cluster at {address!r} ({error})") from None

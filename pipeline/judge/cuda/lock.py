"""One process at a time on a GPU: a file's lock per device, kept by the parent, released by the kernel if it dies."""

import fcntl
import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class GpuLock:
    """The lock of one GPU, between threads and between processes of one machine.

    ``released`` gives it up in the middle, so that others use the GPU while a candidate is being compiled.

    Args:
        uuid: the device's.
        folder: where the lock's file is; the same for all that share the GPU.
    """

    def __init__(self, uuid: str, folder: Path | None = None) -> None:
        name = f"gpu-{uuid.replace('/', '_')}.lock"
        self._path = (folder or Path(tempfile.gettempdir())) / name
        self._threads = threading.Lock()
        self._file = -1

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the GPU for the length of the block."""
        self._acquire()
        try:
            yield
        finally:
            self._release()

    @contextmanager
    def released(self) -> Iterator[None]:
        """Give the GPU up for the length of the block, inside ``held``."""
        self._release()
        try:
            yield
        finally:
            self._acquire()

    def _acquire(self) -> None:
        self._threads.acquire()
        try:
            file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
            fcntl.flock(file, fcntl.LOCK_EX)
        except BaseException:
            self._threads.release()
            raise
        self._file = file

    def _release(self) -> None:
        os.close(self._file)
        self._threads.release()

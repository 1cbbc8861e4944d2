"""Who uses a GPU: many at a time to check results, one alone to measure. Files' locks, which end with their holders.

Two files a device, so that whoever wants the GPU alone is not kept waiting by ever new others: everybody passes
through the first, and who wants to be alone stays in it while waiting for the second.
"""

import fcntl
import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


class GpuLock:
    """The lock of one GPU, between threads and between processes of one machine.

    A thread that holds it may ask for it again: nothing changes then.

    Args:
        uuid: the device's.
        folder: where the locks' files are; the same for all that share the GPU.
    """

    def __init__(self, uuid: str, folder: Path | None = None) -> None:
        name = f"gpu-{uuid.replace('/', '_')}"
        where = folder or Path(tempfile.gettempdir())
        self._entrance, self._inside = where / f"{name}.entrance.lock", where / f"{name}.lock"
        self._mine = threading.local()  # file and kind of this thread's hold

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Use the GPU beside others for the length of the block."""
        with self._held(fcntl.LOCK_SH):
            yield

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Have the GPU alone for the length of the block; not inside ``shared``.

        Raises:
            RuntimeError: this thread shares it: to wait for itself would be to wait for ever.
        """
        if getattr(self._mine, "kind", None) == fcntl.LOCK_SH:
            raise RuntimeError("this thread shares the GPU")
        with self._held(fcntl.LOCK_EX):
            yield

    @contextmanager
    def released(self) -> Iterator[None]:
        """Give the GPU up for the length of the block, if this thread holds it."""
        kind = getattr(self._mine, "kind", None)
        if kind is None:
            yield
            return
        self._release()
        try:
            yield
        finally:
            self._acquire(kind)

    @contextmanager
    def _held(self, kind: int) -> Iterator[None]:
        if getattr(self._mine, "kind", None) is not None:
            yield
            return
        self._acquire(kind)
        try:
            yield
        finally:
            self._release()

    def _acquire(self, kind: int) -> None:
        entrance = _open(self._entrance)
        try:
            fcntl.flock(entrance, fcntl.LOCK_EX)
            inside = _open(self._inside)
            try:
                fcntl.flock(inside, kind)
            except BaseException:
                os.close(inside)
                raise
        finally:
            os.close(entrance)
        self._mine.file, self._mine.kind = inside, kind

    def _release(self) -> None:
        os.close(self._mine.file)
        self._mine.kind = None


def _open(path: Path) -> int:
    with suppress(FileNotFoundError):  # not to be created: in a shared folder, Linux keeps others' files from that
        return os.open(path, os.O_RDWR | os.O_CLOEXEC)
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    with suppress(OSError):  # somebody else's file by now; the mask of new files may have kept others out of ours
        path.chmod(0o666)
    return file

"""The candidate's process over a judgement: started when it is needed, and again after it died."""

from contextlib import AbstractContextManager, nullcontext
from typing import Self

from pipeline.judge.judging import Judgement, using
from pipeline.judge.processes import ForkServer
from pipeline.judge.workers import Limits, Worker


class Session:
    """Use as a context manager; the process ends with it.

    Args:
        server: forks the process.
        limits: of each process; may be changed for those to come.
        judgement: loads the candidate into it.
    """

    def __init__(self, server: ForkServer, limits: Limits, judgement: Judgement) -> None:
        self._server = server
        self.limits = limits
        self._judgement = judgement
        self._worker: Worker | None = None
        self.sandbox: str | None = None

    def worker(self) -> Worker:
        """Return the process with the candidate loaded; raises ``Decided`` if it does not load."""
        if self._worker is None or self._worker.ended:
            with using(self._judgement.gpu):
                self._worker = self._server.start_worker("candidate", self.limits)
            self.sandbox = self._worker.sandbox
            self._judgement.load(self._worker)
        return self._worker

    def away(self) -> AbstractContextManager[None]:
        """What the block takes is not the process's time: see ``Worker.away``."""
        return nullcontext() if self._worker is None else self._worker.away()

    def restart(self) -> None:
        """End the process, and with it all that the candidate keeps between calls."""
        if self._worker is not None and not self._worker.ended:
            self._worker.end()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.restart()

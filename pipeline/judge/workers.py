"""One confined process and the parent's talk with it: ask, time out, kill, and learn how it ended."""

import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from pipeline.errors import InfrastructureError
from pipeline.judge.channel import MAX_BUFFER_BYTES, Channel, ChannelClosedError, ChannelTimeoutError, NotAFrameError
from pipeline.judge.values import only_named

FAULT_PAGE_BYTES = 4096
GREETING_SECONDS = 120
ARRIVAL_SECONDS = 5.0  # at least, for the rest of an answer that has begun
HELD_UP_SECONDS = 0.5  # of waiting for a core since the last look: less than that is no busy machine
MOST_HELD_UP = 10.0  # times the seconds on the clock: what a worker may have at most because of a busy machine


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


class Worker:
    """A confined process that answers requests.

    Args:
        kill: kills it and its group, unless it is dead, and returns how it ended: see ``forkserver``. That does it,
            because only there the number is the process's.
        waited: returns for how many seconds it has been ready to run and had no core.
        channel: to it.
        folder: its own, removed when it has ended.
        fault_page: a shared file in which kernels' faults are noted.
        limits: what it may use.
    """

    def __init__(
        self,
        kill: Callable[[], dict[str, Any]],
        waited: Callable[[], float],
        channel: Channel,
        folder: Path,
        fault_page: int,
        limits: Limits,
    ) -> None:
        self._kill = kill
        self._waited = waited
        self._channel = channel
        self._folder = folder
        self._fault_page = fault_page
        self._limits = limits
        self.ended = False
        self._deadline = time.monotonic() + limits.wall_seconds
        self._held_up = 0.0
        self.sandbox = "none"

    def greet(self) -> None:
        """Wait until the process is confined and learn the tier."""
        try:
            header, _ = self._channel.receive(time.monotonic() + GREETING_SECONDS)
        except (ChannelClosedError, ChannelTimeoutError) as error:
            self.end()
            raise InfrastructureError(f"a worker did not start: {error}") from error
        if "failed" in header:
            self.end()
            raise InfrastructureError(header["failed"])
        self.sandbox = header["sandbox"]
        self.renew()  # what starting it took is no request's time

    def extend(self, seconds: float) -> None:
        """Add to the worker's wall-clock budget what it did not spend itself."""
        self._deadline += seconds

    @contextmanager
    def away(self) -> Iterator[None]:
        """What the block takes is not the worker's time: it is not asked for anything meanwhile."""
        before = time.monotonic()
        try:
            yield
        finally:
            self.extend(time.monotonic() - before)

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

        The time that ``on_build`` takes is not charged to the worker, nor is that for which it was ready to run and
        every core had something else to do: on a busy machine its seconds of CPU decide. Of the buffers, those are
        sent that tensors in the header's ``values`` name: a case's others are the expected results, which no
        candidate's process may hold.

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
                answer, data = self._receive()
                _check_number(answer, number)
                if "build" not in answer or on_build is None:
                    return answer, data
                with self.away():
                    built = on_build(answer["build"])
                self._channel.send(built, (), self._deadline)
        except ChannelTimeoutError as error:
            raise WorkerGoneError(self.end(), timed_out=True) from error
        except NotAFrameError as error:
            raise WorkerGoneError(self.end(), timed_out=False, forged=str(error)) from error
        except ChannelClosedError as error:
            ending = self.end()
            spent = ending.cpu_seconds >= 0.8 * self._limits.cpu_seconds
            raise WorkerGoneError(ending, timed_out=spent) from error

    def _receive(self) -> tuple[dict[str, Any], list[bytearray]]:
        """Return the next frame; what is still not begun at the deadline is waited for if the process was held up."""
        arriving = self._channel.has_more(self._deadline)
        while not arriving and self._was_held_up():
            arriving = self._channel.has_more(self._deadline)
        return self._channel.receive(max(self._deadline, time.monotonic() + ARRIVAL_SECONDS))

    def _was_held_up(self) -> bool:
        """Extend the deadline by what the process waited for a core since the last look; return whether it did."""
        waited = min(self._waited(), MOST_HELD_UP * self._limits.wall_seconds)
        more, self._held_up = waited - self._held_up, waited
        if more < HELD_UP_SECONDS:
            return False
        self._deadline = time.monotonic() + more
        return True

    def end(self) -> Ending:
        """Kill the process and its group, remove its folder and return how it ended. For a dead one: collect."""
        if self.ended:
            raise InfrastructureError("this worker has ended already")
        self.ended = True
        self._channel.close()
        try:
            how = self._kill()
            page = os.pread(self._fault_page, FAULT_PAGE_BYTES, 0)
        finally:
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

"""Frames between the parent and its worker processes: JSON headers and raw bytes, never pickle.

A frame is the header's length (4 bytes), the header (JSON) and the buffers whose lengths the header lists. The
reader bounds what it accepts before it allocates, because the other end may be hostile.
"""

import json
import select
import socket
import struct
import time
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

MAX_HEADER_BYTES = 16 * 2**20
MAX_BUFFER_BYTES = 2 * 2**30
MAX_BUFFERS = 65536
FEW_BYTES = 2**18  # of a frame: that many are copied together, which costs less than a system call for each buffer
_LENGTH = struct.Struct("!I")


class ChannelClosedError(Exception):
    """The other end is gone, or sent something that is no frame."""


class NotAFrameError(ChannelClosedError):
    """The other end sent something that is no frame, too large a one, or not the one that is due."""


class ChannelTimeoutError(Exception):
    """Nothing complete arrived in time."""


class Channel:
    """One end of a stream socket.

    Args:
        sock: connected; owned by the channel from now on.
        max_buffer_bytes: frames with more bytes in their buffers than this close the channel.
    """

    def __init__(self, sock: socket.socket, max_buffer_bytes: int = MAX_BUFFER_BYTES) -> None:
        self.sock = sock
        self.max_buffer_bytes = max_buffer_bytes
        self.answering: str | None = None  # a worker's: the number of the request that it is at, sent with each frame

    def send(self, header: dict[str, Any], buffers: Sequence[Any] = (), deadline: float | None = None) -> None:
        """Send one frame; buffers are anything with the buffer protocol, one byte an item.

        Raises:
            ChannelClosedError: the other end is gone.
            ChannelTimeoutError: the other end does not read.
        """
        if self.answering is not None:
            header = {**header, "number": self.answering}
        sizes = [len(b) for b in buffers]
        text = json.dumps({**header, "buffers": sizes}).encode()
        parts = [_LENGTH.pack(len(text)) + text, *buffers]
        try:
            self._set_timeout(deadline)
            for part in [b"".join(parts)] if sum(sizes) <= FEW_BYTES else parts:
                self.sock.sendall(part)
        except TimeoutError as error:
            raise ChannelTimeoutError("the other end does not read") from error
        except OSError as error:
            raise ChannelClosedError(str(error)) from error

    def has_more(self, deadline: float) -> bool:
        """Return whether there is something to read, or the end of the stream, waiting until the deadline for it."""
        poll = select.poll()
        poll.register(self.sock, select.POLLIN)
        return bool(poll.poll(1000 * max(0.0, deadline - time.monotonic())))

    def receive(self, deadline: float | None = None) -> tuple[dict[str, Any], list[bytearray]]:
        """Return the next frame's header and buffers; ``deadline`` is on ``time.monotonic``'s clock.

        Raises:
            ChannelClosedError: end of stream, or bytes that are no frame.
            ChannelTimeoutError: the deadline passed.
        """
        (length,) = _LENGTH.unpack(self._read(_LENGTH.size, deadline))
        if length > MAX_HEADER_BYTES:
            raise NotAFrameError(f"a header of {length} bytes")
        try:
            header = json.loads(self._read(length, deadline))
            sizes = header.pop("buffers")
            good = isinstance(sizes, list) and all(type(s) is int and s >= 0 for s in sizes)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise NotAFrameError("not a frame") from error
        if not good or len(sizes) > MAX_BUFFERS:
            raise NotAFrameError("not a frame")
        if sum(sizes) > self.max_buffer_bytes:
            raise NotAFrameError(f"tensors of {sum(sizes)} bytes; at most {self.max_buffer_bytes}")
        if len(sizes) == 1 or sum(sizes) > FEW_BYTES:
            return header, [self._read(size, deadline) for size in sizes]
        together = self._read(sum(sizes), deadline)
        return header, [together[end - size : end] for size, end in zip(sizes, accumulate(sizes), strict=True)]

    def close(self) -> None:
        """Close this end."""
        self.sock.close()

    def _read(self, count: int, deadline: float | None) -> bytearray:
        data = bytearray(count)
        view, got = memoryview(data), 0
        while got < count:
            try:
                self._set_timeout(deadline)
                n = self.sock.recv_into(view[got:])
            except TimeoutError as error:
                raise ChannelTimeoutError("no complete frame in time") from error
            except OSError as error:
                raise ChannelClosedError(str(error)) from error
            if n == 0:
                raise ChannelClosedError("end of stream")
            got += n
        return data

    def _set_timeout(self, deadline: float | None) -> None:
        if deadline is None:
            if self.sock.gettimeout() is not None:
                self.sock.settimeout(None)
            return
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self.sock.settimeout(left)

"""What can go wrong between a client and a chat server, and what its exceptions say about it."""

import importlib
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import NamedTuple

MAX_RETRY_AFTER_SECONDS = 300.0


class Failure(NamedTuple):
    """A request that gave no answer and may be repeated; ``bill`` is what it cost in tokens, as far as is known."""

    kind: str
    text: str
    retry_after: float | None = None
    bill: tuple[int | None, int | None] = (None, None)


class CutStreamError(Exception):
    """A stream that ended before its answer did; ``bill`` as in ``Failure``."""

    def __init__(self, text: str, bill: tuple[int | None, int | None]) -> None:
        super().__init__(text)
        self.bill = bill


def retry_after(header: str | None) -> float | None:
    """Return the seconds that a Retry-After header asks for, whichever of its two forms it has."""
    if header is None:
        return None
    try:
        if header.strip().isdecimal():
            seconds = float(header)
        else:
            seconds = (parsedate_to_datetime(header).astimezone(UTC) - datetime.now(UTC)).total_seconds()
    except ValueError:
        return None
    return min(max(seconds, 0.0), MAX_RETRY_AFTER_SECONDS)


def chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception, then what caused it, and so on."""
    current: BaseException | None = error
    while current is not None:
        yield current
        current = current.__cause__ or current.__context__


def never_connected(error: BaseException) -> bool:
    """Whether there was no connection at all (refused, unknown host), rather than one that was cut."""
    cut = (ConnectionResetError, BrokenPipeError, TimeoutError)
    return any(isinstance(e, OSError) and not isinstance(e, cut) for e in chain(error))


def root(error: BaseException) -> str:
    """Return the last word in a chain of causes."""
    return str([*chain(error)][-1]) or type(error).__name__


def transport_error() -> type[Exception]:
    """Return the root of the HTTP library's errors, which a stream raises bare: httpx, or its successor httpx2."""
    import openai

    client = next(base for base in openai.DefaultAsyncHttpxClient.__mro__ if base.__name__ == "AsyncClient")
    return importlib.import_module(client.__module__.partition(".")[0]).HTTPError

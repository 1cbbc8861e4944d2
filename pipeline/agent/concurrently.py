"""Several requests of one task at a time, none of which is given up because another one fails."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Sequence
from typing import TypeVar

from pipeline.errors import RefusedError
from pipeline.records import Candidate

T = TypeVar("T")


async def together(work: Sequence[Awaitable[T]]) -> list[T]:
    """Return the results in order; if some work fails, raise the first fault once all of it has ended."""
    results = await asyncio.gather(*work, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return [result for result in results if not isinstance(result, BaseException)]


async def as_answered(work: Sequence[Awaitable[Candidate]], *, whole: bool) -> AsyncIterator[Candidate]:
    """Yield candidates as they come; if some request fails, raise its fault after the others have ended.

    If they are a ``whole`` generation and all are refused, that raises RefusedError: the requests are at fault.
    """
    fault: Exception | None = None
    tasks = [asyncio.ensure_future(item) for item in work]
    refused: list[Candidate] = []
    try:
        for answer in asyncio.as_completed(tasks):
            try:
                candidate = await answer
            except Exception as error:  # noqa: BLE001  (raised below, when nothing paid for is under way any more)
                fault = fault or error
                continue
            if candidate.finish_reason == "refused":
                refused.append(candidate)
            else:
                yield candidate
        if fault is None and whole and refused and len(refused) == len(tasks):
            raise RefusedError("the server refuses every proposal of a generation")
        for candidate in refused:
            yield candidate
    finally:
        for task in tasks:
            task.cancel()
    if fault is not None:
        raise fault

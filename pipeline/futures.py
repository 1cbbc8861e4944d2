"""Work in flight on other threads or processes, in bounded numbers."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def as_finished(
    items: Iterable[Item], submit: Callable[[Item], Future[Result]], limit: int
) -> Iterator[tuple[Item, Future[Result]]]:
    """Yield each item with its finished future, in the order in which they finish; ``limit`` are in flight at most.

    Items are submitted in their order. If the caller stops early, what has not started is cancelled.
    """
    pending: dict[Future[Result], Item] = {}
    try:
        for item in items:
            pending[submit(item)] = item
            if len(pending) >= limit:
                done, _ = wait(pending, return_when=FIRST_COMPLETED)
                yield from ((pending.pop(future), future) for future in done)
        while pending:
            done, _ = wait(pending, return_when=FIRST_COMPLETED)
            yield from ((pending.pop(future), future) for future in done)
    finally:
        for future in pending:
            future.cancel()

"""Work in flight on the judge's threads, in bounded numbers."""

from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import TypeVar

from pipeline.errors import InfrastructureError

MAX_FAULTS = 20
IN_FLIGHT_PER_WORKER = 4  # submissions for each of the judge's workers: none waits, and few are held in memory

Item = TypeVar("Item")
Result = TypeVar("Result")


def as_finished(
    items: Iterable[Item], submit: Callable[[Item], Future[Result]], limit: int
) -> Generator[tuple[Item, Future[Result]], None, None]:
    """Yield each item with its finished future, in the order in which they finish; ``limit`` are in flight at most.

    Items are submitted in their order. If the caller stops early, what has not started is cancelled.

    Raises:
        InfrastructureError: the first fault of our own, after all other items are through, or as soon as there are
            ``MAX_FAULTS``. The items concerned are not yielded: they are owed again.
    """
    faults: list[BaseException] = []
    pending: dict[Future[Result], Item] = {}

    def finished() -> Iterator[tuple[Item, Future[Result]]]:
        done, _ = wait(pending, return_when=FIRST_COMPLETED)
        for future in done:
            item = pending.pop(future)
            fault = future.exception()
            if not isinstance(fault, InfrastructureError):
                yield item, future
                continue
            faults.append(fault)
            if len(faults) >= MAX_FAULTS:
                raise faults[0]

    try:
        for item in items:
            pending[submit(item)] = item
            if len(pending) >= limit:
                yield from finished()
        while pending:
            yield from finished()
    finally:
        for future in pending:
            future.cancel()
    if faults:
        raise faults[0]

from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event

import pytest

from pipeline.errors import InfrastructureError
from pipeline.futures import MAX_FAULTS, as_finished


def test_every_item_comes_back_and_no_more_than_the_limit_are_in_flight():
    submitted, returned = 0, 0

    with ThreadPoolExecutor(3) as pool:

        def submit(item: int) -> Future[int]:
            nonlocal submitted
            submitted += 1
            assert submitted - returned <= 4
            return pool.submit(lambda: item * 2)

        seen = {}
        for item, future in as_finished(range(50), submit, 4):
            returned += 1
            seen[item] = future.result()
    assert seen == {n: n * 2 for n in range(50)}


def test_a_caller_that_stops_cancels_what_has_not_started():
    gate = Event()
    futures: list[Future[bool]] = []

    with ThreadPoolExecutor(1) as pool:

        def submit(item: int) -> Future[bool]:
            futures.append(pool.submit(gate.wait) if item else pool.submit(bool))
            return futures[-1]

        next(results := as_finished(range(10), submit, 6))
        results.close()
        gate.set()
    assert [f.cancelled() for f in futures][2:] == [True] * 4


def failing(item: int) -> Future[int]:
    future: Future[int] = Future()
    if item % 2:
        future.set_exception(InfrastructureError(f"died on {item}"))
    else:
        future.set_result(item)
    return future


def test_our_own_faults_are_raised_after_the_rest_is_through():
    results = as_finished(range(6), failing, 2)
    assert {next(results)[0] for _ in range(3)} == {0, 2, 4}
    with pytest.raises(InfrastructureError, match="died on"):
        next(results)


def test_too_many_faults_end_the_work_at_once():
    endless = iter(range(1000))
    with pytest.raises(InfrastructureError):
        list(as_finished(endless, failing, 1))
    assert next(endless) == 2 * MAX_FAULTS

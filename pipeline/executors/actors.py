"""Equal actors on the machines of a Ray cluster, who share what is submitted and come back when they die.

Each does a bounded number of things at a time; what has no place yet waits here. What an actor was at when it died
is given to another one. Ray restarts the actor, on another machine if its own is gone, and it takes part again.
"""

import contextlib
import os
import queue
import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Self

from pipeline.errors import InfrastructureError, UserError, first_line

ATTEMPTS = 3  # actors that may die of one thing
START_SECONDS = 300.0  # until the first takes part; later, while none does
CLOSE_SECONDS = 10.0  # for idle actors to tidy up
POLL_SECONDS = 0.5  # while waiting: has anything gone wrong?


def _exit(_: Any) -> None:
    os._exit(1)


class Actors:
    """Thread-safe. Use as a context manager; the actors end with it, whatever they are at.

    Args:
        ray: the connected module.
        cls: the actors' class. Its method ``start`` readies an actor, after a restart too, and its method ``close``
            tidies up.
        arguments: for its constructor.
        count: how many actors.
        at_once: what each does at a time.
        needs: what one occupies, as Ray's options ``num_cpus`` and ``num_gpus``.

    Raises:
        UserError: an actor's ``start`` says so, or none found a place in the cluster.
    """

    def __init__(
        self, ray: Any, cls: type, arguments: tuple[Any, ...], count: int, at_once: int, needs: Mapping[str, float]
    ) -> None:
        self._ray = ray
        self._what = f"{cls.__name__} ({', '.join(f'{amount:g} {name[4:]}' for name, amount in needs.items())})"
        self.slots = count * at_once
        self._free: queue.Queue[int] = queue.Queue()  # a number of an actor for each place that is free
        self._away = dict.fromkeys(range(count), at_once)  # places of actors that are not ready (again)
        self._welcoming: list[threading.Thread] = []
        self._refused: BaseException | None = None
        self._closed = False
        self._busy = 0
        self._lock = threading.Lock()
        self._threads = ThreadPoolExecutor(self.slots, thread_name_prefix="ray-actors")
        # One more thread than work: for start and close.
        kind = ray.remote(cls).options(
            max_restarts=-1, max_concurrency=at_once + 1, scheduling_strategy="SPREAD", **needs
        )
        self._actors = [kind.remote(*arguments) for _ in range(count)]
        try:
            for number in range(count):
                self._welcome(number)
            self._free.put(self._take())
        except BaseException:
            self.close()
            raise

    def submit(self, what: str, method: str, *arguments: Any) -> Future[Any]:
        """Call a method of one of the actors; the future gives what it returns and raises what it raises.

        An actor that fails with InfrastructureError is replaced, as if it had died. The future raises
        InfrastructureError if ``ATTEMPTS`` actors died of it in succession; ``what`` names it then.
        """
        return self._threads.submit(self._call, what, method, arguments)

    def close(self) -> None:
        """End the actors; what is under way is given up."""
        self._closed = True
        self._threads.shutdown(wait=False, cancel_futures=True)
        if self._ray.is_initialized():
            if not self._busy:
                ready = [actor for number, actor in enumerate(self._actors) if number not in self._away]
                goodbyes = [actor.close.remote() for actor in ready]
                self._ray.wait(goodbyes, num_returns=len(goodbyes), timeout=CLOSE_SECONDS)
            for actor in self._actors:
                self._ray.kill(actor)
        self._threads.shutdown(wait=True)
        for thread in self._welcoming:
            thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _call(self, what: str, method: str, arguments: tuple[Any, ...]) -> Any:
        from ray.exceptions import RayError, RayTaskError

        died: BaseException | None = None
        for _ in range(ATTEMPTS):
            number = self._take()
            with self._lock:
                self._busy += 1
            try:
                answer = self._ray.get(getattr(self._actors[number], method).remote(*arguments))
            except RayTaskError as error:
                cause = error.cause
                if not isinstance(cause, InfrastructureError):
                    self._free.put(number)
                    raise cause from error
                self._end(number)
                died = cause
            except RayError as error:  # the process or its machine is gone, or can't be reached
                died = error
            else:
                self._free.put(number)
                return answer
            finally:
                with self._lock:
                    self._busy -= 1
            if self._closed:
                raise InfrastructureError(f"{what}: given up, the actors are closed") from died
            self._miss(number)
        text = first_line(died) if died else ""
        raise InfrastructureError(f"{what}: {ATTEMPTS} actors in succession died at it: {text}") from died

    def _end(self, number: int) -> None:
        """End an actor's process, and return when it is gone."""
        from ray.exceptions import RayError

        # ray.kill returns before that, so the next start might be answered by the process that is about to end.
        with contextlib.suppress(RayError):
            self._ray.get(self._actors[number].__ray_call__.remote(_exit))

    def _take(self) -> int:
        """Take a free place; return its actor's number."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            if self._refused is not None:
                raise self._refused
            if self._closed:
                raise InfrastructureError("the actors are closed")
            with contextlib.suppress(queue.Empty):
                number = self._free.get(timeout=POLL_SECONDS)
                if not self._is_away(number):
                    return number
            if time.monotonic() > deadline and not self._busy:
                raise UserError(
                    f"executor: for {START_SECONDS:.0f} s the Ray cluster has had no place for a {self._what}"
                )

    def _is_away(self, number: int) -> bool:
        """Whether an actor has died meanwhile; a place of its is kept for its return then."""
        with self._lock:
            if number in self._away:
                self._away[number] += 1
                return True
        return False

    def _miss(self, number: int) -> None:
        """Give away no more places of an actor that died until it is back; the caller's is among them."""
        with self._lock:
            known = number in self._away
            self._away[number] = self._away.get(number, 0) + 1
        if not known:
            self._welcome(number)

    def _welcome(self, number: int) -> None:
        """Give an actor's places away as soon as it is ready; a thread waits for that."""
        thread = threading.Thread(target=self._wait_for, args=(number,), daemon=True)
        self._welcoming.append(thread)
        thread.start()

    def _wait_for(self, number: int) -> None:
        from ray.exceptions import RayError, RayTaskError

        try:
            ready = self._actors[number].start.options(max_task_retries=-1).remote()
            while not self._ray.wait([ready], timeout=POLL_SECONDS)[0]:
                if self._closed:
                    return
            self._ray.get(ready)
        except RayTaskError as error:
            self._refused = error.cause
        except RayError as error:  # its class can't be imported there
            if not self._closed:
                why = str(error).splitlines()[-1]
                self._refused = UserError(
                    f"executor: a {self._what} can't start: {why}; is the project installed, with its extra ray, on "
                    "every machine of the cluster?"
                )
        except Exception as fault:  # noqa: BLE001  (it is handed on, to whoever waits for a place)
            self._refused = fault
        else:
            with self._lock:
                places = self._away.pop(number)
            for _ in range(places):
                self._free.put(number)

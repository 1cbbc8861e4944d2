"""At which settings the candidates of a task are judged: found out by running its reference once, and remembered."""

import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from pipeline.judge.measurement import Measurement
from pipeline.judge.settings import Plan, choose
from pipeline.records import Setting, Task

MEASURING = "pipeline.judge.meta"  # a module that the reference's process needs for it
ON_META = ("measure", "arguments")  # requests for which it does
MAX_PLANS = 10_000  # tasks whose settings are remembered

Ask = Callable[[Task, dict[str, Any]], dict[str, Any]]


class Plans:
    """Thread-safe.

    Args:
        ask: puts a request to a task's reference and returns the answer, see ``reference_worker``.
        seconds: of work that a candidate may cost.
        max_bytes: of one call.
    """

    def __init__(self, ask: Ask, seconds: float, max_bytes: int) -> None:
        self._ask = ask
        self._seconds = seconds
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._found: dict[tuple[str, bytes | None], Plan] = {}

    def of(self, task: Task, key: bytes | None) -> Plan:
        """Return the settings to judge candidates of this task at; found out once a task and key.

        Args:
            task: the task.
            key: what derived sizes are drawn with: it gives the same ones again. None: those that anybody knows.

        Raises:
            InfrastructureError: the judge itself fails.
        """
        wanted = task.id, key
        with self._lock:
            plan = self._found.get(wanted)
        if plan is None:
            plan = choose(task, partial(self.measure, task), self._seconds, self._max_bytes, key)
            with self._lock:
                if len(self._found) >= MAX_PLANS:
                    self._found.clear()
                self._found[wanted] = plan
        return plan

    def measure(self, task: Task, settings: Sequence[Setting], *, computed: bool = False) -> list[Measurement]:
        """Return what a call of the reference takes at each of the settings, unless ``computed`` without values."""
        sizes = [setting.sizes for setting in settings]
        request = {"op": "measure", "source": task.reference, "settings": sizes, "computed": computed}
        answer = self._ask(task, request)
        if "error" in answer:
            return [Measurement(0, 0, (), answer["detail"])] * len(settings)
        return [
            Measurement(m.get("work", 0), m.get("bytes", 0), tuple(m.get("ranks", ())), m.get("error"))
            for m in answer["measurements"]
        ]

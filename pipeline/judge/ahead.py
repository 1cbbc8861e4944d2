"""The reference's answers to a task's cases: made several at a time, and kept for the task's other candidates.

All candidates of a task that are judged with the same secret seeds have the same cases, and the reference, which
costs as much as a candidate, is run once for them all. None of them can tell another what its inputs were: each runs
alone and leaves nothing behind.

A process that is asked for one case after the other, in turn with the candidate's, finds its caches cold each time:
measured, a small case takes three times as long so.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple, TypeAlias
from weakref import WeakValueDictionary

from pipeline.judge.compare import Yardsticks
from pipeline.judge.inputs import Case
from pipeline.records import Task

AnswerAndBuffers: TypeAlias = tuple[dict[str, Any], list[bytearray]]
MOST_BYTES = 256 * 2**20  # of answers that are kept, without what is made of them: at most as much again


class KnownAnswer(NamedTuple):
    """An answer, which nobody changes, and what results are measured with, as far as it has been made of it."""

    header: dict[str, Any]
    buffers: list[bytearray]
    yardsticks: Yardsticks


class ReferenceAnswers:
    """Thread-safe: who wants an answer that another thread is waiting for waits with it.

    Args:
        ask: what a task's reference process answers to a request.
        most_bytes: of answers to keep; those that were used least recently go first.
    """

    def __init__(self, ask: Callable[[Task, dict[str, Any]], AnswerAndBuffers], most_bytes: int = MOST_BYTES) -> None:
        self._ask = ask
        self._most_bytes = most_bytes
        self._kept: OrderedDict[Hashable, KnownAnswer] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()
        self._of_tasks: WeakValueDictionary[str, Any] = WeakValueDictionary()  # locks
        self._last: tuple[Task, str] | None = None  # whose answers were wanted, and its id, which is hashed from it

    def answer(self, task: Task, case: Case, following: Sequence[Case] = ()) -> KnownAnswer:
        """Return the answer to a case, and have those to the next ones made as well, as far as that takes little.

        Nobody may change the buffers. A refusal is ``{"error": ...}``, and is not kept.
        """
        task_id = self._id_of(task)
        wanted_now = (task_id, *_asked(task, case))
        if (known := self._find(wanted_now)) is not None:
            return known
        with self._lock:
            of_task = self._of_tasks.setdefault(task_id, threading.Lock())
        with of_task:
            if (known := self._find(wanted_now)) is not None:
                return known
            wanted = {(task_id, *_asked(task, c)): c for c in (case, *following)}
            missing = [key for key in wanted if key not in self._kept]
            answers = self._answers(task, [wanted[key] for key in missing])
            for key, answer in reversed(list(zip(missing, answers, strict=False))):  # the next one goes last
                self._keep(key, answer)
            return answers[0]

    def _answers(self, task: Task, cases: Sequence[Case]) -> list[KnownAnswer]:
        """Return the answers to the first of the cases, at least one."""
        requests = [case.request(task) for case in cases]
        if len(cases) > 1:
            answer, buffers = self._ask(task, {"op": "cases", "cases": requests})
            if "error" not in answer:
                parts = iter(buffers)
                counted = zip(answer["answers"], answer["counts"], strict=True)
                return [KnownAnswer(header, list(islice(parts, count)), {}) for header, count in counted]
        return [KnownAnswer(*self._ask(task, {**requests[0], "op": "case"}), {})]

    def _id_of(self, task: Task) -> str:
        known = self._last
        if known is None or known[0] is not task:
            known = self._last = task, task.id
        return known[1]

    def _find(self, key: Hashable) -> KnownAnswer | None:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def _keep(self, key: Hashable, answer: KnownAnswer) -> None:
        if "error" in answer.header:
            return
        with self._lock:
            self._kept[key] = answer
            self._bytes += _size(answer)
            while self._bytes > self._most_bytes:
                _, dropped = self._kept.popitem(last=False)
                self._bytes -= _size(dropped)


def _asked(task: Task, case: Case) -> Iterator[Hashable]:
    """Yield all that an answer depends on, beside the task."""
    for name, value in case.request(task).items():
        if name != "source":
            yield tuple(value.items()) if isinstance(value, dict) else value


def _size(answer: KnownAnswer) -> int:
    return sum(map(len, answer.buffers))

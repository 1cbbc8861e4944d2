"""The verdicts that the loop has asked for, one line each in ``verdicts.jsonl``: none is asked for twice.

An interrupted run goes on from the very verdicts it had, so a prompt that quotes a measured figure is the same
prompt again. ``show`` and the history of a candidate read the file while the stage runs.
"""

from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Protocol, Self

from pipeline.agent.lines import RecordLines
from pipeline.records import Candidate, Task, Verdict

NAME = "verdicts.jsonl"


class Judging(Protocol):
    """What the loop needs of the judge."""

    backend: str
    version: str

    def submit(self, task: Task, code: str, candidate_id: str) -> Future[Verdict]:
        """Judge a candidate's module."""
        ...


class RememberingJudge:
    """Judges as ``judge`` does, and remembers.

    Args:
        judge: who decides; its faults are not remembered.
        directory: the stage's; verdicts of an earlier process there hold if backend and judge are the same.
        heard: called with every new verdict, from whichever thread has it.
        name: of the file.
    """

    def __init__(
        self, judge: Judging, directory: Path, heard: Callable[[Verdict], None] = lambda _: None, name: str = NAME
    ) -> None:
        self.backend = judge.backend
        self.version = judge.version
        self._judge = judge
        self._heard = heard
        self._lines = RecordLines(directory / name, Verdict, _key)

    def submit(self, task: Task, code: str, candidate_id: str) -> Future[Verdict]:
        """Return the verdict that there is, or judge; the future raises as the judge's does."""
        answer: Future[Verdict] = Future()
        known = self._lines.get(f"{candidate_id} {self.backend} {self.version}")
        if known is not None:
            answer.set_result(known)
            return answer

        def decided(future: Future[Verdict]) -> None:
            if not answer.set_running_or_notify_cancel():
                return
            try:
                verdict = future.result()
                self._lines.append(verdict)
                self._heard(verdict)
            except BaseException as fault:  # noqa: BLE001  (it is handed on, to whoever waits)
                answer.set_exception(fault)
            else:
                answer.set_result(verdict)

        self._judge.submit(task, code, candidate_id).add_done_callback(decided)
        return answer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._lines.__exit__()


def without_code(candidate: Candidate, judge: Judging) -> Verdict:
    """Return the verdict on an answer that holds no module: there is nothing to run."""
    return Verdict(
        candidate_id=candidate.id,
        status="malformed",
        reason=candidate.status,
        backend=judge.backend,
        judge_version=judge.version,
    )


def _key(verdict: Verdict) -> str:
    return f"{verdict.candidate_id} {verdict.backend} {verdict.judge_version}"

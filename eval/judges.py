"""A judge as those see it who ask for one policy: finished kernels of others are scored by theirs."""

from concurrent.futures import Future

from pipeline.executors import AnyJudge
from pipeline.judge.config import Policy
from pipeline.records import Task, Verdict


class JudgeByPolicy:
    """The open judge, asked by ``policy``."""

    def __init__(self, judge: AnyJudge, policy: Policy) -> None:
        self.backend: str = judge.backend
        self.version: str = judge.version
        self._judge = judge
        self._policy: Policy = policy

    def submit(self, task: Task, code: str, candidate_id: str) -> Future[Verdict]:
        """Judge a candidate's module; as ``Judge.submit``."""
        return self._judge.submit(task, code, candidate_id, self._policy)

"""A judge whose candidates are judged all over a Ray cluster; to the stages like one of this machine's."""

import socket
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Literal, Self

from pipeline.errors import UserError
from pipeline.executors.actors import Actors
from pipeline.executors.cluster import connect, has_gpus, room
from pipeline.executors.config import RayConfig
from pipeline.judge.config import JudgeConfig, Policy
from pipeline.judge.version import judge_version
from pipeline.records import Task, Verdict

if TYPE_CHECKING:
    from pipeline.judge.judge import Judge
    from pipeline.judge.outputs import Fingerprint
    from pipeline.judge.task_filters import TaskFilters

Method = Literal["submit", "outputs", "probe"]


class JudgeActor:
    """A judge on a machine of the cluster, with its own processes, sandbox and cache of builds.

    Args:
        config: how to judge.
        version: of the judge that asks.
    """

    def __init__(self, config: JudgeConfig, version: str) -> None:
        self._config = config
        self._version = version
        self._judge: Judge | None = None

    def start(self) -> None:
        """Make the judge.

        Raises:
            UserError: this machine has another version of the project, or can't run the backend.
        """
        from pipeline.judge.judge import Judge

        if judge_version() != self._version:
            raise UserError(
                f"executor: the judge on {socket.gethostname()} is version {judge_version()}, the one that asks is "
                f"{self._version}; install the same version of the project on every machine"
            )
        self._judge = Judge(self._config)

    def call(self, method: Method, *arguments: Any) -> Any:
        """Call a method of the judge and wait for what it promises."""
        return getattr(self._judge, method)(*arguments).result()

    def close(self) -> None:
        """End the judge's processes."""
        if self._judge is not None:
            self._judge.close()


class RayJudge:
    """As ``judge.Judge``, on the cluster's machines. Use as a context manager.

    Args:
        executor: the cluster, and the actors' share of it.
        config: as for ``Judge``; ``workers`` is the executor's to say.

    Raises:
        UserError: no ray, no cluster, no GPU in it for the backend cuda, no room, other versions of the judge there.
    """

    def __init__(self, executor: RayConfig, config: JudgeConfig) -> None:
        ray = connect(executor.address)
        if config.backend == "cuda" and not has_gpus(ray):
            raise UserError("judge.backend: no machine of the Ray cluster has a GPU; use simt")
        on_gpus = config.backend in ("auto", "cuda") and has_gpus(ray)
        self.backend = "cuda" if on_gpus else "simt"
        self.version = judge_version()
        self.seeds = config.drawn_seeds()
        self.config = config.model_copy(
            update={"backend": self.backend, "seeds": self.seeds, "workers": executor.cpus_per_actor}
        )
        self.actors = self._started(ray, executor)
        self.workers = self.actors.slots

    def submit(self, task: Task, code: str, candidate_id: str, policy: Policy | None = None) -> Future[Verdict]:
        """Judge a candidate's module; as ``Judge.submit``."""
        return self.actors.submit(f"candidate {candidate_id}", "call", "submit", task, code, candidate_id, policy)

    def outputs(
        self, task: Task, code: str, number: int, policy: Policy | None = None
    ) -> "Future[list[Fingerprint | None]]":
        """Run a candidate on the task's shared inputs; as ``Judge.outputs``."""
        return self.actors.submit(f"a candidate for {task.name}", "call", "outputs", task, code, number, policy)

    def probe(self, task: Task, filters: "TaskFilters | None" = None, seed: int = 0) -> Future[str | None]:
        """Check a task itself; as ``Judge.probe``."""
        return self.actors.submit(f"task {task.name}", "call", "probe", task, filters, seed)

    def close(self) -> None:
        """End the actors; what is under way is given up."""
        self.actors.close()

    def _started(self, ray: Any, executor: RayConfig) -> Actors:
        needs = needs_of_a_judge(executor, self.backend)
        count = executor.actors or room(ray, needs["num_cpus"], needs["num_gpus"])
        if not count:
            raise UserError(
                f"executor.cpus_per_actor: no machine of the Ray cluster has {needs['num_cpus']:g} CPUs"
                + (f" and {needs['num_gpus']:g} GPUs" if needs["num_gpus"] else "")
            )
        arguments = (self.config, self.version)
        return Actors(ray, JudgeActor, arguments, count, executor.cpus_per_actor, needs)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def needs_of_a_judge(executor: RayConfig, backend: str) -> dict[str, float]:
    """Return what a judge's actor occupies, as Ray's options."""
    return {"num_cpus": executor.cpus_per_actor, "num_gpus": executor.gpus_per_actor if backend == "cuda" else 0}

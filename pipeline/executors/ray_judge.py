"""A judge whose candidates are judged all over a Ray cluster; to the stages like one of this machine's."""

import secrets
import socket
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Literal, Self

from pipeline.errors import UserError
from pipeline.executors.actors import Actors
from pipeline.executors.cluster import connect, has_gpus, room
from pipeline.executors.config import RayConfig
from pipeline.judge.config import JudgeConfig
from pipeline.judge.version import judge_version
from pipeline.records import Task, Verdict

if TYPE_CHECKING:
    from pipeline.judge.judge import Judge
    from pipeline.judge.outputs import Fingerprint
    from pipeline.judge.settings import Plan
    from pipeline.judge.task_filters import TaskFilters

Method = Literal["submit", "outputs", "probe", "settings"]


class JudgeActor:
    """A judge on a machine of the cluster, with its own processes, sandbox and cache of builds.

    Args:
        config: how to judge; other ones may follow, a judge is made for each.
        seed: the recipe's.
        version: of the judge that asks.
    """

    def __init__(self, config: JudgeConfig, seed: int, version: str) -> None:
        self._config = config
        self._seed = seed
        self._version = version
        self._judges: dict[JudgeConfig, Judge] = {}
        self._lock = threading.Lock()

    def start(self) -> None:
        """Make the judge.

        Raises:
            UserError: this machine has another version of the project, or can't run the backend.
        """
        if judge_version() != self._version:
            raise UserError(
                f"executor: the judge on {socket.gethostname()} is version {judge_version()}, the one that asks is "
                f"{self._version}; install the same version of the project on every machine"
            )
        self._judge(self._config)

    def call(self, config: JudgeConfig, method: Method, *arguments: Any) -> Any:
        """Call a method of the judge and wait for what it promises."""
        return getattr(self._judge(config), method)(*arguments).result()

    def close(self) -> None:
        """End the judges' processes."""
        for judge in self._judges.values():
            judge.close()

    def _judge(self, config: JudgeConfig) -> "Judge":
        from pipeline.judge.judge import Judge

        with self._lock:
            if config not in self._judges:
                self._judges[config] = Judge(config, self._seed)
            return self._judges[config]


class RayJudge:
    """As ``judge.Judge``, on the cluster's machines. Use as a context manager.

    Args:
        executor: the cluster, and the actors' share of it.
        config: as for ``Judge``; ``workers`` is the executor's to say.
        seed: as for ``Judge``.
        beside: one that is open and stays so: its actors serve both.

    Raises:
        UserError: no ray, no cluster, no GPU in it for the backend cuda, no room, other versions of the judge there.
    """

    def __init__(self, executor: RayConfig, config: JudgeConfig, seed: int, beside: "RayJudge | None" = None) -> None:
        ray = connect(executor.address)
        if config.backend == "cuda" and not has_gpus(ray):
            raise UserError("judge.backend: no machine of the Ray cluster has a GPU; use simt")
        on_gpus = config.backend in ("auto", "cuda") and has_gpus(ray)
        self.backend = "cuda" if on_gpus else "simt"
        self.version = judge_version()
        self.seeds = secrets.token_hex(16) if config.seeds == "fresh" else config.seeds
        self.config = config.model_copy(
            update={"backend": self.backend, "seeds": self.seeds, "workers": executor.cpus_per_actor}
        )
        self._owns_actors = beside is None
        self.actors = self._started(ray, executor, seed) if beside is None else beside.actors
        self.workers = self.actors.slots

    def submit(self, task: Task, code: str, candidate_id: str) -> Future[Verdict]:
        """Judge a candidate's module; as ``Judge.submit``."""
        return self._asked(f"candidate {candidate_id}", "submit", task, code, candidate_id)

    def outputs(self, task: Task, code: str, number: int) -> "Future[list[Fingerprint | None]]":
        """Run a candidate on the task's shared inputs; as ``Judge.outputs``."""
        return self._asked(f"a candidate for {task.name}", "outputs", task, code, number)

    def probe(self, task: Task, filters: "TaskFilters | None" = None) -> Future[str | None]:
        """Check a task itself; as ``Judge.probe``."""
        return self._asked(f"task {task.name}", "probe", task, filters)

    def settings(self, task: Task) -> "Future[Plan]":
        """Find out at which settings candidates of this task are judged; as ``Judge.settings``."""
        return self._asked(f"task {task.name}", "settings", task)

    def close(self) -> None:
        """End the actors; what is under way is given up."""
        if self._owns_actors:
            self.actors.close()

    def _asked(self, what: str, method: str, *arguments: Any) -> Future[Any]:
        return self.actors.submit(what, "call", self.config, method, *arguments)

    def _started(self, ray: Any, executor: RayConfig, seed: int) -> Actors:
        needs = needs_of_a_judge(executor, self.backend)
        count = executor.actors or room(ray, needs["num_cpus"], needs["num_gpus"])
        if not count:
            raise UserError(
                f"executor.cpus_per_actor: no machine of the Ray cluster has {needs['num_cpus']:g} CPUs"
                + (f" and {needs['num_gpus']:g} GPUs" if needs["num_gpus"] else "")
            )
        arguments = (self.config, seed, self.version)
        return Actors(ray, JudgeActor, arguments, count, executor.cpus_per_actor, needs)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def needs_of_a_judge(executor: RayConfig, backend: str) -> dict[str, float]:
    """Return what a judge's actor occupies, as Ray's options."""
    return {"num_cpus": executor.cpus_per_actor, "num_gpus": executor.gpus_per_actor if backend == "cuda" else 0}

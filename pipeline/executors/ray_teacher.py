"""A local model on the machines of a Ray cluster: each actor holds a copy, and they share the requests."""

import os
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipeline.errors import UserError
from pipeline.executors.actors import Actors
from pipeline.executors.cluster import connect, has_gpus
from pipeline.executors.config import RayConfig
from pipeline.records import Message
from pipeline.teachers import Reply
from pipeline.teachers.local import Config, Gathering

if TYPE_CHECKING:
    from pipeline.teachers.transformers import TransformersTeacher
    from pipeline.teachers.vllm_engine import VllmTeacher


class TeacherActor:
    """A copy of the model on a machine of the cluster, with its GPUs or on the CPU."""

    def __init__(self, config: Config, on_gpu: bool) -> None:
        self._config = config
        if not on_gpu:
            os.environ["CUDA_VISIBLE_DEVICES"] = ""  # of who asks for none, ray hides none
        self._teacher: TransformersTeacher | VllmTeacher | None = None

    def start(self) -> None:
        """Find the engine; the model is loaded with the first request. Raises UserError if it is not installed."""
        from pipeline.teachers.transformers import TransformersTeacher
        from pipeline.teachers.vllm_engine import VllmTeacher

        if self._teacher is None:
            engine = VllmTeacher if self._config.engine == "vllm" else TransformersTeacher
            self._teacher = engine(self._config)

    def answer(self, conversations: Sequence[Sequence[Message]], seeds: Sequence[int]) -> list[Reply]:
        """Answer a batch, each conversation with its own seed. Raises UserError if the model can't be loaded."""
        assert self._teacher is not None  # noqa: S101  (started before it is asked)
        return self._teacher.answer(conversations, seeds)

    def close(self) -> None:
        """Forget the model."""
        self._teacher = None


class RayTeacher:
    """As the engine's own teacher: an answer depends on its conversation and its seed, not on who gives it.

    The actors are started with the first request, so that the judge has taken its places by then.

    Raises:
        UserError: no ray, no cluster, or no GPU in it where one is asked for.
    """

    def __init__(self, config: Config, executor: RayConfig) -> None:
        self.config = config
        self.name = config.model
        self._executor = executor
        self._ray = connect(executor.address)
        gpus = executor.gpus_per_teacher
        self._gpus = float(has_gpus(self._ray)) if gpus is None else gpus
        if self._gpus and not has_gpus(self._ray):
            raise UserError("executor.gpus_per_teacher: no machine of the Ray cluster has a GPU")
        self._lock = threading.Lock()
        self._actors: Actors | None = None
        self._gathering = Gathering(self.answer, config.batch_size, executor.teachers)

    async def complete(self, messages: tuple[Message, ...], seed: int) -> Reply:
        """Answer one conversation in a batch with others that wait.

        Raises:
            UserError: no cluster, no room in it, or no such model there.
            InfrastructureError: the actors died at it again and again.
        """
        return await self._gathering.complete(messages, seed)

    async def close(self) -> None:
        """End the actors."""
        await self._gathering.close()
        if self._actors is not None:
            self._actors.close()
            self._actors = None

    def answer(self, conversations: Sequence[Sequence[Message]], seeds: Sequence[int]) -> list[Reply]:
        """Have one actor answer a batch. Raises as ``complete`` does."""
        with self._lock:
            if self._actors is None:
                needs = {"num_cpus": 0, "num_gpus": self._gpus}  # CPUs are the judge's
                self._actors = Actors(
                    self._ray, TeacherActor, (self.config, self._gpus > 0), self._executor.teachers, 1, needs
                )
        return self._actors.submit(f"{len(seeds)} requests to {self.name}", "answer", conversations, seeds).result()

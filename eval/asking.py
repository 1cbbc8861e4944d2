"""A model of the evaluation as a teacher, and whole chunks of conversations answered by it."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from eval import kernels
from eval.config import EvaluateConfig
from pipeline.errors import RefusedError, TeacherError
from pipeline.executors.config import ExecutorConfig
from pipeline.records import Message
from pipeline.teachers import Reply, Teacher, transformers
from pipeline.teachers.journal import Journal
from pipeline.teachers.making import make


def teacher_of(model: str, config: EvaluateConfig, out: Path, journal: Journal, executor: ExecutorConfig) -> Teacher:
    """Return who answers for a model: what the recipe names, or a folder of the stage train in ``out``.

    What a named model is asked goes through the journal; a trained one answers a second time for nothing.

    Raises:
        UserError: a named model can't be had.
    """
    named = config.models.get(model)
    if named is not None and not isinstance(named, kernels.Config):
        return make(named, journal, executor)
    return transformers.TransformersTeacher(config.asked(str(out / "train" / model)))


def answers(
    teacher: Teacher, conversations: Sequence[tuple[Message, ...]], seeds: Sequence[int], runner: asyncio.Runner
) -> list[Reply | TeacherError]:
    """Return an answer or a failure for each conversation. A refusal is an answer: an empty one."""
    if isinstance(teacher, transformers.TransformersTeacher):
        return list(teacher.answer(conversations, seeds))

    async def ask(messages: tuple[Message, ...], seed: int) -> Reply | TeacherError:
        try:
            return await teacher.complete(messages, seed)
        except RefusedError:
            return Reply("", None, "refused", None, None)
        except TeacherError as error:
            return error

    async def ask_all() -> list[Reply | TeacherError]:
        return await asyncio.gather(*(ask(m, s) for m, s in zip(conversations, seeds, strict=True)))

    return runner.run(ask_all())

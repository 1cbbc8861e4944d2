"""From a recipe's ``teacher`` section to the teacher."""

from typing import Annotated

from pydantic import Field

from pipeline.executors.config import ExecutorConfig, RayConfig
from pipeline.records import content_hash
from pipeline.section import identity
from pipeline.teachers import Teacher, ensemble, local, openai, replay, scripted, transformers, vllm_engine
from pipeline.teachers.ensemble import SingleConfig
from pipeline.teachers.journal import Journal
from pipeline.teachers.recorded import RecordedTeacher

TeacherConfig = Annotated[
    openai.Config | scripted.Config | local.Config | replay.Config | ensemble.Config, Field(discriminator="kind")
]


def make(config: TeacherConfig, journal: Journal | None = None, executor: ExecutorConfig | None = None) -> Teacher:
    """Return the teacher that a recipe describes; with a journal, one that enters there all that it is asked.

    A local one runs where ``executor`` says, by default in this process.

    Raises:
        UserError: it can't be had: its key, its package or its record is missing.
    """
    if isinstance(config, ensemble.Config):
        members = [_recorded(m.teacher, journal, executor, m.label) for m in config.members]
        return ensemble.EnsembleTeacher(config, members)
    return _recorded(config, journal, executor)


def check(config: TeacherConfig) -> None:
    """See whether a teacher could be made, without asking or loading anything.

    Raises:
        UserError: its key or its record is missing.
    """
    for member in members(config):
        match member:
            case openai.Config():
                openai.check(member)
            case replay.Config():
                replay.check(member)
            case _:
                pass


def members(config: TeacherConfig) -> tuple[SingleConfig, ...]:
    """Return the teachers that a section names: one, or an ensemble's."""
    return tuple(m.teacher for m in config.members) if isinstance(config, ensemble.Config) else (config,)


def _recorded(
    config: SingleConfig, journal: Journal | None, executor: ExecutorConfig | None, name: str | None = None
) -> Teacher:
    teacher = _single(config, journal, executor)
    teacher.name = name or teacher.name
    if journal is None:
        return teacher
    paid = isinstance(config, openai.Config | local.Config)  # the others answer a second time for nothing
    return RecordedTeacher(teacher, journal, _settings(config) if paid else None)


def _settings(config: SingleConfig) -> str:
    """Return the hash of all that a teacher's answers depend on; a journal from before ``logprobs`` still holds."""
    settings = identity(config)
    if not settings.get("logprobs"):
        settings.pop("logprobs", None)
    return content_hash(settings)


def _single(config: SingleConfig, journal: Journal | None, executor: ExecutorConfig | None) -> Teacher:
    match config:
        case openai.Config():
            return openai.OpenaiTeacher(config, journal.fault) if journal else openai.OpenaiTeacher(config)
        case scripted.Config():
            return scripted.ScriptedTeacher(config)
        case local.Config() if isinstance(executor, RayConfig):
            from pipeline.executors.ray_teacher import RayTeacher

            return RayTeacher(config, executor)
        case local.Config(engine="vllm"):
            return vllm_engine.VllmTeacher(config)
        case local.Config():
            return transformers.TransformersTeacher(config)
        case replay.Config():
            return replay.ReplayTeacher(config)

"""Several teachers as one: who answers is drawn from the seed, so a run that goes on asks the same one again."""

import dataclasses
import random
from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from pipeline.records import Message
from pipeline.section import Section
from pipeline.teachers import Reply, Teacher, local, openai, replay, scripted

SingleConfig = Annotated[openai.Config | scripted.Config | local.Config | replay.Config, Field(discriminator="kind")]


class Member(Section):
    """One teacher and its share. ``name`` tells members of the same model (two temperatures, say) apart."""

    teacher: SingleConfig
    weight: float = Field(default=1.0, gt=0)
    name: str | None = Field(default=None, min_length=1)

    @property
    def label(self) -> str:
        """What candidates name as their teacher."""
        return self.name or getattr(self.teacher, "model", self.teacher.kind)


class Config(Section):
    """Its members; their weights need not sum to one."""

    kind: Literal["ensemble"]
    members: tuple[Member, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        label, count = Counter(member.label for member in self.members).most_common(1)[0]
        if count > 1:
            raise ValueError(f"{count} members are called {label!r}; give them a name each")
        return self


class EnsembleTeacher:
    """Hands each request to one of ``teachers``, which are the members in their order."""

    def __init__(self, config: Config, teachers: Sequence[Teacher]) -> None:
        self.name = "+".join(teacher.name for teacher in teachers)
        self._teachers = teachers
        self._weights = [member.weight for member in config.members]

    def member(self, seed: int) -> Teacher:
        """Return the teacher whom this seed draws."""
        return random.Random(seed).choices(self._teachers, self._weights)[0]  # noqa: S311  (no secret)

    async def complete(self, messages: tuple[Message, ...], seed: int) -> Reply:
        """Answer the conversation through the member whom the seed draws. Raises as it does."""
        member = self.member(seed)
        reply = await member.complete(messages, seed)
        return dataclasses.replace(reply, teacher=reply.teacher or member.name)

    async def close(self) -> None:
        """Close all of them."""
        for teacher in self._teachers:
            await teacher.close()

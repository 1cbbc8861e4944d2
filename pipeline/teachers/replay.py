"""Recorded replies of an earlier run: what was paid for once can be run again offline, with the same result."""

import dataclasses
from pathlib import Path
from typing import Literal

from pipeline.errors import TeacherError, UserError
from pipeline.records import Message
from pipeline.section import Section
from pipeline.teachers import Reply
from pipeline.teachers.journal import NAME, answer_at, read_answers, request_id


class Config(Section):
    """``path`` is a run's directory, its ``generate`` directory, or a ``requests.jsonl`` itself."""

    kind: Literal["replay"]
    path: Path


class ReplayTeacher:
    """Gives a request the reply that was recorded for the same messages and seed; it names its teacher as then.

    Raises:
        UserError: there are no recorded replies at the path.
    """

    def __init__(self, config: Config) -> None:
        self.name = "replay"
        self._path = _find(config.path)
        self._offsets = {row["request"]: offset for row, offset in read_answers(self._path)}
        if not self._offsets:
            raise UserError(f"teacher.path: {self._path} holds no replies")

    async def complete(self, messages: tuple[Message, ...], seed: int) -> Reply:
        """Answer from the record; costs nothing.

        Raises:
            TeacherError: no reply to this request was recorded.
        """
        request = request_id(messages, seed)
        if request not in self._offsets:
            raise TeacherError(
                f"{self._path} holds no reply to request {request}: it was recorded with other tasks, prompts, "
                "verdicts, turns or another seed"
            )
        return dataclasses.replace(answer_at(self._path, self._offsets[request]), dollars=None)

    async def close(self) -> None:
        """Release nothing."""


def check(config: Config) -> None:
    """See whether there is a record; raises as ``ReplayTeacher`` does."""
    _find(config.path)


def _find(path: Path) -> Path:
    for place in (path / "generate" / NAME, path / NAME, path):
        if place.is_file():
            return place
    raise UserError(f"teacher.path: {path} is neither a run with a {NAME} nor such a file")

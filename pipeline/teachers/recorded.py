"""A teacher whose every answer is entered into a journal, and asked for only if the journal lacks it."""

import dataclasses

from pipeline.records import Message
from pipeline.teachers import Reply, Teacher
from pipeline.teachers.journal import Journal, request_id


class RecordedTeacher:
    """Answers as ``teacher`` does.

    Args:
        teacher: who is asked.
        journal: where its answers are entered, and what knows the budget and how many requests may be in flight.
        settings: a hash of all that its answers depend on. Replies that a teacher of the same settings gave,
            in this process or an earlier one, are taken from the journal; None: always ask.
    """

    def __init__(self, teacher: Teacher, journal: Journal, settings: str | None) -> None:
        self.name = teacher.name
        self._teacher = teacher
        self._journal = journal
        self._settings = settings

    async def complete(self, messages: tuple[Message, ...], seed: int) -> Reply:
        """Answer the conversation.

        Raises:
            BudgetSpentError: there is nothing left to spend on it.
            PipelineError: what the teacher raises.
        """
        request = request_id(messages, seed)
        if self._settings is not None:
            known = self._journal.find(self._settings, request)
            if known is not None:
                return known
        async with self._journal.slots:
            self._journal.check_budget()
            reply = await self._teacher.complete(messages, seed)
        name = reply.teacher or self.name
        asked = sum(len(m.content) for m in messages)
        self._journal.answered(self._settings, request, name, asked, reply)
        return dataclasses.replace(reply, teacher=name, request_id=request)

    async def close(self) -> None:
        """Close the teacher."""
        await self._teacher.close()

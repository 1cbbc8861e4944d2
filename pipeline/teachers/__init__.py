"""Who writes kernels: one file each, all behind the same chat interface."""

from dataclasses import dataclass, field
from typing import Protocol

from pipeline.records import Message


@dataclass(frozen=True)
class Reply:
    """One answer of a teacher.

    ``content`` and ``reasoning`` are what the server sent, unparsed; token counts are None where the teacher does not
    count. ``finish_reason`` is ``stop`` or ``length`` as in the OpenAI interface. ``sampling`` records what was asked
    for (temperature, seed, ...). ``raw`` is the server's chat completion as JSON, None where there is no server;
    ``dollars`` what it cost, None where no price is known. ``teacher`` names who answered if that is not the teacher
    that was asked, and ``request_id`` the answer's line in the stage's journal. ``log_probability`` is the natural
    logarithm of the probability that the model itself, at temperature 1 and whatever the sampling, gives the answer's
    ``scored_tokens`` tokens after the prompt; both are None unless the teacher's section says ``logprobs``.
    """

    content: str
    reasoning: str | None
    finish_reason: str | None
    prompt_tokens: int | None
    completion_tokens: int | None
    sampling: dict[str, float | int | str | None] = field(default_factory=dict)
    raw: str | None = None
    dollars: float | None = None
    teacher: str | None = None
    request_id: str | None = None
    log_probability: float | None = None
    scored_tokens: int | None = None


class Teacher(Protocol):
    """Anything that answers chat messages."""

    name: str

    async def complete(self, messages: tuple[Message, ...], seed: int) -> Reply:
        """Answer the conversation; the seed makes a repeated request repeatable where the teacher can.

        An assistant's message may carry its ``reasoning``: it is for servers that want it back.

        Raises:
            BudgetSpentError: the recipe's budget is spent.
            TeacherError: no answer after all retries.
            UserError: no answer is possible (wrong URL, wrong key, unknown model).
        """
        ...

    async def close(self) -> None:
        """Release connections and models."""
        ...

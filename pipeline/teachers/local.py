"""A model in this process: the settings that all engines share, and gathering requests into batches."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from pydantic import Field

from pipeline.records import Message
from pipeline.section import Section, throughput
from pipeline.teachers import Reply

GATHER_SECONDS = 0.01

Answer = Callable[[Sequence[Sequence[Message]], Sequence[int]], list[Reply]]


class Config(Section):
    """A model on the Hub or in a folder (an adapter's folder too, with transformers); temperature 0 is greedy.

    ``engine: vllm`` wants the vllm package and a GPU; it batches by itself, and ``batch_size`` is then how many
    requests are handed to it at once. ``logprobs`` computes the probability of each answer, too. ``kind:
    transformers`` is an older name of the same.
    """

    kind: Literal["local", "transformers"]
    model: str
    engine: Literal["transformers", "vllm"] = "transformers"
    revision: str | None = None
    temperature: float = Field(0.6, ge=0)
    top_p: float = Field(0.95, gt=0, le=1)
    max_new_tokens: int = Field(4096, ge=1)
    logprobs: bool = False
    batch_size: int = throughput(16, ge=1)


class _Request(NamedTuple):
    messages: tuple[Message, ...]
    seed: int
    reply: "asyncio.Future[Reply]"


class Gathering:
    """Turns single requests into batches of at most ``batch_size``, ``at_once`` at a time, each in a thread."""

    def __init__(self, answer: Answer, batch_size: int, at_once: int = 1) -> None:
        self._answer = answer
        self._batch_size = batch_size
        self._at_once = at_once
        self._waiting: list[_Request] = []
        self._serving: list[asyncio.Task[None]] = []

    async def complete(self, messages: tuple[Message, ...], seed: int) -> Reply:
        """Answer one conversation in a batch with others that wait. Raises what ``answer`` raises."""
        loop = asyncio.get_running_loop()
        request = _Request(messages, seed, loop.create_future())
        self._waiting.append(request)
        self._serving = [task for task in self._serving if not task.done()]
        if len(self._serving) < self._at_once:
            self._serving.append(loop.create_task(self._serve()))
        return await request.reply

    async def close(self) -> None:
        """Stop serving."""
        for serving in self._serving:
            serving.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def _serve(self) -> None:
        while self._waiting:
            await asyncio.sleep(GATHER_SECONDS)  # those who ask at the same time share a batch
            batch, self._waiting = self._waiting[: self._batch_size], self._waiting[self._batch_size :]
            try:
                conversations = [request.messages for request in batch]
                replies = await asyncio.to_thread(self._answer, conversations, [r.seed for r in batch])
            except Exception as error:  # noqa: BLE001  (handed to those who wait for it)
                for request in batch:
                    if not request.reply.done():
                        request.reply.set_exception(error)
            else:
                for request, reply in zip(batch, replies, strict=True):
                    if not request.reply.done():
                        request.reply.set_result(reply)

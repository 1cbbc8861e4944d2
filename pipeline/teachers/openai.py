"""A teacher behind any server that speaks the OpenAI chat interface: vLLM, SGLang, llama.cpp, hosted ones."""

import asyncio
import json
import os
import random
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Literal, NoReturn

from pydantic import Field

from pipeline.errors import RefusedError, TeacherError, UserError
from pipeline.records import Message
from pipeline.section import Section, throughput
from pipeline.teachers import Reply, completions, logprobs
from pipeline.teachers.failures import (
    CutStreamError,
    Failure,
    chain,
    never_connected,
    retry_after,
    root,
    transport_error,
)
from pipeline.teachers.journal import Fault, Price

if TYPE_CHECKING:
    from openai import APIStatusError

CONNECT_SECONDS = 10.0
FIRST_PAUSE_SECONDS = 1.0
MAX_PAUSE_SECONDS = 60.0
EMPTY_RETRIES = 1  # of an empty answer; one that is empty again is kept
EARLY_RETRIES = 3  # while the server has never answered: a wrong address shows within a minute
RETRIED = (408, 409, 425, 429)  # besides 5xx
ABOUT_THE_CONTENT = (400, 413, 422)  # the server refuses this conversation; others may pass


class Config(Section):
    """An OpenAI-compatible server.

    What is None is left to the server. The key is read from the environment variable ``api_key_env`` and never
    written anywhere. Where the server is found (``base_url``) is not part of a stage's identity: the model is, so a
    run goes on when its server has moved to another host. ``timeout_s`` bounds one whole answer, ``stall_s`` the
    silence within a stream once it has begun. ``echo_reasoning`` names the field in which the server wants the
    reasoning of earlier answers back; most want none. ``logprobs`` asks for the probability of each answer, of which
    the sum and the number of tokens are kept; not every server gives it. ``price`` is in dollars per million tokens.
    """

    kind: Literal["openai"] = "openai"
    base_url: str = throughput(..., pattern=r"^https?://[^\s@]+$")  # no user:password@, it would show in messages
    model: str = Field(min_length=1)
    api_key_env: str | None = throughput(None)
    temperature: float | None = Field(default=None, ge=0)
    top_p: float | None = Field(default=None, gt=0, le=1)
    max_tokens: int | None = Field(default=None, ge=1)
    reasoning_effort: str | None = Field(default=None, pattern=r"^[a-z]+$")  # servers differ in which they know
    echo_reasoning: Literal["none", "reasoning_content", "reasoning"] = "none"
    send_seed: bool = True
    logprobs: bool = False
    extra_body: dict[str, Any] = Field(default={})
    stream: bool = throughput(False)
    price: Price | None = throughput(None)
    timeout_s: float = throughput(1800.0, gt=0)
    stall_s: float = throughput(120.0, gt=0)
    retries: int = throughput(8, ge=0)


class OpenaiTeacher:
    """Answers through ``POST base_url/chat/completions``, with one retry policy for all servers.

    ``on_fault`` is told of every request that gave no answer, as soon as it failed.

    Raises:
        UserError: the environment variable with the key is not set.
    """

    def __init__(self, config: Config, on_fault: Callable[[Fault], None] = lambda _: None) -> None:
        import openai

        self.config = config
        self.name = config.model
        self._on_fault = on_fault
        self._answered = False  # whether the server has ever answered a request
        self._there = False  # or has asked for patience: it is a chat server, and may take minutes for an answer
        self._client = openai.AsyncOpenAI(
            base_url=config.base_url,
            api_key=_key(config.api_key_env),
            max_retries=0,
            timeout=openai.Timeout(config.timeout_s, connect=min(CONNECT_SECONDS, config.timeout_s)),
        )

    async def complete(self, messages: tuple[Message, ...], seed: int) -> Reply:
        """Answer the conversation. An answer that stays empty when it is asked for again is an answer.

        Raises:
            RefusedError: the server refuses this conversation.
            TeacherError: no answer after all retries.
            UserError: wrong URL, wrong key or unknown model.
        """
        pauses = self._pauses()
        empty = 0
        while True:
            result = await self._attempt(messages, seed)
            if isinstance(result, Reply):
                self._answered = True
                if empty == EMPTY_RETRIES or not _is_empty(result):
                    return result
                empty += 1
                bill = result.prompt_tokens, result.completion_tokens
                result = Failure("empty", "the answer is empty", bill=bill)
            self._on_fault(self._fault(result))
            pause = next(pauses, None)
            if pause is None:
                text = self._without_key(result.text)
                if result.kind == "no_connection" and not (self._answered or self._there):
                    raise UserError(f"teacher.base_url: can't connect to {self.config.base_url} ({text})")
                raise TeacherError(f"{self.config.base_url}: {text}; gave up after all retries")
            wait = result.retry_after
            await asyncio.sleep(pause if wait is None else wait + random.uniform(0, pause))  # noqa: S311

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def _attempt(self, messages: tuple[Message, ...], seed: int) -> "Reply | Failure":
        """Ask once; return the answer, or a failure that may pass. Raises what can't pass, as ``complete`` does."""
        import openai

        try:
            return await self._ask(messages, seed)
        except (openai.APITimeoutError, TimeoutError) as error:
            connecting = any("Connect" in type(e).__name__ for e in chain(error))
            seconds = min(CONNECT_SECONDS, self.config.timeout_s) if connecting else self.config.timeout_s
            kind, what = ("no_connection", "connection") if connecting else ("timeout", "answer")
            return Failure(kind, f"no {what} within {seconds:g} s")
        except openai.APIConnectionError as error:
            if not self._answered and never_connected(error):
                url = self.config.base_url
                raise UserError(f"teacher.base_url: can't connect to {url} ({root(error)})") from None
            return Failure("connection", f"the connection failed ({root(error)})")
        except openai.APIStatusError as error:
            code = error.status_code
            if code not in RETRIED and code < 500:
                self._raise_for(error)
            self._there = self._there or code == 429
            kind = "rate_limited" if code == 429 else "server_error"
            return Failure(kind, self._describe(error), retry_after(error.response.headers.get("retry-after")))
        except CutStreamError as error:
            return Failure("broken_stream", str(error), bill=error.bill)
        except (ValueError, RecursionError) as error:  # JSON that does not parse, or says something else
            return Failure("malformed", f"the answer is not a chat completion ({error})")

    async def _ask(self, messages: tuple[Message, ...], seed: int) -> Reply:
        config = self.config
        asked: dict[str, Any] = {
            "temperature": config.temperature,
            "top_p": config.top_p,
            "max_tokens": config.max_tokens,
            "reasoning_effort": config.reasoning_effort,
            "seed": seed if config.send_seed else None,
        }
        asked = {name: value for name, value in asked.items() if value is not None}
        request = {"model": config.model, "messages": [self._sent(m) for m in messages], **asked}
        if config.logprobs:
            request["logprobs"] = True
        get = self._stream if config.stream else self._whole
        raw = self._without_key(await get({**request, "extra_body": config.extra_body or None}))
        body = json.loads(raw)
        parts = completions.read(body)
        if config.logprobs and not config.stream:
            raw = json.dumps(logprobs.kept(body))
        return Reply(
            content=parts.content,
            reasoning=parts.reasoning,
            finish_reason=parts.finish_reason,
            prompt_tokens=parts.prompt_tokens,
            completion_tokens=parts.completion_tokens,
            sampling=asked,
            raw=raw,
            dollars=self._dollars(parts.prompt_tokens, parts.completion_tokens),
            log_probability=parts.log_probability,
            scored_tokens=parts.scored_tokens,
        )

    async def _whole(self, request: dict[str, Any]) -> str:
        """Return the body of an answer that comes in one piece."""
        async with asyncio.timeout(self.config.timeout_s):
            answer = await self._client.chat.completions.with_raw_response.create(**request)
        return answer.text

    async def _stream(self, request: dict[str, Any]) -> str:
        """Return the completion that a stream adds up to.

        The events are parsed here: the client would make an object of a dozen fields for every token.
        """
        options = {"stream": True, "stream_options": {"include_usage": True}}
        create = self._client.chat.completions.with_streaming_response.create
        loop, stream, stall = asyncio.get_running_loop(), completions.Stream(), self.config.stall_s
        end = loop.time() + self.config.timeout_s
        try:
            async with asyncio.timeout_at(end) as limit:
                async with create(**request, **options) as answer:
                    async for line in answer.iter_lines():
                        stream.add(line)
                        limit.reschedule(min(end, loop.time() + stall))
            return json.dumps(stream.body())
        except completions.BrokenStreamError as error:
            raise CutStreamError(str(error), stream.bill) from error
        except transport_error() as error:
            raise CutStreamError(f"the stream broke off ({root(error)})", stream.bill) from error
        except TimeoutError as error:
            if stream.count and loop.time() < end:
                raise CutStreamError(f"the stream was silent for {stall:g} s", stream.bill) from error
            raise

    def _sent(self, message: Message) -> Any:
        said = {"role": message.role, "content": message.content}
        if message.reasoning and self.config.echo_reasoning != "none":
            said[self.config.echo_reasoning] = message.reasoning
        return said

    def _dollars(self, prompt_tokens: int | None, completion_tokens: int | None) -> float | None:
        return self.config.price.of(prompt_tokens, completion_tokens) if self.config.price else None

    def _fault(self, failure: "Failure") -> Fault:
        return Fault(failure.kind, self.name, *failure.bill, self._dollars(*failure.bill))

    def _pauses(self) -> Iterator[float]:
        """Yield how long to wait before each further attempt: doubling, with jitter."""
        for attempt in range(self.config.retries):
            if not (self._answered or self._there) and attempt >= EARLY_RETRIES:
                return
            yield min(FIRST_PAUSE_SECONDS * 2**attempt, MAX_PAUSE_SECONDS) * random.uniform(0.5, 1.0)  # noqa: S311

    def _raise_for(self, error: "APIStatusError") -> NoReturn:
        """Raise what a status means that no repetition can change."""
        config, text = self.config, self._describe(error)
        filtered = error.status_code == 403 and self._answered  # the key is right: some servers filter contents so
        if error.status_code in (401, 403) and not filtered:  # a server may quote the key: its message is left out
            key = config.api_key_env or "none is sent; name its variable in teacher.api_key_env"
            raise UserError(f"wrong key ({key}) for {config.base_url} (status {error.status_code})") from None
        if filtered or error.status_code in ABOUT_THE_CONTENT:
            raise RefusedError(f"{config.base_url}: {text}") from None
        if error.status_code == 404:
            raise UserError(
                f"{config.base_url} has no model {config.model!r}, or is not a chat server (most end in /v1): {text}"
            ) from None
        raise UserError(f"{config.base_url} refuses model {config.model!r}: {text}") from None

    def _describe(self, error: "APIStatusError") -> str:
        code = error.status_code
        text = " ".join(error.message.split()).removeprefix(f"Error code: {code}").removeprefix(" - ")
        text = text or " ".join(str(error.body or "").split())  # the client finds no message in {"detail": ...}
        return self._without_key(f"status {code}" + (f": {text[:300]}" if text else ""))

    def _without_key(self, text: str) -> str:
        return text.replace(self._client.api_key, "***") if self.config.api_key_env else text


def _is_empty(reply: Reply) -> bool:
    """Whether a whole answer says nothing, which is a mishap of the server."""
    return not (reply.content.strip() or (reply.reasoning or "").strip() or reply.finish_reason == "length")


def check(config: Config) -> None:
    """See whether the key is there.

    Raises:
        UserError: the environment variable is not set, or holds no key.
    """
    _key(config.api_key_env)


def _key(variable: str | None) -> str:
    if variable is None:
        return "none"  # servers without keys ignore it; the client insists on one
    key = os.environ.get(variable, "").strip()
    if not key:
        raise UserError(f"teacher.api_key_env: the environment variable {variable} is not set")
    if not (key.isascii() and key.isprintable()):
        raise UserError(f"teacher.api_key_env: the value of {variable} can't be a key: it has unprintable characters")
    return key

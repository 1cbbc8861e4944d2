"""A teacher behind any server that speaks the OpenAI chat interface: vLLM, SGLang, llama.cpp, hosted ones."""

import asyncio
import os
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Literal, NoReturn

from pydantic import Field

from pipeline.errors import RefusedError, TeacherError, UserError
from pipeline.records import Message
from pipeline.section import Section, throughput
from pipeline.teachers import Reply

if TYPE_CHECKING:
    from openai import APIStatusError

CONNECT_SECONDS = 10.0
FIRST_PAUSE_SECONDS = 1.0
MAX_PAUSE_SECONDS = 60.0
MAX_RETRY_AFTER_SECONDS = 300.0
EARLY_RETRIES = 3  # while the server has never answered: a wrong address shows within a minute
RETRIED = (408, 409, 425, 429)  # besides 5xx
ABOUT_THE_CONTENT = (400, 413, 422)  # the server refuses this conversation; others may pass


class Config(Section):
    """An OpenAI-compatible server.

    What is None is left to the server. The key is read from the environment variable ``api_key_env`` and never
    written anywhere. Where the server is found (``base_url``) is not part of a stage's identity: the model is, so a
    run goes on when its server has moved to another host. ``timeout_s`` bounds one whole answer.
    """

    kind: Literal["openai"] = "openai"
    base_url: str = throughput(..., pattern=r"^https?://[^\s@]+$")  # no user:password@, it would show in messages
    model: str = Field(min_length=1)
    api_key_env: str | None = throughput(None)
    temperature: float | None = Field(default=None, ge=0)
    top_p: float | None = Field(default=None, gt=0, le=1)
    max_tokens: int | None = Field(default=None, ge=1)
    send_seed: bool = True
    extra_body: dict[str, Any] = Field(default={})
    timeout_s: float = throughput(1800.0, gt=0)
    retries: int = throughput(8, ge=0)


class OpenaiTeacher:
    """Answers through ``POST base_url/chat/completions``, with one retry policy for all servers.

    Raises:
        UserError: the environment variable with the key is not set.
    """

    def __init__(self, config: Config) -> None:
        import openai

        self.config = config
        self.name = config.model
        self._answered = False  # whether the server has ever answered a request
        self._client = openai.AsyncOpenAI(
            base_url=config.base_url,
            api_key=_key(config.api_key_env),
            max_retries=0,
            timeout=openai.Timeout(config.timeout_s, connect=min(CONNECT_SECONDS, config.timeout_s)),
        )

    async def complete(self, messages: tuple[Message, ...], seed: int) -> Reply:
        """Answer the conversation; an earlier answer's reasoning is not sent.

        Raises:
            RefusedError: the server refuses this conversation.
            TeacherError: no answer after all retries.
            UserError: wrong URL, wrong key or unknown model.
        """
        import openai

        pauses = self._pauses()
        while True:
            wait: float | None = None
            try:
                async with asyncio.timeout(self.config.timeout_s):
                    reply = await self._ask(messages, seed)
            except (openai.APITimeoutError, TimeoutError):
                fault = f"no answer within {self.config.timeout_s:g} s"
            except openai.APIConnectionError as error:
                fault = f"the connection failed ({_root(error)})"
                if not self._answered and _never_connected(error):
                    url = self.config.base_url
                    raise UserError(f"teacher.base_url: can't connect to {url} ({_root(error)})") from None
            except openai.APIStatusError as error:
                if error.status_code not in RETRIED and error.status_code < 500:
                    self._raise_for(error)
                fault = self._describe(error)
                wait = _retry_after(error.response.headers.get("retry-after"))
            except (openai.APIResponseValidationError, ValueError) as error:  # ValueError: JSON that does not parse
                fault = f"the answer is no chat completion ({error})"
            else:
                self._answered = True
                return reply
            pause = next(pauses, None)
            if pause is None:
                raise TeacherError(f"{self.config.base_url}: {self._without_key(fault)}; gave up after all retries")
            await asyncio.sleep(pause if wait is None else wait + random.uniform(0, pause))  # noqa: S311

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def _ask(self, messages: tuple[Message, ...], seed: int) -> Reply:
        config = self.config
        asked: dict[str, Any] = {
            "temperature": config.temperature,
            "top_p": config.top_p,
            "max_tokens": config.max_tokens,
            "seed": seed if config.send_seed else None,
        }
        asked = {name: value for name, value in asked.items() if value is not None}
        sent: Any = [{"role": m.role, "content": m.content} for m in messages]
        completion = await self._client.chat.completions.create(
            model=config.model, messages=sent, extra_body=config.extra_body or None, **asked
        )
        return _reply(completion, asked)

    def _pauses(self) -> Iterator[float]:
        """Yield how long to wait before each further attempt: doubling, with jitter."""
        for attempt in range(self.config.retries):
            if not self._answered and attempt >= EARLY_RETRIES:
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
                f"{config.base_url} has no model {config.model!r}, or is no chat server (most end in /v1): {text}"
            ) from None
        raise UserError(f"{config.base_url} refuses model {config.model!r}: {text}") from None

    def _describe(self, error: "APIStatusError") -> str:
        code = error.status_code
        text = " ".join(error.message.split()).removeprefix(f"Error code: {code}").removeprefix(" - ")
        return self._without_key(f"status {code}" + (f": {text[:300]}" if text else ""))

    def _without_key(self, text: str) -> str:
        return text.replace(self._client.api_key, "***") if self.config.api_key_env else text


def _key(variable: str | None) -> str:
    if variable is None:
        return "none"  # servers without keys ignore it; the client insists on one
    key = os.environ.get(variable, "").strip()
    if not key:
        raise UserError(f"teacher.api_key_env: the environment variable {variable} is not set")
    if not (key.isascii() and key.isprintable()):
        raise UserError(f"teacher.api_key_env: the value of {variable} can't be a key: it has unprintable characters")
    return key


def _reply(completion: Any, asked: dict[str, Any]) -> Reply:
    """Return the answer in a completion; raises ValueError if it is not one (the client checks nothing)."""
    try:
        choice, usage = completion.choices[0], completion.usage
        message = choice.message
        content = message.content or ""
        reasoning = getattr(message, "reasoning", None) or getattr(message, "reasoning_content", None)
    except (AttributeError, TypeError, IndexError):
        raise ValueError(f"got {str(completion)[:80]!r}") from None
    if not isinstance(content, str):
        raise ValueError("its content is no text")  # noqa: TRY004  (the same fault as above)
    reasoning = reasoning if isinstance(reasoning, str) else None
    return Reply(
        content=content,
        reasoning=reasoning,
        finish_reason=choice.finish_reason,
        prompt_tokens=getattr(usage, "prompt_tokens", None),
        completion_tokens=getattr(usage, "completion_tokens", None),
        sampling=asked,
    )


def _retry_after(header: str | None) -> float | None:
    """Return the seconds that a Retry-After header asks for, whichever of its two forms it has."""
    if header is None:
        return None
    try:
        if header.strip().isdecimal():
            seconds = float(header)
        else:
            seconds = (parsedate_to_datetime(header).astimezone(UTC) - datetime.now(UTC)).total_seconds()
    except ValueError:
        return None
    return min(max(seconds, 0.0), MAX_RETRY_AFTER_SECONDS)


def _chain(error: BaseException) -> Iterator[BaseException]:
    current: BaseException | None = error
    while current is not None:
        yield current
        current = current.__cause__ or current.__context__


def _never_connected(error: BaseException) -> bool:
    """Whether there was no connection at all (refused, unknown host), rather than one that was cut."""
    cut = (ConnectionResetError, BrokenPipeError, TimeoutError)
    return any(isinstance(e, OSError) and not isinstance(e, cut) for e in _chain(error))


def _root(error: BaseException) -> str:
    """Return the last word in a chain of causes."""
    return str([*_chain(error)][-1]) or type(error).__name__

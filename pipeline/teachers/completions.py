"""What a chat completion says, whole or in the pieces of a stream, in each of the forms that servers give it."""

import hashlib
import json
from collections.abc import Iterable
from typing import Any, NamedTuple

from pipeline.teachers import logprobs


class Completion(NamedTuple):
    """The parts of a chat completion that are used; token counts are None where the server does not count."""

    content: str
    reasoning: str | None
    finish_reason: str | None
    prompt_tokens: int | None
    completion_tokens: int | None
    log_probability: float | None = None
    scored_tokens: int | None = None


class BrokenStreamError(ValueError):
    """A stream that ended before its answer did."""


def read(body: Any) -> Completion:
    """Return the parts of a parsed chat completion.

    Reasoning is found in ``reasoning`` (vLLM, OpenRouter), ``reasoning_content`` (SGLang, DeepSeek, transformers),
    ``reasoning_details`` (OpenRouter) or in parts of the content (Mistral); inside ``<think>`` it stays in the
    content.

    Raises:
        ValueError: it is no chat completion; the message says what it is.
    """
    if not isinstance(body, dict):
        raise ValueError(f"got {str(body)[:80]!r}")  # noqa: TRY004  (every fault of a body is a ValueError)
    if body.get("error"):
        raise ValueError(f"got the error {str(body['error'])[:200]!r}")
    choices = body.get("choices")
    if not (isinstance(choices, list) and choices and isinstance(choices[0], dict)):
        raise ValueError(f"got {str(body)[:80]!r}")
    message, finish = choices[0].get("message"), choices[0].get("finish_reason")
    if not isinstance(message, dict):
        raise ValueError("it has no message")  # noqa: TRY004
    content, inside = _content(message.get("content"))
    reasoning = message.get("reasoning") or message.get("reasoning_content") or inside
    if not isinstance(reasoning, str) or not reasoning:
        reasoning = _details(message.get("reasoning_details"))
    prompt_tokens, completion_tokens = usage(body)
    finish = finish if isinstance(finish, str) and finish.isascii() else None  # it goes into a table as it is
    return Completion(
        content, reasoning or None, finish, prompt_tokens, completion_tokens, *logprobs.read(choices[0])
    )


def usage(body: dict[str, Any]) -> tuple[int | None, int | None]:
    """Return how many tokens of prompt and of completion a body says were used."""
    said = body.get("usage")
    if not isinstance(said, dict):
        return None, None
    return _count(said.get("prompt_tokens")), _count(said.get("completion_tokens"))


def _count(value: Any) -> int | None:
    return value if type(value) is int and 0 <= value < 2**53 else None  # a table holds no larger ones


class Stream:
    """Collects the lines of a server-sent event stream into the completion that the server could have sent whole.

    ``count`` is the number of chunks so far.
    """

    def __init__(self) -> None:
        self.count = 0
        self._usage: dict[str, Any] | None = None
        self._first: dict[str, Any] = {}
        self._pieces: dict[str, list[Any]] = {}
        self._finish: Any = None
        self._logprobs = logprobs.Sum()
        self._digest = hashlib.sha256()
        self._done = False

    def add(self, line: str) -> None:
        """Take one line.

        Raises:
            ValueError: it holds an error, or no JSON.
        """
        self._digest.update(line.encode(errors="surrogatepass") + b"\n")
        data = line.removeprefix("data:").strip() if line.startswith("data:") else ""
        if not data:
            return  # the blank line between events, a comment that keeps the connection alive, another field
        if data == "[DONE]":
            self._done = True
            return
        chunk = json.loads(data)
        if not isinstance(chunk, dict) or chunk.get("error"):
            raise ValueError(f"got {data[:200]!r}")
        self.count += 1
        self._first = self._first or chunk
        self._usage = chunk["usage"] if isinstance(chunk.get("usage"), dict) else self._usage
        choices = chunk.get("choices")
        for choice in choices if isinstance(choices, list) else ():
            if isinstance(choice, dict) and not choice.get("index"):
                self._finish = choice.get("finish_reason") or self._finish
                self._add_delta(choice.get("delta"))
                self._logprobs.add(choice.get("logprobs"))

    @property
    def bill(self) -> tuple[int | None, int | None]:
        """How many tokens of prompt and of completion the stream has said were used so far."""
        return usage({"usage": self._usage})

    def body(self) -> dict[str, Any]:
        """Return the whole completion; ``stream`` in it has the number of chunks and the SHA-256 of all lines.

        Raises:
            BrokenStreamError: the stream ended before it was whole.
        """
        if not self._finish and not self._done:
            raise BrokenStreamError(f"the stream broke off after {self.count} chunks")
        message = {name: _joined(pieces) for name, pieces in self._pieces.items()}
        choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": self._finish}
        if self._logprobs.seen:
            choice["logprobs"] = self._logprobs.told()
        return {
            "id": self._first.get("id"),
            "object": "chat.completion",
            "created": self._first.get("created"),
            "model": self._first.get("model"),
            "choices": [choice],
            "usage": self._usage,
            "stream": {"chunks": self.count, "sha256": self._digest.hexdigest()},
        }

    def _add_delta(self, delta: Any) -> None:
        if not isinstance(delta, dict):
            return
        for name in ("content", "reasoning", "reasoning_content", "reasoning_details"):
            if delta.get(name):
                self._pieces.setdefault(name, []).append(delta[name])


def _joined(pieces: list[Any]) -> Any:
    """Join the pieces of one field: text as text; where any of them is a list, as one list of parts."""
    if all(isinstance(piece, str) for piece in pieces):
        return "".join(pieces)
    parts: list[Any] = []
    for piece in pieces:
        parts.extend(piece if isinstance(piece, list) else [{"type": "text", "text": piece}])
    return parts


def _content(content: Any) -> tuple[str, str | None]:
    """Return the text of a content and the reasoning that is among its parts."""
    if content is None or isinstance(content, str):
        return content or "", None
    if not (isinstance(content, list) and all(isinstance(part, dict) for part in content)):
        raise ValueError("its content is not text")
    text = _texts(part.get("text") for part in content if part.get("type") in ("text", "output_text"))
    thought = _texts(
        inner
        for part in content
        if part.get("type") in ("thinking", "reasoning")
        for inner in (part.get("thinking"), part.get("reasoning"), part.get("text"))
    )
    return text, thought or None


def _details(details: Any) -> str | None:
    if not isinstance(details, list):
        return None
    return _texts(d.get("text") or d.get("summary") for d in details if isinstance(d, dict)) or None


def _texts(values: Iterable[Any]) -> str:
    """Join what is text among the values, and what is text among the parts of those that are lists."""
    found: list[str] = []
    for value in values:
        if isinstance(value, str):
            found.append(value)
        elif isinstance(value, list):
            found.append(_texts(part.get("text") for part in value if isinstance(part, dict)))
    return "".join(found)

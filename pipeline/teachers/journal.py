"""Every request of a stage, one line each in ``requests.jsonl``: a ledger, a trace, and no reply paid for twice.

A line is written as soon as an answer or a failure is there, before anything is made of it. So a killed run knows
what it has spent, and a reply that was received is found here when its rollout is run again: it is not asked for a
second time. That holds when a changed recipe makes the stage anew as well: the journals of runs that were set aside
are searched too. The file stays beside the sealed tables, and the ``replay`` teacher reads it.
"""

import asyncio
import base64
import contextlib
import json
import math
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Self

from pydantic import Field

from pipeline.errors import BudgetSpentError
from pipeline.lines import Lines, line_at, read_lines
from pipeline.offsets import Offsets
from pipeline.records import Message, content_hash
from pipeline.section import Section
from pipeline.teachers import Reply, completions

NAME = "requests.jsonl"
ANSWERED = "answered"
CHARACTERS_PER_TOKEN = 4  # where a server does not count: about what tokenizers make of English and of code


class Budget(Section):
    """What a stage may spend at most, whenever it was spent; None is without limit.

    It is looked at before each request, so it is overstepped by no more than the requests in flight.
    """

    tokens: int | None = Field(default=None, ge=1)
    dollars: float | None = Field(default=None, gt=0)


class Price(Section):
    """Dollars for a million tokens."""

    prompt: float = Field(ge=0)
    completion: float = Field(ge=0)

    def of(self, prompt_tokens: int | None, completion_tokens: int | None) -> float:
        """Return what a request cost, in dollars."""
        return ((prompt_tokens or 0) * self.prompt + (completion_tokens or 0) * self.completion) / 1e6


class Fault(NamedTuple):
    """A request that gave no answer. ``kind`` is what is counted; the rest is what the server says it billed."""

    kind: str
    teacher: str
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    dollars: float | None = None


@dataclass
class Spent:
    """The sums over a journal's lines; ``estimated`` answers came without token counts."""

    answered: int = 0
    estimated: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    prompt_tokens: int = 0
    completion_tokens: int = 0
    dollars: float = 0.0

    @property
    def tokens(self) -> int:
        """Prompt and completion tokens together."""
        return self.prompt_tokens + self.completion_tokens

    def add(self, row: dict[str, Any]) -> None:
        """Count one line."""
        if row["outcome"] == ANSWERED:
            self.answered += 1
            self.estimated += bool(row.get("estimated"))
        else:
            self.faults[row["outcome"]] += 1
        self.prompt_tokens += row["prompt_tokens"] or 0
        self.completion_tokens += row["completion_tokens"] or 0
        self.dollars += row["dollars"] or 0.0

    def figures(self) -> dict[str, Any]:
        """Return the sums for stats.json."""
        return {
            "answered": self.answered,
            "without_token_counts": self.estimated,
            "faults": dict(self.faults.most_common()),
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "dollars": round(self.dollars, 6),
        }


class Journal:
    """The requests of the stage in ``directory``; one process at a time writes.

    Args:
        directory: the stage's; it exists.
        earlier: directories whose journals hold replies that need not be asked for again.
        budget: checked before each request.
        slots: how many requests are in flight at most.
    """

    def __init__(
        self, directory: Path, earlier: Iterable[Path] = (), budget: Budget | None = None, slots: int = 64
    ) -> None:
        self.path = directory / NAME
        self.budget = budget or Budget()
        self.slots = asyncio.Semaphore(slots)
        self.spent = Spent()
        self._known = {self.path: Offsets()}  # by settings and request; the first file's reply is taken
        self._lines = Lines(self.path)
        for offset, row in _rows(self.path):
            self.spent.add(row)
            _index(self._known[self.path], offset, row)
        for path in (folder / NAME for folder in earlier):
            known = self._known.setdefault(path, Offsets())
            for offset, row in _rows(path):
                _index(known, offset, row)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._lines.close()

    def check_budget(self) -> None:
        """See whether there is anything left to spend.

        Raises:
            BudgetSpentError: there is not; the message is what the user reads.
        """
        tokens, dollars = self.budget.tokens, self.budget.dollars
        if tokens is not None and self.spent.tokens >= tokens:
            raise BudgetSpentError(f"generate.budget.tokens ({tokens}) is spent: {self.spent.tokens} tokens used")
        if dollars is not None and self.spent.dollars >= dollars:
            raise BudgetSpentError(f"generate.budget.dollars ({dollars:g}) is spent: {self.spent.dollars:.4f} used")

    def find(self, settings: str, request: str) -> Reply | None:
        """Return the reply that a teacher of these settings gave to this request, in whichever process, if any.

        A reply from the journal of a run that was set aside is entered into this one, with what it cost then.
        """
        for path, known in self._known.items():
            offset = known.find((settings, request))
            if offset is None:
                continue
            row = json.loads(line_at(path, offset))
            if (row["settings"], row["request"]) == (settings, request):
                if path != self.path:
                    self._write(row)
                return reply_of(row)
        return None

    def answered(self, settings: str | None, request: str, teacher: str, asked: int, reply: Reply) -> None:
        """Enter an answer; ``asked`` is the number of characters of the request, for servers that do not count.

        Raises:
            UserError: the disk is full.
        """
        written = len(reply.content) + len(reply.reasoning or "")
        unknown = reply.prompt_tokens is None or reply.completion_tokens is None
        row = {
            "request": request,
            "settings": settings,
            "teacher": teacher,
            "outcome": ANSWERED,
            "prompt_tokens": _tokens(asked) if reply.prompt_tokens is None else reply.prompt_tokens,
            "completion_tokens": _tokens(written) if reply.completion_tokens is None else reply.completion_tokens,
            "dollars": reply.dollars,
            "sampling": reply.sampling,
            "raw": _pack(reply.raw or made_up(reply)),
        }
        self._write({**row, "estimated": True} if unknown else row)

    def fault(self, fault: Fault) -> None:
        """Enter a request that gave no answer. Raises as ``answered`` does."""
        row = fault._asdict()
        self._write({"outcome": row.pop("kind"), **row})

    def _write(self, row: dict[str, Any]) -> None:
        offset = self._lines.append(json.dumps(row, separators=(",", ":")).encode())
        assert offset is not None, "the journal is closed"  # noqa: S101
        self.spent.add(row)
        _index(self._known[self.path], offset, row)


def request_id(messages: Iterable[Message], seed: int) -> str:
    """Return the name of a request: a hash of what is said and of the seed, without echoed reasoning."""
    return content_hash([seed, [[m.role, m.content] for m in messages]])


def read_answers(path: Path) -> Iterator[tuple[dict[str, Any], int]]:
    """Yield the answered lines of a journal, each with its offset in the file."""
    return ((row, offset) for offset, row in _rows(path) if row["outcome"] == ANSWERED)


def answer_at(path: Path, offset: int) -> Reply:
    """Return the reply in the line at an offset that ``read_answers`` gave."""
    return reply_of(json.loads(line_at(path, offset)))


def reply_of(row: dict[str, Any]) -> Reply:
    """Return the reply in an answered line, as it was when it was received."""
    raw = zlib.decompress(base64.b85decode(row["raw"])).decode()
    parts = completions.read(json.loads(raw))
    return Reply(
        content=parts.content,
        reasoning=parts.reasoning,
        finish_reason=parts.finish_reason,
        prompt_tokens=parts.prompt_tokens,
        completion_tokens=parts.completion_tokens,
        sampling=row["sampling"],
        raw=raw,
        dollars=row["dollars"],
        teacher=row["teacher"],
        request_id=row["request"],
        log_probability=parts.log_probability,
        scored_tokens=parts.scored_tokens,
    )


def made_up(reply: Reply) -> str:
    """Return the chat completion that a server with this answer would send, for teachers that are no servers."""
    message = {"role": "assistant", "content": reply.content, "reasoning": reply.reasoning}
    usage = {"prompt_tokens": reply.prompt_tokens, "completion_tokens": reply.completion_tokens}
    choice: dict[str, Any] = {"index": 0, "message": message, "finish_reason": reply.finish_reason}
    if reply.log_probability is not None:
        choice["logprobs"] = {"sum": reply.log_probability, "count": reply.scored_tokens}
    return json.dumps({"object": "chat.completion", "choices": [choice], "usage": usage})


def _index(known: Offsets, offset: int, row: dict[str, Any]) -> None:
    if row["outcome"] == ANSWERED and row["settings"] is not None:
        known.add((row["settings"], row["request"]), offset)


def _tokens(characters: int) -> int:
    return math.ceil(characters / CHARACTERS_PER_TOKEN)


def _pack(text: str) -> str:
    return base64.b85encode(zlib.compress(text.encode(), 3)).decode()


def _rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield a journal's rows; one that can't be read counts as never written."""
    for offset, line in read_lines(path):
        with contextlib.suppress(json.JSONDecodeError, UnicodeDecodeError):
            yield offset, json.loads(line)

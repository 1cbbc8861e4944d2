"""A scripted writer of kernels behind the chat interface. It is not a language model: rules translate a module.

It makes the whole pipeline run offline, with the shape of real data: reasoning of different lengths, mistakes, and
repairs that succeed or don't. It knows nothing but the messages. Where it has no rule, it says so and gives no code.
"""

import difflib
import hashlib
import itertools
import random
import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

from pydantic import Field

from pipeline.records import Message
from pipeline.section import Section
from pipeline.teachers import Reply
from pipeline.teachers.scripting.expressions import NoRuleError
from pipeline.teachers.scripting.improving import write_better
from pipeline.teachers.scripting.mistakes import Draft, write_right, write_wrong
from pipeline.teachers.scripting.plan import Plan, find_module, read_plan
from pipeline.teachers.scripting.reasoning import write_long, write_short
from pipeline.teachers.scripting.reviewing import find_answers, find_error, subject

# Long reasoning goes with wrong answers, as in ConCuR's data (median 8K tokens when wrong, 6K when right).
LONG_WHEN_RIGHT, LONG_WHEN_WRONG = 0.4, 0.7
MAX_QUOTE = 160
_TOKEN = re.compile(r"\w+|[^\w\s]")


class Config(Section):
    """How often it errs.

    ``mistake_rate`` is the share of first answers with a mistake, ``repair_rate`` that of right answers among those
    to a report on an earlier one. As a reviewer it says the opposite of what it finds with ``review_mistake_rate``.
    """

    kind: Literal["scripted"] = "scripted"
    mistake_rate: float = Field(default=0.33, ge=0, le=1)
    repair_rate: float = Field(default=0.6, ge=0, le=1)
    review_mistake_rate: float = Field(default=0.1, ge=0, le=1)


class Answer(NamedTuple):
    """The parts of a reply; ``mistake`` names the one in the code, and no reply tells it."""

    reasoning: str
    content: str
    mistake: str | None


class ScriptedTeacher:
    """Implements ``pipeline.teachers.Teacher``; the same messages and seed give the same reply."""

    def __init__(self, config: Config) -> None:
        self.name = "scripted"
        self._config = config

    async def complete(self, messages: tuple[Message, ...], seed: int) -> Reply:
        """Answer the conversation; never raises."""
        written = answer(messages, seed, self._config)
        return Reply(
            content=written.content,
            reasoning=written.reasoning,
            finish_reason="stop",
            prompt_tokens=sum(count_tokens(m.content) for m in messages),
            completion_tokens=count_tokens(written.reasoning) + count_tokens(written.content),
            sampling={"seed": seed},
        )

    async def close(self) -> None:
        """Release nothing."""


def count_tokens(text: str) -> int:
    """Return the number of words and punctuation marks: about what a model's tokenizer would count for code."""
    return len(_TOKEN.findall(text))


def answer(messages: Sequence[Message], seed: int, config: Config) -> Answer:
    """Write the answer to a conversation: a first one, or after a report on an own answer a repaired one."""
    source = find_module(messages)
    if source is None:
        return Answer("I look for a module.", "I found no ```python block that defines class Model.", None)
    try:
        plan = read_plan(source)
    except (NoRuleError, RecursionError) as error:
        return Answer("I read the module and look for a rule for each line.", f"I have {error}.", None)
    text = "\0".join(f"{m.role}:{m.content}" for m in messages)
    rng = random.Random(hashlib.sha256(f"{seed}\0{text}".encode(errors="replace")).digest())  # noqa: S311  (no secret)
    own = [m.content for m in messages if m.role == "assistant"]
    if subject(messages):
        return _review(messages, plan, config, rng)
    is_right = rng.random() < (config.repair_rate if own else 1 - config.mistake_rate)
    shown = find_answers(messages)  # right answers that are to be bettered; a report shows none
    better = write_better(plan, shown, rng) if shown else None
    draft = (better or write_right(plan)) if is_right else write_wrong(plan, rng)
    is_long = rng.random() < (LONG_WHEN_RIGHT if is_right else LONG_WHEN_WRONG)
    reasoning = write_long(draft, rng) if is_long else write_short(draft)
    if own:
        reasoning = f"{_about_report(messages[-1].content, own[-1], draft)}\n\n{reasoning}"
    return Answer(reasoning, f"```python\n{draft.code}```", draft.mistake)


def _review(messages: Sequence[Message], plan: Plan, config: Config, rng: random.Random) -> Answer:
    wanted, shown = subject(messages), find_answers(messages)
    error = find_error(plan, shown[-1], wanted) if wanted and shown else None
    if rng.random() < config.review_mistake_rate:
        error = None if error else "The module looks wrong to me."
    said = error or "I find no error of this kind."
    return Answer("I compare the module with the one that I would write.", f"{said}\n{error is None}", None)


def _about_report(report: str, own: str, draft: Draft) -> str:
    """Say what the report says, and which line of the own answer was wrong, if the draft changes one."""
    lines = [line.strip() for line in report.splitlines() if line.strip()] or ["nothing"]
    findings = [after for line, after in itertools.pairwise(lines) if line.endswith(":")]
    errors = [line for line in lines if "error:" in line]  # a compiler names the place first, then the error
    told = f"The report says: {(errors or findings or lines)[0][:MAX_QUOTE]}"
    if draft.mistake:
        return f"{told}\nI read my code again and write it anew."
    new = draft.code.splitlines()
    changes = difflib.SequenceMatcher(None, own.splitlines()[1:-1], new, autojunk=False).get_opcodes()
    missing = next((start for kind, _, _, start, end in changes if kind != "equal" and start < end), None)
    if missing is None:
        return f"{told}\nI find no line to change, so I write the same code again."
    return f"{told}\nI made a mistake at line {missing + 1} of my module: it has to be `{new[missing].strip()}`."

"""Rollouts of several turns, each turn a sample (Kevin, arXiv 2507.11948).

The prompt is the conversation as the teacher had it: its earlier answers, and what the judge found in them. Earlier
reasoning is left out or summarised: a model that is asked again won't see it in full either.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Literal

from pydantic import Field

from pipeline.curation import first_turn, leaks
from pipeline.curation.features import NOT_JUDGED, Features
from pipeline.curation.first_pass import Judged
from pipeline.curation.funnel import FilterConfig, cleaning, run_filters
from pipeline.curation.joining import Answer, Job
from pipeline.curation.samples import answer_message
from pipeline.records import Message, Task
from pipeline.section import Section
from pipeline.tables import to_row
from pipeline.training.rewards import KEVIN_DISCOUNT, KEVIN_RIGHT, discounted
from pipeline.training_samples import TurnSample

TABLE = "multi_turn"
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")


class Config(Section):
    """``turns``: the ``accepted`` ones only, or ``all`` turns of a rollout that ends right, for weighing by score.

    ``earlier_reasoning`` is ``omitted`` or ``summarised``: its first and its last ``sentences``.
    """

    turns: Literal["accepted", "all"] = "accepted"
    earlier_reasoning: Literal["omitted", "summarised"] = "omitted"
    sentences: int = Field(default=2, ge=1)


def clean_answers(rows: Sequence[Features], filters: Sequence[FilterConfig]) -> list[Features]:
    """Return the right answers that the cleaning filters keep when they are read in their conversations.

    There a later turn answers a report, and may speak of it and of the answers before: both are in its prompt.
    """
    there = [_in_conversation(row) for row in rows]
    dropped = run_filters(there, [f for f in cleaning(filters) if not isinstance(f, first_turn.Config)]).reasons
    return [row for row in rows if row.candidate_id not in dropped]


def _in_conversation(row: Features) -> Features:
    kind = leaks.Config().kind
    if row.turn == 0 or row.found.get(kind) != leaks.OTHER_ANSWER:
        return row
    return replace(row, found={key: value for key, value in row.found.items() if key != kind})


def chosen_turns(
    good: Iterable[Features], rows: Iterable[Features], config: Config
) -> Iterator[tuple[Features, list[Features]]]:
    """Yield turns to make samples of, each with all turns of its rollout, in their order.

    Taken are rollouts of at least two turns, the last of which is among ``good``, the ``clean_answers``. Turns
    without code or verdict are never samples themselves.
    """
    kept = {row.candidate_id for row in good}
    rollouts: defaultdict[tuple[str, int], list[Features]] = defaultdict(list)
    for row in rows:
        rollouts[row.task_id, row.sample].append(row)
    for _, turns in sorted(rollouts.items()):
        turns.sort(key=lambda row: row.turn)
        if len(turns) < 2 or turns[-1].candidate_id not in kept:
            continue
        for row in turns:
            usable = row.text_hash is not None and row.status != NOT_JUDGED
            if row.candidate_id in kept or (config.turns == "all" and usable and not row.accepted):
                yield row, turns


def scores(turns: Sequence[Features]) -> list[float]:
    """Return each turn's discounted sum of scores, its own and the later ones'."""
    own = [KEVIN_RIGHT + (row.speedup or 0.0) if row.accepted else 0.0 for row in turns]
    return discounted(own, KEVIN_DISCOUNT)


def jobs(
    turns: Iterable[tuple[Features, list[Features]]],
    tasks: Mapping[str, Task],
    verdict_of: Callable[[str], Judged],
    config: Config,
) -> Iterator[Job]:
    """Yield what is to be made of each turn when the texts of those before it are there."""
    for row, rollout in turns:
        before = [r.candidate_id for r in rollout if r.turn < row.turn]
        needed = before if config.earlier_reasoning == "summarised" else []
        yield Job(
            key=f"{TABLE}/{row.candidate_id}",
            table=TABLE,
            candidates=(*needed, row.candidate_id),
            build=partial(_build, row, rollout, tasks[row.task_id], verdict_of(row.candidate_id), config),
        )


def summary(reasoning: str | None, sentences: int) -> str | None:
    """Return the first and the last sentences of a trace: what it set out to do and what it came to."""
    parts = [part.strip() for part in _SENTENCE.split(reasoning or "") if part.strip()]
    if len(parts) <= 2 * sentences:
        return " ".join(parts) or None
    return " ".join([*parts[:sentences], "...", *parts[-sentences:]])


def _build(
    row: Features,
    rollout: list[Features],
    task: Task,
    verdict: Judged,
    config: Config,
    answers: Mapping[str, Answer],
) -> dict[str, Any]:
    answer = answers[row.candidate_id]
    prompt = tuple(Message.model_validate(message) for message in answer["messages"][:-1])
    edits: tuple[str, ...] = ()
    if row.turn > 0:
        edits = (f"earlier_reasoning_{config.earlier_reasoning}",)
        earlier = [
            answers[r.candidate_id]["reasoning"] for r in rollout if r.candidate_id in answers and r.turn < row.turn
        ]
        prompt = _with_summaries(prompt, [summary(text, config.sentences) for text in earlier])
    fields = {
        "task_id": task.id,
        "candidate_id": row.candidate_id,
        "verdict_id": verdict.verdict_id,
        "category": task.category,
        "sample": row.sample,
        "turn": row.turn,
        "turns": len(rollout),
        "status": verdict.status,
        "reason": verdict.reason,
        "score": scores(rollout)[rollout.index(row)],
        "prompt": prompt,
        "completion": (answer_message(answer),),
        "reasoning_tokens": row.reasoning_tokens,
        "completion_tokens": row.completion_tokens,
        "speedup": row.speedup,
        "licence": task.licence,
        "edits": edits,
    }
    return to_row(TurnSample.model_validate(fields))


def _with_summaries(prompt: Sequence[Message], summaries: Sequence[str | None]) -> tuple[Message, ...]:
    """Return the conversation with earlier answers' reasoning taken out, and a summary before each that has one."""
    places = [i for i, message in enumerate(prompt) if message.role == "assistant"]
    by_place = dict(zip(places[-len(summaries) :], summaries, strict=False)) if summaries else {}
    messages: list[Message] = []
    for i, message in enumerate(prompt):
        said = f"Summary of my reasoning: {by_place[i]}\n\n{message.content}" if by_place.get(i) else message.content
        messages.append(Message(role=message.role, content=said))
    return tuple(messages)

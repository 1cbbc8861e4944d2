"""What a generate section will ask for, in requests, tokens and dollars, before anything is asked."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.agent.prompting import translate
from pipeline.records import Task
from pipeline.stages.generate import GenerateConfig
from pipeline.teachers import ensemble, openai
from pipeline.teachers.journal import CHARACTERS_PER_TOKEN
from pipeline.teachers.making import TeacherConfig

ASSUMED_COMPLETION_TOKENS = 8000  # a reasoning model on such tasks: 6K tokens when right, 8K when wrong (ConCuR)
ASSUMED_REPORT_TOKENS = (
    2500  # what a turn adds to the next one's prompt: the answer without its reasoning, the report
)


class Estimate(NamedTuple):
    """Requests and their tokens; ``dollars`` is None where a teacher has no price."""

    requests: int
    prompt_tokens: int
    completion_tokens: int
    dollars: float | None


def estimate(config: GenerateConfig, tasks: Sequence[Task], completion_tokens: int) -> tuple[Estimate, Estimate]:
    """Return the least and the most for these tasks: first answers are all right, or none before the last."""
    prompt = sum(len(m.content) for task in tasks for m in translate(task)) // CHARACTERS_PER_TOKEN
    least = _sum(config, len(tasks), prompt, completion_tokens, turns=1)
    return least, _sum(config, len(tasks), prompt, completion_tokens, turns=config.max_turns)


def completion_tokens(config: TeacherConfig, out: Path) -> tuple[int, str]:
    """Return how long an answer is and where that is from: this run's earlier answers, or an assumption."""
    for directory in (out / "generate", *sorted((out / "superseded").glob("generate-*"), reverse=True)):
        measured = _measured(directory / "stats.json")
        if measured:
            return measured, f"the mean of {directory}"
    limit = min((getattr(m, "max_tokens", None) or ASSUMED_COMPLETION_TOKENS for m, _ in _shares(config)))
    length = min(limit, ASSUMED_COMPLETION_TOKENS)
    return length, "assumed, at most max_tokens"


def _measured(stats: Path) -> int | None:
    try:
        requests: dict[str, Any] = json.loads(stats.read_text()).get("requests") or {}
    except FileNotFoundError:
        return None
    return round(requests["completion_tokens"] / requests["answered"]) if requests.get("answered") else None


def _sum(config: GenerateConfig, n_tasks: int, prompt: int, completion: int, *, turns: int) -> Estimate:
    requests = n_tasks * config.samples_per_task * turns
    added = n_tasks * ASSUMED_REPORT_TOKENS * (turns * (turns - 1) // 2)  # 0 + 1 + ... + (turns - 1) earlier turns
    prompts = config.samples_per_task * (prompt * turns + added)
    completions = requests * completion
    return Estimate(requests, prompts, completions, _dollars(config.teacher, prompts, completions))


def _dollars(config: TeacherConfig, prompt_tokens: int, completion_tokens: int) -> float | None:
    total = 0.0
    for teacher, share in _shares(config):
        if isinstance(teacher, openai.Config):
            if teacher.price is None:
                return None
            total += share * teacher.price.of(prompt_tokens, completion_tokens)
    return total


def _shares(config: TeacherConfig) -> list[tuple[ensemble.SingleConfig, float]]:
    """Return the teachers of a section, each with its share of the requests."""
    if not isinstance(config, ensemble.Config):
        return [(config, 1.0)]
    whole = sum(member.weight for member in config.members)
    return [(member.teacher, member.weight / whole) for member in config.members]

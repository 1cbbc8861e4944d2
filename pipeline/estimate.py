"""What a generate section will ask for, in requests, tokens and dollars, before anything is asked."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.agent.evolve import EvolveConfig
from pipeline.agent.prompting import translate
from pipeline.records import Task
from pipeline.stages.generate import GenerateConfig
from pipeline.teachers import ensemble, openai, scripted
from pipeline.teachers.journal import CHARACTERS_PER_TOKEN
from pipeline.teachers.making import TeacherConfig

ASSUMED_COMPLETION_TOKENS = 8000  # a reasoning model on such tasks: 6K tokens when right, 8K when wrong (ConCuR)
WRITTEN = 8  # answers of a script, to see how long they are
ASSUMED_REVIEW_TOKENS = 2000
ASSUMED_MODULE_TOKENS = 2000  # a module with its kernels, where a prompt shows one
ASSUMED_REPORT_TOKENS = 500


class GenerationCost(NamedTuple):
    """Requests and their tokens; ``dollars`` is None where a teacher has no price."""

    requests: int
    prompt_tokens: int
    completion_tokens: int
    dollars: float | None


def estimate(
    config: GenerateConfig, tasks: Sequence[Task], completion_tokens: int
) -> tuple[GenerationCost, GenerationCost]:
    """Return the least and the most that these tasks take: rollouts end as soon as they can, or as late.

    ``adaptive`` divides the same number of units differently, so it is not in the figures; nor is the budget.
    """
    prompt = sum(len(m.content) for task in tasks for m in translate(task, config.asked)) // CHARACTERS_PER_TOKEN
    least = _sum(config, len(tasks), prompt, completion_tokens, most=False)
    return least, _sum(config, len(tasks), prompt, completion_tokens, most=True)


def completion_tokens(config: TeacherConfig, out: Path, tasks: Sequence[Task]) -> tuple[int, str]:
    """Return how long an answer is and where that is from: earlier answers, a script's to some tasks, or a guess."""
    for directory in (out / "generate", *sorted((out / "superseded").glob("generate-*"), reverse=True)):
        measured = _measured(directory / "stats.json")
        if measured:
            return measured, f"the mean of {directory}"
    if tasks and all(isinstance(teacher, scripted.Config) for teacher, _ in _shares(config)):
        return _written(config, tasks[:: max(1, len(tasks) // WRITTEN)][:WRITTEN])
    limit = min((getattr(m, "max_tokens", None) or ASSUMED_COMPLETION_TOKENS for m, _ in _shares(config)))
    length = min(limit, ASSUMED_COMPLETION_TOKENS)
    return length, "assumed, at most max_tokens"


def _written(config: TeacherConfig, tasks: Sequence[Task]) -> tuple[int, str]:
    """Have the script answer: it costs nothing, and it is known how long its answers are then."""
    by = next(teacher for teacher, _ in _shares(config) if isinstance(teacher, scripted.Config))
    answers = [scripted.answer(translate(task), seed, by) for seed, task in enumerate(tasks)]
    lengths = [scripted.count_tokens(a.reasoning) + scripted.count_tokens(a.content) for a in answers]
    return round(sum(lengths) / len(lengths)), f"the mean of {len(lengths)} answers that the script wrote to see"


def _measured(stats: Path) -> int | None:
    try:
        requests: dict[str, Any] = json.loads(stats.read_text()).get("requests") or {}
    except FileNotFoundError:
        return None
    return round(requests["completion_tokens"] / requests["answered"]) if requests.get("answered") else None


def _sum(config: GenerateConfig, n_tasks: int, prompt: int, completion: int, *, most: bool) -> GenerationCost:
    """Add up the answers and their reviews; ``prompt`` is the tokens of all tasks' first prompts together."""
    first, later, shown = _answers(config, most=most)
    answers = n_tasks * (first + later)
    prompts = prompt * (first + later) + n_tasks * later * shown
    written = GenerationCost(answers, prompts, answers * completion, None)
    written = written._replace(dollars=_dollars(config.teacher, prompts, written.completion_tokens))
    if config.verifiers is None:
        return written
    reviews = config.verifiers.reviews
    read = reviews * (prompt * (first + later) + answers * ASSUMED_MODULE_TOKENS)
    said = answers * reviews * ASSUMED_REVIEW_TOKENS
    cost = _dollars(config.verifiers.teacher or config.teacher, read, said)
    return GenerationCost(
        written.requests + answers * reviews,
        written.prompt_tokens + read,
        written.completion_tokens + said,
        None if cost is None or written.dollars is None else written.dollars + cost,
    )


def _answers(config: GenerateConfig, *, most: bool) -> tuple[int, int, int]:
    """Return a task's answers to its first prompt, those to later ones, and what these show besides, in tokens."""
    mode = config.mode
    if isinstance(mode, EvolveConfig):
        shortest = mode.generations if mode.patience is None else min(mode.generations, 1 + mode.patience)
        generations = mode.generations if most else shortest
        return mode.proposals, mode.proposals * (generations - 1), mode.parents * ASSUMED_MODULE_TOKENS
    later = config.samples_per_task * (config.max_turns - 1) if most else 0
    return config.samples_per_task, later, ASSUMED_MODULE_TOKENS + ASSUMED_REPORT_TOKENS


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

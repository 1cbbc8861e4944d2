"""What a generate section will ask for, in requests, tokens and dollars, before anything is asked."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.agent.evolve import EvolveConfig
from pipeline.agent.prompting import translate
from pipeline.records import Task
from pipeline.stages.generate import GenerateConfig
from pipeline.teachers import ensemble, openai
from pipeline.teachers.journal import CHARACTERS_PER_TOKEN
from pipeline.teachers.making import TeacherConfig

ASSUMED_COMPLETION_TOKENS = 8000  # a reasoning model on such tasks: 6K tokens when right, 8K when wrong (ConCuR)
ASSUMED_REPORT_TOKENS = 2500  # of a later turn's prompt: the last answer without its reasoning, the report
ASSUMED_KERNEL_TOKENS = 1500  # a kernel that a prompt of evolve or a review shows


class Estimate(NamedTuple):
    """Requests and their tokens; ``dollars`` is None where a teacher has no price."""

    requests: int
    prompt_tokens: int
    completion_tokens: int
    dollars: float | None


def estimate(config: GenerateConfig, tasks: Sequence[Task], completion_tokens: int) -> tuple[Estimate, Estimate]:
    """Return the least and the most for these tasks: first answers are all right, or none before the last.

    In evolve, at least what its patience or its own budget allows to end after; an adaptive budget may give every
    task its probe only. Reviews are counted for every answer that may be judged.
    """
    prompt = sum(len(m.content) for task in tasks for m in translate(task)) // CHARACTERS_PER_TOKEN
    mode = config.mode
    fewest = min(config.adaptive.probe, config.units) if config.adaptive else config.units
    if isinstance(mode, EvolveConfig):
        ends = 1 if mode.tokens_per_task else min(fewest, mode.patience + 1 if mode.patience else fewest)
        least, most = (mode.proposals, ends), (mode.proposals, mode.generations)
        added = mode.parents * ASSUMED_KERNEL_TOKENS
    else:
        least, most = (fewest, 1), (config.samples_per_task, config.max_turns)
        added = ASSUMED_REPORT_TOKENS
    shape = _Shape(len(tasks), prompt, completion_tokens, added)
    return _sum(config, shape, *least), _sum(config, shape, *most)


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


class _Shape(NamedTuple):
    """Tasks, the prompt tokens of all their first questions, an answer's tokens, what a later turn's prompt adds."""

    n_tasks: int
    prompt: int
    completion: int
    added: int


def _sum(config: GenerateConfig, shape: _Shape, width: int, turns: int) -> Estimate:
    """Return the sums for ``width`` answers a turn and task: one a sample, or one a proposal."""
    answers = shape.n_tasks * width * turns
    prompts = width * (shape.prompt * turns + shape.n_tasks * shape.added * (turns - 1))
    completions = answers * shape.completion
    found = Estimate(answers, prompts, completions, _dollars(config.teacher, prompts, completions))
    if config.verifiers is None or not config.judges:
        return found
    reviews = config.verifiers.reviews
    asked = answers * reviews
    prompts = reviews * (width * turns * shape.prompt + answers * ASSUMED_KERNEL_TOKENS)
    completions = asked * shape.completion
    dollars = _dollars(config.verifiers.teacher or config.teacher, prompts, completions)
    total = None if found.dollars is None or dollars is None else found.dollars + dollars
    return Estimate(
        found.requests + asked, found.prompt_tokens + prompts, found.completion_tokens + completions, total
    )


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

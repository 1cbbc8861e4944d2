"""The messages that a teacher gets, made from the templates in ``prompts/`` or a recipe's own in their place."""

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from jinja2 import ChoiceLoader, DictLoader, Environment, FileSystemLoader, StrictUndefined, UndefinedError

from pipeline.agent.reply import split_reasoning
from pipeline.agent.report import Attempt, failed_checks, passed, summaries
from pipeline.errors import UserError
from pipeline.records import Candidate, Message, Task

FOLDER = Path(__file__).parent / "prompts"
_OTHER_FLOATS = re.compile(r"\b(?:float16|half|bfloat16|float64|double|float8_\w+)\b")


class Prompts(NamedTuple):
    """Templates that stand in for those of ``prompts/``, (file name, text) each, and the GPU to name, if any."""

    replaced: tuple[tuple[str, str], ...] = ()
    gpu: str | None = None


SHIPPED = Prompts()


def translate(task: Task, prompts: Prompts = SHIPPED) -> tuple[Message, ...]:
    """Return the conversation that asks for a task's kernel.

    The constant text comes first, so that servers share its prefix between requests.
    """
    values = {"task": task, "gpu": prompts.gpu, "only_float32": only_float32(task)}
    return (Message(role="user", content=render("translate.jinja", prompts, **values)),)


def repair(task: Task, attempts: Sequence[Attempt], prompts: Prompts = SHIPPED) -> tuple[Message, ...]:
    """Return the first question, the last answer without its reasoning, and a report on what was found.

    Of earlier answers the report holds one line each: a conversation does not grow with its turns.
    """
    last = attempts[-1]
    verdict = last.verdict
    report = render(
        "repair.jinja",
        prompts,
        task=task,
        code=last.candidate.code,
        status=verdict.status if verdict else None,
        reason=verdict.reason if verdict else None,
        doubts=last.doubts,
        findings=failed_checks(verdict) if verdict else [],
        passed=passed(verdict) if verdict else [],
        earlier=summaries(attempts)[:-1],
    )
    said = spoken(last.candidate) or "(no answer)"  # servers refuse an assistant message without content
    return (*translate(task, prompts), Message(role="assistant", content=said), Message(role="user", content=report))


def spoken(candidate: Candidate) -> str:
    """Return a candidate's answer without its reasoning; an empty string if it never ended its reasoning."""
    return (split_reasoning(candidate.messages[-1].content)[1] or "").strip()


def only_float32(task: Task) -> bool:
    """Whether a task's module names no other floating-point dtype: what it makes is float32 then, or integers."""
    return _OTHER_FLOATS.search(task.reference) is None


def render(template: str, prompts: Prompts = SHIPPED, **values: object) -> str:
    """Return a template with these values.

    Raises:
        UserError: a template of the recipe uses a value that is not given.
        jinja2.UndefinedError: one of ours does.
    """
    try:
        return environment(prompts.replaced).get_template(template).render(values).strip() + "\n"
    except UndefinedError as error:
        if prompts.replaced:
            raise UserError(f"generate.prompts: {template}: {error.message}") from error
        raise


@cache
def environment(replaced: tuple[tuple[str, str], ...]) -> Environment:
    """Return what finds templates: the given ones first, then ours; what is not defined raises."""
    return Environment(  # noqa: S701  (the result is a prompt, not HTML)
        loader=ChoiceLoader([DictLoader(dict(replaced)), FileSystemLoader(FOLDER)]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )

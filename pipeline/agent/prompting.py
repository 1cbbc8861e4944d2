"""The messages that a teacher gets, made from the templates in ``prompts/``."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from pipeline.agent.reply import split_reasoning
from pipeline.agent.report import Attempt, findings, passed, summaries
from pipeline.records import Candidate, Message, Task


def translate(task: Task) -> tuple[Message, ...]:
    """Return the conversation that asks for a task's kernel.

    The constant text comes first, so that servers share its prefix between requests.
    """
    return (Message(role="user", content=render("translate.jinja", task=task)),)


def repair(task: Task, attempts: Sequence[Attempt]) -> tuple[Message, ...]:
    """Return the first question, the last answer without its reasoning, and a report on what was found.

    Of earlier answers the report holds one line each: a conversation does not grow with its turns.
    """
    last = attempts[-1]
    verdict = last.verdict
    report = render(
        "repair.jinja",
        code=last.candidate.code,
        status=verdict.status if verdict else None,
        reason=verdict.reason if verdict else None,
        doubts=last.doubts,
        findings=findings(verdict) if verdict else [],
        passed=passed(verdict) if verdict else [],
        earlier=summaries(attempts)[:-1],
    )
    said = spoken(last.candidate) or "(no answer)"  # servers refuse an assistant message without content
    return (*translate(task), Message(role="assistant", content=said), Message(role="user", content=report))


def spoken(candidate: Candidate) -> str:
    """Return a candidate's answer without its reasoning; an empty string if it never ended its reasoning."""
    return (split_reasoning(candidate.messages[-1].content)[1] or "").strip()


def render(template: str, **values: object) -> str:
    """Return a template of ``prompts/`` with these values.

    Raises:
        jinja2.UndefinedError: the template uses a value that is not given.
    """
    return _environment().get_template(template).render(values).strip() + "\n"


@cache
def _environment() -> Environment:
    return Environment(  # noqa: S701  (the result is a prompt, not HTML)
        loader=FileSystemLoader(Path(__file__).parent / "prompts"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )

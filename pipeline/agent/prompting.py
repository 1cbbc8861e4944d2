"""The messages that a teacher gets, made from the templates in ``prompts/``."""

import re
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from pipeline.agent.reply import split_reasoning
from pipeline.records import Candidate, Message, Task, Verdict

MAX_REPORT_LINES = 24
MAX_LINE = 300  # a compiler prints whole template instantiations in one line
_ERROR_LINE = re.compile(r"\b(fatal )?error\b|undefined (reference|symbol)|\w*Error:", re.IGNORECASE)
_LINES_OF_CONTEXT = 2  # below a compiler's error: the source line and the caret


def translate(task: Task) -> tuple[Message, ...]:
    """Return the conversation that asks for a task's kernel.

    The constant text comes first, so that servers share its prefix between requests.
    """
    return (Message(role="user", content=_render("translate.jinja", task=task)),)


def repair(candidate: Candidate, verdict: Verdict) -> tuple[Message, ...]:
    """Return the conversation so far, without the answer's reasoning, and a report on what the judge found."""
    _, answer = split_reasoning(candidate.messages[-1].content)
    failed = [c for c in verdict.checks if not c.passed]
    report = _render(
        "repair.jinja",
        code=candidate.code,
        status=verdict.status,
        reason=verdict.reason,
        findings=[{"name": c.name, "text": essential_lines(c.detail or verdict.status)} for c in failed],
        passed=[c.name for c in verdict.checks if c.passed],
    )
    said = (answer or "").strip() or "(no answer)"  # servers refuse an assistant message without content
    return (*candidate.messages[:-1], Message(role="assistant", content=said), Message(role="user", content=report))


def essential_lines(text: str) -> str:
    """Return the lines of a report that matter: all of a short one; of a long one the errors, each once.

    At most ``MAX_REPORT_LINES`` lines of ``MAX_LINE`` characters.
    """
    lines = [line[:MAX_LINE].rstrip() for line in text.splitlines() if line.strip()]
    if len(lines) <= MAX_REPORT_LINES:
        return "\n".join(lines)
    kept: list[str] = []
    seen: set[str] = set()
    context = 0
    for line in lines:
        if _ERROR_LINE.search(line):
            context = 0 if line in seen else _LINES_OF_CONTEXT + 1
            seen.add(line)
        if context > 0:
            kept.append(line)
            context -= 1
    kept = kept or lines[-MAX_REPORT_LINES:]  # no line looks like an error: the end of a traceback says most
    return "\n".join(kept[:MAX_REPORT_LINES])


def _render(template: str, **values: object) -> str:
    return _environment().get_template(template).render(values).strip() + "\n"


@cache
def _environment() -> Environment:
    return Environment(  # noqa: S701  (the result is a prompt, not HTML)
        loader=FileSystemLoader(Path(__file__).parent / "prompts"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )

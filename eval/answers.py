"""What the evaluate stage keeps of an answer: its place, its verdict, and what the figures rest on."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import pyarrow as pa

from eval.figures import MEASURED, Row
from pipeline.agent.population import form
from pipeline.records import Candidate, Message, Task, Verdict
from pipeline.teachers.logprobs import Scored

SCORE_COLUMNS: dict[str, pa.DataType] = {"log_probability": pa.float64(), "scored_tokens": pa.int64()}


class Question(NamedTuple):
    """An answer that holds a module and waits for its verdict."""

    model: str
    task: Task
    candidate: Candidate
    code: str
    score: Scored


class Decision(NamedTuple):
    """What a row says about the verdict."""

    verdict_status: str
    reason: str | None
    detail: str | None
    accepted: bool
    speedup: float | None
    speedup_compile: float | None = None


DECISION_COLUMNS: dict[str, pa.DataType] = {
    "verdict_status": pa.string(),
    "reason": pa.string(),
    "detail": pa.string(),
    "accepted": pa.bool_(),
    "speedup": pa.float64(),
    "speedup_compile": pa.float64(),
}  # of an ``Decision`` in a table


def reasoning_tokens(candidate: Candidate) -> int | None:
    """Return the tokens of the trace: the answer's tokens by its model's count, in proportion to characters.

    None where the model's server gave no count.
    """
    if candidate.completion_tokens is None:
        return None
    reasoning, said = len(candidate.reasoning or ""), len(candidate.messages[-1].content)
    whole = said if candidate.messages[-1].reasoning is None else said + reasoning
    return round(candidate.completion_tokens * min(1.0, reasoning / whole)) if whole else 0


def figures_row(row: dict[str, Any], name: str, outputs: Sequence[int | None] | None) -> Row:
    """Return what the figures rest on, of a row of the stage, its task's name and the classes of its outputs."""
    measured = {field: row[field] for field in MEASURED if field not in ("form", "outputs")}
    measured["form"] = form(row["code"]) if row["code"] is not None else None
    measured["outputs"] = outputs
    return Row(row["model"], row["task_id"], row["category"], row["verdict_status"], name=name, **measured)


def finished_kernel(task: Task, sample: int, model: str, code: str | None) -> Candidate:
    """Return a kernel from a folder as an answer of which nothing else is known."""
    return Candidate(
        task_id=task.id,
        sample=sample,
        turn=0,
        teacher=model,
        messages=(Message(role="assistant", content=code or ""),),
        reasoning=None,
        code=code,
        status="empty" if code is None else "complete",
        finish_reason=None,
        prompt_tokens=None,
        completion_tokens=None,
    )


def decision_of(verdict: Verdict) -> Decision:
    """Return what a row says about a verdict."""
    timing = verdict.timing
    speedup = timing.speedup if timing else None
    over_compile = timing.compile_ms / timing.candidate_ms if timing and timing.compile_ms else None
    return Decision(verdict.status, verdict.reason, verdict.detail, verdict.accepted, speedup, over_compile)

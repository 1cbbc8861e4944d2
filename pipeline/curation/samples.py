"""From candidates to the rows of curate's table."""

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.agent.prompting import Prompts, translate
from pipeline.curation.examining import said
from pipeline.curation.features import Features
from pipeline.curation.first_pass import Judged
from pipeline.records import Message, Sample, Task
from pipeline.tables import to_row


def answer_message(answer: Mapping[str, Any]) -> Message:
    """Return a candidate's answer as the message that a model is trained on, as the teacher wrote it."""
    return Message(role="assistant", content=said(answer), reasoning=answer["reasoning"])


def edits_of(answer: Mapping[str, Any], prompt: Sequence[Message]) -> tuple[str, ...]:
    """Return what is changed when an answer is taught as one to this prompt."""
    asked = tuple(Message.model_validate(message) for message in answer["messages"][:-1])
    return () if asked == tuple(prompt) else ("prompt_of_first_turn",)


def sample_of(
    answer: Mapping[str, Any], task: Task, features: Features, verdict: Judged, prompts: Prompts
) -> Sample | None:
    """Return the candidate as a sample; None without code or verdict, when there is nothing to train on.

    The prompt is always the one that asks for a translation: a right answer of a later turn is taught as a first
    answer, and the sample says so in its edits.
    """
    if answer["code"] is None or verdict.verdict_id is None:
        return None
    prompt = translate(task, prompts)
    return Sample(
        **_figures(answer, task, features, verdict),
        prompt=prompt,
        completion=(answer_message(answer),),
        edits=edits_of(answer, prompt),
    )


def row_of(
    answer: Mapping[str, Any], task: Task, features: Features, verdict: Judged, prompts: Prompts
) -> dict[str, Any]:
    """Return the candidate as a row: that of its sample, or its figures alone where it makes none."""
    sample = sample_of(answer, task, features, verdict, prompts)
    return to_row(sample) if sample else _figures(answer, task, features, verdict)


def broken_row(answer: Mapping[str, Any], verdict: Judged) -> dict[str, Any]:
    """Return what is known of a row that can't take part."""
    return {"task_id": answer["task_id"], "candidate_id": answer["id"], "verdict_id": verdict.verdict_id}


def _figures(answer: Mapping[str, Any], task: Task, features: Features, verdict: Judged) -> dict[str, Any]:
    return {
        "task_id": task.id,
        "candidate_id": answer["id"],
        "verdict_id": verdict.verdict_id,
        "category": task.category,
        "reasoning_tokens": features.reasoning_tokens,
        "completion_tokens": features.completion_tokens,
        "speedup": verdict.speedup,
        "licence": task.licence,
    }

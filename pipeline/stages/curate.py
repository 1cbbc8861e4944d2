"""curate: decides which right answers become training samples.

Two passes over the candidates. The first keeps a few figures of each (``Features``), which the filters decide on;
the second reads the texts one by one and writes a row for each: a sample, or a rejected row with its reason.
"""

from typing import Any, NamedTuple

from pydantic import Field, field_validator

from pipeline.agent.prompting import translate
from pipeline.agent.reply import split_reasoning
from pipeline.curation import balance, correct, duplicates, shortest
from pipeline.curation.features import NOT_JUDGED, Features, count_tokens, normalised_code, text_hash
from pipeline.curation.figures import curation_figures
from pipeline.curation.funnel import FilterConfig, run_filters
from pipeline.records import Message, PreferencePair, Sample, Task, TurnSample, Verdict
from pipeline.section import Section
from pipeline.stages import StageContext
from pipeline.tables import from_row, schema_of, to_row

SCHEMA = schema_of(Sample)
FURTHER = {
    "preference": schema_of(PreferencePair),
    "multi_turn": schema_of(TurnSample),
    "reverified": schema_of(Verdict),
}


class CurateConfig(Section):
    """The filters, in the order in which they are applied; ``correct`` is always the first."""

    filters: tuple[FilterConfig, ...] = Field(
        default=(correct.Config(), duplicates.Config(), shortest.Config(), balance.Config()), min_length=1
    )

    @field_validator("filters")
    @classmethod
    def _begins_with_correct(cls, filters: tuple[FilterConfig, ...]) -> tuple[FilterConfig, ...]:
        if filters[0].kind != "correct":
            raise ValueError("the first filter must be {kind: correct}: nothing else keeps wrong answers out")
        return filters


class _Judged(NamedTuple):
    verdict_id: str | None
    accepted: bool
    status: str
    speedup: float | None


_WITHOUT_VERDICT = _Judged(None, accepted=False, status=NOT_JUDGED, speedup=None)


def run(context: StageContext) -> dict[str, Any]:
    """Write one row per candidate, kept or rejected; return the funnel and the figures of the curation."""
    config = context.recipe.curate or CurateConfig()
    tasks = {task.id: task for task in (from_row(Task, row) for row in context.read("tasks"))}
    verdicts = {row["candidate_id"]: _judged(row) for row in context.read("verify")}
    normalise = any(isinstance(f, duplicates.Config) and f.across_tasks == "normalised" for f in config.filters)
    features = {
        row["id"]: _features(
            row, tasks[row["task_id"]], verdicts.get(row["id"], _WITHOUT_VERDICT), normalise=normalise
        )
        for row in context.read("generate")
    }
    heldout = {key: "heldout_task" for key, row in features.items() if tasks[row.task_id].split != "train"}
    rows = [row for key, row in features.items() if key not in heldout]
    outcome = run_filters(rows, config.filters)
    dropped = outcome.reasons | heldout
    context.progress.start(len(features), len(context.store))
    for answer in context.read("generate"):
        key = answer["id"]
        if key not in context.store:
            row = _row(answer, tasks[answer["task_id"]], features[key], verdicts.get(key, _WITHOUT_VERDICT))
            _write(context, key, row, dropped.get(key))
    kept = [row.candidate_id for row in rows if row.candidate_id not in dropped]
    n_tasks = sum(1 for task in tasks.values() if task.split == "train")
    funnel = {"train_tasks": n_tasks, "candidates": len(rows), "filters": outcome.steps, "kept": len(kept)}
    return {"funnel": funnel, **curation_figures(rows, kept)}


def _write(context: StageContext, key: str, row: dict[str, Any], reason: str | None) -> None:
    if reason is None:
        context.store.append(key, row)
    else:
        context.store.reject(key, row, reason)
    context.progress.advance()


def _judged(verdict: dict[str, Any]) -> _Judged:
    timing = verdict["timing"]
    return _Judged(verdict["id"], verdict["accepted"], verdict["status"], timing["speedup"] if timing else None)


def _features(answer: dict[str, Any], task: Task, judged: _Judged, *, normalise: bool) -> Features:
    """Return what the filters see of a row of ``generate``; code is tokenized only where that is asked."""
    code, reasoning_tokens = answer["code"], count_tokens(answer["reasoning"])
    return Features(
        candidate_id=answer["id"],
        task_id=task.id,
        category=task.category,
        accepted=judged.accepted and code is not None,
        status=judged.status,
        turn=answer["turn"],
        reasoning_tokens=reasoning_tokens,
        completion_tokens=reasoning_tokens + count_tokens(_said(answer)),
        text_hash=text_hash(answer["reasoning"], code) if code is not None else None,
        code_hash=text_hash(code) if code is not None else None,
        normalised_code_hash=text_hash(normalised_code(code)) if code is not None and normalise else None,
        speedup=judged.speedup,
    )


def _said(answer: dict[str, Any]) -> str:
    """Return the answer proper, as the teacher wrote it, without a think block."""
    return (split_reasoning(answer["messages"][-1]["content"])[1] or "").strip()


def _row(answer: dict[str, Any], task: Task, features: Features, judged: _Judged) -> dict[str, Any]:
    """Return the candidate as a sample's row; without code or verdict there is no text to train on, only figures.

    The prompt is always the one that asks for a translation: a right answer of a later turn is taught as a first
    answer, and the sample says so in its edits.
    """
    figures = {
        "task_id": task.id,
        "candidate_id": answer["id"],
        "verdict_id": judged.verdict_id,
        "category": task.category,
        "reasoning_tokens": features.reasoning_tokens,
        "completion_tokens": features.completion_tokens,
        "speedup": judged.speedup,
        "licence": task.licence,
    }
    if answer["code"] is None or judged.verdict_id is None:
        return figures
    prompt = translate(task)
    asked = tuple(Message.model_validate(message) for message in answer["messages"][:-1])
    completion = (Message(role="assistant", content=_said(answer), reasoning=answer["reasoning"]),)
    edits = () if asked == prompt else ("prompt_of_first_turn",)
    return to_row(Sample(**figures, prompt=prompt, completion=completion, edits=edits))

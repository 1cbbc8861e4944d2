"""The rows of a published dataset: samples to train on, and every candidate with its verdict."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.agent.reply import parse
from pipeline.records import Check, Message, Sample, Task, Timing, Verdict
from pipeline.store import REJECTED, read_rows
from pipeline.tables import from_row, read_table, schema_of
from pipeline.teachers import Reply
from pipeline.training.chat import completion_text, conversation
from pipeline.training_samples import PreferencePair, TurnSample

OF_CURATE = {"preference": PreferencePair, "multi_turn": TurnSample}  # tables that curate may write beside its own
_ANSWERS = ("completion", "chosen", "rejected")  # columns of what a model should write


def _texts(*names: str) -> list[tuple[str, pa.DataType]]:
    return [(name, pa.string()) for name in names]


def further_schema(table: str) -> pa.Schema:
    """Return the columns of a table of ``OF_CURATE`` as it is published."""
    record = schema_of(OF_CURATE[table])
    own = [(field.name, _CHAT if field.name in ("prompt", *_ANSWERS) else field.type) for field in record]
    return pa.schema([*own, *(pair for pair in _TASK if pair[0] not in record.names)])


_CHAT = pa.list_(pa.struct(_texts("role", "content")))
_TASK = [*_texts("task", "category"), ("level", pa.int64()), *_texts("source", "licence", "reference")]
SAMPLE = pa.schema(
    [
        ("prompt", _CHAT),
        ("completion", _CHAT),
        *_TASK,
        *_texts("reasoning", "code"),
        ("reasoning_tokens", pa.int64()),
        ("completion_tokens", pa.int64()),
        ("speedup", pa.float64()),
        ("edits", pa.list_(pa.string())),
        *_texts("id", "task_id", "candidate_id", "verdict_id"),
    ]
)
CANDIDATE = pa.schema(
    [
        ("messages", pa.list_(pa.struct(schema_of(Message)))),
        *_TASK,
        *_texts("reasoning", "code"),
        ("sample", pa.int64()),
        ("turn", pa.int64()),
        ("parents", pa.list_(pa.string())),
        *_texts("teacher", "sampling", "finish_reason"),
        ("prompt_tokens", pa.int64()),
        ("completion_tokens", pa.int64()),
        ("accepted", pa.bool_()),
        *_texts("status", "reason", "detail"),
        ("checks", pa.list_(pa.struct(schema_of(Check)))),
        ("timing", pa.struct(schema_of(Timing))),
        ("speedup", pa.float64()),
        *_texts("backend", "device", "judge_version", "left_out", "id", "task_id", "verdict_id"),
    ]
)
_VERDICT = ("accepted", "status", "reason", "checks", "timing", "backend", "device", "judge_version")


def training_tasks(out: Path) -> dict[str, Task]:
    """Return the run's tasks by id, without the held-out ones, of which nothing is published."""
    tasks = (from_row(Task, row) for row in read_rows(out / "tasks"))
    return {task.id: task for task in tasks if task.split == "train"}


def samples(out: Path, tasks: Mapping[str, Task]) -> Iterator[dict[str, Any]]:
    """Yield what curate kept, one row of ``SAMPLE`` each, in the order of the table."""
    for row in read_rows(out / "curate"):
        sample = from_row(Sample, row)
        answer = sample.completion[0]
        yield {
            **sample.model_dump(include=set(SAMPLE.names)),
            **conversation(sample),
            **_of_task(tasks[sample.task_id]),
            "reasoning": answer.reasoning,
            "code": parse(Reply(answer.content, None, "stop", None, None)).code,
            "edits": list(sample.edits),
        }


def candidates(out: Path, tasks: Mapping[str, Task]) -> Iterator[dict[str, Any]]:
    """Yield every candidate for a training task, one row of ``CANDIDATE`` each, in the order of the table.

    Its verdict stands beside it, None where it has none; ``left_out`` is why curate did not keep it, None if it did.
    Memory holds the verdicts as an Arrow table, and no other text.
    """
    verdicts = _Verdicts(out)
    left_out = _left_out(out)
    for row in read_rows(out / "generate"):
        if (task := tasks.get(row["task_id"])) is not None:
            verdict = verdicts.get(row["id"])
            yield {
                **{name: row[name] for name in CANDIDATE.names if name in row and name != "status"},
                **_of_task(task),
                **dict.fromkeys(_VERDICT),
                **_of_verdict(verdict),
                "left_out": left_out.get(row["id"]),
            }


def further(out: Path, table: str, tasks: Mapping[str, Task]) -> Iterator[dict[str, Any]]:
    """Yield the rows of a table of ``OF_CURATE``, none if curate has not written it."""
    path = out / "curate" / f"{table}.parquet"
    for row in read_table(path) if path.exists() else ():
        record = from_row(OF_CURATE[table], row)
        texts: dict[str, Any] = {"prompt": [{"role": m.role, "content": m.content} for m in record.prompt]}
        for name in set(_ANSWERS) & set(row):
            messages: tuple[Message, ...] = getattr(record, name)
            texts[name] = [{"role": m.role, "content": completion_text(m)} for m in messages]
        yield {**row, **texts, **_of_task(tasks[record.task_id])}


def _of_task(task: Task) -> dict[str, Any]:
    return {"task": task.name, **task.model_dump(include={"category", "level", "source", "licence", "reference"})}


def _of_verdict(verdict: dict[str, Any] | None) -> dict[str, Any]:
    if verdict is None:
        return {"verdict_id": None, "detail": None, "speedup": None}
    failed = (check["detail"] for check in verdict["checks"] if not check["passed"])
    return {
        **{name: verdict[name] for name in _VERDICT},
        "verdict_id": verdict["id"],
        "detail": next(failed, None),
        "speedup": verdict["timing"]["speedup"] if verdict["timing"] else None,
    }


class _Verdicts:
    """Verdicts by candidate; the table stays as compact as Arrow has it."""

    def __init__(self, out: Path) -> None:
        columns = [name for name in schema_of(Verdict).names if name != "seeds"]
        self._table = pq.read_table(out / "verify" / "data.parquet", columns=columns).combine_chunks()
        self._places = {key: i for i, key in enumerate(self._table["candidate_id"].to_pylist())}

    def get(self, candidate_id: str) -> dict[str, Any] | None:
        place = self._places.get(candidate_id)
        return None if place is None else self._table.slice(place, 1).to_pylist()[0]


def _left_out(out: Path) -> dict[str, str]:
    table = pq.read_table(out / "curate" / f"{REJECTED}.parquet", columns=["candidate_id", "reason"])
    return dict(zip(table["candidate_id"].to_pylist(), table["reason"].to_pylist(), strict=True))

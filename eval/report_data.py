"""What a report shows, gathered from a run's directory: figures as they were written, and a few whole examples."""

import json
import platform
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

import pyarrow.parquet as pq

from pipeline.recipe import StageName
from pipeline.store import read_manifest, read_rows

STAGES: tuple[str, ...] = get_args(StageName)
MAX_TEXT = 20_000  # characters of one text of an example; a runaway answer must not become the page
TRAINED_MODEL = "student"


@dataclass(frozen=True)
class Example:
    """One answer beside the reference that it should replace."""

    title: str
    right: bool
    category: str
    reference: str
    reasoning: str | None
    code: str | None
    status: str
    reason: str | None
    detail: str | None


@dataclass
class Evaluated:
    """What a pass over the evaluation's rows finds: why answers of each model were wrong, and examples by model."""

    reasons: dict[str, Counter[str]] = field(default_factory=dict)
    right: dict[str, dict[str, Any]] = field(default_factory=dict)
    wrong: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def shown(self) -> str:
        """The model whose answers are examples: the student, else the first that has a right one."""
        if TRAINED_MODEL in self.reasons or not self.reasons:
            return TRAINED_MODEL
        return next(iter([*self.right, *self.reasons]))


def stage_json(out: Path, stage: str, name: str) -> dict[str, Any] | None:
    """Return a JSON file of a stage, None if it is not there."""
    try:
        return json.loads((out / stage / name).read_text())
    except FileNotFoundError:
        return None


def manifests(out: Path) -> dict[str, dict[str, Any]]:
    """Return the manifests of the stages that are complete, in the order of the stages."""
    found = {stage: read_manifest(out / stage) for stage in STAGES}
    return {stage: manifest for stage, manifest in found.items() if manifest is not None}


def verdict_reasons(out: Path) -> Counter[str]:
    """Return why the judge did not accept candidates, counted."""
    table = pq.read_table(out / "verify" / "data.parquet", columns=["status", "reason"])
    pairs = zip(table["status"].to_pylist(), table["reason"].to_pylist(), strict=True)
    return Counter(label(status, reason) for status, reason in pairs if status != "correct")


def label(status: str, reason: str | None) -> str:
    """Return a status and its reason in words."""
    words = status.replace("_", " ")
    return f"{words}: {reason.replace('_', ' ')}" if reason and reason != status else words


def evaluated(rows: Iterable[dict[str, Any]]) -> Evaluated:
    """Count the reasons of wrong answers per model, and pick each one's shortest right and shortest wrong answer.

    A wrong answer with code is preferred: there is more to see.
    """
    found = Evaluated()
    for row in rows:
        reasons = found.reasons.setdefault(row["model"], Counter())
        if not row["accepted"]:
            reasons[label(row["verdict_status"], row["reason"])] += 1
        kept = found.right if row["accepted"] else found.wrong
        kept[row["model"]] = _shorter(kept.get(row["model"]), row)
    return found


def examples(out: Path, found: Evaluated | None, tasks: Mapping[str, dict[str, Any]]) -> Iterator[Example]:
    """Yield a right and a wrong answer: those of ``found.shown``, or the teacher's where it has none such."""
    for right in (True, False):
        row = (found.right if right else found.wrong).get(found.shown) if found else None
        word = "right" if right else "wrong"
        if row is not None:
            verdict = {"status": row["verdict_status"], "reason": row["reason"], "detail": row["detail"]}
            who = "The student" if row["model"] == TRAINED_MODEL else row["model"]
            yield _example(tasks[row["task_id"]], f"{who}, {word}", row, verdict)
        elif picked := _teacher_answer(out, accepted=right):
            yield _example(tasks[picked[0]["task_id"]], f"The teacher, {word}", *picked)


def losses(out: Path) -> tuple[list[int], list[float]]:
    """Return the logged steps and their losses."""
    table = pq.read_table(out / "train" / "data.parquet", columns=["step", "loss"]).to_pydict()
    pairs = [(step, loss) for step, loss in zip(table["step"], table["loss"], strict=True) if loss is not None]
    return [step for step, _ in pairs], [loss for _, loss in pairs]


def machine() -> dict[str, str]:
    """Return what this machine is, in the words that a reader compares seconds by."""
    import psutil

    from pipeline.doctor import cpu_name, gpu_names
    from pipeline.machine import cores

    return {
        "processor": f"{cpu_name()}, {cores()} core{'s' if cores() != 1 else ''}",
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "GPU": ", ".join(gpu_names()) or "none",
        "system": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
    }


def _shorter(best: dict[str, Any] | None, row: dict[str, Any]) -> dict[str, Any]:
    def order(row: dict[str, Any]) -> tuple[bool, int, str]:
        return row["code"] is None, len(row["code"] or "") + len(row["reasoning"] or ""), row["id"]

    return row if best is None or order(row) < order(best) else best


def _teacher_answer(out: Path, *, accepted: bool) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Return the first candidate with code that was judged so, and its verdict."""
    if read_manifest(out / "verify") is None:
        return None
    for verdict in read_rows(out / "verify"):
        if verdict["accepted"] == accepted and verdict["status"] not in ("malformed", "unsupported"):
            filters = [("id", "==", verdict["candidate_id"])]
            rows = pq.read_table(out / "generate" / "data.parquet", filters=filters).to_pylist()
            failed = (check["detail"] for check in verdict["checks"] if not check["passed"])
            return rows[0], {**verdict, "detail": next(failed, None)}
    return None


def _example(task: dict[str, Any], title: str, answer: dict[str, Any], verdict: dict[str, Any]) -> Example:
    return Example(
        title=title,
        right=verdict["status"] == "correct",
        category=task["category"],
        reference=clip(task["reference"]) or "",
        reasoning=clip(answer["reasoning"]),
        code=clip(answer["code"] or answer["messages"][-1]["content"]),
        status=verdict["status"],
        reason=verdict["reason"],
        detail=clip(verdict["detail"]),
    )


def posed(out: Path) -> dict[str, dict[str, Any]]:
    """Return the tasks of the run and of its suite, by id, as far as their stages are sealed."""
    files = [(out / "tasks", "data"), (out / "evaluate", "suite")]
    tables = [read_rows(stage, table) for stage, table in files if (stage / f"{table}.parquet").exists()]
    return {row["id"]: row for rows in tables for row in rows}


def clip(text: str | None) -> str | None:
    """Return the text, its end replaced by a remark if it is longer than a page should hold."""
    if text is None or len(text) <= MAX_TEXT:
        return text
    return f"{text[:MAX_TEXT]}\n... ({len(text) - MAX_TEXT} more characters)"

"""publish: writes the dataset as a folder, ready for the Hub and for ``datasets.load_dataset``.

The folder is written beside its final place and renamed when it is whole; the same tables give the same bytes.
"""

import json
import math
import shutil
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field

from pipeline.agent.reply import parse
from pipeline.errors import UserError
from pipeline.publishing.card import card_text, front_matter
from pipeline.records import Sample, Task
from pipeline.section import Section
from pipeline.stages import StageContext
from pipeline.store import REJECTED, read_manifest
from pipeline.tables import from_row
from pipeline.teachers import Reply
from pipeline.training.chat import conversation

SCHEMA = pa.schema([(name, pa.string()) for name in ("id", "task_id", "candidate_id", "verdict_id", "file")])
_TEXTS = ("task", "category", "source", "licence", "reference", "reasoning", "code")
_CHAT = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
PUBLISHED = pa.schema(
    [
        ("prompt", _CHAT),
        ("completion", _CHAT),
        *((name, pa.string()) for name in _TEXTS),
        ("level", pa.int64()),
        ("reasoning_tokens", pa.int64()),
        ("completion_tokens", pa.int64()),
        ("speedup", pa.float64()),
        ("edits", pa.list_(pa.string())),
        *((name, pa.string()) for name in ("id", "task_id", "candidate_id", "verdict_id")),
    ]
)


class PublishConfig(Section):
    """How the dataset is presented. ``name`` is its repository on the Hub, ``owner/name``; nothing is uploaded."""

    name: str = Field(default="kernel-samples", pattern=r"^[\w.-]+(/[\w.-]+)?$")
    pretty_name: str = "CUDA kernels with reasoning"
    licence: str = "apache-2.0"
    language: str = "en"
    tags: tuple[str, ...] = ("cuda", "gpu-kernels", "pytorch", "code", "reasoning")
    rows_per_file: int = Field(default=100_000, ge=1)


def run(context: StageContext) -> dict[str, Any]:
    """Write ``publish/dataset`` and one row per published sample; return counts.

    Raises:
        UserError: curate kept nothing.
    """
    config = context.recipe.publish or PublishConfig()
    n_samples = (read_manifest(context.out / "curate") or {}).get("rows", 0)
    if n_samples == 0:
        raise UserError("publish: curate kept no sample, so there is nothing to publish; see the reasons with 'show'")
    final = context.store.directory / "dataset"
    partial = final.with_name("dataset.partial")
    shutil.rmtree(partial, ignore_errors=True)
    (partial / "data").mkdir(parents=True)
    tasks = {row["id"]: from_row(Task, row) for row in context.read("tasks")}
    counts: dict[str, Counter[str]] = {"category": Counter(), "licence": Counter()}
    verdict_ids: set[str] = set()
    for name, rows in _files(context, tasks, n_samples, config.rows_per_file):
        pq.write_table(pa.Table.from_pylist(rows, PUBLISHED), partial / "data" / name, compression="zstd")
        for row in rows:
            counts["category"][row["category"]] += 1
            counts["licence"][row["licence"] or "not stated"] += 1
            verdict_ids.add(row["verdict_id"])
            context.store.append(row["id"], {**{key: row[key] for key in SCHEMA.names[:-1]}, "file": name})
    (partial / "README.md").write_text(_readme(context, config, n_samples, counts, verdict_ids))
    shutil.rmtree(final, ignore_errors=True)
    partial.rename(final)
    context.progress.say(f"{final} holds {n_samples} samples; datasets.load_dataset opens it")
    return {"samples": n_samples, "by_category": dict(counts["category"]), "licences": dict(counts["licence"])}


def _files(
    context: StageContext, tasks: dict[str, Task], n_samples: int, rows_per_file: int
) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yield the data files' names and rows, in the Hub's naming."""
    rows = (_published(from_row(Sample, row), tasks[row["task_id"]]) for row in context.read("curate"))
    n_files = math.ceil(n_samples / rows_per_file)
    for index in range(n_files):
        yield f"train-{index:05d}-of-{n_files:05d}.parquet", list(islice(rows, rows_per_file))


def _published(sample: Sample, task: Task) -> dict[str, Any]:
    answer = sample.completion[0]
    return {
        **sample.model_dump(include=set(PUBLISHED.names)),
        **conversation(sample),
        "task": task.name,
        "source": task.source,
        "level": task.level,
        "reference": task.reference,
        "reasoning": answer.reasoning,
        "code": parse(Reply(answer.content, None, "stop", None, None)).code,
        "edits": list(sample.edits),
    }


def _readme(
    context: StageContext,
    config: PublishConfig,
    n_samples: int,
    counts: dict[str, Counter[str]],
    verdict_ids: set[str],
) -> str:
    matter = front_matter(
        schema=PUBLISHED,
        n_samples=n_samples,
        pretty_name=config.pretty_name,
        licence=config.licence,
        language=config.language,
        tags=config.tags,
    )
    reasons = Counter(row["reason"] for row in context.read("curate", REJECTED))
    facts = {
        "recipe": context.recipe.name,
        "seed": context.recipe.seed,
        "policy": context.recipe.judge.policy,
        "pretty_name": config.pretty_name,
        "repository": config.name,
        "licence": config.licence,
        "n_samples": n_samples,
        "funnel": _json(context.out / "curate" / "stats.json")["funnel"],
        "reasons": reasons.most_common(),
        "categories": sorted(counts["category"].items()),
        "licences": sorted(counts["licence"].items()),
        "teacher_kind": context.recipe.generate.teacher.kind if context.recipe.generate else None,
        "teachers": _distinct(context.out / "generate" / "data.parquet", "teacher"),
        **_judging(context, verdict_ids),
    }
    results = context.out / "evaluate" / "results.json"
    return f"---\n{matter}\n---\n\n{card_text(facts, _json(results) if results.exists() else None)}"


def _judging(context: StageContext, verdict_ids: set[str]) -> dict[str, Any]:
    """Return what the judge was that accepted the published samples."""
    seen: dict[str, set[str]] = {"backend": set(), "judge_version": set(), "sandbox": set(), "device": set()}
    timed = 0
    for row in context.read("verify"):
        if row["id"] in verdict_ids:
            for column, values in seen.items():
                values.add(row[column] or "none")
            timed += row["timing"] is not None
    return {
        "backends": sorted(seen["backend"]),
        "judge_versions": sorted(seen["judge_version"]),
        "sandboxes": sorted(seen["sandbox"]),
        "devices": sorted(seen["device"]),
        "speed_measured": timed,
    }


def _distinct(path: Path, column: str) -> list[str]:
    return sorted(set(pq.read_table(path, columns=[column])[column].to_pylist()))


def _json(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text())

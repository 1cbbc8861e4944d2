"""Drops tasks that are too much like one that models are evaluated on."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from pipeline.curation.features import Features
from pipeline.curation.similarity import Corpus, Form, Nearest, nearest, normal_form
from pipeline.errors import UserError
from pipeline.records import Task
from pipeline.section import Section
from pipeline.tables import read_table

NEAREST_PAIRS = 20


class Config(Section):
    """``max_similarity``: of a training task to any evaluation task (CUDA Agent: 0.9); see ``similarity``.

    Compared are the run's own held-out tasks, unless ``heldout`` is false, and ``suites``: folders of KernelBench
    modules (``*.py``, at any depth) or Parquet files with columns ``code`` and ``name``, as KernelBench's own.
    """

    kind: Literal["decontaminated"] = "decontaminated"
    max_similarity: float = Field(default=0.9, ge=0, le=1)
    heldout: bool = True
    suites: tuple[Path, ...] = ()

    def local_files(self) -> dict[str, list[Path]]:
        """Return the suites' modules and tables."""
        return {"suites": [file for path in self.suites for file in (path, *path.rglob("*.py"))]}


def examine_tasks(tasks: Sequence[Task], config: Config) -> dict[str, Nearest]:
    """Return the nearest evaluation task of each training task, by id; none where nothing is compared.

    Raises:
        UserError: a suite holds no module.
    """
    suite: dict[str, Form] = {}
    for path in config.suites:
        members = {f"{path.name}/{name}": form for name, code in _modules(path) if (form := _form(code))}
        if not members:
            raise UserError(f"curate: suite {path}: no *.py in it, and no Parquet file with columns code and name")
        suite |= members
    if config.heldout:
        heldout = (task for task in tasks if task.split == "heldout")
        suite |= {f"heldout/{task.name}": form for task in heldout if (form := _form(task.reference))}
    corpus = Corpus(suite)
    found: dict[str, Nearest] = {}
    for task in tasks:
        form = _form(task.reference) if task.split == "train" else None
        if form is not None and (closest := nearest(form, corpus)) is not None:
            found[task.id] = closest
    return found


def apply(rows: Sequence[Features], config: Config) -> dict[str, str]:
    """Drop the answers to tasks that are more similar to an evaluation task than allowed."""
    return {
        row.candidate_id: "contaminated"
        for row in rows
        if (closest := row.found.get(config.kind)) and closest.similarity > config.max_similarity
    }


def report(tasks: Mapping[str, Task], found: Mapping[str, Nearest], config: Config) -> dict[str, Any]:
    """Return how many training tasks were compared and dropped, a histogram of tenths, and the nearest pairs."""
    ordered = sorted(found.items(), key=lambda item: (-item[1].similarity, tasks[item[0]].name, item[0]))
    bins = [0] * 10
    for closest in found.values():
        bins[min(9, int(closest.similarity * 10))] += 1
    return {
        "compared": len(found),
        "max_similarity": config.max_similarity,
        "dropped": sum(closest.similarity > config.max_similarity for closest in found.values()),
        "histogram": bins,
        "nearest": [
            {
                "task": tasks[task].name,
                "task_id": task,
                "evaluation_task": closest.name,
                "similarity": round(closest.similarity, 4),
            }
            for task, closest in ordered[:NEAREST_PAIRS]
        ],
    }


def _form(code: str) -> Form | None:
    try:
        return normal_form(code)
    except SyntaxError:
        return None


def _modules(path: Path) -> Iterator[tuple[str, str]]:
    if path.is_dir():
        for file in sorted(path.rglob("*.py")):
            yield str(file.relative_to(path).with_suffix("")), file.read_text(errors="replace")
    elif path.suffix == ".parquet" and path.is_file():
        for row in read_table(path):
            if isinstance(row.get("code"), str):
                yield str(row.get("name")), row["code"]

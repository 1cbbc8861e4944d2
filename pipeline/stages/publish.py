"""publish: writes the dataset, and the model if the recipe says so, as folders ready for the Hub.

Each folder is written beside its final place and renamed when it is whole; the same tables give the same bytes. What
sends a folder to the Hub is ``pipeline.publishing.sending``, and no stage.
"""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipeline.errors import UserError
from pipeline.publishing.config import PublishConfig
from pipeline.publishing.dataset import write_dataset
from pipeline.publishing.model import write_model
from pipeline.stages import StageContext
from pipeline.store import read_manifest

__all__ = ["SCHEMA", "PublishConfig", "run"]

DATASET, MODEL = "dataset", "model"
SCHEMA = pa.schema([("file", pa.string()), ("bytes", pa.int64()), ("sha256", pa.string())])


def run(context: StageContext) -> dict[str, Any]:
    """Write ``publish/dataset``, ``publish/model`` or both, and one row per file of them; return counts.

    A recipe without a section ``curate`` has no dataset; one without ``publish.model`` has no model.

    Raises:
        UserError: curate kept nothing, or there is no model to publish (see also ``write_model``).
    """
    config, recipe = context.recipe.publish or PublishConfig(), context.recipe
    facts = {
        "recipe": recipe.name,
        "seed": recipe.seed,
        "policy": recipe.judge.policy,
        "teacher_kind": recipe.generate.teacher.kind if recipe.generate else None,
    }
    path = context.out / "evaluate" / "results.json"
    results = json.loads(path.read_text()) if recipe.evaluate is not None and path.exists() else None
    counts: dict[str, Any] = {}
    if recipe.curate is not None or config.model is None:
        counts = _dataset(context, config, facts, results)
    if config.model is not None:
        if recipe.train is None:
            raise UserError("publish.model: the recipe has no section 'train'")
        partial = _begin(context, MODEL)
        write_model(partial, context.out, config.model, recipe.train, config.to, facts, results)
        _finish(context, partial, MODEL)
        context.progress.say(f"{context.store.directory / MODEL} holds the student and its card")
    return counts


def _dataset(
    context: StageContext, config: PublishConfig, facts: dict[str, Any], results: dict[str, Any] | None
) -> dict[str, Any]:
    if (read_manifest(context.out / "curate") or {}).get("rows", 0) == 0:
        raise UserError("publish: curate kept no sample, so there is nothing to publish; see the reasons with 'show'")
    partial = _begin(context, DATASET)
    figures = write_dataset(partial, context.out, config, facts, results)
    _finish(context, partial, DATASET)
    folder = context.store.directory / DATASET
    context.progress.say(f"{folder} holds {figures['samples']} samples; datasets.load_dataset opens it")
    return {"samples": figures["samples"], "tables": figures["tables"], "licences": figures["licences"]}


def _begin(context: StageContext, name: str) -> Path:
    """Return an empty folder that nobody takes for a finished one."""
    partial = context.store.directory / f"{name}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    return partial


def _finish(context: StageContext, partial: Path, name: str) -> None:
    final = context.store.directory / name
    for path in sorted(p for p in partial.rglob("*") if p.is_file()):
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        key = f"{name}/{path.relative_to(partial).as_posix()}"
        context.store.append(key, {"file": key, "bytes": path.stat().st_size, "sha256": digest})
    shutil.rmtree(final, ignore_errors=True)
    partial.rename(final)

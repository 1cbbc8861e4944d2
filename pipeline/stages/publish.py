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
    """Write ``publish/dataset``, ``publish/model`` and one row per file of them; return counts.

    Raises:
        UserError: curate kept nothing, or there is no model to publish (see also ``write_model``).
    """
    config, recipe, out = context.recipe.publish or PublishConfig(), context.recipe, context.out
    if (read_manifest(out / "curate") or {}).get("rows", 0) == 0:
        raise UserError("publish: curate kept no sample, so there is nothing to publish; see the reasons with 'show'")
    facts = {
        "recipe": recipe.name,
        "seed": recipe.seed,
        "policy": recipe.judge.policy,
        "teacher_kind": recipe.generate.teacher.kind if recipe.generate else None,
    }
    partial = _begin(context, DATASET)
    results = _evaluation(out)
    figures = write_dataset(partial, out, config, facts, results)
    _finish(context, partial, DATASET)
    context.progress.say(
        f"{context.store.directory / DATASET} holds {figures['samples']} samples; datasets.load_dataset opens it"
    )
    if config.model is not None:
        if recipe.train is None or read_manifest(out / "train") is None:
            raise UserError("publish.model: no model has been trained; the recipe needs a section 'train'")
        partial = _begin(context, MODEL)
        write_model(partial, out, config.model, recipe.train, config.to, facts, results)
        _finish(context, partial, MODEL)
        context.progress.say(f"{context.store.directory / MODEL} holds the student and its card")
    return {"samples": figures["samples"], "tables": figures["tables"], "licences": figures["licences"]}


def _evaluation(out: Path) -> dict[str, Any] | None:
    path = out / "evaluate" / "results.json"
    return json.loads(path.read_text()) if path.exists() else None


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

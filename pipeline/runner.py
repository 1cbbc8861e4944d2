"""Runs stages in order: skips what is complete, redoes what a changed recipe has made outdated, resumes the rest."""

import importlib.metadata
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipeline.checks import check_stages, check_tasks, module_of
from pipeline.disk import disk_full_is_the_users
from pipeline.errors import UserError
from pipeline.inputs import changed, expected_inputs, inputs_of
from pipeline.order import ORDER, wanted_stages
from pipeline.progress import StageProgress
from pipeline.recipe import Recipe, StageName
from pipeline.stages import StageContext
from pipeline.store import StageStore, read_manifest, refuse_if_at_work, set_aside

LIBRARIES = ("torch", "transformers", "trl", "tokenizers", "pyarrow")


def run_stages(recipe: Recipe, out: Path, last: StageName) -> None:
    """Run a stage and, first, the stages it needs that are not complete.

    Raises:
        UserError: the recipe lacks a section or asks for what can't be, the disk is full, ... (see the stages).
    """
    wanted = wanted_stages(recipe, last)
    check_stages(recipe, owed(recipe, out, wanted))
    for stage in wanted:
        run_stage(recipe, out, stage)
        if stage == "tasks":
            check_tasks(recipe, out, wanted)


def owed(recipe: Recipe, out: Path, wanted: Sequence[StageName]) -> Sequence[StageName]:
    """Return the first of these stages that is not complete, and all after it; nothing is changed."""
    states = [stage_state(recipe, out, stage) for stage in wanted]
    first = next((n for n, state in enumerate(states) if not state.startswith("complete")), len(wanted))
    return wanted[first:]


def refuse_incomplete(recipe: Recipe, out: Path, last: StageName) -> None:
    """Do nothing if all that a stage reads is complete.

    Raises:
        UserError: a stage before it is not; the message names the first.
    """
    for stage in wanted_stages(recipe, last)[:-1]:
        if not (state := stage_state(recipe, out, stage)).startswith("complete"):
            raise UserError(f"{last}: stage {stage} in {out} is {state}; run it first, a dry run does not")


def stage_state(recipe: Recipe, out: Path, stage: StageName) -> str:
    """Return in a few words what a run would do with a stage; nothing is changed."""
    before, inputs = inputs_of(out / stage), expected_inputs(recipe, out, stage)
    if before is None:
        return "to be run"
    if before != inputs:
        return f"to be redone, because {changed(before, inputs)} changed"
    manifest = read_manifest(out / stage)
    return f"complete: {_counts(manifest)}" if manifest else "to be continued"


def run_stage(recipe: Recipe, out: Path, stage: StageName) -> None:
    """Run one stage whose needs are complete, if it is not complete itself; raises as ``run_stages`` does."""
    directory = out / stage
    inputs = expected_inputs(recipe, out, stage)
    with StageProgress(stage) as progress:
        before = inputs_of(directory)
        if before is not None and before != inputs:
            for other in ORDER:  # they read this stage's tables
                refuse_if_at_work(out / other)
            target = set_aside(directory)
            progress.say(f"redone, because {changed(before, inputs)} changed; the old one is in {target}")
        elif manifest := read_manifest(directory):
            progress.say(f"complete: {_counts(manifest)}")
            return
        module = module_of(stage)
        with StageStore(directory, module.SCHEMA, inputs, getattr(module, "FURTHER", None)) as store:
            if len(store):
                progress.say(f"continues with {len(store)} rows of an earlier run")
            with disk_full_is_the_users(directory, recipe.judge.cache.expanduser(), Path(tempfile.gettempdir())):
                stats = module.run(StageContext(recipe, out, store, progress))
            progress.stop()
            manifest = store.seal(stats, {name: importlib.metadata.version(name) for name in LIBRARIES})
        progress.say(f"{_counts(manifest)}, {manifest['seconds']:.0f} s")


def _counts(manifest: dict[str, Any]) -> str:
    reasons = ", ".join(f"{count} {reason}" for reason, count in list(manifest["reasons"].items())[:4])
    rejected = f", {manifest['rejected']} rejected ({reasons})" if manifest["rejected"] else ""
    return f"{manifest['rows']} rows{rejected}"

"""Runs stages in order: skips what is complete, redoes what a changed recipe has made outdated, resumes the rest."""

import importlib
import importlib.metadata
import json
import tempfile
from pathlib import Path
from typing import Any, get_args

from eval.config import EvaluateConfig
from eval.suite import HELDOUT
from pipeline.disk import disk_full_is_the_users
from pipeline.errors import UserError
from pipeline.progress import StageProgress
from pipeline.recipe import Recipe, StageName
from pipeline.section import identity
from pipeline.stages import StageContext
from pipeline.store import StageStore, read_manifest, set_aside

ORDER: tuple[StageName, ...] = get_args(StageName)
NEEDS: dict[StageName, tuple[StageName, ...]] = {
    "tasks": (),
    "generate": ("tasks",),
    "verify": ("tasks", "generate"),
    "curate": ("tasks", "generate", "verify"),
    "train": ("curate",),
    "evaluate": ("tasks", "train"),
    "publish": ("tasks", "generate", "verify", "curate"),
}
GRPO_NEEDS: tuple[StageName, ...] = ("tasks",)  # it learns from the judge, not from samples
# generate asks the judge too, but answers once paid for are not set aside because the judge has changed: verify
# judges them again anyway.
JUDGED: tuple[StageName, ...] = ("tasks", "verify", "evaluate")
LIBRARIES = ("torch", "transformers", "trl", "tokenizers", "pyarrow")


def run_stages(recipe: Recipe, out: Path, last: StageName) -> None:
    """Run a stage and, first, the stages it needs that are not complete.

    Raises:
        UserError: the recipe lacks a section, the disk is full, ... (see the stages).
    """
    for stage in wanted_stages(recipe, last):
        run_stage(recipe, out, stage)


def wanted_stages(recipe: Recipe, last: StageName) -> list[StageName]:
    """Return a stage and those that it needs, in their order.

    Raises:
        UserError: the recipe lacks the section of one of them: better said before hours of work than after.
    """
    wanted = _with_needs(recipe, last)
    for stage in wanted:
        _section(recipe, stage)
    return wanted


def stage_state(recipe: Recipe, out: Path, stage: StageName) -> str:
    """Return in a few words what a run would do with a stage; nothing is changed."""
    before, inputs = _inputs_of(out / stage), expected_inputs(recipe, out, stage)
    if before is None:
        return "to be run"
    if before != inputs:
        return f"to be redone, because {_changed(before, inputs)} changed"
    manifest = read_manifest(out / stage)
    return f"complete: {_counts(manifest)}" if manifest else "to be continued"


def last_stage(recipe: Recipe) -> StageName:
    """Return the last stage that a recipe has a section for; what is generated is judged without a section."""
    sections = {"verify": "generate"}
    present: list[StageName] = [s for s in ORDER if getattr(recipe, sections.get(s, s)) is not None]
    return present[-1]


def needs(recipe: Recipe, stage: StageName) -> tuple[StageName, ...]:
    """Return the stages whose tables a stage reads."""
    if stage == "publish":
        return _needs_of_publish(recipe)
    if stage == "evaluate" and recipe.evaluate is not None:
        return _needs_of_evaluate(recipe.evaluate)
    return GRPO_NEEDS if stage == "train" and _learns_from_the_judge(recipe) else NEEDS[stage]


def _needs_of_publish(recipe: Recipe) -> tuple[StageName, ...]:
    """Return what goes into the dataset, unless only a model is published, into the model, and into their cards."""
    needed: list[StageName] = list(NEEDS["publish"])
    if recipe.publish is not None and recipe.publish.model is not None:
        needed = [*(needed if recipe.curate is not None else ()), "train"]
    return (*needed, "evaluate") if recipe.evaluate is not None else tuple(needed)


def _needs_of_evaluate(config: EvaluateConfig) -> tuple[StageName, ...]:
    """Return nothing for others' models on a suite: neither tasks nor a student are made for that."""
    tasks: tuple[StageName, ...] = ("tasks",) if config.suite == HELDOUT else ()
    return (*tasks, "train") if config.trained else tasks


def _learns_from_the_judge(recipe: Recipe) -> bool:
    return recipe.train is not None and recipe.train.method == "grpo"


def _with_needs(recipe: Recipe, stage: StageName) -> list[StageName]:
    wanted: set[StageName] = {stage}
    for name in reversed(ORDER):
        if name in wanted:
            wanted.update(needs(recipe, name))
    return [name for name in ORDER if name in wanted]


def _section(recipe: Recipe, stage: StageName) -> Any:
    section = recipe.judge if stage == "verify" else getattr(recipe, stage)
    if section is None:
        raise UserError(f"recipe {recipe.name}: section {stage!r} is missing")
    return section


def expected_inputs(recipe: Recipe, out: Path, stage: StageName) -> dict[str, Any]:
    """Return all that the stage's tables depend on: its section, the seed, what it reads, and its judge."""
    from pipeline.judge.version import judge_version

    inputs: dict[str, Any] = {"seed": recipe.seed, stage: identity(_section(recipe, stage))}
    if stage in JUDGED or (stage == "train" and _learns_from_the_judge(recipe)):
        inputs["judge"] = identity(recipe.judge)
        inputs["judge_version"] = judge_version()
    if stage == "evaluate" and recipe.evaluate is not None and recipe.evaluate.suite != HELDOUT:
        suite = recipe.evaluate.resolved()[1]
        inputs["suite"] = suite.model_dump(mode="json") if suite else None
    if stage in ("train", "evaluate") and recipe.generate is not None and any(recipe.generate.asked):
        inputs["asked with"] = recipe.generate.asked._asdict()
    for needed in needs(recipe, stage):
        inputs[f"output of {needed}"] = (read_manifest(out / needed) or {}).get("output")
    return json.loads(json.dumps(inputs))


def run_stage(recipe: Recipe, out: Path, stage: StageName) -> None:
    """Run one stage whose needs are complete, if it is not complete itself; raises as ``run_stages`` does."""
    directory = out / stage
    inputs = expected_inputs(recipe, out, stage)
    with StageProgress(stage) as progress:
        before = _inputs_of(directory)
        if before is not None and before != inputs:
            target = set_aside(directory)
            progress.say(f"redone, because {_changed(before, inputs)} changed; the old one is in {target}")
        elif manifest := read_manifest(directory):
            progress.say(f"complete: {_counts(manifest)}")
            return
        module = importlib.import_module(f"pipeline.stages.{stage}")
        with StageStore(directory, module.SCHEMA, inputs, getattr(module, "FURTHER", None)) as store:
            if len(store):
                progress.say(f"continues with {len(store)} rows of an earlier run")
            with disk_full_is_the_users(directory, recipe.judge.cache.expanduser(), Path(tempfile.gettempdir())):
                stats = module.run(StageContext(recipe, out, store, progress))
            progress.stop()
            manifest = store.seal(stats, {name: importlib.metadata.version(name) for name in LIBRARIES})
        progress.say(f"{_counts(manifest)}, {manifest['seconds']:.0f} s")


def _inputs_of(directory: Path) -> dict[str, Any] | None:
    try:
        return json.loads((directory / "inputs.json").read_text())
    except (FileNotFoundError, NotADirectoryError):
        return None


def _changed(before: Any, now: Any, path: str = "") -> str:
    """Return the dotted names of the values that differ."""
    if isinstance(before, dict) and isinstance(now, dict):
        keys = sorted(before.keys() | now.keys())
        names = [_changed(before.get(k), now.get(k), f"{path}.{k}") for k in keys if before.get(k) != now.get(k)]
        return ", ".join(names)
    return f"{path.lstrip('.')} ({before} -> {now})" if len(f"{before}{now}") < 80 else path.lstrip(".")


def _counts(manifest: dict[str, Any]) -> str:
    reasons = ", ".join(f"{count} {reason}" for reason, count in list(manifest["reasons"].items())[:4])
    rejected = f", {manifest['rejected']} rejected ({reasons})" if manifest["rejected"] else ""
    return f"{manifest['rows']} rows{rejected}"

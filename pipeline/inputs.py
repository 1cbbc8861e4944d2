"""What a stage's tables depend on: kept beside them, and compared with what it would be now."""

import json
from pathlib import Path
from typing import Any

from eval.suite import HELDOUT
from pipeline.order import learns_from_the_judge, needs, section_of
from pipeline.recipe import Recipe, StageName
from pipeline.section import contents, identity
from pipeline.store import read_manifest

# generate asks the judge too, but answers once paid for are not set aside because the judge has changed: verify
# judges them again anyway.
JUDGED: tuple[StageName, ...] = ("tasks", "verify", "evaluate")
FILES = "files"


def expected_inputs(recipe: Recipe, out: Path, stage: StageName) -> dict[str, Any]:
    """Return all that the stage's tables depend on: its section, the seed, what it reads, and its judge.

    Of files that the section names what they hold counts. Where an earlier run read files that are not there any
    more, what it noted about them still stands: a run can go on without them, on another machine for example.
    """
    from pipeline.judge.version import judge_version

    inputs: dict[str, Any] = {"seed": recipe.seed, stage: identity(section_of(recipe, stage))}
    if stage in JUDGED or (stage == "train" and learns_from_the_judge(recipe)):
        inputs["judge"] = identity(recipe.judge)
        inputs["judge_version"] = judge_version()
    if stage == "evaluate" and recipe.evaluate is not None and recipe.evaluate.suite != HELDOUT:
        suite = recipe.evaluate.resolved()[1]
        inputs["suite"] = suite.model_dump(mode="json") if suite else None
    if stage in ("train", "evaluate") and recipe.generate is not None and any(recipe.generate.asked):
        inputs["asked with"] = recipe.generate.asked._asdict()
    for needed in needs(recipe, stage):
        inputs[f"output of {needed}"] = (read_manifest(out / needed) or {}).get("output")
    before = (inputs_of(out / stage) or {}).get(FILES, {})
    held = {key: now or before.get(key) for key, now in contents(section_of(recipe, stage), stage).items()}
    if held := {key: value for key, value in held.items() if value is not None}:
        inputs[FILES] = held
    return json.loads(json.dumps(inputs))


def inputs_of(directory: Path) -> dict[str, Any] | None:
    """Return what a stage's rows depend on, None if it was never begun."""
    try:
        return json.loads((directory / "inputs.json").read_text())
    except (FileNotFoundError, NotADirectoryError):
        return None


def changed(before: Any, now: Any, path: str = "") -> str:
    """Return the dotted names of the values that differ."""
    if path == f".{FILES}":
        before, now = before or {}, now or {}
        return ", ".join(f"what is in {k}" for k in sorted(before.keys() | now.keys()) if before.get(k) != now.get(k))
    if isinstance(before, dict) and isinstance(now, dict):
        keys = sorted(before.keys() | now.keys())
        names = [changed(before.get(k), now.get(k), f"{path}.{k}") for k in keys if before.get(k) != now.get(k)]
        return ", ".join(names)
    return f"{path.lstrip('.')} ({before} -> {now})" if len(f"{before}{now}") < 80 else path.lstrip(".")

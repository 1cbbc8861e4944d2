"""Expert iteration: the student of one round is the teacher of the next, and each round is measured.

Anthony et al. (arXiv 1705.08439) and STaR (arXiv 2203.14465), with the judge as the filter. A round is a whole run
in ``DIR/round_N``; the rounds' tables and models stay, and a round that is complete is not run again.
"""

import json
import os
import shutil
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from pipeline.errors import UserError
from pipeline.section import Section
from pipeline.store import read_manifest, write_json
from pipeline.teachers import transformers

SUMMARY = "rounds.json"


class IterateConfig(Section):
    """How many rounds, and how a student answers as the teacher of the next one.

    ``start``: from which model a round trains; ``student`` goes on with the last one, ``base`` begins anew from
    ``train.model``. ``samples_per_task`` is that of the rounds after the first, None for ``generate``'s.
    """

    rounds: int = Field(default=3, ge=2, le=99)
    start: Literal["student", "base"] = "student"
    temperature: float = Field(default=0.8, gt=0)
    top_p: float = Field(default=1.0, gt=0, le=1)
    max_new_tokens: int = Field(default=4096, ge=1)
    batch_size: int = Field(default=64, ge=1)
    samples_per_task: int | None = Field(default=None, ge=1)


def iterate(recipe: Any, out: Path) -> list[dict[str, Any]]:
    """Run the rounds and write ``rounds.json``; return one row per round, with the model before it as round 0.

    Raises:
        UserError: the recipe lacks a section or a model that a round needs.
    """
    from pipeline.runner import run_stages

    config = recipe.iterate
    if config is None:
        raise UserError(f"recipe {recipe.name}: section 'iterate' is missing")
    for section in ("generate", "train", "evaluate"):
        if getattr(recipe, section) is None:
            raise UserError(f"recipe {recipe.name}: section {section!r} is missing, each round needs it")
    if lacking := {"untrained", "student"} - set(recipe.evaluate.trained):
        raise UserError(f"evaluate.trained: lacks {min(lacking)!r}; a round is measured against the model before it")
    if recipe.train.method != "sft":
        raise UserError("train.method: the rounds of iterate train with sft, on what the judge accepted")
    rows: list[dict[str, Any]] = []
    for number in range(1, config.rounds + 1):
        folder = out / f"round_{number}"
        if number > 1:
            _share_tasks(out / "round_1", folder)
        run_stages(round_recipe(recipe, number, out), folder, "evaluate")
        rows = [*rows, *_figures(folder, number)]
        write_json(out / SUMMARY, rows)
    return rows


def round_recipe(recipe: Any, number: int, out: Path) -> Any:
    """Return the recipe of one round: the first is the recipe's own."""
    if number == 1:
        return recipe
    config: IterateConfig = recipe.iterate
    student = str(out / f"round_{number - 1}" / "train" / "student")
    teacher = transformers.Config(
        kind="transformers",
        model=student,
        temperature=config.temperature,
        top_p=config.top_p,
        max_new_tokens=config.max_new_tokens,
        batch_size=config.batch_size,
    )
    samples = config.samples_per_task or recipe.generate.samples_per_task
    generate = recipe.generate.model_copy(update={"teacher": teacher, "samples_per_task": samples})
    train = recipe.train
    if config.start == "student":
        from pipeline.training.config import HubModel

        train = train.model_copy(update={"model": HubModel(kind="hub", name=student)})
    return recipe.model_copy(update={"generate": generate, "train": train})


def _share_tasks(first: Path, folder: Path) -> None:
    """Give a round the tasks of the first one: they are the same, and probing them takes time."""
    if read_manifest(folder / "tasks") is None:
        shutil.rmtree(folder / "tasks", ignore_errors=True)
        partial = folder / "tasks.partial"
        shutil.rmtree(partial, ignore_errors=True)
        shutil.copytree(first / "tasks", partial)
        os.replace(partial, folder / "tasks")  # noqa: PTH105


def _figures(folder: Path, number: int) -> list[dict[str, Any]]:
    """Return a round's row; before the first one's, that of the model before all training."""
    results = json.loads((folder / "evaluate" / "results.json").read_text())["models"]
    verify = json.loads((folder / "verify" / "stats.json").read_text())
    curated = read_manifest(folder / "curate") or {}
    before = {"round": 0, "pass_at_k": results["untrained"]["pass_at_k"]}
    row = {
        "round": number,
        "pass_at_k": results["student"]["pass_at_k"],
        "candidates": verify["candidates"],
        "accepted": verify["by_status"].get("correct", 0),
        "samples": curated.get("rows"),
    }
    return [before, row] if number == 1 else [row]

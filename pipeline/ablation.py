"""ConCuR's ablation (arXiv 2510.07356): what does choosing the training samples one way or another make of a student?

On the sealed tables of any run, whatever made them: each arm curates the same verified answers, trains a student of
its own in ``DIR/ARM``, and all students answer the same held-out tasks in ``DIR/evaluate``. What is complete is not
done again.
"""

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from pydantic import Field

from pipeline.curation import balance, mixture, per_task, select, shortest
from pipeline.curation.unmeasured import WhenUnmeasured
from pipeline.errors import UserError
from pipeline.section import Section
from pipeline.store import read_manifest, write_json

SUMMARY = "ablation.json"
SHARED = ("tasks", "generate", "verify")
CHOOSING = (select.Config, shortest.Config, per_task.Config, balance.Config, mixture.Config)


class AblateConfig(Section):
    """Which arms, on which run's answers.

    ``run`` is the directory of a run that is complete up to ``verify``; None: ``DIR/run``, which the recipe's own
    sections make. The recipe's filters are applied but for those that choose among right answers; ``select`` with an
    arm stands in their place (see ``select.Config``, also for ``when_unmeasured``). ``same_size`` cuts all arms to
    the number of samples of the smallest by a random choice.
    """

    run: Path | None = None
    arms: tuple[select.Arm, ...] = Field(default=("shortest", "longest", "random", "concur"), min_length=2)
    same_size: bool = True
    when_unmeasured: WhenUnmeasured = "error"


def ablate(recipe: Any, out: Path) -> list[dict[str, Any]]:
    """Curate, train and evaluate each arm and write ``ablation.json``; return one row per arm.

    Arms that choose the same samples share the first one's student: ``same_as`` names it.

    Raises:
        UserError: a section is missing, the run is not complete, an arm needs speed that was not measured.
    """
    from pipeline.checks import check_stages
    from pipeline.runner import run_stage, run_stages

    config = _checked(recipe)
    check_stages(recipe, ("train",))
    run = config.run or out / "run"
    if config.run is None:
        run_stages(recipe, run, "verify")
    sizes: dict[str, int] = {}
    for arm in config.arms if config.same_size else ():
        _share(run, out / arm / "all")
        run_stage(arm_recipe(recipe, arm, None), out / arm / "all", "curate")
        sizes[arm] = (read_manifest(out / arm / "all" / "curate") or {})["rows"]
    size = min(sizes.values(), default=None)
    first: dict[frozenset[str], str] = {}  # by the samples: the arm that chose them first
    chosen: dict[str, str] = {}
    for arm in config.arms:
        _share(run, out / arm)
        run_stage(arm_recipe(recipe, arm, size), out / arm, "curate")
        table = pq.read_table(out / arm / "curate" / "data.parquet", columns=["candidate_id"])
        chosen[arm] = first.setdefault(frozenset(table["candidate_id"].to_pylist()), arm)
        if chosen[arm] == arm:
            run_stage(arm_recipe(recipe, arm, size), out / arm, "train")
    _share(run, out)
    run_stage(evaluation_recipe(recipe, sorted(set(chosen.values())), out), out, "evaluate")
    rows = [_figures(out, arm, chosen[arm], sizes.get(arm)) for arm in config.arms]
    write_json(out / SUMMARY, rows)
    return rows


def arm_recipe(recipe: Any, arm: select.Arm, size: int | None) -> Any:
    """Return the recipe with the arm in place of the filters that choose among right answers."""
    config: AblateConfig = recipe.ablate
    chosen = select.Config(arm=arm, size=size, seed=recipe.seed, when_unmeasured=config.when_unmeasured)
    filters = (*(f for f in recipe.curate.filters if not isinstance(f, CHOOSING)), chosen)
    return recipe.model_copy(update={"curate": recipe.curate.model_copy(update={"filters": filters, "arm": None})})


def evaluation_recipe(recipe: Any, arms: list[str], out: Path) -> Any:
    """Return the recipe that evaluates the arms' students as models of their names."""
    config = recipe.evaluate
    models = {arm: config.asked(str(out / arm / "train" / "student")) for arm in arms}
    evaluate = config.model_copy(update={"trained": (), "models": {**config.models, **models}})
    return recipe.model_copy(update={"evaluate": evaluate})


def _checked(recipe: Any) -> AblateConfig:
    config: AblateConfig | None = recipe.ablate
    if config is None:
        raise UserError(f"recipe {recipe.name}: section 'ablate' is missing")
    for section in ("curate", "train", "evaluate"):
        if getattr(recipe, section) is None:
            raise UserError(f"recipe {recipe.name}: section {section!r} is missing, each arm needs it")
    if recipe.train.method != "sft":
        raise UserError("train.method: the arms of ablate train with sft, on what each chose")
    if config.run is not None:
        for stage in SHARED:
            if read_manifest(config.run / stage) is None:
                raise UserError(f"ablate.run: {config.run / stage} is not complete")
    return config


def _share(run: Path, folder: Path) -> None:
    """Show a folder's stages the run's tables; they are read only."""
    folder.mkdir(parents=True, exist_ok=True)
    for stage in SHARED:
        link = folder / stage
        if link.is_symlink() and link.resolve() != (run / stage).resolve():
            link.unlink()
        if not link.is_symlink():
            if link.exists():
                raise UserError(f"{link}: there is something else already; choose another --out")
            link.symlink_to((run / stage).resolve())


def _figures(out: Path, arm: str, student: str, n_chosen: int | None) -> dict[str, Any]:
    results = json.loads((out / "evaluate" / "results.json").read_text())["models"]
    curated = json.loads((out / arm / "curate" / "stats.json").read_text())
    kept = curated["funnel"]["kept"]
    return {
        "arm": arm,
        "same_as": student if student != arm else None,
        "chosen": kept if n_chosen is None else n_chosen,
        "samples": kept,
        "reasoning_tokens": curated["reasoning_tokens"]["kept"]["mean"],
        "pass_at_k": results[student]["pass_at_k"],
    }

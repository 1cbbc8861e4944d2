"""The arms of an ablation: the same answers, chosen in several ways, as many of each, and one evaluation of all."""

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.ablation import ablate, arm_recipe
from pipeline.errors import UserError
from pipeline.recipe import Recipe
from pipeline.runner import run_stages
from pipeline.store import read_manifest, read_rows

SECTIONS: dict[str, Any] = {
    "name": "arms",
    "tasks": {"source": "composed", "train": 4, "heldout": 1},
    "generate": {"teacher": {"kind": "scripted"}, "samples_per_task": 3, "max_turns": 2},
    "curate": {"filters": [{"kind": "correct"}, {"kind": "shortest"}, {"kind": "too_long", "max_tokens": 1500}]},
    "train": {
        "model": {"kind": "scratch", "layers": 1, "width": 64, "heads": 2, "vocabulary": 3000},
        "sft": {"max_steps": 2, "per_device_train_batch_size": 2},
    },
    "evaluate": {"samples_per_task": 1, "k": [1], "max_new_tokens": 8},
}


def recipe(folder: Path, builds: Path, **changes: Any) -> Recipe:
    judge = {"backend": "simt", "cache": str(builds)}
    arms = {"run": str(folder / "run"), "arms": ["shortest", "longest", "concur"], "when_unmeasured": "shortest"}
    return Recipe.model_validate({**SECTIONS, "judge": judge, "ablate": arms, **changes})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, builds: Path) -> Path:
    folder = tmp_path_factory.mktemp("ablation")
    run_stages(recipe(folder, builds), folder / "run", "verify")
    return folder


def test_each_arm_has_its_samples_and_its_student(folder: Path, builds: Path):
    out = folder / "out"
    sealed = {stage: (folder / "run" / stage / "manifest.json").read_bytes() for stage in ("tasks", "verify")}
    rows = ablate(recipe(folder, builds), out)
    assert [(row["arm"], row["same_as"]) for row in rows] == [
        ("shortest", None),
        ("longest", None),
        ("concur", "shortest"),  # nothing was timed
    ]
    assert len({row["samples"] for row in rows}) == 1
    lengths = {row["arm"]: row["reasoning_tokens"] for row in rows}
    assert lengths["shortest"] < lengths["longest"]
    assert {row["model"] for row in read_rows(out / "evaluate")} == {"shortest", "longest"}
    assert not (out / "concur" / "train").exists()
    assert json.loads((out / "ablation.json").read_text()) == rows
    evaluated = read_manifest(out / "evaluate")
    assert ablate(recipe(folder, builds), out) == rows
    assert read_manifest(out / "evaluate") == evaluated
    assert {s: (folder / "run" / s / "manifest.json").read_bytes() for s in sealed} == sealed


def test_an_arm_stands_in_place_of_what_chose_among_right_answers(folder: Path, builds: Path):
    filters = arm_recipe(recipe(folder, builds), "longest", 7).curate.filters
    assert [f.kind for f in filters] == ["correct", "too_long", "select"]
    assert (filters[-1].arm, filters[-1].size) == ("longest", 7)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ablate": None}, "section 'ablate' is missing"),
        ({"train": None}, "section 'train' is missing"),
        ({"train": {"method": "grpo", "model": {"kind": "hub", "name": "m"}}}, r"train.method: the arms of ablate"),
        ({"ablate": {}, "generate": None}, "section 'generate' is missing"),
        ({"ablate": {"run": "nowhere"}}, r"ablate.run: nowhere/tasks is not complete"),
    ],
)
def test_what_the_arms_need_is_asked_for_first(folder: Path, builds: Path, changes: dict[str, Any], message: str):
    with pytest.raises(UserError, match=message):
        ablate(recipe(folder, builds, **changes), folder / "other")

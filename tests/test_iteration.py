"""Expert iteration: rounds feed each other, are measured, and are not run twice."""

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import UserError
from pipeline.iteration import iterate, round_recipe
from pipeline.recipe import Recipe
from pipeline.store import read_manifest, read_rows
from pipeline.training.config import HubModel

SECTIONS: dict[str, Any] = {
    "name": "rounds",
    "tasks": {"source": "composed", "train": 2, "heldout": 1},
    "generate": {"teacher": {"kind": "scripted"}, "samples_per_task": 2, "max_turns": 2},
    "curate": {"filters": [{"kind": "correct"}]},
    "train": {
        "model": {"kind": "scratch", "layers": 1, "width": 64, "heads": 2, "vocabulary": 3000},
        "sft": {"max_steps": 120, "per_device_train_batch_size": 2, "learning_rate": 5e-3, "save_steps": 200},
    },
    "evaluate": {"samples_per_task": 1, "k": [1], "max_new_tokens": 20},
    "iterate": {"rounds": 2, "temperature": 0.05, "max_new_tokens": 400},
}


def recipe(builds: Path, **changes: Any) -> Recipe:
    judge = {"backend": "simt", "cache": str(builds)}
    return Recipe.model_validate({**SECTIONS, "judge": judge, **changes})


def test_the_second_rounds_teacher_is_the_first_rounds_student(tmp_path: Path, builds: Path):
    out = tmp_path / "out"
    rows = iterate(recipe(builds), out)
    assert [row["round"] for row in rows] == [0, 1, 2]
    assert json.loads((out / "rounds.json").read_text()) == rows
    teachers = {row["teacher"] for row in read_rows(out / "round_2" / "generate")}
    assert teachers == {str(out / "round_1" / "train" / "student")}
    tasks = [(out / f"round_{n}" / "tasks" / "data.parquet").read_bytes() for n in (1, 2)]
    assert tasks[0] == tasks[1]
    assert rows[2]["samples"] > 0  # a student that has learnt by heart passes the judge on its own training tasks
    sealed = read_manifest(out / "round_2" / "evaluate")
    assert iterate(recipe(builds), out) == rows
    assert read_manifest(out / "round_2" / "evaluate") == sealed


def test_a_round_can_begin_anew_from_the_base(tmp_path: Path, builds: Path):
    base = {"train": {**SECTIONS["train"], "model": {"kind": "hub", "name": "base"}}}
    anew = round_recipe(recipe(builds, **base, iterate={"rounds": 2, "start": "base"}), 2, tmp_path)
    on = round_recipe(recipe(builds, **base), 2, tmp_path)
    assert anew.train.model == HubModel(kind="hub", name="base")
    assert on.train.model.name == str(tmp_path / "round_1" / "train" / "student")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"iterate": None}, "section 'iterate' is missing"),
        ({"evaluate": None}, "section 'evaluate' is missing"),
        ({"evaluate": {"trained": ["student"]}}, "evaluate.trained: lacks 'untrained'"),
        (
            {"train": {"method": "grpo", "model": {"kind": "hub", "name": "m"}}},
            r"train.method: the rounds of iterate",
        ),
    ],
)
def test_what_a_round_needs_is_asked_for_first(tmp_path: Path, builds: Path, changes: dict[str, Any], message: str):
    with pytest.raises(UserError, match=message):
        iterate(recipe(builds, **changes), tmp_path / "out")

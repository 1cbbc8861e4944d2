"""Which stages run, which are redone and why, and what is said before any of them runs."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline import runner
from pipeline.checks import check_stages
from pipeline.errors import UserError
from pipeline.inputs import changed, expected_inputs
from pipeline.recipe import Recipe, load_recipe
from pipeline.runner import refuse_incomplete, run_stages, stage_state
from pipeline.stages import generate
from pipeline.store import StageStore, read_rows
from tests.sources.test_third_party import BOOK, MODULE, checkout, folder

STUDENT = {"model": {"kind": "scratch"}}
SECTIONS: dict[str, Any] = {
    "name": "mine",
    "tasks": {"source": "composed", "train": 2, "heldout": 1},
    "judge": {"backend": "none"},
    "generate": {"teacher": {"kind": "scripted"}},
    "curate": {},
    "train": STUDENT,
    "evaluate": {},
    "publish": {},
}


def recipe(**changes: Any) -> Recipe:
    return Recipe.model_validate({**SECTIONS, **changes})


def modules(root: Path, *names: str) -> dict[str, Any]:
    root.mkdir(exist_ok=True)
    for number, name in enumerate(names):
        (root / f"{name}.py").write_text(f"{MODULE}# {number}\n")
    return {"source": "files", "path": str(root)}


def test_a_stage_whose_files_changed_is_redone_and_says_which(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    mine = recipe(tasks=modules(tmp_path / "modules", "one"))
    out = tmp_path / "out"
    run_stages(mine, out, "tasks")
    assert stage_state(mine, out, "tasks").startswith("complete")
    modules(tmp_path / "modules", "one", "two")
    assert stage_state(mine, out, "tasks") == "to be redone, because what is in tasks.path changed"
    run_stages(mine, out, "tasks")
    assert "redone, because what is in tasks.path changed" in capsys.readouterr().err
    assert {row["name"] for row in read_rows(out / "tasks")} == {"one", "two"}
    (tmp_path / "modules").rename(tmp_path / "elsewhere")  # as on a machine that only trains
    assert stage_state(mine, out, "tasks").startswith("complete")
    modules(tmp_path / "elsewhere", "one", "two")
    moved = recipe(tasks=modules(tmp_path / "elsewhere"))
    assert changed(expected_inputs(mine, out, "tasks"), expected_inputs(moved, out, "tasks")).startswith("tasks.path")


def sections(root: Path) -> dict[str, tuple[dict[str, Any], Path]]:
    """Return sections that name files, by their key, each with a file that it reads."""
    book = {"python_code": BOOK.replace("INIT", "[[4], {}]"), "entry_point": "Scaled"}
    (root / "book.jsonl").write_text(json.dumps(book))
    (root / "kernels.jsonl").write_text(json.dumps({"task": "a", "code": None}))
    (root / "suite.yaml").write_text(yaml.safe_dump({"name": "s", "source": modules(root / "posed", "one")}))
    robust = folder(folder(root / "robust"))
    bench = checkout(root)
    theirs = {"theirs": {"kind": "kernels", "path": str(root / "kernels.jsonl")}}
    against = {"against": [str(root / "posed")]}
    return {
        "tasks.path": ({"tasks": {"source": "kernelbook", "path": str(root / "book.jsonl")}}, root / "book.jsonl"),
        "tasks.path ": ({"tasks": {"source": "robust_kbench", "path": str(robust)}}, next(robust.rglob("func_*.py"))),
        "tasks.path  ": ({"tasks": {"source": "kernelbench", "path": str(bench)}}, next(bench.rglob("level1/*.py"))),
        "tasks.decontaminate.against": (
            {"tasks": {**SECTIONS["tasks"], "decontaminate": against}},
            root / "posed" / "one.py",
        ),
        "evaluate.models.theirs.path": ({"evaluate": {"models": theirs}}, root / "kernels.jsonl"),
        "evaluate.suite": ({"evaluate": {"suite": str(root / "suite.yaml")}}, root / "posed" / "one.py"),
    }


def test_what_is_in_the_files_of_every_section_is_an_input(tmp_path: Path):
    for key, (section, file) in sections(tmp_path).items():
        mine, stage = recipe(**section), key.partition(".")[0]
        before = expected_inputs(mine, tmp_path / "out", stage)  # type: ignore[arg-type]
        file.write_text(file.read_text() + "\n")
        now = expected_inputs(mine, tmp_path / "out", stage)  # type: ignore[arg-type]
        assert changed(before, now) == f"what is in {key.strip()}"


def test_a_journal_that_is_replayed_may_grow(tmp_path: Path):
    (tmp_path / "requests.jsonl").write_text("")
    mine = recipe(generate={"teacher": {"kind": "replay", "path": str(tmp_path / "requests.jsonl")}})
    before = expected_inputs(mine, tmp_path / "out", "generate")
    (tmp_path / "requests.jsonl").write_text("{}")
    assert expected_inputs(mine, tmp_path / "out", "generate") == before


OPENAI = {"kind": "openai", "base_url": "http://127.0.0.1:9/v1", "model": "m", "api_key_env": "NOBODY_SETS_THIS"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"train": {**STUDENT, "sft": {"max_step": 2}}}, r"train.sft.max_step: unknown key; did you mean max_steps\?"),
        ({"train": {**STUDENT, "sft": {"num_train_epochs": "x"}}}, r"train.sft.num_train_epochs: must be a number"),
        ({"train": {"method": "dpo", "model": {"kind": "hub", "name": "m"}}}, r"train.method: dpo .*curate.preference"),
        ({"train": {"method": "grpo", "model": {"kind": "hub", "name": "m"}, "grpo": {"reward": "kevin"}}}, r"train.grpo.reward: kevin needs"),
        ({"train": {**STUDENT, "accelerate": "nowhere.yaml"}}, r"train.accelerate: nowhere.yaml is not a file"),
        ({"generate": {"teacher": OPENAI}}, r"teacher.api_key_env: .* NOBODY_SETS_THIS is not set"),
        ({"generate": {"teacher": {"kind": "replay", "path": "nowhere"}}}, r"teacher.path: nowhere"),
        ({"evaluate": {"models": {"theirs": OPENAI}}}, r"teacher.api_key_env: .* NOBODY_SETS_THIS is not set"),
        ({"evaluate": {"models": {"theirs": {"kind": "kernels", "path": "nowhere"}}}}, r"nowhere: neither a folder of kernels"),
        ({"tasks": {"source": "composed", "train": 2, "heldout": 0}}, r"tasks.heldout: is 0"),
        ({"tasks": {"source": "files", "path": "."}}, r"tasks.heldout_share: is 0"),
        ({"tasks": {"source": "files", "path": "nowhere"}}, r"tasks.path: nowhere does not exist"),
    ],
)  # fmt: skip
def test_what_a_recipe_shows_to_be_wrong_is_said_before_anything_runs(
    tmp_path: Path, changes: dict[str, Any], message: str
):
    with pytest.raises(UserError, match=message):
        run_stages(recipe(**changes), tmp_path / "out", "evaluate")
    assert not (tmp_path / "out").exists()
    if "generate" not in changes:  # a stage that is not wanted is not looked at
        check_stages(recipe(**{**changes, "tasks": SECTIONS["tasks"]}), ["tasks", "generate"])


def test_a_number_that_yaml_takes_for_a_text_is_a_number():
    from pipeline.training.sft import sft_config

    mine = load_recipe(Path("recipes/quickstart.yaml"), ["train.sft.learning_rate=1e-4"])
    assert mine.train is not None
    assert mine.train.sft["learning_rate"] == "1e-4"
    assert sft_config(mine.train, Path("checkpoints"), 0).learning_rate == 1e-4


def test_no_held_out_task_is_said_when_tasks_end(tmp_path: Path):
    section = {**modules(tmp_path / "modules", "one"), "heldout_share": 0.0001}
    with pytest.raises(UserError, match=r"none of 1 is held out, .* raise tasks.heldout_share"):
        run_stages(recipe(tasks=section), tmp_path / "out", "evaluate")
    assert stage_state(recipe(tasks=section), tmp_path / "out", "tasks").startswith("complete")
    assert not (tmp_path / "out" / "generate").exists()


def test_a_second_command_moves_nothing_of_a_run_at_work(tmp_path: Path):
    run_stages(recipe(), tmp_path, "tasks")
    before = (tmp_path / "tasks" / "data.parquet").read_bytes()
    with StageStore(tmp_path / "generate", generate.SCHEMA, {}) as store:
        with pytest.raises(UserError, match="generate: another run is writing here"):
            run_stages(recipe(seed=1), tmp_path, "tasks")
        assert (tmp_path / "tasks" / "data.parquet").read_bytes() == before
        assert store.seal()["rows"] == 0


def test_a_dry_run_of_publish_runs_no_stage_before_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(UserError, match=r"stage tasks in .* is to be run; run it first"):
        refuse_incomplete(recipe(), tmp_path, "publish")
    run_stages(recipe(), tmp_path, "tasks")
    with pytest.raises(UserError, match=r"stage generate in .* is to be run"):
        refuse_incomplete(recipe(), tmp_path, "publish")
    monkeypatch.setattr(runner, "stage_state", lambda *_: "complete: 1 rows")
    refuse_incomplete(recipe(), tmp_path, "publish")

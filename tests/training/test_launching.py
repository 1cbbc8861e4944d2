"""Training on two processes: the same folders, every step reported once, a user's fault in one line."""

from pathlib import Path

import psutil
import pytest
from accelerate.commands.config.config_args import load_config_from_file

from pipeline.errors import InfrastructureError, UserError
from pipeline.recipe import Recipe
from pipeline.records import Sample
from pipeline.tables import schema_of, to_row
from pipeline.training.launching import launch
from pipeline.training.models import load_model
from tests.synthetic_run import write_stage
from tests.training.examples import config, samples, silent

SEVERAL_GPUS = Path("recipes/accelerate/several_gpus.yaml")


def recipe(folder: Path, **changes: object) -> Recipe:
    """As for several GPUs, but for two processes: without a GPU they meet over gloo."""
    two = folder / "two.yaml"
    two.write_text(SEVERAL_GPUS.read_text().replace("num_processes: 8", "num_processes: 2").replace("bf16", '"no"'))
    section = config(accelerate=two, **changes)
    return Recipe.model_validate({"name": "two", "tasks": {"source": "composed"}, "train": section.model_dump()})


@pytest.mark.parametrize("path", sorted(Path("recipes/accelerate").glob("*.yaml")), ids=lambda path: path.stem)
def test_the_shipped_configurations_are_accelerates(path: Path):
    loaded = load_config_from_file(str(path))
    assert loaded.num_processes == 8  # type: ignore[union-attr]
    assert loaded.distributed_type != "NO"


def test_two_processes_share_the_batches_and_leave_one_student(tmp_path: Path):
    write_stage(tmp_path, "curate", schema_of(Sample), {s.id: to_row(s) for s in samples()})
    (tmp_path / "train").mkdir()
    seen: list[tuple[int, int]] = []
    outcome = launch(
        recipe(tmp_path, sft={"max_steps": 4}), tmp_path, tmp_path / "train", lambda *a: seen.append(a[:2])
    )
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert outcome["steps"][-1]["epoch"] == 2.0  # 8 samples, 2 a batch and process
    assert sorted(p.name for p in (tmp_path / "train").iterdir()) == ["student", "untrained"]
    assert load_model(str(tmp_path / "train" / "student")).num_parameters() > 0


def test_what_the_user_can_mend_is_one_line_and_the_rest_is_shown(tmp_path: Path):
    (tmp_path / "train").mkdir()
    write_stage(tmp_path, "curate", schema_of(Sample), {s.id: to_row(s) for s in samples()})
    with pytest.raises(UserError, match=r"^train.max_length: none of 8 samples has at most 9 tokens"):
        launch(recipe(tmp_path, max_length=9), tmp_path, tmp_path / "train", silent)


def test_a_process_that_dies_is_a_fault_of_ours_and_the_next_run_goes_on(tmp_path: Path):
    write_stage(tmp_path, "curate", schema_of(Sample), {s.id: to_row(s) for s in samples()})
    (tmp_path / "train").mkdir()

    def kill_one(step: int, *_: object) -> None:
        if step == 3:
            children = psutil.Process().children(recursive=True)
            next(c for c in children[::-1] if "pipeline.training.worker" in c.cmdline()).kill()

    with pytest.raises(InfrastructureError, match=r"training ended with code 1:[\s\S]*SIGKILL"):
        launch(recipe(tmp_path), tmp_path, tmp_path / "train", kill_one)
    seen: list[int] = []
    outcome = launch(recipe(tmp_path), tmp_path, tmp_path / "train", lambda step, *_: seen.append(step))
    assert seen == [3, 4, 5, 6]
    assert [step["step"] for step in outcome["steps"]] == [1, 2, 3, 4, 5, 6]

"""The train stage: its table, its folders, and what it refuses."""

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import UserError
from pipeline.records import Sample, Task
from pipeline.stages import train
from pipeline.store import read_rows
from pipeline.tables import schema_of, to_row
from tests.synthetic_run import run_stage, write_stage
from tests.training.examples import config, samples


def run(out: Path, rows: list[Sample], section: Any) -> dict[str, Any]:
    write_stage(out, "curate", schema_of(Sample), {s.id: to_row(s) for s in rows})
    return run_stage(out, "train", train, train=section)


def test_the_table_holds_every_logged_step_whatever_the_order_of_the_samples(tmp_path: Path):
    first = run(tmp_path / "a", samples(), config())
    second = run(tmp_path / "b", samples()[::-1], config())
    rows = list(read_rows(tmp_path / "a" / "train"))
    assert [row["step"] for row in rows] == [1, 2, 3, 4, 5, 6]
    assert all(row["loss"] > 0 and row["learning_rate"] is not None for row in rows)
    assert first["output"] == second["output"]
    stats = json.loads((tmp_path / "a" / "train" / "stats.json").read_text())
    assert (stats["samples"], stats["optimizer_steps"]) == (8, 6)
    weights = [(tmp_path / x / "train" / "student" / "model.safetensors").read_bytes() for x in "ab"]
    assert weights[0] == weights[1]


def test_nothing_to_train_on_is_said(tmp_path: Path):
    with pytest.raises(UserError, match="curate has kept no sample"):
        run(tmp_path / "sft", [], config())
    hub = {"kind": "hub", "name": "never/loaded"}
    with pytest.raises(UserError, match=r"curate has left no pair of answers"):
        run(tmp_path / "dpo", samples(), config(method="dpo", model=hub))
    write_stage(tmp_path / "grpo", "tasks", schema_of(Task), {})
    with pytest.raises(UserError, match=r"no task is of split 'train'"):
        run_stage(tmp_path / "grpo", "train", train, train=config(method="grpo", model=hub))

"""The composed source keeps its promises: distinct, sound, repeatable tasks, and held-out ones that are really held out."""

import functools
import hashlib
import json
import os
import subprocess
import sys
import types
from pathlib import Path

import pytest
import torch

from pipeline.errors import UserError
from pipeline.recipe import load_recipe
from pipeline.records import Task
from pipeline.sources import composed
from pipeline.teachers.scripting.plan import read_plan


@functools.cache
def tasks() -> list[Task]:
    return list(composed.read(composed.Config(), seed=0))


def executed(task: Task, sizes: dict[str, int]) -> types.SimpleNamespace:
    source = task.reference
    for name, size in sizes.items():
        lines = [line for line in source.splitlines() if line.startswith(f"{name} = ")]
        assert len(lines) == 1, f"{task.name} has no size {name}"
        source = source.replace(lines[0], f"{name} = {size}")
    names: dict = {}
    exec(source, names)
    return types.SimpleNamespace(**names)


def sequence(task: Task) -> tuple:
    """What a task computes, read back from its text; constants and sizes left out."""
    forward = task.reference.split("def forward")[1].split("return x")[0].splitlines()[1:]
    strip = str.maketrans("", "", "0123456789.-+ ")
    return task.category, tuple(line.translate(strip) for line in forward)


DIGEST = "1a614ccf3e1e6939fb6f2b4845337e2e2f90228d7e7bc9e08aba0836cd154e6c"
TELL = "from tests.sources.test_composed import digest; print(digest())"


def digest() -> str:
    """A hash of the quickstart's tasks."""
    quickstart = load_recipe(Path("recipes/quickstart.yaml"))
    assert isinstance(quickstart.tasks, composed.Config)
    assert quickstart.tasks.filters == composed.FILTERS
    rows = [t.model_dump() for t in composed.read(quickstart.tasks, quickstart.seed)]
    return hashlib.sha256(json.dumps(rows, sort_keys=True).encode()).hexdigest()


def test_the_quickstart_s_tasks_are_what_they_were():
    assert digest() == DIGEST


@pytest.mark.parametrize(("torchs", "onednns"), [("default", "SSE41"), ("avx2", "AVX2")])
def test_they_do_not_depend_on_the_processor(torchs: str, onednns: str):
    """Nor on the vector instructions that torch finds there, or oneDNN, which computes some activations for it."""
    other = {**os.environ, "ATEN_CPU_CAPABILITY": torchs, "ONEDNN_MAX_CPU_ISA": onednns}
    told = subprocess.run([sys.executable, "-c", TELL], env=other, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == DIGEST


def test_counts_and_identity():
    train = [t for t in tasks() if t.split == "train"]
    heldout = [t for t in tasks() if t.split == "heldout"]
    assert (len(train), len(heldout)) == (1200, 120)
    assert len({t.id for t in tasks()}) == len({t.name for t in tasks()}) == 1320
    for split in (train, heldout):
        assert {t.category for t in split} == {"elementwise", "binary", "reduction", "softmax", "bias_activation"}
    computed = {(t.category, t.reference.split("def forward")[1].replace("ROWS, COLS", "SIZE")) for t in train}
    assert len(computed) == len(train), "two training tasks compute the same"


def test_heldout_sequences_occur_in_no_training_task():
    train = {sequence(t) for t in tasks() if t.split == "train"}
    heldout = [t for t in tasks() if t.split == "heldout"]
    assert [t.name for t in heldout if sequence(t) in train] == []


def test_same_seed_same_tasks_and_a_longer_list_starts_alike():
    again = list(composed.read(composed.Config(train=40), seed=0))
    assert [t.id for t in again if t.split == "train"] == [t.id for t in tasks()[:40]]
    assert [t for t in again if t.split == "heldout"] == [t for t in tasks() if t.split == "heldout"]
    other = composed.read(composed.Config(train=40), seed=1)
    assert len({t.id for t in other} - {t.id for t in tasks()}) > 100


def test_modules_run_and_are_sound_at_every_setting():
    for task in tasks()[::22]:
        assert [s.name for s in task.settings] == ["own", "odd", "small"]
        for setting in task.settings:
            module = executed(task, setting.sizes)
            torch.manual_seed(0)
            with torch.no_grad():
                model = module.Model(*module.get_init_inputs())
                inputs, others = module.get_inputs(), module.get_inputs()
                outputs, different = model(*inputs), model(*others)
                large = model(*(16 * x for x in inputs))
            where = f"{task.name} at {setting}"
            assert max(x.numel() for x in inputs) <= 16384, where
            assert torch.isfinite(outputs).all(), where
            assert torch.isfinite(large).all(), where
            assert 0.01 < outputs.abs().max() < 500, where
            assert (outputs - different).abs().max() > 1e-3 * outputs.abs().max(), where


def test_the_odd_setting_is_no_multiple_of_a_warp_or_a_block():
    for task in tasks():
        for size in task.settings[1].sizes.values():
            assert size % 2 == 1, task.name


def test_every_line_has_a_rule_of_the_scripted_teacher():
    for task in tasks():
        assert len(read_plan(task.reference).steps) in (task.level, (task.level or 0) - 1)


def test_more_tasks_than_there_are_is_the_users_error(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(composed, "is_sound", lambda _: False)
    with pytest.raises(UserError, match=r"tasks\.train: found only 0 different tasks"):
        list(composed.read(composed.Config(train=1, heldout=0), seed=0))


@pytest.mark.parametrize("catalogue", ["quickstart", "full"])
def test_recipes_that_train_on_other_lengths_share_their_heldout_tasks(catalogue: str):
    common = {"catalogue": catalogue, "train": 8, "heldout": 6, "heldout_operators": (4, 5), "eager_ms": None}
    easy, hard = (
        list(composed.read(composed.Config.model_validate({**common, "operators": o}), 5)) for o in ((1, 2), (4, 5))
    )
    held = [[task for task in tasks if task.split == "heldout"] for tasks in (easy, hard)]
    assert held[0] == held[1]
    assert {task.level for task in held[0]} <= {4, 5}
    assert {task.level for task in easy if task.split == "train"} <= {1, 2}

"""Tasks that are not worth posing, each rejected for its own reason, and near misses that are kept."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.errors import TaskError
from pipeline.judge.config import JudgeConfig
from pipeline.judge.judge import Judge
from pipeline.judge.task_filters import TaskFilters
from pipeline.records import Task

MODULE = """
import torch
import torch.nn as nn
import torch.nn.functional as F

ROWS = 16
COLS = 64


class Model(nn.Module):
    def __init__(self, rows, cols):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(rows, cols))
        self.relu = nn.ReLU(inplace=True)
        self.dropout = nn.Dropout(0.0)

    def forward(self, x):
        return BODY


def get_inputs():
    return [torch.randn(ROWS, COLS)]


def get_init_inputs():
    return [ROWS, COLS]
"""
W = "0.3 * self.weight"
FIXED = "torch.linspace(0.0, 1.0, x.numel()).reshape(x.shape)"
# reason: (rejected, kept: the near misses)
CASES = {
    "constant": (["torch.softmax(x, -1).mean(-1)", "F.hardtanh(1000 * x, -1, 1).amin(-1)"], ["torch.softmax(x, -1).amax(-1)", "F.hardtanh(x, -3, 3).amin(-1)"]),
    "output_range": (["x[:, :1] - x[:, :1].mean(1, keepdim=True)", "torch.relu(x - 100)"], [f"x - x.mean(1, keepdim=True) + {W}", "torch.relu(x - 1)"]),
    "insensitive": ([f"{FIXED} * 100 + 0.001 * x"], []),
    "output_std": ([f"{FIXED} + 0.004 * x"], [f"{FIXED} + 0.04 * x"]),
    "axis_std": (["x.mean(-1, keepdim=True).expand(x.shape)"], [f"x.mean(-1, keepdim=True) + {W}"]),
    "input_impact": (["self.weight + 0.004 * x"], ["self.weight + 0.04 * x"]),
    "weight_impact": (["x + 0.001 * self.weight"], ["x + 0.1 * self.weight"]),
    "redundant_operation": (
        [f"torch.relu(torch.relu(x + {W}))", f"(x + {W}) * 1", f"self.relu(torch.exp(x + {W}))", f"torch.softmax((x + {W}) - 3, -1) * 9", f"torch.clamp(torch.sigmoid(x + {W}), 0, 1)", f"x + {W} + 0", f"torch.clamp(x + {W}, -1e4, 1e4)"],
        [f"torch.relu(x + {W}) * 2", f"self.dropout(x + {W})", f"(x + {W}).contiguous().clone()", f"torch.exp((x + {W}) - (x + {W}).amax(-1, keepdim=True)) + x", f"self.relu(x + {W})",
         f"x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-6) + {W}", f"(x + {W}).square().clamp(min=1e-7).log()",
         f"torch.clamp(torch.sigmoid(x + {W}), 1e-7, 1 - 1e-7).log()"],
    ),
}  # fmt: skip
REJECTED = [(reason, body) for reason, (bodies, _) in CASES.items() for body in bodies]
KEPT = [body for _, bodies in CASES.values() for body in bodies]


@pytest.fixture(scope="module")
def judge(builds: Path) -> Iterator[Judge]:
    with Judge(JudgeConfig(backend="simt", cache=builds, workers=1)) as judge:
        yield judge


def task(body: str) -> Task:
    return Task(name="task", reference=MODULE.replace("BODY", body), category="other", source="test")


@pytest.mark.parametrize(("reason", "body"), REJECTED)
def test_each_is_rejected_for_its_own_reason(judge: Judge, reason: str, body: str):
    with pytest.raises(TaskError) as caught:
        judge.probe(task(body), TaskFilters()).result()
    assert caught.value.reason == reason, caught.value
    assert (f"(tasks.filters.{reason})" in str(caught.value)) == hasattr(TaskFilters(), reason)


@pytest.mark.parametrize("body", KEPT)
def test_a_near_miss_is_kept(judge: Judge, body: str):
    without_weights = "self.weight" not in body
    filters = TaskFilters(weight_impact=None) if without_weights else TaskFilters()
    assert judge.probe(task(body), filters).result() is None


@pytest.mark.parametrize("reason", ["output_std", "axis_std", "input_impact", "weight_impact", "redundant_operation"])
def test_each_can_be_switched_off(judge: Judge, reason: str):
    others = ("axis_std", "weight_impact", "input_impact", "output_std")
    off = TaskFilters.model_validate({**dict.fromkeys(others), reason: None})
    judge.probe(task(CASES[reason][0][0]), off).result()


def test_the_work_of_a_call_is_counted_at_the_tasks_own_sizes(judge: Judge):
    body = f"torch.relu(x + {W})"
    judge.probe(task(body), TaskFilters(too_small=16 * 64)).result()
    with pytest.raises(TaskError, match="too_small"):
        judge.probe(task(body), TaskFilters(too_small=100 * 16 * 64)).result()


def test_what_cannot_be_traced_is_kept_and_said(judge: Judge):
    body = f"torch.relu(torch.relu(x + {W})) if x.sum() > -1e9 else x"
    assert "Trace" in str(judge.probe(task(body), TaskFilters()).result())


def test_gradients_are_filtered_too(judge: Judge):
    backward = task(f"torch.sin(x + {W})").model_dump(exclude={"id"}) | {"direction": "backward"}
    assert judge.probe(Task.model_validate(backward), TaskFilters()).result() is None


def test_a_task_beyond_this_machine_is_probed_at_sizes_that_it_affords(judge: Judge):
    large = task(f"torch.relu(x + {W})").model_dump(exclude={"id"})
    large["reference"] = large["reference"].replace("ROWS = 16", "ROWS = 65536").replace("COLS = 64", "COLS = 65536")
    assert judge.probe(Task.model_validate(large), TaskFilters()).result() is None
    fixed = large | {"reference": large["reference"].replace("relu(x", "relu(x.view(65536, 65536)")}
    with pytest.raises(TaskError, match="too_large: setting own"):
        judge.probe(Task.model_validate(fixed), TaskFilters()).result()

"""Sizes that a CPU can afford, found by asking a real reference process what it accepts."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.judge.config import JudgeConfig
from pipeline.judge.judge import Judge
from pipeline.judge.settings import Plan, odd_size
from pipeline.judge.sizes import sizes_of, with_sizes
from pipeline.records import Setting, Task

GROUPED = """
import torch
import torch.nn as nn

BATCH, CHANNELS = 64, 512
IMAGE = (1024 // 2, 512)
GROUPS = 32
KERNEL = 3
DOUBLE = CHANNELS * 2


class Model(nn.Module):
    def __init__(self, channels, groups):
        super().__init__()
        self.norm = nn.GroupNorm(groups, channels)
        self.conv = nn.Conv2d(channels, channels, KERNEL)

    def forward(self, x):
        return self.conv(self.norm(x)).sum(dim=(2, 3))


def get_inputs():
    return [torch.rand(BATCH, CHANNELS, *IMAGE)]


def get_init_inputs():
    return [CHANNELS, GROUPS]
"""


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judge]:
    with Judge(JudgeConfig(backend="simt", cache=tmp_path_factory.mktemp("builds"), workers=1)) as judge:
        yield judge


def plan(judge: Judge, source: str, *others: Setting) -> Plan:
    task = Task(name="t", reference=source, settings=(Setting(name="own"), *others), category="other", source="test")
    return judge.settings(task).result()


def test_the_sizes_of_a_module():
    tree = ast.parse(GROUPED)
    assert sizes_of(tree) == {
        "BATCH": 64, "CHANNELS": 512, "IMAGE[0]": 512, "IMAGE[1]": 512, "GROUPS": 32, "KERNEL": 3,
    }  # fmt: skip
    names: dict = {}
    changed = with_sizes(tree, {"BATCH": 2, "CHANNELS": 5, "IMAGE[1]": 7})
    exec(compile(ast.Module(changed.body[2:6] + changed.body[6:7], []), "sizes", "exec"), names)
    assert (names["BATCH"], names["IMAGE"], names["DOUBLE"]) == (2, (512, 7), 10)


def test_sizes_too_large_for_a_cpu_are_reduced_until_the_reference_can_be_afforded(judge: Judge):
    found = plan(judge, GROUPED)
    assert not found.own
    assert found.left_out == {"own": "too large for this backend's budget"}
    assert [s.name for s in found.settings] == ["reduced", "reduced_odd", "reduced_small"]
    main, odd, _ = found.settings
    # the channels, which the number of groups must divide, stay: the sizes of the inputs alone were enough
    assert "CHANNELS" not in main.sizes or main.sizes["CHANNELS"] % main.sizes.get("GROUPS", 32) == 0
    assert odd.sizes["IMAGE[0]"] % 2 == 1
    assert odd.sizes["IMAGE[0]"] != main.sizes["IMAGE[0]"]
    assert all(found.work[s.name] * 1e-8 <= 1 for s in found.settings)


PRODUCT = """
import torch
import torch.nn as nn

batch_size, in_features, out_features = 128, 32768, 32768


class Model(nn.Module):
    def __init__(self, in_features, out_features):
        super().__init__()
        self.linear = nn.Linear(in_features, out_features)

    def forward(self, x):
        return self.linear(x)


def get_inputs():
    return [torch.rand(batch_size, in_features)]


def get_init_inputs():
    return [in_features, out_features]
"""


def test_where_sizes_of_the_constructor_change_no_other_is_spared(judge: Judge):
    found = plan(judge, PRODUCT)
    assert found.settings[0].sizes == {"batch_size": 16, "in_features": 1024, "out_features": 1024}
    # what the constructor takes stays where the input's own sizes are enough
    large = PRODUCT.replace("128, 32768, 32768", "8192, 512, 512")
    assert plan(judge, large).settings[0].sizes == {"batch_size": 128}


def test_an_affordable_task_keeps_its_own_sizes_and_gets_others(judge: Judge):
    small = (
        GROUPED.replace("64, 512", "2, 16")
        .replace("(1024 // 2, 512)", "(12, 10)")
        .replace("GROUPS = 32", "GROUPS = 4")
    )
    found = plan(judge, small)
    assert found.own
    assert [s.name for s in found.settings] == ["own", "odd", "small"]
    assert found.settings[1].sizes == {"IMAGE[0]": 11, "IMAGE[1]": 7}  # not the channels: four groups divide them
    wider = plan(judge, small.replace("(12, 10)", "(12, 100)"))
    assert [s.name for s in wider.settings] == ["own", "odd", "small", "tiny"]
    assert wider.settings[3].sizes == {"IMAGE[0]": 5, "IMAGE[1]": 19}  # less than a warp


def test_equal_sizes_are_made_to_differ_where_the_reference_accepts_it(judge: Judge):
    square = """
import torch
import torch.nn as nn
M = 256
N = 256
class Model(nn.Module):
    def forward(self, x):
        return x.sum(dim=1)
def get_inputs():
    return [torch.rand(M, N)]
def get_init_inputs():
    return []
"""
    assert [s.sizes for s in plan(judge, square).settings[1:]] == [
        {"M": 241, "N": 225},
        {"M": 33, "N": 35},
        {"M": 19, "N": 21},
    ]
    only_square = square.replace("x.sum(dim=1)", "torch.linalg.inv(x)")
    assert [s.sizes for s in plan(judge, only_square).settings[1:]] == [{"M": n, "N": n} for n in (241, 33, 19)]


def test_settings_that_a_task_names_are_kept_as_far_as_they_are_accepted(judge: Judge):
    refused = Setting(name="refused", sizes={"CHANNELS": 510})
    tiny = Setting(name="tiny", sizes={"BATCH": 1, "CHANNELS": 32, "IMAGE[0]": 5, "IMAGE[1]": 6})
    found = plan(judge, GROUPED, refused, tiny)
    assert [s.name for s in found.settings] == ["reduced", "reduced_odd", "reduced_small", "tiny"]
    assert "num_channels" in found.left_out["refused"]


def test_a_module_that_can_t_be_measured_is_taken_as_it_is(judge: Judge):
    source = GROUPED.replace("return self.conv", "assert x.sum().item() != 3\n        return self.conv")
    assert plan(judge, source) == Plan((Setting(name="own"),), own=True, work={}, left_out={})


def test_odd_sizes_have_one_element_in_their_last_tile():
    assert [odd_size(n) for n in (8, 17, 18, 44, 49, 64, 4096)] == [7, 13, 17, 33, 33, 49, 4081]


def test_nothing_is_measured_for_small_tasks_with_settings_of_their_own(
    judge: Judge, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(judge._plans, "measure", lambda *_: pytest.fail("measured"))
    source = Path(__file__).with_name("examples.py").read_text().split('"""')[3]
    assert plan(judge, source, Setting(name="odd", sizes={"ROWS": 7})).own


SWITCH = GROUPED.replace("KERNEL = 3", "KERNEL = 3\nBIAS = 0")
NUMBERS = GROUPED.replace("IMAGE = (1024 // 2, 512)", "").replace("*IMAGE", "512, 512")


@pytest.mark.parametrize("source", [SWITCH, NUMBERS], ids=["a switch that is 0", "numbers in the place of sizes"])
def test_a_large_task_does_not_pass_for_a_small_one(judge: Judge, source: str):
    found = plan(judge, source, Setting(name="half", sizes={"BATCH": 32}))
    assert not found.own
    assert "half" in found.left_out

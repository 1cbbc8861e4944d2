"""Sizes that a CPU can afford, found by asking a real reference process what it accepts."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from pipeline.judge import shapes
from pipeline.judge.config import JudgeConfig
from pipeline.judge.derived import LONG_SECONDS
from pipeline.judge.inputs import plan as cases
from pipeline.judge.judge import Judge
from pipeline.judge.reference_worker import answer
from pipeline.judge.settings import Plan
from pipeline.judge.sizes import sizes_of, with_sizes
from pipeline.records import Setting, Task
from tests.judge.examples import REFERENCE

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
def judge(builds: Path) -> Iterator[Judge]:
    with Judge(JudgeConfig(backend="simt", cache=builds, workers=1)) as judge:
        yield judge


def posed(source: str, *others: Setting) -> Task:
    return Task(name="t", reference=source, settings=(Setting(name="own"), *others), category="other", source="test")


def plan(judge: Judge, source: str, *others: Setting, seeds: str = "some") -> Plan:
    return judge.settings(posed(source, *others), seeds).result()


def test_the_sizes_of_a_module():
    tree = ast.parse(GROUPED)
    assert sizes_of(tree) == {
        "BATCH": 64, "CHANNELS": 512, "IMAGE[0]": 512, "IMAGE[1]": 512, "GROUPS": 32, "KERNEL": 3,
    }  # fmt: skip
    names: dict = {}
    changed = with_sizes(tree, {"BATCH": 2, "CHANNELS": 5, "IMAGE[1]": 7})
    exec(compile(ast.Module(changed.body[2:6] + changed.body[6:7], []), "sizes", "exec"), names)
    assert (names["BATCH"], names["IMAGE"], names["DOUBLE"]) == (2, (512, 7), 10)


def test_names_that_share_an_integer_are_sizes_of_their_own():
    source = "height = width = 16 * 16\nkernel = 3\nbatch = depth = 8\n"
    assert sizes_of(ast.parse(source)) == {"height": 256, "width": 256, "kernel": 3, "batch": 8, "depth": 8}
    names: dict = {}
    exec(compile(with_sizes(ast.parse(source), {"width": 33}), "sizes", "exec"), names)
    assert [names[n] for n in ("height", "width", "batch", "depth")] == [256, 33, 8, 8]


WRITTEN = """
import torch
import torch.nn as nn


class Model(nn.Module):
    def __init__(self, features, widths):
        super().__init__()
        self.layer = nn.Linear(features, widths[0])

    def forward(self, x, y, mask):
        return self.layer(x * y[0]) + mask


def get_inputs():
    return [torch.rand([4, 1, 5, 4]), torch.rand(6, 4), torch.ones(size=(4, 1)) * 3]


def get_init_inputs():
    return [4, [4, 1]]
"""


def test_numbers_in_the_shapes_of_inputs_and_among_the_constructors_arguments_are_sizes():
    tree = ast.parse(WRITTEN)
    assert sizes_of(tree) == {
        "dimension -1": 4, "dimension -2": 5, "dimension -4": 4, "dimension -2 (6)": 6, "dimension -2 (4)": 4,
        "argument 0": 4, "argument 1[0]": 4,
    }  # fmt: skip
    names: dict = {}
    changed = with_sizes(tree, {"dimension -1": 7, "dimension -2": 3, "argument 1[0]": 9})
    exec(compile(changed, "sizes", "exec"), names)
    assert [list(t.shape) for t in names["get_inputs"]()] == [[4, 1, 3, 7], [6, 7], [4, 1]]
    assert names["get_init_inputs"]() == [4, [9, 1]]


def test_written_sizes_are_changed_as_far_as_the_layers_follow(judge: Judge):
    own, odd, small = plan(judge, WRITTEN.replace(" + mask", "")).settings
    assert own.sizes == {}
    for setting, usual in ((odd, (7, 9, 11, 13)), (small, (3, 5, 6))):
        assert setting.sizes["dimension -1"] == setting.sizes["argument 0"] in usual


TRANSPOSED = """
import torch
import torch.nn as nn


class Model(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv = nn.ConvTranspose2d(channels, 4, 2)

    def forward(self, x):
        return self.conv(x)


def get_inputs():
    return [torch.rand([4, 4, 4, 4])]


def get_init_inputs():
    return [4]
"""


def test_where_no_large_size_can_be_changed_a_written_small_one_is(judge: Judge):
    fixed = TRANSPOSED.replace("nn.ConvTranspose2d(channels, 4, 2)", "nn.Linear(16, 4)")
    _, odd, small = plan(judge, fixed.replace("[4, 4, 4, 4]", "[4, 16]")).settings
    assert odd.sizes.keys() == small.sizes.keys() == {"dimension -2"}  # no argument has to follow
    assert (odd.sizes["dimension -2"] in (7, 9, 11, 13), small.sizes["dimension -2"] in (3, 5, 6)) == (True, True)


def test_what_only_the_meta_device_accepts_is_no_setting(judge: Judge):
    """It lets a transposed convolution have more channels than its weights."""
    refused = Setting(name="x", sizes={"dimension -3": 7})
    (on_meta,), (real,) = (judge._plans.measure(posed(TRANSPOSED), [refused], computed=c) for c in (False, True))
    assert on_meta.error is None
    assert "4 channels" in (real.error or "")
    _, odd, small = plan(judge, TRANSPOSED).settings
    assert all(s.sizes["dimension -3"] == s.sizes["argument 0"] for s in (odd, small))


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


def test_one_size_stays_the_tasks_own_where_others_are_reduced_and_each_run_draws_which(judge: Judge):
    task = "import torch\nROWS, COLS, DEPTH = 2048, 4096, 1024\n" + PRODUCT_OF_TWO
    own = {"ROWS": 2048, "COLS": 4096, "DEPTH": 1024}
    drawn = [plan(judge, task, seeds=seeds) for seeds in "abcdef"]
    kept: set[str] = set()
    for found in drawn:
        assert found.long is not None
        tiny = found.settings[-1].sizes
        (name,) = [n for n in own if found.long.sizes[n] != tiny[n]]
        assert found.long.sizes[name] == own[name]
        assert found.work[found.long.name] * 1e-8 <= LONG_SECONDS
        kept.add(name)
    assert kept == {"COLS", "DEPTH"}
    assert plan(judge, GROUPED.replace("512", "16")).long is None


PRODUCT_OF_TWO = """
class Model(torch.nn.Module):
    def forward(self, a, b):
        return a @ b

def get_inputs():
    return [torch.randn(ROWS, DEPTH), torch.randn(DEPTH, COLS)]

def get_init_inputs():
    return []
"""

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
    sizes = found.settings[0].sizes
    assert sizes["batch_size"] == 16
    assert sizes["in_features"] == sizes["out_features"] in (768, 832, 896, 960, 1024)
    # what the constructor takes stays where the input's own sizes are enough
    large = PRODUCT.replace("128, 32768, 32768", "8192, 512, 512")
    assert plan(judge, large).settings[0].sizes in [{"batch_size": n} for n in (96, 112, 128)]


def test_what_a_case_takes_is_measured_to_the_byte():
    """Else the settings in place of those that are too large may be too large themselves, and be left out."""
    task = Task(name="t", reference=REFERENCE, category="softmax", source="test")
    case = cases(task, task.settings, b"key")[0]
    with torch.no_grad():
        _, buffers = answer({**case.request(task), "op": "case"}, "cpu")
    assert shapes.measured(REFERENCE, {})["bytes"] == sum(map(len, buffers))


def test_an_affordable_task_keeps_its_own_sizes_and_gets_others(judge: Judge):
    small = (
        GROUPED.replace("64, 512", "2, 16")
        .replace("(1024 // 2, 512)", "(12, 10)")
        .replace("GROUPS = 32", "GROUPS = 4")
    )
    found = plan(judge, small)
    assert found.own
    assert [s.name for s in found.settings] == ["own", "odd", "small"]
    assert found.settings[1].sizes.keys() == {"IMAGE[0]", "IMAGE[1]"}  # not the channels: four groups divide them
    wider = plan(judge, small.replace("(12, 10)", "(12, 100)"))
    assert [s.name for s in wider.settings] == ["own", "odd", "small", "tiny"]
    assert wider.settings[3].sizes["IMAGE[1]"] in (12, 20, 28)  # less than a warp


SQUARE = """
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


def sizes(plan: Plan) -> list[dict[str, int]]:
    return [setting.sizes for setting in plan.settings]


def test_equal_sizes_are_made_to_differ_where_the_reference_accepts_it(judge: Judge):
    only_square = SQUARE.replace("x.sum(dim=1)", "torch.linalg.inv(x)")
    for seeds in "abcd":
        assert all(s["M"] != s["N"] for s in sizes(plan(judge, SQUARE, seeds=seeds))[1:])
        derived = sizes(plan(judge, only_square, seeds=seeds))[1:]
        assert len(derived) == 3
        assert all(s["M"] == s["N"] for s in derived)


def test_sizes_are_drawn_from_the_runs_secret_and_for_each_task_anew(judge: Judge, tmp_path: Path):
    first = plan(judge, SQUARE, seeds="first")
    with Judge(JudgeConfig(backend="simt", cache=tmp_path, workers=2, seeds="first")) as other:
        plan(other, PRODUCT, seeds="first")
        assert plan(other, SQUARE, seeds="first") == plan(other, SQUARE, seeds="first") == first
    several = [first, *(plan(judge, SQUARE, seeds=seeds) for seeds in "abcdefgh")]
    for number in (1, 2, 3):  # odd, small, tiny
        assert len({tuple(sizes(one)[number].items()) for one in several}) > 1
    assert len({str(sizes(one)) for one in several}) == len(several)
    assert sizes(plan(judge, SQUARE + "# another task\n", seeds="first")) != sizes(first)
    large = SQUARE.replace("= 256", "= 65536")
    assert len({str(sizes(plan(judge, large, seeds=seeds))[0]) for seeds in "abcdefgh"}) > 1


PICKY = SQUARE.replace("return x.sum", "assert x.shape[0] in (33, 256) and x.shape[1] % 4 == 0\n        return x.sum")


def test_a_reference_that_refuses_what_is_drawn_gets_the_settings_that_it_accepts(judge: Judge):
    for seeds in "abcd":
        found = plan(judge, PICKY, seeds=seeds)
        assert [s.name for s in found.settings] == ["own", "small", "tiny"]
        assert sizes(found)[1] == {"M": 33}
        assert sizes(found)[2]["N"] in (12, 20, 28)


def test_settings_that_a_task_names_are_kept_as_far_as_they_are_accepted(judge: Judge):
    refused = Setting(name="refused", sizes={"CHANNELS": 510})
    tiny = Setting(name="tiny", sizes={"BATCH": 1, "CHANNELS": 32, "IMAGE[0]": 5, "IMAGE[1]": 6})
    found = plan(judge, GROUPED, refused, tiny)
    assert [s.name for s in found.settings] == ["reduced", "reduced_odd", "reduced_small", "tiny"]
    assert "num_channels" in found.left_out["refused"]


def test_a_small_module_that_looks_at_values_is_measured_with_values(judge: Judge):
    source = TRANSPOSED.replace("return self.conv", "assert x.sum().item() != 3\n        return self.conv")
    assert [s.name for s in plan(judge, source).settings] == ["own", "odd", "small"]


def test_a_large_module_that_can_t_be_measured_is_taken_as_it_is(judge: Judge):
    source = GROUPED.replace("return self.conv", "assert x.sum().item() != 3\n        return self.conv")
    assert plan(judge, source) == Plan((Setting(name="own"),), own=True, work={}, left_out={})


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

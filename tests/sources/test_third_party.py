"""KernelBench, robust-kbench and KernelBook in their own layouts, written by hand: tasks, or reasons, or one line."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from pydantic import ValidationError

from pipeline.errors import UserError
from pipeline.records import Task
from pipeline.sources import kernelbench, kernelbook, robust_kbench
from pipeline.sources.found import Broken, Found

MODULE = """\
import torch
import torch.nn as nn

class Model(nn.Module):
    def forward(self, x):
        return torch.tanh(x)

batch_size = 128

def get_inputs():
    return [torch.rand(batch_size, 32)]

def get_init_inputs():
    return []
"""
FUNCTIONAL = """\
import torch
import torch.nn as nn
import torch.nn.functional as F


class AutogradFunction(torch.autograd.Function):
    backward_fn = None


def forward_fn(x, weight, eps):
    return F.linear(x, weight) + eps


class Model(nn.Module):
    def __init__(self, width: int = 8, eps: float = 0.5, start: str = "ones", scale=None):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(width, width) if start == "ones" else torch.zeros(width, width))

    def forward(self, x, fn=forward_fn):
        return fn(x, self.weight, self.eps)


def get_inputs(batch: int = 4, width: int = 8):
    return [torch.ones(batch, width, requires_grad=True)]


input_names = ["x"]
"""
CONFIGS: dict[str, Any] = {
    "single_init_configs": [{"start": "zeros"}],
    "single_input_configs": [{"batch": 2}],
    "single_shared_configs": [{"width": 16}],
    "multi_init_configs": [{"start": "zeros"}, {"start": "ones"}],
    "multi_input_configs": [{"batch": 2}, {"batch": 3}],
    "multi_shared_configs": [{"width": 16}, {"width": 24}],
}
BOOK = """\
import torch
import torch.nn as nn


class Base(nn.Module):
    def __init__(self, size, bias=True, times=2):
        super().__init__()
        self.times = times
        self.layer = nn.Linear(size, size, bias=bias)

    def forward(self, x):
        return self.layer(x) * self.times


class Scaled(Base):
    pass


def get_inputs():
    return [torch.rand([4, 4])]


def get_init_inputs():
    return INIT
"""


def only(found: list[Found]) -> Task:
    (item,) = found
    assert isinstance(item, Task), item
    return item


def run(task: Task, sizes: dict[str, int] | None = None) -> torch.Tensor:
    names: dict = {}
    source = task.reference
    for name, size in (sizes or {}).items():
        (line,) = [line for line in source.splitlines() if line.startswith(f"{name} = ")]
        source = source.replace(line, f"{name} = {size}")
    exec(source, names)
    with torch.no_grad():
        return names["Model"](*names["get_init_inputs"]())(*names["get_inputs"]())


# KernelBench


def bench(path: Path, **options) -> list[Found]:
    return list(kernelbench.read(kernelbench.Config(path=path, **options), seed=0))


def checkout(root: Path) -> Path:
    for level, names in {1: ("2_Tanh", "10_Again"), 2: ("1_Other",)}.items():
        (root / "KernelBench" / f"level{level}").mkdir(parents=True)
        for name in names:
            (root / "KernelBench" / f"level{level}" / f"{name}.py").write_text(MODULE + f"# {name}\n")
    return root


def test_a_checkout_of_kernelbench(tmp_path: Path):
    found = bench(checkout(tmp_path), levels=(1, 2))
    tasks = [t for t in found if isinstance(t, Task)]
    assert [(t.name, t.level) for t in tasks] == [("level1/2_Tanh", 1), ("level1/10_Again", 1), ("level2/1_Other", 2)]
    assert {(t.licence, t.category, t.split, t.source) for t in tasks} == {
        ("MIT", "elementwise", "heldout", "kernelbench")
    }
    assert bench(tmp_path / "KernelBench", levels=(1, 2)) == found
    assert only(bench(tmp_path, levels=(1,), problems={1: (10,)})).name == "level1/10_Again"


def test_kernelbench_as_a_table(tmp_path: Path):
    rows = [
        {"code": MODULE, "level": 1, "name": "2_Tanh.py", "problem_id": 2},
        {"code": "def broken(:", "level": 1, "name": "3", "problem_id": 3},
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "table.parquet")
    (tmp_path / "table.jsonl").write_text("\n".join(map(json.dumps, rows)))
    for name in ("table.parquet", "table.jsonl"):
        good, broken = bench(tmp_path / name, levels=(1,))
        assert isinstance(good, Task)
        assert (good.name, good.reference) == ("level1/2_Tanh", MODULE)
        assert isinstance(broken, Broken)
        assert (broken.reason, broken.task.name) == ("task_syntax", "level1/3")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"levels": (3,)}, r"tasks\.levels: .* has no level 3"),
        ({"levels": (1,), "problems": {1: (7,)}}, r"tasks\.problems: level 1 has no problem 7"),
        ({"path": "nowhere"}, r"tasks\.path: nowhere does not exist"),
        ({"path": "columns.jsonl"}, r"columns\.jsonl, row 1: no column 'code'"),
        ({"path": "torn.jsonl"}, r"torn\.jsonl can't be read: "),
        ({"path": "odd.jsonl"}, r"tasks\.path: row 2: level None, problem_id 'x' are not numbers"),
    ],
)
def test_what_is_missing_of_kernelbench_is_one_line(
    tmp_path: Path, options: dict, message: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(checkout(tmp_path))
    Path("columns.jsonl").write_text('{"level": 1, "name": "x", "problem_id": 1}\n')
    odd = [{"code": MODULE, "level": level, "name": "x", "problem_id": n} for level, n in ((1, 1), (None, "x"))]
    Path("odd.jsonl").write_text("\n".join(map(json.dumps, odd)))
    Path("torn.jsonl").write_text('{"level": 1, "na\n')
    with pytest.raises(UserError, match=message) as caught:
        bench(**{"path": Path(), **options, **({"path": Path(options["path"])} if "path" in options else {})})
    assert "\n" not in str(caught.value)


def test_problems_of_a_level_that_is_left_out():
    with pytest.raises(ValidationError, match="problems names level 2, which levels leaves out"):
        kernelbench.Config(levels=(1,), problems={2: (1,)})


# robust-kbench


def folder(root: Path, configs: Any = CONFIGS, source: str = FUNCTIONAL, direction: str = "forward") -> Path:
    (root / "tasks" / "scaled").mkdir(parents=True, exist_ok=True)
    (root / "tasks" / "scaled" / f"func_{direction}.py").write_text(source)
    (root / "tasks" / "scaled" / f"config_{direction}.json").write_text(json.dumps(configs))
    return root


def robust(root: Path, **options) -> list[Found]:
    return list(robust_kbench.read(robust_kbench.Config(path=root, **options), seed=0))


def test_a_folder_of_robust_kbench_is_one_module_with_all_its_settings(tmp_path: Path):
    task = only(robust(folder(tmp_path), max_settings=8))
    assert (task.name, task.direction, task.licence) == ("scaled_forward", "forward", "Apache-2.0")
    assert len(task.settings) == 8
    results = {(tuple(r.shape), float(r[0, 0])) for r in (run(task, s.sizes) for s in task.settings)}
    wanted = {((batch, width), width * one + 0.5) for batch in (2, 3) for width in (16, 24) for one in (0, 1)}
    assert results == wanted
    assert run(task).shape == (2, 16)
    few = only(robust(tmp_path, max_settings=4))
    assert {key for s in few.settings for key in s.sizes} == {"START", "BATCH", "WIDTH"}, "each value is seen soon"


def test_backward_is_a_task_of_its_own_without_the_harness(tmp_path: Path):
    folder(folder(tmp_path), direction="backward")
    forward, backward = robust(tmp_path)
    assert isinstance(forward, Task)
    assert isinstance(backward, Task)
    assert (backward.name, backward.direction) == ("scaled_backward", "backward")
    for harness in ("input_names", "requires_grad"):
        assert harness not in backward.reference
    assert "AutogradFunction" in backward.reference, "it says how a bare .cu is called"
    assert only(robust(tmp_path, directions=("backward",))) == backward


def test_sizes_never_take_a_name_of_the_module(tmp_path: Path):
    source = FUNCTIONAL.replace("batch: int = 4", "f: int = 4").replace("torch.ones(batch", "torch.ones(f")
    configs = {key: [{"f": 5}] if "input" in key else value for key, value in CONFIGS.items()}
    task = only(robust(folder(tmp_path, configs, source)))
    assert "F_SIZE = 5" in task.reference
    assert run(task).shape == (5, 16)


@pytest.mark.parametrize(
    ("configs", "source", "reason"),
    [
        ({**CONFIGS, "multi_init_configs": []}, FUNCTIONAL, "task_config"),
        (
            {**CONFIGS, "multi_init_configs": [{"width": [1]}], "multi_shared_configs": [{}]},
            FUNCTIONAL,
            "task_config",
        ),
        ([], FUNCTIONAL, "task_config"),
        (CONFIGS, "def broken(:", "task_syntax"),
        (CONFIGS, "x = 1", "task_config"),
    ],
)
def test_a_broken_folder_is_a_rejected_row(tmp_path: Path, configs: Any, source: str, reason: str):
    (found,) = robust(folder(tmp_path, configs, source))
    assert isinstance(found, Broken)
    assert found.reason == reason


def test_no_folder_of_robust_kbench(tmp_path: Path):
    with pytest.raises(UserError, match=r"tasks\.path: .* holds no folder with config_forward\.json"):
        robust(tmp_path)


# KernelBook


def book(tmp_path: Path, *rows: dict, **options) -> list[Found]:
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    return list(kernelbook.read(kernelbook.Config(path=path, **options), seed=0))


def row(init: str, **changes) -> dict:
    text = BOOK.replace("INIT", init)
    return {"python_code": text, "entry_point": "Scaled", "uuid": 7, "licenses": ["MIT", "BSD-3-Clause"], **changes}


@pytest.mark.parametrize(
    ("init", "arguments", "has_bias"),
    [
        ("[[4], {}]", "[4]", True),
        ("[[], {'size': 4}]", "[4]", True),
        ("[[4], {'times': 3}]", "[4, True, 3]", True),
        ("[[], {'bias': False, 'size': 4}]", "[4, False]", False),
    ],
)
def test_constructor_arguments_become_positional(tmp_path: Path, init: str, arguments: str, has_bias: bool):
    task = only(book(tmp_path, row(init)))
    assert f"return {arguments}\n" in task.reference
    assert (task.name, task.licence, task.category) == ("7_Scaled", "MIT AND BSD-3-Clause", "matmul")
    names: dict = {}
    exec(task.reference, names)
    model = names["Model"](*names["get_init_inputs"]())
    assert (model.layer.bias is not None) == has_bias
    assert run(task).shape == (4, 4)


@pytest.mark.parametrize(
    "needless",
    ["import lacking", "from lacking.parts import *", "from lacking import (\n    one,\n    other as another,\n)"],
)
def test_imports_that_nothing_uses_are_left_out(tmp_path: Path, needless: str):
    text = BOOK.replace("INIT", "[[4], {'times': 3}]")
    task = only(book(tmp_path, row("", python_code=f"{needless}\n{text}\n{needless}")))
    assert "lacking" not in task.reference
    assert run(task).shape == (4, 4)


@pytest.mark.parametrize(
    "used",
    ["import lacking", "from lacking import *", "import lacking; import math", "from __future__ import annotations"],
)
def test_others_stay(tmp_path: Path, used: str):
    text = BOOK.replace("INIT", "[[4], {}]").replace("size=4", "") + "\nwidth = lacking or wide\n"
    assert used in only(book(tmp_path, row("", python_code=f"{used}\n{text}"))).reference


def test_what_a_docstring_holds_moves_no_line(tmp_path: Path):
    """Formulas of LaTeX in docstrings that are not raw hold form feeds and other things that end no line."""
    text = BOOK.replace("INIT", "[[4], {'times': 3}]").replace(
        "class Scaled", '"""\f\x0b\x1c\u2028\x85\r\n"""\n\nclass Scaled'
    )
    task = only(book(tmp_path, row("", python_code=text)))
    assert "return [4, True, 3]\n" in task.reference
    assert run(task).shape == (4, 4)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"python_code": "def broken(:"}, "task_syntax"),
        ({"python_code": None}, "task_incomplete"),
        ({"entry_point": "Other"}, "task_incomplete"),
        ({"python_code": BOOK.replace("INIT", "[[], {'depth': 3}]")}, "init_arguments"),
        ({"python_code": BOOK.replace("INIT", "[[], {'times': 3}]")}, "init_arguments"),
        ({"python_code": BOOK.replace("INIT", "[4]")}, "init_arguments"),
        ({"licenses": ["GPL-3.0"]}, "licence"),
        ({"licenses": []}, "licence"),
        ({"licenses": 7}, "licence"),
        ({"python_code": "x = " + "-" * 20_000 + "1"}, "task_syntax"),
    ],
)
def test_a_row_that_is_no_task_has_a_reason(tmp_path: Path, changes: dict, reason: str):
    allowed = ("MIT", "BSD-3-Clause")
    broken, good = book(tmp_path, row("[[4], {}]", **changes), row("[[4], {}]"), licences=allowed)
    assert isinstance(broken, Broken)
    assert broken.reason == reason
    assert isinstance(good, Task)


def test_a_table_without_the_columns_is_one_line(tmp_path: Path):
    with pytest.raises(UserError, match=r"tasks\.path: .*rows\.jsonl, row 1: no column 'python_code'"):
        book(tmp_path, {"entry_point": "Scaled"})

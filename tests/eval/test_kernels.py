"""Finished kernels in and out: KernelBench's layout, JSON lines, its harness's results."""

import json
from pathlib import Path
from typing import Any

import pytest

from eval import kernels
from eval.crosscheck import crosscheck
from eval.export import export
from pipeline.errors import UserError
from pipeline.records import Task

TASKS = [
    Task(name=f"level1/{n}_problem", reference=f"# {n}", category="x", level=1, source="kernelbench")
    for n in (1, 7, 12)
]
OTHER = Task(name="mine", reference="# mine", category="x", source="files")


def read(path: Path, tasks: Any = TASKS) -> tuple[dict[str, list[str | None]], int]:
    return kernels.read(kernels.Config(kind="kernels", path=path), tasks)


def row(task: Task, sample: int, code: str | None, status: str = "correct") -> dict[str, Any]:
    reason = None if status == "correct" else "values"
    return {"model": "m", "task_id": task.id, "sample": sample, "code": code, "accepted": status == "correct",
            "verdict_status": status, "reason": reason}  # fmt: skip


def test_what_is_exported_is_read_back(tmp_path: Path):
    rows = [row(TASKS[0], 0, "a"), row(TASKS[0], 1, "b"), row(TASKS[1], 0, "c"), row(TASKS[1], 1, None)]
    folder = tmp_path / "runs" / "m"
    assert export(rows, TASKS, "m", folder) == 3
    assert max(file.name for file in folder.iterdir()) == "level_1_problem_7_sample_0_kernel.py"
    found, others = read(folder)
    assert found == {TASKS[0].id: ["a", "b"], TASKS[1].id: ["c", None], TASKS[2].id: [None, None]}
    assert others == 0
    with pytest.raises(UserError, match="already there"):
        export(rows, TASKS, "m", folder)
    with pytest.raises(UserError, match="not one of KernelBench's"):
        export([row(OTHER, 0, "d")], [OTHER], "m", tmp_path / "other")
    with pytest.raises(UserError, match="'n' has no answer with code"):
        export(rows, TASKS, "n", tmp_path / "other")


def test_json_lines_name_tasks_or_problems(tmp_path: Path):
    file = tmp_path / "k.jsonl"
    lines = [{"task": "mine", "code": "a\u2028"}, {"task": OTHER.id, "code": "b"}, {"level": 1, "problem_id": 7, "sample_id": 3, "code": "c"},
             {"level": 4, "problem_id": 7, "code": "d"}]  # fmt: skip
    file.write_text("\n".join(json.dumps(line, ensure_ascii=False) for line in lines))
    found, others = read(file, [*TASKS, OTHER])
    assert found[OTHER.id] == ["a\u2028", "b"]
    assert found[TASKS[1].id] == ["c", None]
    assert others == 1


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "line 2: not JSON"),
        ("[]", "line 2: not an object"),
        ('{"code": "x"}', "line 2: no task"),
        ('{"task": "mine", "code": 3}', "line 2: code must be"),
        ('{"task": "mine", "sample": 0, "code": "x"}', "comes twice"),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, line: str, message: str):
    (tmp_path / "k.jsonl").write_text('{"task": "mine", "sample": 0, "code": "x"}\n' + line)
    with pytest.raises(UserError, match=message):
        read(tmp_path / "k.jsonl", [OTHER])


def test_nothing_to_read_is_said(tmp_path: Path):
    with pytest.raises(UserError, match="holds no level_"):
        read(tmp_path)
    with pytest.raises(UserError, match="neither a folder of kernels"):
        read(tmp_path / "missing")
    (tmp_path / "empty.jsonl").write_text("\n")
    with pytest.raises(UserError, match="holds no kernel"):
        kernels.look(kernels.Config(kind="kernels", path=tmp_path / "empty.jsonl"))
    (tmp_path / "level_2_problem_1_sample_0_kernel.py").write_text("x")
    with pytest.raises(UserError, match="none of its 1 kernels"):
        read(tmp_path)


def test_differences_from_kernelbenchs_harness_are_listed(tmp_path: Path):
    ours = [row(TASKS[0], 0, "a"), row(TASKS[1], 0, "b", "incorrect"), row(TASKS[2], 0, "c"), row(TASKS[0], 1, "d")]
    theirs = {
        "1": [{"sample_id": 0, "compiled": True, "correctness": True}],
        "7": [{"sample_id": 0, "compiled": True, "correctness": True}],
        "12": {"sample_id": 0, "compiled": False, "correctness": False},
        "99": [{"sample_id": 0, "compiled": True, "correctness": True}],
    }
    file = tmp_path / "eval_results.json"
    file.write_text(json.dumps(theirs))
    found = crosscheck(ours, TASKS, "m", 1, file)
    assert (found.compared, found.only_theirs, found.only_ours) == (3, 1, 1)
    assert [(d.task, d.theirs, d.ours) for d in found.differences] == [
        ("level1/7_problem", "correct", "incorrect: values"),
        ("level1/12_problem", "does not compile", "correct"),
    ]
    with pytest.raises(UserError, match="no kernel for a problem of level 3"):
        crosscheck(ours, TASKS, "m", 3, file)
    file.write_text('{"1": [{"compiled": true}]}')
    with pytest.raises(UserError, match="no eval_results"):
        crosscheck(ours, TASKS, "m", 1, file)

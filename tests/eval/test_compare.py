"""Comparing and merging results: exact tests by counting, shards against the whole, the commands as a user sees them."""

import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from eval import commands
from eval.compare import compare, mcnemar, paired_bootstrap
from eval.merging import merge, read_results, rows_of
from eval.metrics import binomial_interval
from eval.results import Plan, Row, results
from pipeline.errors import UserError

PLAN = Plan("s", (1, 2), (1.0,), 100, 0)


def rows(model: str, solved: dict[str, str]) -> list[Row]:
    """One row per letter of each task's text: ``+`` is a right sample."""
    word = {"+": "correct", "-": "incorrect"}
    return [Row(model, task, "x", word[c], None, task.upper()) for task, text in solved.items() for c in text]


A = results(rows("a", {"t": "++", "u": "+-", "v": "--", "w": "+-"}), PLAN)
B = results(rows("b", {"t": "+-", "u": "--", "v": "-+", "w": "+-", "other": "++"}), PLAN)


@pytest.mark.parametrize(("only_a", "only_b"), [(0, 0), (5, 0), (1, 7), (4, 4)])
def test_mcnemar_counts_all_splits(only_a: int, only_b: int):
    n = only_a + only_b
    splits = [sum(s) for s in itertools.product((0, 1), repeat=n)]
    as_uneven = sum(abs(s - n / 2) >= abs(only_a - n / 2) for s in splits) / len(splits)
    pairs = [(True, False)] * only_a + [(False, True)] * only_b + [(True, True)] * 3
    assert mcnemar(*zip(*pairs, strict=True)) == (only_a, only_b, pytest.approx(as_uneven))


def test_a_comparison_by_hand():
    found = compare(A["models"]["a"]["tasks"], B["models"]["b"]["tasks"], 200)
    assert (found.n_tasks, found.left_out) == (4, 1)
    assert found.difference.mean == pytest.approx((0.5 + 0.5 - 0.5 + 0) / 4)
    assert [d.name for d in found.wins] == ["T", "U"]
    assert [d.name for d in found.losses] == ["V"]
    assert found.first[:2] == (1, 0)
    assert found.any_of[:2] == (1, 1)


def test_speeds_are_compared_where_both_are_right_by_hand():
    def tasks(**speedups: list[float | None]) -> dict[str, Any]:
        found = {
            t: [{"status": "correct" if s else "incorrect", "speedup": s} for s in own] for t, own in speedups.items()
        }
        return {t: {"name": t, "samples": own} for t, own in found.items()}

    a = tasks(t=[4.0, 1.0], u=[3.0, None], v=[None], w=[9.0])
    b = tasks(t=[0.5], u=[6.0], v=[2.0], w=[None])
    found = compare(a, b, 200).speed
    assert found is not None
    assert found.n_tasks == 2  # v and w are right on one side only
    assert found.ratio.mean == pytest.approx((4 * 0.5) ** 0.5)
    assert (found.ratio.low, found.ratio.high) == (pytest.approx(0.5), pytest.approx(4))
    assert (found.faster, found.slower) == (1, 1)
    assert compare(tasks(t=[None]), tasks(t=[2.0]), 9).speed is None


def test_pairing_removes_what_tasks_share():
    a = [0.0, 1.0] * 50
    b = [x - 0.1 for x in a]
    assert paired_bootstrap(a, b, 500, 0, bounds=None) == pytest.approx((0.1, 0.1, 0.1))
    ends = binomial_interval(100, 100).low  # at least so many tasks differ like that, others may by 1 either way
    assert paired_bootstrap(a, b, 500, 0) == pytest.approx((0.1, 0.1 * ends - (1 - ends), 0.1 * ends + (1 - ends)))
    assert paired_bootstrap([1.0], [0.0], 50, 0) == pytest.approx((1.0, -0.95, 1.0))


def test_shards_merge_into_the_whole():
    solved = {"t": "++", "u": "+-", "v": "--"}
    whole = results(rows("a", solved), PLAN)
    parts = [results(rows("a", {task: text}), PLAN) for task, text in solved.items()]
    through_json: list[dict[str, Any]] = [json.loads(json.dumps(part)) for part in parts]
    assert json.dumps(merge(through_json)) == json.dumps(whole)
    assert list(rows_of(whole)) == rows("a", solved)
    with pytest.raises(UserError, match="model 'a' has task t in two"):
        merge([parts[0], parts[0]])
    with pytest.raises(UserError, match="ks differs"):
        merge([parts[0], results(rows("b", solved), PLAN._replace(ks=(1,)))])


def write(path: Path, found: dict[str, Any]) -> Path:
    path.write_text(json.dumps(found))
    return path


def test_commands_compare_and_merge(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    a, b = write(tmp_path / "a.json", A), write(tmp_path / "b.json", B)
    commands.compare(a, b, None, None)
    printed = capsys.readouterr().out
    assert "+12.5 points" in printed
    assert "T: 100% and 50%" in printed
    commands.merge([a, b], tmp_path / "both.json")
    both = read_results(tmp_path / "both.json")
    assert set(both["models"]) == {"a", "b"}
    commands.compare(tmp_path / "both.json", tmp_path / "both.json", "a", "b")
    with pytest.raises(UserError, match="already there"):
        commands.merge([a, b], tmp_path / "both.json")


def test_wrong_names_are_one_line_errors(tmp_path: Path):
    a = write(tmp_path / "a.json", {**A, "models": {"student": A["models"]["a"], "x": A["models"]["a"]}})
    with pytest.raises(UserError, match="no model 'studnet'; did you mean student"):
        commands.compare(a, a, "studnet", None)
    with pytest.raises(UserError, match=r"no results\.json is there"):
        read_results(tmp_path / "nothing.json")
    with pytest.raises(UserError, match="no results of schema 1"):
        read_results(write(tmp_path / "c.json", {"schema": 7, "models": {}}))
    old = {"schema": 1, "suite": "s", "models": {"m": {"n_tasks": 1}}}
    with pytest.raises(UserError, match="hold no samples"):
        commands.compare(a, write(tmp_path / "old.json", old), "student", "m")

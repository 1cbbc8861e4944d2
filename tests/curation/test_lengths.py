"""Lengths within tasks, and difficulty."""

import pytest

from pipeline.curation.lengths import difficulty, difficulty_figures, reasoning_lengths, within_task
from tests.curation.examples import features


def test_right_and_wrong_are_compared_within_tasks_only():
    rows = []
    for task in range(40):  # hard tasks are long and wrong on the whole; within each, right is 10 longer
        base = 100 * task
        rows += [features(f"r{task}", f"t{task}", reasoning_tokens=base + 30)] * (40 - task)
        rows += [features(f"w{task}", f"t{task}", "incorrect", reasoning_tokens=base + 20)] * task
    figures = within_task(rows)
    assert figures["tasks"] == 39
    assert figures["difference"] == {"mean": 10.0, "low": 10.0, "high": 10.0}
    assert figures["shorter"]["mean"] == 0.0
    assert figures["ratio"]["low"] < figures["ratio"]["mean"] < figures["ratio"]["high"]


def test_the_interval_is_over_tasks_and_ties_count_half():
    rows = []
    for task, (right, wrong) in enumerate([(10, 20), (20, 20), (30, 20), (10, 30)]):
        rows += [
            features("r", f"t{task}", reasoning_tokens=right),
            features("w", f"t{task}", "timeout", reasoning_tokens=wrong),
        ]
    rows += [
        features("later", "t0", turn=1, reasoning_tokens=999),
        features("none", "t0", "incorrect", reasoning_tokens=0),
        features("undecided", "t0", "unsupported", reasoning_tokens=999),
    ]
    figures = within_task(rows)
    assert figures["difference"]["mean"] == pytest.approx(-5.0)
    assert figures["shorter"]["mean"] == pytest.approx(0.625)
    assert figures["difference"]["low"] <= -10 < 5 <= figures["difference"]["high"]
    assert within_task(rows[:1]) == {"tasks": 0}
    assert within_task(rows[::-1]) == figures


def test_arl_is_the_mean_of_first_answers_and_bins_have_their_edges_in_the_middle():
    rows = [
        features("a", reasoning_tokens=100), features("b", status="incorrect", reasoning_tokens=300),
        features("c", reasoning_tokens=0), features("d", turn=1, reasoning_tokens=9000), features("e", "t2", reasoning_tokens=0),
    ]  # fmt: skip
    assert reasoning_lengths(rows) == {"t": 200.0}
    bins = [difficulty(arl) for arl in (3999.9, 4000, 8500, 8500.1, None)]
    assert bins == ["easy", "medium", "medium", "hard", None]
    rows = [features("a", arl=10.0, difficulty="easy"), features("b", "t2", "incorrect", arl=20.0, difficulty="easy")]
    easy = {"tasks": 2, "candidates": 2, "right": 1, "kept": 1, "arl": 15.0}
    assert difficulty_figures(rows, {"a"}) == {"easy": easy}

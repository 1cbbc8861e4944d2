"""Speed, token budgets and difficulty against hand-computed tables and by counting all cases."""

import itertools
import statistics

import numpy as np
import pytest

from eval.budget import Attempt, best_within, cost_per_solved, covers
from eval.config import EvaluateConfig
from eval.difficulty import average_reasoning_length, difficulty, terciles
from eval.metrics import bootstrap_pooled, bootstrap_samples, pass_at_k
from eval.results import Plan, Row, results
from eval.speed import best_of_k, fast_count, speed


def test_speed_over_correct_samples_by_hand():
    assert speed([None, None]) is None
    found = speed([0.5, 2.0, None, 8.0])
    assert found is not None
    assert (found.n, found.geometric_mean, found.median) == (3, pytest.approx(2.0), 2.0)
    with pytest.raises(ValueError, match="speedup of 0"):
        speed([0.0])


def test_fast_at_k_is_the_share_of_subsets_with_a_fast_and_correct_sample():
    accepted, speedups = [True, True, False, True, True], [2.0, 0.9, 9.0, None, 1.2]
    assert EvaluateConfig().fast_p == (0.0, 0.8, 1.0, 1.5, 2.0)
    for p, k in itertools.product(EvaluateConfig().fast_p, (1, 2, 3)):
        fast = [ok and s is not None and s > p for ok, s in zip(accepted, speedups, strict=True)]
        shares = [any(subset) for subset in itertools.combinations(fast, k)]
        assert pass_at_k(5, fast_count(accepted, speedups, p), k) == pytest.approx(statistics.fmean(shares))


@pytest.mark.parametrize("k", [1, 2, 3, 5])
def test_best_of_k_is_the_mean_over_subsets(k: int):
    values = [0.0, 1.5, 0.0, 4.0, 2.5]
    subsets = itertools.combinations(values, k)
    assert best_of_k(values, k) == pytest.approx(statistics.fmean(map(max, subsets)))
    with pytest.raises(ValueError, match="best of 6"):
        best_of_k(values, 6)


@pytest.mark.parametrize("budget", [0, 9, 10, 29, 30, 60, 1000])
def test_best_within_a_budget_is_the_mean_over_orders(budget: int):
    attempts = [Attempt(10, 0), Attempt(20, 1), Attempt(30, 0), Attempt(25, 1)]

    def solved(order: tuple[Attempt, ...]) -> bool:
        ends = itertools.accumulate(attempt.tokens for attempt in order)
        return any(a.value and end <= budget for a, end in zip(order, ends, strict=True))

    expected = statistics.fmean(map(solved, itertools.permutations(attempts)))
    assert best_within(attempts, budget) == pytest.approx(expected)
    many = [*attempts, *attempts]  # too many to look at all orders: sampled
    assert best_within(many, 1000) == 1.0
    assert best_within(many, 9) == 0.0
    assert covers(attempts, 85)
    assert not covers(attempts, 86)


def test_cost_counts_unsolved_tasks_too():
    assert cost_per_solved([100, 300, 200], 2) == 300
    assert cost_per_solved([100], 0) is None


def test_difficulty_bins_are_concurs():
    assert [difficulty(arl) for arl in (3999, 4000, 8500, 8501)] == ["easy", "medium", "medium", "hard"]
    assert average_reasoning_length([100, None, 300]) == 200
    assert average_reasoning_length([None]) is None
    assert terciles({"a": 1.0, "b": 2.0, "c": 3.0, "d": 4.0}) == (2.0, 3.0)


def test_intervals_over_samples_are_wider_and_right_in_a_case_that_is_known():
    one_task = bootstrap_samples([(100, 50)], 1, 4000, 0)  # the binomial's: 0.5 +- 1.96 * 0.05
    assert (one_task.low, one_task.high) == (pytest.approx(0.4, abs=0.015), pytest.approx(0.6, abs=0.015))
    assert one_task.mean == 0.5
    alike = bootstrap_samples([(4, 2)] * 50, 1, 500, 0)
    assert alike.low < 0.5 < alike.high  # over tasks alone it has no width


def test_intervals_of_pooled_figures_are_those_of_all_resamples():
    """Tasks of one and of three answers: drawn twice one, both ways mixed, twice the other."""
    groups = [[8.0], [2.0, 2.0, 2.0]]
    found = bootstrap_pooled(groups, np.median, 4000, 0)
    assert found == (2.0, 2.0, 8.0)  # 8 where the first is drawn twice, in a quarter
    mean = bootstrap_pooled(groups, np.mean, 4000, 0)
    assert mean.mean == 14 / 4  # of all values, not of the tasks' means
    assert bootstrap_pooled([[], *groups], np.mean, 4000, 0) == mean
    one = bootstrap_pooled([[1.0] * 50 + [0.0] * 50], np.mean, 2000, 0, samples=True)  # the binomial's
    assert (one.low, one.high) == (pytest.approx(0.4, abs=0.02), pytest.approx(0.6, abs=0.02))
    with pytest.raises(ValueError, match="no value"):
        bootstrap_pooled([[]], np.mean, 10, 0)


def test_what_is_no_mean_over_tasks_has_an_interval_too():
    rows = [Row("m", t, "x", "correct", s) for t, s in (("a", 4.0), ("a", 4.0), ("b", 1.0), ("b", None))]
    rows.append(Row("m", "b", "x", "compile_error", None))
    found = results(rows, Plan("s", (1,), (1.0,), 2000, 0))["models"]["m"]["intervals"]
    assert found["compile_rate"] == {"mean": 0.8, "low": pytest.approx(2 / 3), "high": 1.0}
    assert found["speedup.geometric_mean"] == {
        "mean": pytest.approx(16 ** (1 / 3)),
        "low": 1.0,
        "high": pytest.approx(4),
    }
    assert found["speedup.median"] == {"mean": 4.0, "low": 1.0, "high": 4.0}
    assert found["speedup_over_compile.median"] is None


def test_a_table_by_hand():
    """Two tasks of two samples: speeds, budgets, costs, bins."""
    rows = [
        Row("m", "a", "x", "correct", 2.0, "A", 1.6, 1000, 100, 3000),
        Row("m", "a", "x", "incorrect", None, "A", None, 1000, 300, 3000),
        Row("m", "b", "y", "correct", 0.5, "B", 0.4, 2000, 200, 9000),
        Row("m", "b", "y", "correct", None, "B", None, 2000, 400, 9000),
    ]
    plan = Plan("s", (1, 2), (0.0, 1.0), 50, 0, (100, 400, 1000), {"m": (1.0, 10.0)})
    found = results(rows, plan)["models"]["m"]
    assert found["speedup"] == {"n": 2, "geometric_mean": pytest.approx(1.0), "median": 1.25}
    assert found["speedup_over_compile"]["geometric_mean"] == pytest.approx(0.8)
    assert found["fast_p_at_k"]["0.0"]["1"]["mean"] == 0.5  # a correct sample without a speed is not fast
    assert found["fast_p_at_k"]["1.0"]["2"]["mean"] == 0.5
    assert found["fast_p_at_k_over_compile"]["1.0"]["1"]["mean"] == 0.25
    assert found["solved_within_tokens"]["100"]["mean"] == 0.25  # half of A's orders start with its right sample
    assert found["solved_within_tokens"]["1000"]["mean"] == 1.0
    assert found["best_speedup_at_k_over_compile"]["2"]["mean"] == pytest.approx((1.6 + 0.4) / 2)
    assert found["best_speedup_at_k_over_compile"]["1"]["mean"] == pytest.approx((1.6 + 0.4) / 4)
    # A's right answer is fast: it comes first in half of the orders. B's 200 tokens are too many.
    assert found["best_speedup_within_tokens"]["100"]["mean"] == pytest.approx(2.0 / 2 / 2)
    assert found["best_speedup_within_tokens"]["400"]["mean"] == pytest.approx((2.0 + 0.5 / 2) / 2)
    assert found["best_speedup_within_tokens"]["1000"] is None  # A has no third answer, which might be faster
    assert found["per_solved_task"] == {
        "completion_tokens": 500,
        "dollars": pytest.approx((6000 + 10 * 1000) / 1e6 / 2),
    }
    assert {bin_: part["n_tasks"] for bin_, part in found["by_difficulty"].items()} == {"easy": 1, "hard": 1}
    assert found["by_difficulty"]["hard"]["pass_at_k"]["1"]["mean"] == 1.0


def test_what_was_not_measured_is_null():
    found = results([Row("m", "a", "x", "correct", None)], Plan("s", (1, 2), (1.0,), 10, 0, (10,)))["models"]["m"]
    for name in ("fast_p", "fast_p_at_k", "speedup", "solved_within_tokens", "per_solved_task", "by_difficulty"):
        assert found[name] is None
    assert found["pass_at_k"]["2"] is None  # one sample


def test_a_budget_that_no_sample_exhausts_is_not_claimed():
    rows = [Row("m", "a", "x", "incorrect", None, completion_tokens=10)]
    found = results(rows, Plan("s", (1,), (1.0,), 10, 0, (10, 11)))["models"]["m"]
    assert found["solved_within_tokens"]["10"]["mean"] == 0.0
    assert found["solved_within_tokens"]["11"] is None

"""The metrics against their definitions, by counting all cases."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.metrics import SHARE, binomial_interval, bootstrap, bootstrap_pooled, bootstrap_samples, fast_p, pass_at_k
from eval.results import Plan, Row, results

PLAN = Plan("heldout", (1, 2), (1.0, 2.0), 200, 0)


@pytest.mark.parametrize(
    ("n", "c", "k"), [(n, c, k) for n in range(1, 8) for c in range(n + 1) for k in range(1, n + 1)]
)
def test_pass_at_k_is_the_share_of_subsets_with_a_correct_sample(n: int, c: int, k: int):
    subsets = list(itertools.combinations([True] * c + [False] * (n - c), k))
    assert pass_at_k(n, c, k) == pytest.approx(float(Fraction(sum(map(any, subsets)), len(subsets))), abs=1e-12)


def test_pass_at_k_of_many_samples_does_not_overflow():
    assert pass_at_k(10_000, 1, 100) == pytest.approx(0.01)
    assert pass_at_k(10_000, 9_000, 100) == pytest.approx(1.0)


@pytest.mark.parametrize(("n", "c", "k"), [(3, 1, 4), (3, 4, 1), (3, 1, 0), (0, 0, 1), (3, -1, 1)])
def test_pass_at_k_refuses_what_is_not_possible(n: int, c: int, k: int):
    with pytest.raises(ValueError, match=r"pass@|correct ones"):
        pass_at_k(n, c, k)


def test_fast_p_counts_correct_and_strictly_faster_samples():
    accepted = [True, True, False, True]
    assert fast_p(accepted, [2.0, 1.5, 9.0, None], 1.5) == 0.25
    assert fast_p(accepted, [2.0, 1.5, 9.0, None], 1.0) == 0.5
    assert fast_p(accepted, [None] * 4, 1.0) is None


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_an_interval_encloses_the_mean_and_stays_within_the_values(values: list[float]):
    found = bootstrap(values, 200, seed=1)
    if max(values) - min(values) > 1e-6:
        assert min(values) - 1e-9 <= found.low <= found.high <= max(values) + 1e-9
    assert 0 <= found.low <= found.mean + 1e-9
    assert found.mean - 1e-9 <= found.high <= 1
    assert found.mean == pytest.approx(sum(values) / len(values))
    assert found == bootstrap(values, 200, seed=1)


@pytest.mark.parametrize(("n", "solved"), [(1, 0), (1, 1), (120, 0), (120, 120)])
def test_all_or_none_solved_has_the_exact_interval_over_tasks(n: int, solved: int):
    exact = binomial_interval(solved, n)
    assert bootstrap([float(bool(solved))] * n, 50, seed=0) == pytest.approx(exact)
    assert bootstrap_samples([(4, 4 * bool(solved))] * n, 2, 50, seed=0) == pytest.approx(exact)
    rows = [[float(bool(solved))] * 3] * n
    assert bootstrap_pooled(rows, np.mean, 50, 0, bounds=SHARE) == pytest.approx(exact)
    assert exact.high - exact.low == pytest.approx(1 - 0.025 ** (1 / n))


def test_one_task_says_next_to_nothing_about_others():
    assert bootstrap([0.5], 50, seed=0) == pytest.approx((0.5, 0.0125, 0.9875))
    assert bootstrap([3.0], 50, seed=0, bounds=None) == (3.0, 3.0, 3.0)  # speeds have no upper end


def test_the_interval_is_that_of_all_resamples():
    # Three tasks, one solved: a resample solves 0, 1/3, 2/3 or 3/3 with 8, 12, 6 and 1 of 27 chances, so 2.5% and 97.5%
    # fall on 0 and (with 3.7% above) 3/3.
    assert bootstrap([1.0, 0.0, 0.0], 20_000, seed=0)[1:] == (0.0, 1.0)


def test_the_interval_narrows_with_tasks_as_the_binomial_does():
    few, many = (bootstrap([1.0, 0.0] * n, 2000, seed=0) for n in (50, 200))
    assert many.high - many.low == pytest.approx((few.high - few.low) / 2, rel=0.15)
    assert few.high - few.low == pytest.approx(2 * 1.96 * 0.05, rel=0.15)


def row(task: str, status: str, speedup: float | None = None, model: str = "student") -> Row:
    return Row(model, task, "binary" if task == "b" else "softmax", status, speedup)


def test_results_average_over_tasks_not_samples():
    rows = [row("a", "correct"), row("a", "correct"), row("b", "incorrect"), row("b", "compile_error")]
    found = results(rows, PLAN)["models"]["student"]
    assert (found["n_tasks"], found["samples_per_task"], found["compile_rate"]) == (2, 2, 0.75)
    assert found["pass_at_k"]["1"]["mean"] == found["pass_at_k"]["2"]["mean"] == 0.5
    assert found["by_category"]["softmax"]["pass_at_k"]["1"] == {
        "mean": 1.0,
        "low": pytest.approx(0.025),
        "high": 1.0,
    }
    assert found["fast_p"] is None


def test_a_model_without_a_correct_kernel_is_not_fast_where_others_were_timed():
    rows = [row("a", "correct", 1.6), row("a", "incorrect"), row("a", "incorrect", model="untrained")]
    found = results(rows, PLAN._replace(ks=(1,)))["models"]
    assert found["student"]["fast_p"]["1.0"]["mean"] == 0.5
    assert found["student"]["fast_p"]["2.0"]["mean"] == found["untrained"]["fast_p"]["1.0"]["mean"] == 0.0


def test_undecided_answers_count_as_not_solved_unless_nothing_was_judged():
    some = results([row("a", "unsupported"), row("a", "correct")], PLAN)["models"]["student"]
    assert (some["n_undecided"], some["pass_at_k"]["1"]["mean"]) == (1, 0.5)
    none = results([row("a", "unsupported"), row("a", "unsupported")], PLAN)["models"]["student"]
    assert none["pass_at_k"] == {"1": None, "2": None}
    assert none["compile_rate"] is None


@pytest.mark.parametrize(("count", "trials"), [(0, 34), (3, 10), (50, 104), (7, 7)])
def test_the_exact_interval_ends_where_the_count_becomes_unlikely(count: int, trials: int):
    def at_most(k: int, p: float) -> float:
        return sum(math.comb(trials, i) * p**i * (1 - p) ** (trials - i) for i in range(k + 1))

    mean, low, high = binomial_interval(count, trials)
    assert mean == count / trials
    assert low == 0 if count == 0 else 1 - at_most(count - 1, low) == pytest.approx(0.025)
    assert high == 1 if count == trials else at_most(count, high) == pytest.approx(0.025)


def test_the_exact_interval_of_nothing_seen_is_the_textbook_one():
    assert binomial_interval(0, 60).high == pytest.approx(1 - 0.025 ** (1 / 60))


@pytest.mark.parametrize(("count", "trials"), [(1, 0), (3, 2), (-1, 2)])
def test_an_interval_needs_trials(count: int, trials: int):
    with pytest.raises(ValueError, match="trials"):
        binomial_interval(count, trials)

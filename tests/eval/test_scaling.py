"""Test-time scaling and the judge's error, against their definitions."""

import itertools

import numpy as np
import pytest

from eval.judge_error import Counted, JudgeError, corrected, precision, true_rate
from eval.scaling import Turn, allocate, fit_saturation, mixed, parallel, saturation_point, sequential


@pytest.mark.parametrize(
    ("p", "f_max", "epsilon"), [(0.3, 0.9, 0.01), (0.05, 0.5, 0.001), (0.5, 1.0, 0.5), (1, 1, 0.1)]
)
def test_from_the_saturation_point_on_a_sample_gains_less_than_epsilon(p: float, f_max: float, epsilon: float):
    def gain(n: int) -> float:
        return f_max * p * (1 - p) ** n

    n = saturation_point(p, f_max, epsilon)
    assert gain(n) <= epsilon * (1 + 1e-9)
    assert n == 0 or gain(n - 1) > epsilon


def test_the_fit_finds_a_known_curve():
    points = {n: 0.8 * (1 - 0.75**n) for n in (1, 2, 4, 8, 16)}
    found = fit_saturation(points)
    assert found is not None
    assert (found.p, found.f_max) == (pytest.approx(0.25, rel=1e-3), pytest.approx(0.8, rel=1e-3))
    assert found.error < 1e-3
    assert found.at(4) == pytest.approx(points[4], abs=1e-3)
    assert fit_saturation({1: 0.0, 2: 0.0}) is None


def test_ways_to_spend_tokens_by_hand():
    repaired = [Turn(10, right=False), Turn(10, right=True)]
    never = [Turn(10, right=False), Turn(10, right=False)]
    rollouts = [repaired, never]
    assert [sequential(rollouts, b) for b in (10, 19, 20)] == [0, 0, 0.5]
    assert parallel(rollouts, 100) == 0  # no first answer is right
    assert [mixed(rollouts, b) for b in (20, 39, 40)] == [0.5, 0.5, 1.0]


def test_allocation_is_the_best_of_all():
    rates, costs, budget = {"easy": 0.6, "medium": 0.2, "hard": 0.05}, {"easy": 2.0, "medium": 3.0, "hard": 5.0}, 25

    def solved(counts: tuple[int, ...]) -> float:
        return sum(1 - (1 - p) ** n for p, n in zip(rates.values(), counts, strict=True))

    possible = [c for c in itertools.product(range(13), repeat=3)
                if sum(n * cost for n, cost in zip(c, costs.values(), strict=True)) <= budget]  # fmt: skip
    chosen = tuple(allocate(rates, costs, budget).values())
    assert chosen in possible
    assert solved(chosen) >= max(map(solved, possible)) - 0.05
    assert allocate({"never": 0.0, "sure": 1.0}, {"never": 1, "sure": 1}, 10) == {"never": 0, "sure": 1}


def test_rogan_gladen_undoes_the_judge():
    p, phi, psi = 0.3, 0.05, 0.1
    accepted = p * (1 - psi) + (1 - p) * phi
    assert true_rate(accepted, phi, psi) == pytest.approx(p)
    assert precision(accepted, phi, psi) == pytest.approx(p * (1 - psi) / accepted)
    assert true_rate(0.01, phi, psi) == 0.0
    assert precision(0, phi, psi) is None
    with pytest.raises(ValueError, match="tells nothing apart"):
        true_rate(0.5, 0.6, 0.4)


def test_doubt_about_the_judge_widens_the_interval():
    rates = np.random.default_rng(1).normal(0.5, 0.02, 4000)
    rates[0] = 0.5
    sure = corrected(rates, JudgeError(Counted(0, 10**7), Counted(0, 10**7)), 0)
    assert sure == pytest.approx((0.5, 0.5 - 0.0392, 0.5 + 0.0392), abs=0.003)
    unsure = corrected(rates, JudgeError(Counted(0, 34), Counted(0, 60)), 0)
    assert unsure.mean == 0.5
    assert unsure.high - unsure.low > 1.2 * (sure.high - sure.low)
    biased = corrected(rates, JudgeError(Counted(100, 1000), Counted(0, 1000)), 0)
    assert biased.mean == pytest.approx(0.4 / 0.9)
    with pytest.raises(ValueError, match="no known candidate"):
        corrected(rates, JudgeError(Counted(0, 0), Counted(0, 5)), 0)

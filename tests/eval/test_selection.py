"""Selection without ground truth on examples computed by hand, and against the truth in simulation."""

import math
import random

import numpy as np
import pytest

from eval.selection.matrix import Group, agreement, groups
from eval.selection.rpc import Weibull, fit, keep, rpc
from eval.selection.rules import b4, b4_score, codet, hybrid, oracle, random_choice

MATRIX = [[1, 1, 0], [0, 0, 1], [1, 1, 0], [0, 1, 1]]


def test_groups_are_equal_rows():
    assert groups(MATRIX) == [Group((0, 2), (0, 1)), Group((1,), (2,)), Group((3,), (1, 2))]
    with pytest.raises(ValueError, match="pass matrix"):
        groups([[True], [True, False]])


def test_agreement_has_a_test_per_distinct_output():
    matrix = agreement([("p", "q"), ("p", None), ("r", "q")])
    assert matrix == [[True, False, True], [True, False, False], [False, True, True]]


def test_codet_by_hand():
    assert codet(MATRIX) == 0  # 2 * sqrt(2) against 1 and 2
    assert codet([[1, 1, 1, 0], [0, 0, 1, 1], [0, 0, 1, 1]]) == 0  # 3 against 2 * sqrt(2) = 2.83


def test_b4_by_hand():
    """N=4, M=3, group {0, 2} passes 2 tests; the others pass 1 of E1's 4 and 2 of E0's 2."""

    def beta(x: float, y: float) -> float:
        return math.log(math.gamma(x) * math.gamma(y) / math.gamma(x + y))

    expected = beta(2 + 2, 4 - 2 + 1) + beta(2 + 2, 3 - 2 + 1) + beta(1 + 1, 4 - 1 + 1) + beta(2 + 1, 2 - 2 + 3)
    assert b4_score(MATRIX, Group((0, 2), (0, 1)), a=2, b0=3) == pytest.approx(expected)


def test_b4_chooses_the_consensus_of_right_answers_and_beats_chance():
    """Right answers agree on all good tests; wrong ones pass tests at random; some tests are wrong."""
    draw = random.Random(0)
    wins = {"b4": 0, "codet": 0}
    chance = best = 0.0
    for _ in range(100):
        right = [draw.random() < 0.35 for _ in range(12)]
        sound = [draw.random() < 0.6 for _ in range(10)]
        matrix = [[s if r else draw.random() < 0.3 for s in sound] for r in right]
        wins["b4"] += right[b4(matrix)]
        wins["codet"] += right[codet(matrix)]
        chance += random_choice(right)
        best += oracle(right)
    assert chance + 30 < wins["b4"] <= best
    assert wins["codet"] <= best


def test_hybrid_preselects_by_score_then_ranks_by_tests():
    matrix = [[1, 1, 1], [1, 1, 0], [1, 0, 0], [0, 0, 0], [1, 1, 1], [1, 1, 1], [1, 1, 1], [1, 1, 1]]
    scores = [0.1, 0.9, 0.8, 0.7, 0.6, 0.2, 0.2, 0.2]
    assert hybrid(scores, matrix) == 4  # of 1, 2, 3, 4: the one that passes all
    assert hybrid(scores[:4], matrix[:4]) == 1  # max(3, 4/2) = 3 are kept, without the first
    with pytest.raises(ValueError, match="a score for each"):
        hybrid([1.0], matrix)


def test_rpc_sums_the_probabilities_of_a_class():
    logs = [math.log(p) for p in (0.4, 0.3, 0.3)]
    assert rpc(logs, ["a", "b", "b"]) == 1  # 0.6 against 0.4: most likely class, not most likely answer
    assert rpc(logs, ["a", None, None]) == 0  # no output agrees with none


def test_rpc_drops_the_unlikely_component():
    unlikely, likely = [0.01, 0.012, 0.011, 0.009, 0.013, 0.008], [0.5, 0.55, 0.6, 0.52]
    kept = keep(np.array(unlikely + likely))
    assert kept.tolist() == [False] * 6 + [True] * 4


def test_the_mixture_finds_two_known_weibulls():
    generator = np.random.default_rng(0)
    x = np.concatenate([0.1 * generator.weibull(2.0, 600), 1.0 * generator.weibull(8.0, 400)])
    share, low, high = fit(x)
    assert share == pytest.approx(0.6, abs=0.03)
    assert low == Weibull(pytest.approx(2.0, rel=0.1), pytest.approx(0.1, rel=0.05))  # type: ignore[arg-type]
    assert high == Weibull(pytest.approx(8.0, rel=0.1), pytest.approx(1.0, rel=0.05))  # type: ignore[arg-type]

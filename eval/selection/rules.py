"""The rules of choice: B4, CodeT, the hybrid of R2E-Gym, and the bounds they lie between, random and the oracle."""

import math
from collections.abc import Callable, Sequence

from eval.selection.matrix import Group, PassMatrix, groups

A, B0 = 1e3, 1e5  # B4's prior: answers are rarely right together by chance; b0 from 1e4 to 1e6 in the paper
MIN_KEPT = 3


def codet(matrix: PassMatrix) -> int:
    """Return the first answer of the group with the largest n_y * sqrt(n_x) (CodeT, arXiv 2207.10397; B4's baseline).

    n_x answers are in the group and pass n_y tests.
    """
    return _first_of_best(matrix, lambda group: len(group.passed) * math.sqrt(len(group.answers)))


def b4(matrix: PassMatrix, a: float = A, b0: float = B0) -> int:
    """Return the first answer of the group that B4 (arXiv 2409.08692) scores highest."""
    return _first_of_best(matrix, lambda group: b4_score(matrix, group, a, b0))


def b4_score(matrix: PassMatrix, group: Group, a: float = A, b0: float = B0) -> float:
    """Return the logarithm of the posterior, up to a constant, that exactly this group is right.

    lnB(n_x+a, N-n_x+1) + lnB(n_y+a, M-n_y+1) + lnB(s1+1, |E1|-s1+1) + lnB(s0+1, |E0|-s0+b0), where E1 and E0 are the
    results of the other answers on the tests that the group passes and fails, and s1 and s0 their ones.
    """
    n, m = len(matrix), len(matrix[0])
    n_x, n_y = len(group.answers), len(group.passed)
    passed, mine = set(group.passed), set(group.answers)
    ones = {True: 0, False: 0}
    for row in (row for i, row in enumerate(matrix) if i not in mine):
        for test, ok in enumerate(row):
            ones[test in passed] += bool(ok)
    e1, e0 = (n - n_x) * n_y, (n - n_x) * (m - n_y)
    return (
        log_beta(n_x + a, n - n_x + 1)
        + log_beta(n_y + a, m - n_y + 1)
        + log_beta(ones[True] + 1, e1 - ones[True] + 1)
        + log_beta(ones[False] + 1, e0 - ones[False] + b0)
    )


def hybrid(scores: Sequence[float], matrix: PassMatrix) -> int:
    """Return the answer that passes most tests among the max(3, n/2) with the highest verifier scores.

    R2E-Gym's hybrid (arXiv 2504.07164): a verifier that executes nothing preselects, tests decide. Ties go to the
    higher score, then to the earlier answer.

    Raises:
        ValueError: there is no answer, or not a score for each.
    """
    if not matrix or len(scores) != len(matrix):
        raise ValueError("hybrid needs a score for each answer")
    order = sorted(range(len(scores)), key=lambda i: (-scores[i], i))
    kept = order[: max(MIN_KEPT, len(scores) // 2)]
    return max(kept, key=lambda i: (sum(map(bool, matrix[i])), scores[i], -i))


def random_choice(right: Sequence[bool]) -> float:
    """Return the chance that an answer drawn at random is right: what a rule must beat."""
    return sum(right) / len(right)


def oracle(right: Sequence[bool]) -> float:
    """Return 1 if any answer is right, else 0: what no rule can beat."""
    return float(any(right))


def log_beta(x: float, y: float) -> float:
    """Return ln B(x, y)."""
    return math.lgamma(x) + math.lgamma(y) - math.lgamma(x + y)


def _first_of_best(matrix: PassMatrix, score: Callable[[Group], float]) -> int:
    return max(groups(matrix), key=lambda group: (score(group), -group.answers[0])).answers[0]

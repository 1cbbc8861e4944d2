"""Pass matrices, and the groups of answers that no test tells apart."""

from collections import defaultdict
from collections.abc import Hashable, Sequence
from typing import NamedTuple

PassMatrix = Sequence[Sequence[int]]  # [n answers][m tests], true or false


class Group(NamedTuple):
    """Answers (by index, ascending) with the same results, and the tests that they pass."""

    answers: tuple[int, ...]
    passed: tuple[int, ...]


def groups(matrix: PassMatrix) -> list[Group]:
    """Return the groups of equal rows, in the order of their first answers.

    Raises:
        ValueError: there is no answer, or rows differ in length.
    """
    if not matrix or len({len(row) for row in matrix}) != 1:
        raise ValueError("a pass matrix needs answers, all with the same tests")
    found: dict[tuple[bool, ...], list[int]] = defaultdict(list)
    for index, row in enumerate(matrix):
        found[tuple(map(bool, row))].append(index)
    return [Group(tuple(answers), tuple(t for t, ok in enumerate(row) if ok)) for row, answers in found.items()]


def agreement(fingerprints: Sequence[Sequence[Hashable]]) -> list[list[bool]]:
    """Return the pass matrix of outputs: one test per distinct output at each input, passed by those who give it.

    Args:
        fingerprints: [answer][input], what identifies an answer's (rounded) output; None where it gave none, which
            agrees with nothing.

    Raises:
        ValueError: answers have different numbers of inputs.
    """
    columns = list(zip(*fingerprints, strict=True))
    tests = [(i, value) for i, column in enumerate(columns) for value in dict.fromkeys(column) if value is not None]
    return [[row[i] == value for i, value in tests] for row in fingerprints]


def votes(fingerprints: Sequence[Sequence[Hashable]]) -> list[list[bool]]:
    """Return the pass matrix of mutual agreement: one test per answer and input, passed by those who give its output.

    What several answers give is a test several times, so the number of tests passed tells how many agree.

    Args:
        fingerprints: as for ``agreement``; an answer without an output is no test.

    Raises:
        ValueError: answers have different numbers of inputs.
    """
    columns = list(zip(*fingerprints, strict=True))
    tests = [(i, value) for i, column in enumerate(columns) for value in column if value is not None]
    return [[row[i] == value for i, value in tests] for row in fingerprints]

"""No honest kernel is rejected, whatever its kind: each pair through the real judge, strict."""

from collections.abc import Iterator

import pytest

from pipeline.judge.config import JudgeConfig
from pipeline.judge.judge import Judge
from pipeline.records import Verdict
from tests.honest.pairs import Pair, pairs

PAIRS = pairs()
BOUND_SHARE = 0.5  # an honest error nearer to its bound than this would cross it on some other day


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judge]:
    with Judge(JudgeConfig(backend="simt", workers=1, cache=tmp_path_factory.mktemp("builds"))) as judge:
        yield judge


def test_there_are_enough_kinds():
    assert len(PAIRS) >= 60
    assert len({pair.task.category for pair in PAIRS}) >= 12


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.name)
def test_an_honest_kernel_is_accepted_with_room_to_spare(judge: Judge, pair: Pair):
    verdict = judge.submit(pair.task, pair.code, pair.name).result()
    assert verdict.accepted, f"{verdict.status}, {verdict.reason}: {verdict.detail}"
    assert largest_share(verdict) < BOUND_SHARE


def largest_share(verdict: Verdict) -> float:
    """Return the largest error over its bound."""
    figures = [check.figures for check in verdict.checks if "bound" in check.figures]
    return max(float(f["error"] or 0) / float(f["bound"] or 1) for f in figures)

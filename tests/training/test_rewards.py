"""Rewards by hand-computed tables, and that what decides nothing has no reward."""

from typing import cast

import pytest
from pydantic import ValidationError

from pipeline.records import Check, Timing, Verdict
from pipeline.training.config import GrpoSection
from pipeline.training.rewards import RewardName, concise, credits_over_turns, score


def verdict(speedup: float | None = None, over_compile: float | None = None, share: float | None = None) -> Verdict:
    timing = None
    if speedup is not None:
        timing = Timing(
            candidate_ms=1.0, eager_ms=speedup, speedup=speedup, speedup_low=speedup, speedup_high=speedup,
            compile_ms=over_compile, own_kernel_share=share,
        )  # fmt: skip
    return Verdict(
        candidate_id="c", status="correct", reason=None, checks=(Check(name="values", passed=True),),
        timing=timing, backend="cuda", judge_version="1",
    )  # fmt: skip


def failed(status: str) -> Verdict:
    return Verdict.model_validate(
        {"candidate_id": "c", "status": status, "reason": "r", "backend": "cuda", "judge_version": "1"}
    )


@pytest.mark.parametrize(
    ("judged", "expected"),  # correctness, Kevin's, CUDA Agent's, Dr. Kernel's
    [
        (failed("incorrect"), (0, 0, -1, 0)),
        (failed("compile_error"), (0, 0, -1, 0)),
        (failed("unsupported"), (None, None, None, None)),
        (verdict(), (1, 0.3, 1, 0)),
        (verdict(0.5), (1, 0.8, 1, 0.5)),
        (verdict(1.04, 2.0), (1, 1.34, 1, 1.04)),
        (verdict(1.05, 1.0), (1, 1.35, 2, 1.05)),
        (verdict(1.05, 1.05), (1, 1.35, 3, 1.05)),
        (verdict(2.0, None), (1, 2.3, 2, 2.0)),
        (verdict(7.0, 3.0, 1.0), (1, 7.3, 3, 3.5)),
        (verdict(7.0, 3.0, 0.1), (1, 7.3, 3, 3.05)),
    ],
)
def test_the_named_rewards(judged: Verdict, expected: tuple[float | None, ...]):
    got = [score(name, judged) for name in ("correctness", "kevin", "cuda_agent", "dr_kernel")]
    assert got == [None if e is None else pytest.approx(e) for e in expected]


def test_concise_reasoning_is_worth_more_and_only_where_the_answer_is_right():
    assert concise(1.0, verdict(), 1000, weight=0.2, tokens=4000) == pytest.approx(0.95)
    assert concise(1.0, verdict(), 9000, weight=0.2, tokens=4000) == pytest.approx(0.8)
    assert concise(0.0, failed("incorrect"), 9000, weight=0.2, tokens=4000) == 0.0


def test_conciseness_never_outweighs_being_right():
    for reward, slowest in (("correctness", verdict()), ("kevin", verdict(1e-9)), ("cuda_agent", verdict(1e-9))):
        least, wrong = (score(cast("RewardName", reward), v) for v in (slowest, failed("incorrect")))
        assert least is not None
        assert wrong is not None
        allowed = {"reward": reward, "concise_weight": min(0.99, least - wrong - 0.01)}
        weight = GrpoSection.model_validate(allowed).concise_weight
        assert concise(least, slowest, 10**9, weight, 4000) > wrong
    for refused in ({"reward": "kevin", "concise_weight": 0.3}, {"reward": "dr_kernel", "concise_weight": 0.01}):
        with pytest.raises(ValidationError, match="could make a right answer worth no more than a wrong one"):
            GrpoSection.model_validate(refused)


def test_credit_runs_back_over_the_turns():
    assert credits_over_turns([0.0, 0.0, 1.0], 0.4) == pytest.approx([0.16, 0.4, 1.0])
    assert credits_over_turns([0.3, 1.3], 0.4) == pytest.approx([0.82, 1.3])
    # A fault of the judge in the second turn: what came of the first is not known either.
    assert credits_over_turns([0.0, None], 0.5) == [None, None]
    assert credits_over_turns([0.0, None, 1.0], 0.5) == [None, None, 1.0]
    assert credits_over_turns([0.3, None], 0.0) == [0.3, None]
    assert credits_over_turns([], 0.4) == []

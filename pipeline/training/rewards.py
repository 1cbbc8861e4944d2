"""Rewards for reinforcement learning: what a verdict is worth.

Each function takes a verdict and returns a number. A verdict that says nothing about the candidate (``unsupported``)
and a fault of our own are no zeros: ``score`` gives None for them, and the trainer leaves such an answer out of its
group's baseline.
"""

from collections.abc import Sequence
from typing import Literal, assert_never

from pipeline.records import Verdict

RewardName = Literal["correctness", "kevin", "cuda_agent", "dr_kernel"]
NEEDS_SPEED: tuple[RewardName, ...] = ("kevin", "cuda_agent", "dr_kernel")
KEVIN_RIGHT, KEVIN_DISCOUNT = 0.3, 0.4  # of a right answer, beside its speedup; from turn to turn
FASTER = 1.05  # CUDA Agent counts a kernel as faster from 5% on
MAX_SPEEDUP = 3.0  # Dr. Kernel's clip
# How much more than a wrong answer the least of the right ones is worth.
LEAST_GAIN: dict[RewardName, float] = {"correctness": 1.0, "kevin": KEVIN_RIGHT, "cuda_agent": 2.0, "dr_kernel": 0.0}


def score(name: RewardName, verdict: Verdict) -> float | None:
    """Return a verdict's reward, None where it decides nothing."""
    if verdict.status == "unsupported":
        return None
    match name:
        case "correctness":
            return correctness(verdict)
        case "kevin":
            return kevin(verdict)
        case "cuda_agent":
            return cuda_agent(verdict)
        case "dr_kernel":
            return dr_kernel(verdict)
    assert_never(name)


def correctness(verdict: Verdict) -> float:
    """Return 1 for an accepted kernel, else 0."""
    return float(verdict.accepted)


def kevin(verdict: Verdict) -> float:
    """Return 0.3 and the speedup over eager for an accepted kernel, else 0 (Kevin-32B, arXiv 2507.11948).

    Compiling alone earns nothing: rewarding it backfired there.
    """
    if not verdict.accepted:
        return 0.0
    return KEVIN_RIGHT + (verdict.timing.speedup if verdict.timing else 0.0)


def cuda_agent(verdict: Verdict) -> float:
    """Return CUDA Agent's milestones.

    -1 wrong, 1 right, 2 faster than eager, 3 faster than eager and torch.compile, each by at least 5%. Where
    torch.compile has no time (the reference can't be compiled), eager alone decides up to 2.
    """
    if not verdict.accepted:
        return -1.0
    timing = verdict.timing
    if timing is None or timing.speedup < FASTER:
        return 1.0
    over_compile = timing.compile_ms / timing.candidate_ms if timing.compile_ms is not None else None
    return 3.0 if over_compile is not None and over_compile >= FASTER else 2.0


def dr_kernel(verdict: Verdict) -> float:
    """Return the speedup, clipped to [0, 3], and half the share of device time in own kernels (Dr. Kernel).

    The second term takes away the gain of a decoy kernel beside torch operators. 0 for a wrong kernel.
    """
    if not verdict.accepted or verdict.timing is None:
        return 0.0
    share = verdict.timing.own_kernel_share or 0.0
    return min(max(verdict.timing.speedup, 0.0), MAX_SPEEDUP) + 0.5 * share


def concise(reward: float, verdict: Verdict, reasoning_tokens: int, weight: float, tokens: int) -> float:
    """Return a right answer's reward less ``weight`` times how much of ``tokens`` its reasoning used, at most all.

    Wrong answers keep theirs: a model must not learn to give up early. With ``weight`` below ``LEAST_GAIN`` no wrong
    answer ever beats a right one.
    """
    if not verdict.accepted:
        return reward
    return reward - weight * min(1.0, reasoning_tokens / tokens)


def credits_over_turns(rewards: Sequence[float | None], discount: float) -> list[float | None]:
    """Return each turn's credit: its reward and the discounted ones of the turns after it (Kevin-32B).

    R_t = sum over i >= t of discount^(i - t) r_i. Where one of these is unknown the sum is: None, and no zero that
    would tell a model that its answer led nowhere.
    """
    known = discounted([reward or 0.0 for reward in rewards], discount)
    unknown = discounted([float(reward is None) for reward in rewards], discount)
    return [None if missing else credit for credit, missing in zip(known, unknown, strict=True)]


def discounted(rewards: Sequence[float], discount: float) -> list[float]:
    """Return each place's reward and the discounted ones after it."""
    sums: list[float] = []
    later = 0.0
    for reward in reversed(rewards):
        later = reward + discount * later
        sums.append(later)
    return sums[::-1]

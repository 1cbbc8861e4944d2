"""The judge errs too: from the share that it accepts to the share that is right, with the doubt carried along."""

from typing import NamedTuple

import numpy as np

from eval.metrics import Estimate


class Counted(NamedTuple):
    """How many of the trials; no whole number where a published rate was multiplied."""

    found: float
    trials: int


class JudgeError(NamedTuple):
    """How the judge did on candidates whose truth is known.

    ``false_accepts``: wrong kernels that it accepted, among wrong ones; ``false_rejects``: right kernels that it
    rejected, among right ones.
    """

    false_accepts: Counted
    false_rejects: Counted


def true_rate(accepted_rate: float, false_accept: float, false_reject: float) -> float:
    """Return the share that is right, (A - phi) / (1 - phi - psi), within [0, 1] (Rogan and Gladen 1978).

    From A = p (1 - psi) + (1 - p) phi (arXiv 2411.17501).

    Raises:
        ValueError: phi + psi >= 1: such a judge says nothing.
    """
    if false_accept + false_reject >= 1:
        raise ValueError(f"a judge with phi + psi = {false_accept + false_reject:g} tells nothing apart")
    return min(1.0, max(0.0, (accepted_rate - false_accept) / (1 - false_accept - false_reject)))


def precision(accepted_rate: float, false_accept: float, false_reject: float) -> float | None:
    """Return the share of accepted answers that are right, p (1 - psi) / A; None where none is accepted.

    It depends on how often answers are right, and more samples don't improve it (arXiv 2411.17501).
    """
    if accepted_rate <= 0:
        return None
    p = true_rate(accepted_rate, false_accept, false_reject)
    return min(1.0, p * (1 - false_reject) / accepted_rate)


def corrected(rates: "np.ndarray", error: JudgeError, seed: int, level: float = 0.95) -> Estimate:
    """Return the share that is right and its interval, from bootstrap means of the accepted share.

    Each resample draws phi and psi from their Beta(count + 1/2, trials - count + 1/2) posteriors (Jeffreys), so the
    doubt about the judge widens the interval. The mean uses the observed rates, which are 0 where nothing was
    missed. Applies to the share of answers (pass@1): for k > 1 errors within a task would have to be independent.

    Args:
        rates: [resamples], the accepted share; its first entry is the observed one.
        error: counts on known candidates.
        seed: of the draws.
        level: of the interval.

    Raises:
        ValueError: there is no trial, or the judge tells nothing apart.
    """
    if error.false_accepts.trials < 1 or error.false_rejects.trials < 1:
        raise ValueError("no known candidate to estimate the judge's errors from")
    generator = np.random.default_rng(seed)
    phi, psi = (_posterior(generator, counted, len(rates)) for counted in error)
    mean = true_rate(float(rates[0]), *(counted.found / counted.trials for counted in error))
    useful = 1 - phi - psi
    if useful.min() <= 0:
        raise ValueError("the judge's error rates are too uncertain to correct by: judge more known candidates")
    low, high = np.quantile(np.clip((rates - phi) / useful, 0, 1), [(1 - level) / 2, (1 + level) / 2])
    return Estimate(mean, float(low), float(high))


def _posterior(generator: np.random.Generator, counted: Counted, size: int) -> np.ndarray:
    return generator.beta(counted.found + 0.5, counted.trials - counted.found + 0.5, size)

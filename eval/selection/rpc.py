"""RPC (arXiv 2502.00511): sum up the probabilities of answers that agree, after dropping unlikely ones.

Which are unlikely is read off a mixture of two Weibull distributions fitted to the answers' probabilities.
"""

import math
from collections import defaultdict
from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np

STEPS = 100
MIN_SHAPE, MAX_SHAPE = 0.05, 100.0


class Weibull(NamedTuple):
    """A Weibull distribution: f(x) = (shape/scale) (x/scale)^(shape-1) exp(-(x/scale)^shape)."""

    shape: float
    scale: float

    @property
    def mean(self) -> float:
        """Its expectation."""
        return self.scale * math.gamma(1 + 1 / self.shape)

    def density(self, x: np.ndarray) -> np.ndarray:
        """Return f(x) for x > 0."""
        ratio = x / self.scale
        return self.shape / self.scale * ratio ** (self.shape - 1) * np.exp(-(ratio**self.shape))


def rpc(log_probabilities: Sequence[float], classes: Sequence[Hashable]) -> int:
    """Return an answer of the class with the largest sum of probabilities; of its members, the likeliest.

    Args:
        log_probabilities: of each answer as a sequence of tokens (natural logarithms); their common factor does not
            matter, so lengths may be normalised before.
        classes: what the answers come to, here the fingerprint of their outputs; None agrees with nothing.

    Raises:
        ValueError: there is no answer, or not a probability for each.
    """
    if not classes or len(log_probabilities) != len(classes):
        raise ValueError("rpc needs a probability for each answer")
    top = max(log_probabilities)
    weights = np.exp(np.asarray(log_probabilities, dtype=np.float64) - top)
    kept = keep(weights)
    sums: dict[Hashable, float] = defaultdict(float)
    names = [(index, None) if value is None else value for index, value in enumerate(classes)]
    for index in np.flatnonzero(kept):
        sums[names[int(index)]] += float(weights[index])
    best = max(sums, key=lambda name: sums[name])
    return max((i for i, name in enumerate(names) if name == best and kept[i]), key=lambda i: (weights[i], -i))


def keep(weights: np.ndarray) -> np.ndarray:
    """Return which answers to keep: all but those likelier of the lower component and below the mean of all.

    With fewer than four answers, or all alike, there is nothing to fit, and all are kept.
    """
    x = np.clip(weights, 1e-300, None)
    if len(x) < 4 or np.ptp(x) < 1e-12 * x.max():
        return np.ones(len(x), dtype=bool)
    share, low, high = fit(x)
    lower = share * low.density(x) > (1 - share) * high.density(x)
    return ~(lower & (x < x.mean()))


def fit(x: np.ndarray) -> tuple[float, Weibull, Weibull]:
    """Return the lower component's share and both components, by expectation maximisation from a split at the median.

    Limits: a local maximum; some tens of answers are needed before the components mean much.
    """
    above = (x > np.median(x)).astype(float) * 0.8 + 0.1
    share, low, high = 0.5, Weibull(1, 1), Weibull(1, 1)
    for _ in range(STEPS):
        low, high = _weighted_fit(x, 1 - above), _weighted_fit(x, above)
        share = float(np.clip((1 - above).mean(), 1e-3, 1 - 1e-3))
        p_low, p_high = share * low.density(x), (1 - share) * high.density(x)
        total = np.maximum(p_low + p_high, 1e-300)
        new = np.where(p_low + p_high > 0, p_high / total, above)
        if np.abs(new - above).max() < 1e-6:
            break
        above = new
    return (share, low, high) if low.mean <= high.mean else (1 - share, high, low)


def _weighted_fit(x: np.ndarray, weight: np.ndarray) -> Weibull:
    """Return the maximum-likelihood Weibull of weighted values; its shape by bisection.

    The shape's equation is sum(w x^s ln x) / sum(w x^s) - 1/s = sum(w ln x) / sum(w), whose left side increases in s.
    """
    weight = np.maximum(weight, 1e-12)
    logs = np.log(x / x.max())
    target = float((weight * logs).sum() / weight.sum())
    low, high = MIN_SHAPE, MAX_SHAPE
    for _ in range(60):
        shape = math.sqrt(low * high)
        powers = weight * np.exp(shape * logs)
        left = float((powers * logs).sum() / powers.sum()) - 1 / shape
        low, high = (low, shape) if left > target else (shape, high)
    shape = math.sqrt(low * high)
    scale = float(x.max()) * float((weight * np.exp(shape * logs)).sum() / weight.sum()) ** (1 / shape)
    return Weibull(shape, scale)

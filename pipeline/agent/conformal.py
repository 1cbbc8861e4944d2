"""When to turn a kernel away before it is run: a conformal test against kernels that are known to be good."""

import bisect
from collections.abc import Iterable


class Conformal:
    """Turns away what looks worse than good kernels do.

    A kernel's badness is compared with those of ``good`` ones (calibration, n of them): its p-value is
    (1 + #{good: badness_i >= badness}) / (n + 1), and it is turned away if that is at most ``alpha`` (ATTS, arXiv
    2509.15148, in spirit). If a good kernel is exchangeable with the calibration's, it is turned away with a
    probability of at most ``alpha``, over the draw of both. With n < 1/alpha - 1 nothing is ever turned away.
    """

    def __init__(self, good: Iterable[float], alpha: float) -> None:
        self._good = sorted(good)
        self.alpha = alpha

    def p_value(self, badness: float) -> float:
        """Return the share of good kernels, this one counted as one, that look at least as bad."""
        as_bad = len(self._good) - bisect.bisect_left(self._good, badness)
        return (1 + as_bad) / (len(self._good) + 1)

    def turns_away(self, badness: float) -> bool:
        """Whether a kernel of this badness is not worth running."""
        return self.p_value(badness) <= self.alpha

    @property
    def bound(self) -> str:
        """The guarantee in words, for the stage's figures."""
        n = len(self._good)
        if self.alpha < 1 / (n + 1):
            return f"{n} good kernels to compare with are too few for alpha = {self.alpha:g}: nothing is turned away"
        return f"a good kernel is turned away with probability at most {self.alpha:g} ({n} good ones in calibration)"

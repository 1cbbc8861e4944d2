"""Are a candidate's times possible? What the parent's own clock and the baselines say about them."""

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.judge.cuda.statistics import Ratio, pooled_median

UNSTEADY = 0.2  # an interval wider than this share of the ratio
SLACK_MS = 0.05  # of host time a call: an interpreter's hiccup
SLACK_UNKNOWN_MS = 0.25  # the same where the host's time is not known
SLACK_SHARE = 0.5  # of the claimed time
LEAST_OWN_SHARE = 0.5
BELOW_ROOFLINE = 0.9  # of the bound: data sheets round


@dataclass(frozen=True)
class Series:
    """One contestant's times in milliseconds, one list a round.

    Attributes:
        event: between two events on the current stream.
        whole: from the same first event to one recorded after the whole device was waited for.
        wall: per call, by the parent's clock, of calls one after the other, once a round.
    """

    event: Sequence[Sequence[float]]
    whole: Sequence[Sequence[float]]
    wall: Sequence[float]

    @property
    def outliving_ms(self) -> float:
        """The median time for which the device is still busy, or the host late, after the second event."""
        pairs = zip(self.event, self.whole, strict=True)
        return pooled_median([[w - e for e, w in zip(es, ws, strict=True)] for es, ws in pairs])

    @property
    def unexplained_ms(self) -> float:
        """The median time of a call on the parent's clock beyond the time between events."""
        return pooled_median([self.wall]) - pooled_median(self.event)


def contradiction(candidate: Series, eager: Series, idle: Sequence[float] = ()) -> str | None:
    """Return in what a candidate's times contradict another clock, None if they don't.

    Events see the GPU's time, the parent's clock that of the host too, which may be much longer: Python, allocations,
    launches. What the kernels add to it is known from ``idle`` bursts, in which they are not launched, milliseconds a
    call. Without such (a launcher that needs its kernels' results) the eager module's time beyond its events counts.
    """
    claimed = pooled_median(candidate.event)
    slack = SLACK_MS + SLACK_SHARE * claimed
    if any(t <= 0 for times in candidate.event for t in times):
        return "times that are not positive"
    if candidate.outliving_ms > eager.outliving_ms + slack:
        return f"the GPU is busy for {candidate.outliving_ms:.3f} ms after the call's {claimed:.3f} ms are over"
    taken = pooled_median([candidate.wall])
    host = pooled_median([idle]) if idle else max(0.0, eager.unexplained_ms) + SLACK_UNKNOWN_MS
    if taken > host + claimed + slack:
        figures = f"takes {taken:.3f} ms on the judge's clock, {host:.3f} of them without its kernels"
        return f"a call claims {claimed:.3f} ms and {figures}"
    return None


def flags(
    candidate_ms: float,
    speedup: Ratio,
    roofline_ms: float | None,
    own_share: float | None,
    throttled_by: Sequence[str],
) -> tuple[str, ...]:
    """Return what a reader of a timing should know; none of these is a verdict."""
    found = [f"throttled: {reason}" for reason in throttled_by]
    if speedup.spread > UNSTEADY:
        found.append("unsteady")
    if roofline_ms is not None and candidate_ms < BELOW_ROOFLINE * roofline_ms:
        found.append("beyond_roofline")
    if own_share is not None and own_share < LEAST_OWN_SHARE:
        found.append("mostly_not_own_kernels")
    return tuple(found)

"""How a stage is doing, in figures: what was answered and judged, what it costs, and why kernels are rejected."""

import threading
import time
from collections import Counter
from collections.abc import Callable

from pipeline.records import Verdict

MAX_REASONS = 4


class Tally:
    """Counts what a process sees from its start; an earlier run's rows are not in it. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._started = time.monotonic()
        self._spent: Callable[[], tuple[int, float]] = lambda: (0, 0.0)
        self._spent_before = 0
        self.answers = 0
        self.with_code = 0
        self.verdicts = 0
        self.accepted = 0
        self.reasons = Counter[str]()

    def watch(self, spent: Callable[[], tuple[int, float]]) -> None:
        """Say where tokens and dollars are counted; those of before now don't count for the rate."""
        self._spent = spent
        self._spent_before = spent()[0]
        self._started = time.monotonic()

    def answered(self, *, with_code: bool) -> None:
        """Count an answer."""
        with self._lock:
            self.answers += 1
            self.with_code += with_code

    def judged(self, verdict: Verdict) -> None:
        """Count a verdict."""
        with self._lock:
            self.verdicts += 1
            self.accepted += verdict.accepted
            if verdict.reason is not None:
                self.reasons[verdict.reason] += 1

    def line(self) -> str:
        """Return the figures that there are, in one line."""
        tokens, dollars = self._spent()
        seconds = max(time.monotonic() - self._started, 1e-3)
        parts = []
        if self.answers:
            parts.append(f"{self.with_code} of {self.answers} answers with code")
        if self.verdicts:
            parts.append(f"{self.accepted} of {self.verdicts} accepted ({self.accepted / self.verdicts:.0%})")
        if tokens > self._spent_before:
            parts.append(f"{(tokens - self._spent_before) / seconds:.0f} tokens/s")
        if dollars:
            parts.append(f"${dollars:.2f}")
        return ", ".join(parts)

    def why(self) -> str:
        """Return the most frequent reasons of rejections in one line; an empty string if nothing was rejected."""
        with self._lock:
            common = self.reasons.most_common()
        shown = [f"{count} {reason}" for reason, count in common[:MAX_REASONS]]
        rest = sum(count for _, count in common[MAX_REASONS:])
        return ", ".join([*shown, *([f"{rest} for other reasons"] if rest else [])])

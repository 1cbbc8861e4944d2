"""The curves of the report, computed from the samples in results.json."""

from collections.abc import Mapping
from typing import Any

from eval.metrics import pass_at_k
from eval.speed import fast_count


def pass_curve(tasks: Mapping[str, Any]) -> dict[int, float]:
    """Return pass@k for each k that all tasks have samples for."""
    counts = [(len(t["samples"]), sum(s["status"] == "correct" for s in t["samples"])) for t in tasks.values()]
    most = min(n for n, _ in counts)
    return {k: sum(pass_at_k(n, c, k) for n, c in counts) / len(counts) for k in range(1, most + 1)}


def fast_curve(tasks: Mapping[str, Any], points: int = 61, most: float = 3.0) -> dict[float, float] | None:
    """Return fast_p (one sample) for p from 0 to ``most``; None where no speed was measured."""
    samples = [[(s["status"] == "correct", s.get("speedup")) for s in t["samples"]] for t in tasks.values()]
    if not any(speedup is not None for own in samples for _, speedup in own):
        return None
    ps = [most * i / (points - 1) for i in range(points)]
    pairs = [([ok for ok, _ in own], [speedup for _, speedup in own]) for own in samples]
    return {p: sum(fast_count(ok, speedups, p) / len(ok) for ok, speedups in pairs) / len(pairs) for p in ps}

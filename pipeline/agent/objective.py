"""What evolution makes better: time where the judge measures it, elsewhere what a run without a GPU does measure.

Without timing nothing is claimed about speed. What can be measured then is the number of kernel launches of a call
(fewer launches move the data fewer times) and, among equals, the length of the code.
"""

from typing import Literal, NamedTuple

from pipeline.curation.features import count_tokens, normalised_code
from pipeline.records import Verdict

ObjectiveName = Literal["milliseconds", "launches_then_code_tokens"]
MEANING: dict[ObjectiveName, str] = {
    "milliseconds": "median time of a call on the GPU, in milliseconds",
    "launches_then_code_tokens": "kernel launches of one call, then tokens of the code; speed is not measured here",
}


class Score(NamedTuple):
    """Lower is better, field by field."""

    first: float
    second: float


def objective_of(backend: str) -> ObjectiveName:
    """Return what is measured by this backend of the judge."""
    return "milliseconds" if backend == "cuda" else "launches_then_code_tokens"


def score(objective: ObjectiveName, code: str, verdict: Verdict) -> Score | None:
    """Return a correct kernel's score; None where the figure is missing: such a kernel can't be compared."""
    tokens = float(count_tokens(normalised_code(code)))
    if objective == "milliseconds":
        return Score(verdict.timing.candidate_ms, tokens) if verdict.timing else None
    launches = _launches(verdict)
    return None if launches is None else Score(float(launches), tokens)


def described(objective: ObjectiveName, found: Score, verdict: Verdict) -> str:
    """Return a kernel's figures in one line, with what the profiler said if there was one."""
    if objective == "launches_then_code_tokens":
        return f"kernel launches a call: {found.first:.0f}, tokens of code: {found.second:.0f}"
    timing = verdict.timing
    if timing is None:
        return "no figures"
    parts = [f"{timing.candidate_ms:.4g} ms, {timing.speedup:.2f} times as fast as eager ({timing.eager_ms:.4g} ms)"]
    named = {"torch.compile": timing.compile_ms, "a CUDA graph": timing.graph_ms, "the roofline": timing.roofline_ms}
    parts += [f"{name} {milliseconds:.4g} ms" for name, milliseconds in named.items() if milliseconds is not None]
    if timing.own_kernel_share is not None:
        parts.append(f"{timing.own_kernel_share:.0%} of device time in its own kernels")
    return "; ".join([*parts, *timing.flags])


def _launches(verdict: Verdict) -> int | None:
    figures = next((c.figures for c in verdict.checks if c.name == "own_kernels"), {})
    launches = figures.get("launches")
    return launches if isinstance(launches, int) else None

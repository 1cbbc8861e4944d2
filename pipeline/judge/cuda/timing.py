"""From the times of a race to a verdict's ``Timing``. Pure arithmetic: no GPU, no process."""

import re
import subprocess
from collections.abc import Iterable, Sequence

from pipeline.judge.cuda.crosscheck import Series, flags
from pipeline.judge.cuda.gpus import Gpu, GpuState
from pipeline.judge.cuda.race import CANDIDATE, Result
from pipeline.judge.cuda.roofline import Work, bound_ms
from pipeline.judge.cuda.statistics import Ratio, pooled_median, ratio
from pipeline.records import Timing

SLOWED = 1.1  # eager beside the candidate may take that much longer than without it before it counts as slowed
REPRODUCED = 1.15  # two measurements of one candidate further apart than this factor are not the same
_TEMPLATE = re.compile(r"<[^<>]*>")


def timing_of(
    result: Result,
    alone: Sequence[Sequence[float]],
    work: Work,
    gpu: Gpu,
    states: Sequence[GpuState],
    own_share: float | None,
) -> Timing:
    """Return the figures of one measurement.

    Args:
        result: of the race; ``eager`` is among its contestants.
        alone: eager's times before there was a candidate's process. If eager was slower beside it, its speedup is
            taken from these, and a flag says so: whoever slows the baseline down gains nothing.
        work: what a call must do at least.
        gpu: on which all ran.
        states: of the GPU, read before, between and after.
        own_share: of device time in the candidate's own kernels.
    """
    candidate, eager = result.series[CANDIDATE], result.series["eager"]
    speedup, eager_ms = ratio(eager.event, candidate.event), pooled_median(eager.event)
    slowed = eager_ms / pooled_median(alone)
    if slowed > SLOWED:
        speedup = Ratio(*(value / slowed for value in (speedup.value, speedup.low, speedup.high)))
        eager_ms /= slowed
    candidate_ms, roofline = pooled_median(candidate.event), bound_ms(work, gpu.name)
    throttled = sorted({reason for state in states for reason in state.throttled_by})
    found = flags(candidate_ms, speedup, roofline, own_share, throttled)
    clocks = [state.sm_mhz for state in states if state.sm_mhz is not None]
    return Timing(
        candidate_ms=candidate_ms,
        eager_ms=eager_ms,
        speedup=speedup.value,
        speedup_low=speedup.low,
        speedup_high=speedup.high,
        compile_ms=_median(result.series.get("compile")),
        graph_ms=_median(result.series.get("graph")),
        roofline_ms=roofline,
        own_kernel_share=own_share,
        flags=(*found, *(["baseline_slowed"] if slowed > SLOWED else [])),
        device=gpu.name,
        driver=gpu.driver,
        sm_mhz=max(clocks, default=None),
    )


def cautious(first: Timing, second: Timing) -> Timing:
    """Return the slower of two measurements of a candidate, flagged if they do not agree."""
    slower = min(first, second, key=lambda timing: timing.speedup)
    apart = max(first.speedup, second.speedup) > REPRODUCED * slower.speedup
    found = dict.fromkeys([*first.flags, *second.flags, *(["not_reproduced"] if apart else [])])
    return slower.model_copy(update={"flags": tuple(found)})


def own_share(ran: Iterable[Sequence[object]], launched: Iterable[str]) -> float | None:
    """Return the share of device time in kernels that the candidate launched, None if that can't be known.

    Args:
        ran: (name, microseconds) of what ran on the GPU, as the profiler names it.
        launched: the candidate's kernels, names as the linker knows them; CUDA before 12.3 does not tell them.
    """
    own = {plain_name(name) for name in _demangled(name for name in launched if name)}
    times = [(plain_name(str(name)), float(str(micros))) for name, micros in ran]
    whole = sum(micros for _, micros in times)
    return sum(micros for name, micros in times if name in own) / whole if whole > 0 and own else None


def plain_name(name: str) -> str:
    """Return a demangled function's name without result, template arguments and parameters."""
    name = name.replace("(anonymous namespace)", "{anonymous}")
    while (shorter := _TEMPLATE.sub("", name)) != name:
        name = shorter
    return name.partition("(")[0].split()[-1] if name.partition("(")[0].split() else name


def _demangled(names: Iterable[str]) -> list[str]:
    """Return the names as C++ writes them; as they are where binutils is not installed."""
    given = list(names)
    if not given:
        return []
    try:
        done = subprocess.run(["c++filt"], input="\n".join(given), capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return given
    return done.stdout.splitlines()


def _median(series: Series | None) -> float | None:
    return None if series is None else pooled_median(series.event)

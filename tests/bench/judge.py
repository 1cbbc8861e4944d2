"""Candidates judged per second and core on simt, for the quickstart's mix, against the floor.

The floor is what no judge that compiles can go below: g++ on the bare kernel, and one run of it over one setting in a
plain loop. It is measured twice: with the functions that kernels use declared by hand, which no header is as cheap
as, and with <cmath> in their place. All is measured on one core, in one run: with an empty cache; by a new judge, with
the builds cached; and by that one again, which has also what the reference gave, as for all candidates of a task but
the first.
"""

import asyncio
import ctypes
import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from pipeline.agent.prompting import translate
from pipeline.agent.reply import parse
from pipeline.judge.config import JudgeConfig
from pipeline.judge.judge import Judge
from pipeline.records import Task, Verdict
from pipeline.sources import composed
from pipeline.teachers import scripted

CANDIDATES = 120
SAMPLES_PER_TASK = 2
DECLARED = """
extern "C" { float expf(float); float logf(float); float log1pf(float); float tanhf(float); float erff(float);
float sqrtf(float); float fabsf(float); float fmaxf(float, float); float fminf(float, float); float sinf(float);
float cosf(float); float copysignf(float, float); float powf(float, float); float expm1f(float); float floorf(float);
float rsqrtf(float); float truncf(float); float ceilf(float); float atanf(float); float roundf(float); }
#define INFINITY (__builtin_inff())
"""
INCLUDED = "#include <cmath>"
PRELUDE = """
struct uint3_ { unsigned x, y, z; };
#define __global__ extern "C"
#define __device__ static
#define __shared__ static
#define __syncthreads()
#define __forceinline__ inline
uint3_ threadIdx, blockIdx, blockDim, gridDim;
"""
DRIVER = """
extern "C" void run(int n) {
    blockDim.x = 256;
    for (blockIdx.x = 0; (int)blockIdx.x < n / 256; blockIdx.x++)
        for (threadIdx.x = 0; threadIdx.x < 256; threadIdx.x++) CALL;
}
"""


def main(_arguments: list[str]) -> dict[str, Any]:
    """Print both rates and their ratio (goal: at most 2)."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # one core, for the compilers too
    work = candidates(CANDIDATES + 1)
    with tempfile.TemporaryDirectory() as folder:
        config = JudgeConfig(backend="simt", workers=1, cache=Path(folder) / "builds")
        (cold,), verdicts = _judged(config, work, times=1)
        (cached, shared), _ = _judged(config, work, times=2)
        floor = [_floor(code, DECLARED, Path(folder)) for _, code in work[1:]]
        with_cmath = [_floor(code, INCLUDED, Path(folder)) for _, code in work[1:]]
    accepted = sum(v.accepted for v in verdicts)
    simple = [t.category == "elementwise" and v.accepted for (t, _), v in zip(work[1:], verdicts, strict=True)]
    elementwise, further = (
        statistics.median(s for s, one in zip(seconds, simple, strict=True) if one) for seconds in (cached, shared)
    )
    built = [c for c, v in zip(cold, verdicts, strict=True) if v.status not in ("malformed", "compile_error")]
    ratio, cmath_ratio = (statistics.mean(cold) / statistics.mean(seconds) for seconds in (floor, with_cmath))
    print(f"{len(cold)} candidates, {accepted} accepted, one core")
    print(
        f"judge, cold:    {1 / statistics.mean(cold):6.2f} candidates/s (median of those that build {statistics.median(built):.3f} s)"
    )
    print(
        f"judge, cached:  {1 / statistics.mean(cached):6.2f} candidates/s (median {statistics.median(cached):.3f} s)"
    )
    print(
        f"  and shared:   {1 / statistics.mean(shared):6.2f} candidates/s (median {statistics.median(shared):.3f} s)"
    )
    print(f"{sum(simple)} elementwise, accepted: median {elementwise:.3f} s cached, {further:.3f} s and shared")
    print(f"floor:          {1 / statistics.mean(floor):6.2f} candidates/s (median {statistics.median(floor):.3f} s)")
    print(
        f"  with <cmath>: {1 / statistics.mean(with_cmath):6.2f} candidates/s (median {statistics.median(with_cmath):.3f} s)"
    )
    print(f"judge / floor:  {ratio:6.2f} (goal: at most 2); {cmath_ratio:.2f} with <cmath>")
    return {
        "candidates": len(cold),
        "cold_per_second": round(1 / statistics.mean(cold), 2),
        "cached_per_second": round(1 / statistics.mean(cached), 2),
        "shared_per_second": round(1 / statistics.mean(shared), 2),
        "cached_elementwise_seconds": round(elementwise, 3),
        "shared_elementwise_seconds": round(further, 3),
        "floor_per_second": round(1 / statistics.mean(floor), 2),
        "ratio_to_floor": round(ratio, 2),
        "ratio_to_floor_with_cmath": round(cmath_ratio, 2),
    }


def candidates(count: int) -> list[tuple[Task, str]]:
    """Return ``count`` pairs: tasks of every category with two first answers of the scripted teacher each, mistakes included.

    As in the quickstart, a task's candidates come next to each other; equal ones are left out, since a build of a
    second one would cost nothing.
    """
    tasks = [t for t in composed.read(composed.Config(train=count, heldout=10), seed=5) if t.split == "train"]
    teacher = scripted.ScriptedTeacher(scripted.Config(kind="scripted"))
    found: dict[str, Task] = {}
    for number, task in enumerate(tasks):
        for sample in range(SAMPLES_PER_TASK):
            code = parse(asyncio.run(teacher.complete(translate(task), seed=2 * number + sample))).code
            if code is not None:
                found.setdefault(code, task)
    return [(task, code) for code, task in list(found.items())[:count]]


def _judged(config: JudgeConfig, work: list[tuple[Task, str]], times: int) -> tuple[list[list[float]], list[Verdict]]:
    """Have one judge go some times over all but the first, which warms it up; return seconds and the last verdicts."""
    rounds: list[list[float]] = []
    verdicts: list[Verdict] = []
    with Judge(config) as judge:
        judge.submit(*work[0], "warm-up").result()
        for _ in range(times):
            rounds.append([])
            verdicts = []
            for task, code in work[1:]:
                start = time.perf_counter()
                verdicts.append(judge.submit(task, code, "bench").result())
                rounds[-1].append(time.perf_counter() - start)
    return rounds, verdicts


def _floor(code: str, functions: str, folder: Path) -> float:
    """Return the seconds of g++ on the bare kernel and one run of it (a candidate that doesn't compile: g++ alone)."""
    cuda = code.split('cuda_source = """', 1)[1].split('"""', 1)[0]
    kernel = "".join(
        line for line in cuda.split("torch::Tensor fused(")[0].splitlines(True) if "#include" not in line
    )
    parameters = kernel.split("__global__ void fused_kernel(", 1)[1].split(")", 1)[0].split(",")
    arrays = 0
    arguments = []
    for parameter in parameters:
        arguments.append(f"buffers[{arrays}]" if "*" in parameter else "1")
        arrays += "*" in parameter
    driver = DRIVER.replace("CALL", f"fused_kernel({', '.join(arguments)})")
    source, library = folder / "bare.cpp", folder / "bare.so"
    source.write_text(f"{functions}{PRELUDE}\nstatic float buffers[{arrays}][1 << 20];\n{kernel}\n{driver}")
    library.unlink(missing_ok=True)
    start = time.perf_counter()
    done = subprocess.run(["g++", "-O1", "-shared", "-fPIC", "-o", library, source], capture_output=True)
    if done.returncode == 0:
        loaded = ctypes.CDLL(str(library))
        loaded.run(16384)
        del loaded
    return time.perf_counter() - start

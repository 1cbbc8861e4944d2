"""What the judge needs of a GPU: which one, who may use it, how to build for it and how to measure on it."""

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import psutil

from pipeline.judge.answers import Expected
from pipeline.judge.cuda.build import build
from pipeline.judge.cuda.gpus import Chosen, Gpu, choose_gpu, find_gpus
from pipeline.judge.cuda.library import LIBRARY, builder
from pipeline.judge.cuda.lock import GpuLock
from pipeline.judge.cuda.measuring import Stand, measure
from pipeline.judge.cuda.race import Ask
from pipeline.judge.inputs import Case
from pipeline.judge.judging import Judgement
from pipeline.judge.processes import OnGpu
from pipeline.judge.session import Session
from pipeline.judge.simt.build import ExtensionSource
from pipeline.judge.workers import Limits
from pipeline.records import Setting, Task, Timing

CONTEXTS_MIB = 2048  # of the GPU's memory, for a reference's process and a candidate's
# So many times the largest case is what judging a candidate takes of the GPU's memory (the reference in float64,
# copies of its arguments) and of the host's, all processes together, and what one of them takes of the host's.
CASES_ON_GPU, CASES_ON_HOST, CASES_IN_PROCESS = 10, 8, 6


@dataclass(frozen=True)
class GpuBackend:
    """One GPU of this machine; ``gpus.why_not`` has said that there is one."""

    chosen: Chosen
    lock: GpuLock

    @classmethod
    def here(cls) -> Self:
        """Return the backend of the GPU that the environment names, the first one if it names none."""
        chosen = choose_gpu(find_gpus(), os.environ.get("CUDA_VISIBLE_DEVICES"))
        return cls(chosen, GpuLock(chosen.gpu.uuid))

    @property
    def gpu(self) -> Gpu:
        """The GPU."""
        return self.chosen.gpu

    def most_workers(self, max_case_mb: int) -> int:
        """Return how many candidates can be judged at a time without want of memory, with cases of so many MiB."""
        on_gpu = self.gpu.memory_mib // (CONTEXTS_MIB + CASES_ON_GPU * max_case_mb)
        on_host = psutil.virtual_memory().total // (CASES_ON_HOST * max_case_mb * 2**20)
        return max(1, min(on_gpu, on_host))

    def limits(self, limits: Limits, max_case_mb: int) -> Limits:
        """Return the limits of a process on a GPU, where who waits or copies large cases works for the processor.

        So its seconds are those on the wall, which count while it is asked for something.
        """
        memory = max(limits.memory_bytes, CASES_IN_PROCESS * max_case_mb * 2**20)
        return replace(limits, cpu_seconds=max(limits.cpu_seconds, int(limits.wall_seconds)), memory_bytes=memory)

    def workers(self, cache: Path) -> OnGpu:
        """Return what worker processes need, the runtime library built; raises as ``library.builder`` does."""
        return OnGpu(self.chosen.visible, builder(cache).folder / LIBRARY)

    def build(self, source: ExtensionSource, cache: Path) -> Path:
        """Build an extension; see ``build.build``."""
        return build(source, cache)

    def case(self, task: Task, setting: Setting, key: bytes) -> Case:
        """Return the case at which candidates of a task are timed: the same for all, unknown before the run."""
        text = f"{task.id}/{setting.name}/timing"
        seed = int.from_bytes(hashlib.blake2b(text.encode(errors="replace"), key=key, digest_size=6).digest())
        return Case(setting, 0, "own", "forward", seed, seed, fresh_weights=False)

    def measure(
        self,
        judgement: Judgement,
        session: Session,
        case: Case,
        baseline: Ask,
        expected: Callable[[Case, float, bool], Expected | None],
        arm: dict[str, Any],
    ) -> Timing:
        """Time a candidate; see ``measuring.measure``."""
        stand = Stand(self.gpu, self.lock, case, baseline, expected)
        return measure(judgement, session, stand, {**arm, "op": "arm"})

"""What the judge needs of a GPU: which one, who may use it, how to build for it and how to measure on it."""

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

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
from pipeline.records import Setting, Task, Timing

MIB_A_WORKER = 4096  # two contexts, and a gigabyte of arguments and results in them


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

    @property
    def most_workers(self) -> int:
        """How many candidates can be judged at a time without want of memory."""
        return max(1, self.gpu.memory_mib // MIB_A_WORKER)

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

"""What the NVIDIA driver says about its GPUs, through nvidia-smi: no CUDA context, no torch."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache

from pipeline.errors import InfrastructureError

SECONDS_BETWEEN = 1.0  # two looks at a GPU's state: each takes a core for some 50 ms
_SECONDS = 30
_TRIAL = "import torch; torch.zeros(1, device='cuda').add_(1).item()"
_IDENTITY = ("index", "uuid", "name", "compute_cap", "driver_version", "memory.total")
_STATE = (
    "clocks.sm",
    "clocks.max.sm",
    "clocks.mem",
    "temperature.gpu",
    "power.draw",
)
_REASONS = ("clocks_event_reasons.active", "clocks_throttle_reasons.active")  # its name now, and before driver 535
# nvml.h, nvmlClocksEventReasons: what slows a GPU down against its owner's wish. Idle (1) and the application's own
# clock setting (2) are left out: the first can't be during a measurement, the second is steady.
THROTTLED_BY = {
    0x4: "power cap",
    0x8: "hardware slowdown",
    0x10: "sync boost",
    0x20: "temperature",
    0x40: "temperature (hardware)",
    0x80: "power brake",
}


@dataclass(frozen=True)
class Gpu:
    """One GPU. ``memory_mib`` is all that it has."""

    index: int
    uuid: str
    name: str
    compute_capability: str
    driver: str
    memory_mib: int


@dataclass(frozen=True)
class GpuState:
    """Clocks in MHz, degrees Celsius, watts (None where the GPU does not say), and what slows it down."""

    sm_mhz: int | None
    sm_max_mhz: int | None
    memory_mhz: int | None
    celsius: int | None
    watts: float | None
    throttled_by: tuple[str, ...]


def find_gpus() -> list[Gpu]:
    """Return the GPUs that the driver shows; none without a driver."""
    rows = _query(_IDENTITY)
    return [
        Gpu(int(index), uuid, name, capability, driver, int(float(memory)))
        for index, uuid, name, capability, driver, memory in rows or ()
    ]


@dataclass(frozen=True)
class Chosen:
    """The GPU to judge on, and the value of CUDA_VISIBLE_DEVICES under which CUDA sees it alone."""

    gpu: Gpu
    visible: str


def choose_gpu(gpus: list[Gpu], visible: str | None) -> Chosen:
    """Return the first GPU that ``visible``, the user's CUDA_VISIBLE_DEVICES, names; the first of all if it is None.

    Of a MIG instance nvidia-smi's list does not tell: it is used, and the first GPU's name and clocks stand for it.
    """
    first = (visible or "").split(",")[0].strip()
    if not first:
        return Chosen(gpus[0], gpus[0].uuid)
    by_uuid = first.startswith("GPU-")
    named = [gpu for gpu in gpus if (gpu.uuid.startswith(first) if by_uuid else str(gpu.index) == first)]
    return Chosen(named[0], named[0].uuid) if named else Chosen(gpus[0], first)


@cache
def why_not() -> str | None:
    """Return in a line why candidates can't be judged on a GPU here, None if they can; tried once a process."""
    from pipeline.errors import UserError
    from pipeline.judge.cuda.full import torch_is_for_cuda
    from pipeline.judge.cuda.toolkit import find_toolkit

    if not find_gpus():
        return "cuda needs an NVIDIA GPU with its driver, and nvidia-smi shows none; use simt"
    try:
        find_toolkit()
    except UserError as error:
        return str(error).removeprefix("judge.backend: ")
    if not torch_is_for_cuda():
        return "cuda needs a torch built for CUDA, and the one that is installed is for the CPU only; use simt"
    done = subprocess.run([sys.executable, "-c", _TRIAL], capture_output=True, text=True, check=False)
    last = (done.stderr.strip().splitlines() or ["no message"])[-1]
    return f"torch can't use the GPU: {last[:300]}" if done.returncode else None


def read_state(uuid: str) -> GpuState:
    """Return a GPU's state now.

    Raises:
        InfrastructureError: the driver does not answer.
    """
    for reasons in _REASONS:
        if rows := _query((*_STATE, reasons), uuid):
            return parse_state(rows[0])
    raise InfrastructureError(f"nvidia-smi says nothing about {uuid}")


@contextmanager
def watched(uuid: str) -> Iterator[list[GpuState]]:
    """Give a list to which a GPU's states in the length of the block are added, two at least.

    A GPU that has nothing to do tells of no reason that slows it down: it has to be asked while it works.

    Raises:
        InfrastructureError: the driver does not answer.
    """
    states, done = [read_state(uuid)], threading.Event()

    def watch() -> None:
        while not done.wait(SECONDS_BETWEEN):
            with suppress(InfrastructureError):
                states.append(read_state(uuid))

    thread = threading.Thread(target=watch, name="gpu-states")
    thread.start()
    try:
        yield states
    finally:
        done.set()
        thread.join()
    states.append(read_state(uuid))


def parse_state(row: list[str]) -> GpuState:
    """Return the state of one row of nvidia-smi's answer; a field in brackets ("[N/A]") is unknown."""
    sm, sm_max, memory, celsius, watts = (None if value.startswith("[") else float(value) for value in row[:5])
    reasons = 0 if row[5].startswith("[") else int(row[5], 16)
    return GpuState(
        sm_mhz=None if sm is None else int(sm),
        sm_max_mhz=None if sm_max is None else int(sm_max),
        memory_mhz=None if memory is None else int(memory),
        celsius=None if celsius is None else int(celsius),
        watts=watts,
        throttled_by=tuple(name for bit, name in THROTTLED_BY.items() if reasons & bit),
    )


def _query(fields: tuple[str, ...], uuid: str | None = None) -> list[list[str]] | None:
    command = ["nvidia-smi", f"--query-gpu={','.join(fields)}", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(
            [*command, *(["--id", uuid] if uuid else [])],
            capture_output=True, text=True, check=True, timeout=_SECONDS,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    rows = [[value.strip() for value in line.split(",")] for line in done.stdout.splitlines() if line.strip()]
    return [row for row in rows if len(row) == len(fields)]

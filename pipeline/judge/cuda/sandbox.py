"""What a worker must be allowed beyond ``judge.sandbox``'s confinement, so that CUDA works in it."""

from dataclasses import dataclass
from pathlib import Path

_DEVICES = (
    "nvidiactl",
    "nvidia-uvm",
    "nvidia-uvm-tools",
    "nvidia[0-9]*",
    "nvidia-caps/*",
    "nvidia-caps-imex-channels/*",
)
# Where the driver says what it can do, and where its libraries are on the usual systems.
_READABLE = (
    *("/proc/driver/nvidia", "/proc/driver/nvidia-uvm", "/proc/driver/nvidia-caps", "/proc/modules", "/proc/devices"),
    *("/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/filesystems", "/proc/sys/vm", "/dev/urandom"),
    *("/sys", "/usr/local/cuda", "/usr/local/nvidia", "/run/nvidia", "/etc/nvidia", "/etc/ld.so.cache"),
)
# The driver reads its own process's folder and, from 570 on, names its threads in task/*/comm: where it can't, it
# does not start (error 304). Nobody can reach another process's this way.
OWN_READABLE, OWN_WRITABLE = Path("/proc/self"), Path("/proc/self/task")


@dataclass(frozen=True)
class Allowances:
    """For ``confine``.

    Attributes:
        devices: device files to open for reading and writing.
        readable: further trees to read.
        compiling: whether the process may start compilers and load what they make.
    """

    devices: tuple[Path, ...]
    readable: tuple[Path, ...]
    compiling: bool = False


def allowances(*, compiling: bool = False) -> Allowances:
    """Return what this machine has of it."""
    devices = sorted(path for pattern in _DEVICES for path in Path("/dev").glob(pattern))
    return Allowances(tuple(devices), tuple(path for path in map(Path, _READABLE) if path.exists()), compiling)

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
    *("/proc/driver/nvidia", "/proc/modules", "/proc/devices", "/proc/cpuinfo", "/proc/meminfo", "/proc/self/maps"),
    *("/proc/self/status", "/proc/sys/vm", "/sys/devices/system/cpu", "/sys/devices/system/node"),
    *("/sys/devices/system/memory/block_size_bytes", "/sys/module/nvidia", "/sys/module/nvidia_uvm"),
    *("/sys/bus/pci/devices", "/usr/local/cuda", "/usr/local/nvidia", "/run/nvidia", "/etc/ld.so.cache"),
)
_PCI = "/sys/bus/pci/drivers/nvidia"  # links to where the GPUs are in the tree of devices: their NUMA node is there


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
    readable = [*map(Path, _READABLE), *(link.resolve() for link in Path(_PCI).glob("*:*"))]
    return Allowances(tuple(devices), tuple(path for path in readable if path.exists()), compiling)

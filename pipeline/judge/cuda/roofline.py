"""The time below which no kernel can be, from what the task must move and compute (Williams et al. 2009)."""

from dataclasses import dataclass

# name in nvidia-smi's spelling, without "NVIDIA": (GB/s of memory, TFLOP/s dense with the fastest unit that takes
# float32 values (TF32 on tensor cores), TFLOP/s of 16-bit values). From NVIDIA's data sheets, without sparsity.
_PEAKS: dict[str, tuple[float, float, float]] = {
    "H200": (4800, 495, 990),
    "H100 NVL": (3900, 418, 836),
    "H100 PCIe": (2000, 378, 756),
    "H100 80GB HBM3": (3350, 495, 990),
    "A100-SXM4-80GB": (2039, 156, 312),
    "A100 80GB PCIe": (1935, 156, 312),
    "A100-SXM4-40GB": (1555, 156, 312),
    "A100-PCIE-40GB": (1555, 156, 312),
    "L40S": (864, 183, 362),
    "L4": (300, 60, 121),
    "A10G": (600, 35, 70),
    "A10": (600, 62, 125),
    "B200": (8000, 1125, 2250),
    "GeForce RTX 4090": (1008, 82.6, 330),
    "GeForce RTX 3090": (936, 35.6, 142),
}


@dataclass(frozen=True)
class Work:
    """What a call must do at least.

    Attributes:
        read_bytes: inputs and weights, each once. What is written is left out: it may stay in the cache.
        flops: of matrix products and convolutions, as torch.utils.flop_counter counts them; None if not counted.
        wide: whether the products are of values of 32 or more bits.
    """

    read_bytes: int
    flops: int | None
    wide: bool


def bound_ms(work: Work, gpu: str) -> float | None:
    """Return the roofline bound in milliseconds, None for a GPU whose peaks are not known.

    A bound of the task as its reference writes it: a kernel that need not read all of an input may be below it, which
    is why this leads to a flag and not to a verdict.
    """
    name = max((n for n in _PEAKS if gpu.removeprefix("NVIDIA ").startswith(n)), key=len, default=None)
    if name is None:
        return None
    gigabytes, wide, narrow = _PEAKS[name]
    memory_s = work.read_bytes / (gigabytes * 1e9)
    compute_s = (work.flops or 0) / ((wide if work.wide else narrow) * 1e12)
    return 1e3 * max(memory_s, compute_s)

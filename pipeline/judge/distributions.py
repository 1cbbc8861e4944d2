"""What becomes of a task's own inputs and weights in the calls of each distribution (imports torch)."""

import math
from collections.abc import Collection
from typing import Any

import torch

from pipeline.judge.inputs import FAINT, LARGE, LEVEL, Distribution

LOOKED_AT = 16  # values, of which the largest is the one that is touched
FLIPPED = 0.25  # of a mask that is all the same
WHOLE = (torch.int64, torch.int32)
LAST_DIGITS = 8  # values that differ in these alone
WIDE = (torch.float32, torch.float64)
FEW = 64  # values, up to which there are many equal ones anyway


def transform(
    inputs: list[Any],
    distribution: Distribution,
    seed: int,
    factor: int = LARGE[0],
    only: Collection[int] | None = None,
) -> list[Any]:
    """Return the call arguments with their floating values changed; shapes and dtypes stay.

    ``own``: as the task makes them; ``shifted``: 2 added, so that a mean is no longer near zero; ``spiky``: one value
    in 64 is 8 times as large; ``large``, ``faint``: all are ``factor`` or ``FAINT`` times as large; ``negative``,
    ``positive``: all are below ``-factor``, or above ``factor``, where no maximum or minimum is the 0 or the 1e6 that
    its search began with, and exponentials are nothing unless it was subtracted; ``signed``: every second value has
    the other sign, and masks that are all the same are so no more; ``touched``: as that, but for one value of each
    argument, so that a result that is kept by some of the values is found out; ``zeros``: every second row (what the
    first dimension has) is zero, so that what guards a division counts, of whole numbers too if 0 and equal ones are
    among them; ``level``: all are ``LEVEL`` but for their last digits, in types where these are rounding errors to
    anybody; ``coarse``: multiples of a power of two near their mean size, or of a quarter of it near that, most of
    which occur many times, so that values are equal, zero, or between two integers; whole numbers far apart become
    equal too. But for that power, a new value depends on the old one alone, and zero stays zero: a triangular,
    symmetric, masked or one-hot input, which a kernel may rely on, stays one. A Python float is 3/4 of itself when
    shifted: a probability stays one, and a kernel that has the number written in it is found out.

    Args:
        inputs: as the task made them.
        distribution: see above.
        seed: what is drawn with.
        factor: by how much large values are large.
        only: the numbers of the arguments to change; None changes all.
    """
    chosen = range(len(inputs)) if only is None else only
    return [
        _changed(value, distribution, seed + index, factor) if index in chosen else value
        for index, value in enumerate(inputs)
    ]


def _changed(value: Any, distribution: Distribution, seed: int, factor: int) -> Any:
    if type(value) is float and distribution == "shifted":
        return value * 0.75
    if not isinstance(value, torch.Tensor) or not value.numel() or distribution == "own":
        return value
    if value.is_floating_point():
        return _floating(value, distribution, seed, factor)
    if value.dtype in WHOLE:
        return _whole(value, distribution)
    flips = value.dtype is torch.bool and distribution in ("signed", "touched") and value.numel() > 1
    if not flips or bool((value != value.flatten()[0]).any()):
        return value
    flipped = torch.rand(value.shape, generator=torch.Generator().manual_seed(seed)) < FLIPPED
    return value ^ flipped.to(value.device)


def _whole(value: torch.Tensor, distribution: Distribution) -> torch.Tensor:
    if distribution == "zeros" and _may_be_zero(value):
        return torch.where(_every_second(value).to(value.device), value, 0)
    return _coarse_integers(value) if distribution == "coarse" else value


def _coarse_integers(value: torch.Tensor) -> torch.Tensor:
    """Return integers far apart as few multiples of a power of two, in their order and between the least and most."""
    least, most = int(value.min()), int(value.max())
    step = 1 << max(0, (most - least) // FEW).bit_length() - 1 if most - least >= FEW else 1
    return (value // step * step).clamp(least, most)


def _may_be_zero(value: torch.Tensor) -> bool:
    """Whether whole numbers are in no order, 0 is in their range, and some of a row are equal: no permutation."""
    if not value.dim() or int(value.min()) > 0 or int(value.max()) < 0:
        return False
    repeats = bool((value.sort(-1).values.diff(dim=-1) == 0).any())
    return repeats and bool((value.diff(dim=-1) < 0).any())


def _floating(value: torch.Tensor, distribution: Distribution, seed: int, factor: int) -> torch.Tensor:
    if distribution == "coarse":
        return _coarse(value)
    if distribution in ("large", "faint"):
        return value * (FAINT if distribution == "faint" else factor)
    if distribution in ("shifted", "negative", "positive"):
        far = (value.abs() + 1) * (factor if distribution == "positive" else -factor)
        return torch.where(value == 0, value, value + 2 if distribution == "shifted" else far)
    if distribution == "zeros":
        return value if is_symmetric(value) else torch.where(_every_second(value).to(value.device), value, 0)
    # An odd factor permutes 64-bit integers; the upper bits of the product hash the value's own bits.
    bits = value.double().contiguous().view(torch.int64) * (2 * seed + 0x9E3779B97F4A7C15 - 2**64)
    if distribution in ("level", "spiky"):
        return _level(value, bits) if distribution == "level" else torch.where((bits >> 58) == 0, value * 8, value)
    signed = torch.where(bits < 0, -value, value)
    if distribution == "touched":
        touch(signed, -8, seed)
    return signed


def _coarse(value: torch.Tensor) -> torch.Tensor:
    """Return multiples of one step, finer ones near it: a task may double before it rounds."""
    size = float(value.abs().double().mean())
    step = 2.0 ** math.floor(math.log2(size)) if 0 < size < math.inf else 1.0
    near, nearer = (torch.round(value / part) * part for part in (step, step / 4))
    return torch.where(near.abs() == step, nearer, near)


def _level(value: torch.Tensor, bits: torch.Tensor) -> torch.Tensor:
    if value.dtype not in WIDE:
        return value
    digits = (bits >> 40) % LAST_DIGITS * torch.finfo(value.dtype).eps
    return torch.where(value == 0, value, (LEVEL * (1 + digits)).to(value.dtype))


def touch(values: torch.Tensor, factor: int, seed: int) -> None:
    """Multiply one value in place, the largest of some; in a symmetric matrix, its mirror image too."""
    generator = torch.Generator().manual_seed(seed)
    places = torch.randint(values.numel(), (LOOKED_AT,), generator=generator).to(values.device)
    found = values.reshape(-1)[places].abs()
    place = int(places[torch.where(found.isfinite(), found, 0).argmax()])
    at: list[int] = []
    for size in reversed(values.shape):  # torch.unravel_index imports 480 modules, for 0.3 s
        place, index = divmod(place, size)
        at.insert(0, index)
    mirrored = [*at[:-2], *at[-2:][::-1]] if is_symmetric(values) else at
    new = values[tuple(at)] * factor
    values[tuple(at)] = new
    values[tuple(mirrored)] = new


def _every_second(value: torch.Tensor) -> torch.Tensor:
    """Return false and true in turns along the first dimension that has several, in a shape that fits the value's."""
    dim = next((d for d, size in enumerate(value.shape) if size > 1), None)
    if dim is None:
        return torch.ones((), dtype=torch.bool)
    turns = torch.arange(value.shape[dim]) % 2 == 1
    return turns.reshape([-1 if d == dim else 1 for d in range(value.dim())])


def is_symmetric(value: torch.Tensor) -> bool:
    """Whether it is a matrix that is its own transpose, or several."""
    square = value.dim() > 1 and value.shape[-1] == value.shape[-2] > 1
    return square and torch.equal(value, value.transpose(-1, -2))

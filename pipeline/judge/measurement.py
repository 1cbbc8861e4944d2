"""What a call of a task's reference takes at some sizes, by an estimate, and whether that can be afforded."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from pipeline.records import Setting

SECONDS_PER_OPERATION = 1e-8  # of this backend, measured: an element read, computed and written, or a multiply-add


@dataclass(frozen=True)
class Measurement:
    """What one run of the reference takes.

    Attributes:
        work: elements that its operators write, plus multiply-adds of its products and convolutions.
        bytes: of arguments, weights and results, these in float64 twice besides.
        ranks: of the results; empty where measuring was given up, ``work`` being huge then.
        error: why the reference refuses the setting, None if it does not.
    """

    work: int
    bytes: int
    ranks: tuple[int, ...]
    error: str | None


class Measure(Protocol):
    """What runs a task's reference."""

    def __call__(self, settings: Sequence[Setting], *, computed: bool = False) -> list[Measurement]:
        """Return what it takes at each of the settings, on the meta device, or ``computed`` with values."""
        ...


def why_not(measurement: Measurement, seconds: float, max_bytes: int) -> str | None:
    """Return why a setting can't be used, None if it can."""
    if measurement.error is not None:
        return f"the reference refuses it: {measurement.error}"
    if measurement.bytes > max_bytes or measurement.work * SECONDS_PER_OPERATION > seconds:
        return "too large for this backend's budget"
    return None

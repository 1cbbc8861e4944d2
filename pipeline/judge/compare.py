"""Is a candidate's result the reference's? Decided by the parent, from raw bytes, in NumPy.

The tolerance: with y the float64 reference, s the root mean square of y (``TINY`` if that is more) and the relative
error of a value v ``e(v) = |v - y| / (|y| + s)``, a candidate's largest error may be ``SLACK`` times that of the
eager float32 module, and at least the floor of its dtype. So an honest reordering of a sum passes, and rounding
through 16 bits (relative error 5e-4 for float16, 4e-3 for bfloat16) does not pass as float32. Where a task amplifies
rounding (attention with large scores), eager's own error is a matter of luck: in a row (along the last dimension)
where the reference itself changes when its arguments move by a rounding error, ``SLACK`` times that change is
allowed too, and only there: a kernel must be right in all other rows. An infinity that both eager and y have must be
the same infinity; other values where eager is not finite are not compared.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from pipeline.judge.values import BadValueError, checked_tensor, to_numpy

SLACK = 4.0
# What no result is compared with less than: 1 / (1 + exp(88)) may stand for 0, and x / (1 + exp(88)) where x is far.
TINY, TINY_WHERE_FAR = 1e-30, 1e-20
SEQUENCES = ("list", "tuple")
FLOOR = {"float64": 1e-9, "float32": 3e-5, "float16": 2e-3, "bfloat16": 1.6e-2}


@dataclass(frozen=True)
class Mismatch:
    """The first way in which a result is not the reference's."""

    reason: str
    detail: str


@dataclass(frozen=True)
class Comparison:
    """The largest relative error over all outputs beside its bound, and what is wrong, if anything is."""

    error: float
    bound: float
    mismatch: Mismatch | None


class Yardstick(NamedTuple):
    """What a result's values are measured with, the same for every candidate: see the module's formula.

    Attributes:
        weight: |y| + s.
        bound: of the relative errors, in y's shape.
    """

    weight: np.ndarray
    bound: np.ndarray


Yardsticks: TypeAlias = dict[int, Yardstick]  # by the buffer of eager's


class Reference(NamedTuple):
    """What the reference gives, as trees over its buffers.

    Attributes:
        expected: its results in float64.
        nearby: the same of slightly other arguments.
        eager: the module's results as it stands; they also fix structure, shapes and dtypes.
        buffers: the reference's bytes.
        room: factor of the dtype's floor.
        yardsticks: those made so far, of results that are finite; more are kept here.
    """

    expected: Any
    nearby: Any
    eager: Any
    buffers: list[bytearray]
    room: float = 1.0
    yardsticks: Yardsticks | None = None


def compare(reference: Reference, actual: Any, theirs: list[bytearray], name: str = "output") -> Comparison:
    """Compare a candidate's result tree, over its own bytes ``theirs``, hostile both, with the reference's."""
    worst = Comparison(0.0, FLOOR["float64"], None)
    try:
        for place, leaf, got in _walk(reference, actual, name):
            result = _compare_leaf(place, leaf, got, theirs)
            if result.mismatch is not None:
                return result
            worst = max(worst, result, key=lambda c: c.error / c.bound)
    except BadValueError as error:
        return _different("wrong_type", str(error))
    return worst


def indistinct(reference: Reference, name: str = "output") -> str | None:
    """Return the first result in whose place zeros would be accepted, None if there is none.

    Its values are rounding errors: the reference's own error is as large as they are. Whether values are small does
    not matter, nor do results that are no floating-point numbers.
    """
    for place, leaf, eager in _walk(reference, reference.eager, name):
        if isinstance(eager, dict) and "tensor" in eager and eager["dtype"] in FLOOR and math.prod(eager["shape"]):
            zeros = [bytearray(len(data)) for data in reference.buffers[: eager["tensor"] + 1]]
            if _compare_leaf(place, leaf, eager, zeros).mismatch is None:
                return place
    return None


def _different(reason: str, detail: str) -> Comparison:
    return Comparison(float("inf"), FLOOR["float64"], Mismatch(reason, detail))


def _compare_leaf(name: str, reference: Reference, actual: Any, theirs: list[bytearray]) -> Comparison:
    eager, buffers = reference.eager, reference.buffers
    if not isinstance(eager, dict) or "tensor" not in eager:
        if actual == eager:
            return Comparison(0.0, 1.0, None)
        return _different("wrong_values", f"{name}: expected {eager}, got {str(actual)[:100]}")
    dtype, shape, data = checked_tensor(actual, theirs)
    wanted_dtype, wanted_shape, eager_data = checked_tensor(eager, buffers)
    if shape != wanted_shape:
        return _different("wrong_shape", f"{name}: expected shape {tuple(wanted_shape)}, got {tuple(shape)}")
    if dtype != wanted_dtype:
        return _different("wrong_dtype", f"{name}: expected dtype {wanted_dtype}, got {dtype}")
    own, got = to_numpy(wanted_dtype, wanted_shape, eager_data), to_numpy(dtype, shape, data)
    if wanted_dtype not in FLOOR:
        return _compare_exactly(name, own, got)
    return _compare_floats(name, reference, own, got)


def _compare_floats(name: str, reference: Reference, eager: np.ndarray, got: np.ndarray) -> Comparison:
    floor = reference.room * FLOOR[reference.eager["dtype"]]
    if not got.size:
        return Comparison(0.0, floor, None)
    y = to_numpy(*checked_tensor(reference.expected, reference.buffers))
    made: Yardsticks = {} if reference.yardsticks is None else reference.yardsticks
    yardstick = made.get(reference.eager["tensor"])
    defined = None if yardstick else _defined(y, eager, got)
    if (lost := _lost(name, y, eager, got, defined)) is not None:
        return Comparison(float("inf"), floor, lost)
    if yardstick is None:
        near = to_numpy(*checked_tensor(reference.nearby, reference.buffers))
        yardstick = _yardstick(y, near, eager, defined, floor, TINY if reference.room == 1.0 else TINY_WHERE_FAR)
        if defined is None:
            made[reference.eager["tensor"]] = yardstick
    return _compare_arrays(name, y, got, defined, yardstick)


def _walk(reference: Reference, actual: Any, name: str) -> Iterator[tuple[str, Reference, Any]]:
    """Yield (name, reference's, actual) of the leaves; the structure must be that of eager.

    A list may stand for a tuple, and the reverse: an extension returns a vector as a list.
    """
    eager = reference.eager
    if isinstance(eager, dict) and "tensor" in eager:
        if not isinstance(actual, dict) or "tensor" not in actual:
            raise BadValueError(f"{name}: expected a tensor")
        yield name, reference, actual
        return
    if not isinstance(eager, dict) or "float" in eager:
        yield name, reference, actual
        return
    kind = next(iter(eager))
    theirs, given = next(iter(actual.items()), ("", None)) if isinstance(actual, dict) else ("", None)
    alike = theirs == kind or (theirs in SEQUENCES and kind in SEQUENCES)
    if not alike or not isinstance(given, dict | list) or len(given) != len(eager[kind]):
        raise BadValueError(f"{name}: expected a {kind} of {len(eager[kind])}")
    keys = eager[kind].keys() if kind == "dict" else range(len(eager[kind]))
    for key in keys:
        if kind == "dict" and key not in given:
            raise BadValueError(f"{name}: lacks {key!r}")
        expected, nearby, own = (tree[kind][key] for tree in reference[:3])
        inner = reference._replace(expected=expected, nearby=nearby, eager=own)
        yield from _walk(inner, given[key], f"{name}[{key!r}]")


def _compare_exactly(name: str, wanted: np.ndarray, got: np.ndarray) -> Comparison:
    if got.dtype == bool:  # NumPy takes each byte but 0 for true; to others one that is not 1 is another number
        wanted, got = wanted.view(np.uint8), got.view(np.uint8)
    wrong = np.argwhere(wanted != got)
    if len(wrong):
        return Comparison(1.0, 1e-300, _first(name, "wrong_values", wrong[0], wanted, got, len(wrong)))
    return Comparison(0.0, 1.0, None)


def _defined(y: np.ndarray, eager: np.ndarray, got: np.ndarray) -> np.ndarray | None:
    """Return where a result has to be the reference's, None where it has everywhere."""
    finite = np.isfinite(eager) & np.isfinite(y)
    return None if finite.all() else finite & ~_overflown(y, eager, got)


def _yardstick(
    y: np.ndarray, near: np.ndarray, eager: np.ndarray, defined: np.ndarray | None, floor: float, tiny: float
) -> Yardstick:
    """Return what to measure with, where ``defined`` (None: everywhere)."""
    with np.errstate(all="ignore"):  # of what is not defined, or a result of 1e305
        weight = np.abs(y)
        weight += max(tiny, _root_mean_square(y if defined is None else y[defined]))
        stable = np.isfinite(near) if defined is None else defined & np.isfinite(near)
        shaken = _relative(near, y, weight, None if stable.all() else stable)
        least = max(floor, SLACK * float(_relative(eager, y, weight, defined).max()))
        by_row = SLACK * (shaken.max(axis=-1, keepdims=True) if shaken.ndim > 1 else shaken)
        return Yardstick(weight, np.broadcast_to(np.maximum(least, by_row), y.shape))


def _compare_arrays(
    name: str, y: np.ndarray, got: np.ndarray, defined: np.ndarray | None, yardstick: Yardstick
) -> Comparison:
    bound = yardstick.bound
    with np.errstate(all="ignore"):
        error = _relative(got, y, yardstick.weight, defined)
        at = np.unravel_index(int(np.argmax(error / bound)), y.shape)
    worst, allowed = float(error[at]), float(bound[at])
    if worst <= allowed:
        return Comparison(worst, allowed, None)
    wrong = np.argwhere(error > bound)
    return Comparison(worst, allowed, _first(name, "wrong_values", wrong[0], y, got, len(wrong)))


def _overflown(y: np.ndarray, eager: np.ndarray, got: np.ndarray) -> np.ndarray:
    """Return where a result is not finite and need not be: eager has overflowed on the same line, along any axis.

    A running product in float32 stays infinite, where torch's on a CPU is in float64 inside and comes back.
    """
    beyond = np.isinf(eager) & np.isfinite(y)
    found = np.zeros_like(beyond)
    for axis in range(beyond.ndim):
        found |= beyond.any(axis=axis, keepdims=True)
    return found & ~np.isfinite(got)


def _lost(
    name: str, y: np.ndarray, eager: np.ndarray, got: np.ndarray, defined: np.ndarray | None
) -> Mismatch | None:
    """Return what is not finite where the reference is, or not the infinity that the reference has."""
    finite = np.isfinite(got)
    if finite.all() and defined is None:
        return None
    defined = np.ones(y.shape, bool) if defined is None else defined
    infinite = np.isinf(eager) & (eager == y)  # a mask's -inf; an overflow of eager's alone is none
    for reason, lost in (("non_finite", defined & ~finite), ("wrong_values", infinite & (got != eager))):
        if lost.any():
            where = np.argwhere(lost)
            return _first(name, reason, where[0], y, got, len(where))
    return None


def _relative(values: np.ndarray, y: np.ndarray, weight: np.ndarray, where: np.ndarray | None) -> np.ndarray:
    """Return the relative errors of values, 0 where they are not asked for (None: they are everywhere)."""
    error = np.asarray(np.subtract(values, y, dtype=np.float64))  # of arrays without axes NumPy makes a number
    np.abs(error, out=error)
    error /= weight
    if where is not None:
        error[~where] = 0.0
    return error


def _root_mean_square(values: np.ndarray) -> float:
    """Return it, also where squares are beyond float64; 0 of nothing."""
    if not values.size:
        return 0.0
    mean = float(np.sqrt(np.mean(np.square(values))))
    if math.isfinite(mean):
        return mean
    largest = float(np.abs(values).max())
    return largest * float(np.sqrt(np.mean(np.square(values / largest))))


def _first(name: str, reason: str, index: np.ndarray, y: np.ndarray, got: np.ndarray, count: int) -> Mismatch:
    where = tuple(int(i) for i in index)
    at = f"{name}[{', '.join(map(str, where))}]" if where else name
    detail = (
        f"{at}: expected {float(y[where]):.7g}, got {float(got[where]):.7g}; {count} of {y.size} elements are wrong"
    )
    return Mismatch(reason, detail)

"""Honest rounding passes, everything else is named."""

from typing import Any

import numpy as np
import pytest

from pipeline.judge.compare import Reference, compare


def tree(array: np.ndarray, buffers: list[bytearray]) -> dict[str, Any]:
    buffers.append(bytearray(array.tobytes()))
    return {"tensor": len(buffers) - 1, "dtype": str(array.dtype), "shape": list(array.shape)}


def judged(
    expected: np.ndarray, eager: np.ndarray, got: Any, nearby: np.ndarray | None = None, room: float = 1.0
) -> tuple[str | None, str]:
    ours: list[bytearray] = []
    theirs: list[bytearray] = []
    want, base = tree(expected, ours), tree(eager, ours)
    near = want if nearby is None else tree(nearby, ours)
    answer = tree(got, theirs) if isinstance(got, np.ndarray) else got
    result = compare(Reference(want, near, base, ours, room), answer, theirs)
    return (result.mismatch.reason, result.mismatch.detail) if result.mismatch else (None, "")


def test_only_rows_in_which_the_reference_amplifies_rounding_are_given_more(values: np.ndarray):
    eager, nearby = values.astype(np.float32), values.copy()
    nearby[7, 3] *= 1.01
    got = eager.copy()
    got[7, 20] *= 1.01
    assert judged(values, eager, got)[0] == "wrong_values"
    assert judged(values, eager, got, nearby)[0] is None
    got[8, 20] *= 1.01
    reason, detail = judged(values, eager, got, nearby)
    assert (reason, "1 of 2112" in detail) == ("wrong_values", True)


def test_a_single_value_without_axes_is_compared():
    value = np.array(2.5)
    assert judged(value, value, np.asarray(value * (1 + 1e-12)))[0] is None
    assert judged(value, value, np.asarray(value * 1.5)) == (
        "wrong_values",
        "output: expected 2.5, got 3.75; 1 of 1 elements are wrong",
    )
    assert judged(value, value, np.array(np.nan))[0] == "non_finite"
    assert judged(np.array(np.inf), np.array(np.inf), np.array(np.inf))[0] is None


def test_values_whose_squares_are_beyond_float64_are_compared_as_well():
    values = np.array([[1e300, 2e300, -1.5e300]])
    assert judged(values, values, values * (1 + 1e-12))[0] is None
    assert judged(values, values, values * 1.5)[0] == "wrong_values"


@pytest.fixture
def values() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(64, 33))


def test_reordered_float32_passes_and_16_bits_do_not(values: np.ndarray):
    eager = values.astype(np.float32)
    assert judged(values, eager, eager * np.float32(1 + 2e-7))[0] is None
    assert judged(values, eager, values.astype(np.float16).astype(np.float32))[0] == "wrong_values"


def test_the_tolerance_follows_eager_where_eager_itself_is_off(values: np.ndarray):
    eager = (values * (1 + 1e-4)).astype(np.float32)
    assert judged(values, eager, (values * (1 - 1e-4)).astype(np.float32))[0] is None
    assert judged(values, eager, (values * (1 - 1e-3)).astype(np.float32))[0] == "wrong_values"


def test_the_floor_is_higher_where_there_is_room(values: np.ndarray):
    eager = values.astype(np.float32)
    got = eager * np.float32(1 + 1e-4)
    assert judged(values, eager, got)[0] == "wrong_values"
    assert judged(values, eager, got, room=4)[0] is None
    assert judged(values, eager, values.astype(np.float16).astype(np.float32), room=4)[0] == "wrong_values"


def test_one_wrong_element_is_found_and_named(values: np.ndarray):
    eager = values.astype(np.float32)
    got = eager.copy()
    got[7, 5] += 0.01
    reason, detail = judged(values, eager, got)
    assert reason == "wrong_values"
    assert "output[7, 5]" in detail
    assert "1 of 2112" in detail


def test_shape_dtype_and_type_are_strict(values: np.ndarray):
    eager = values.astype(np.float32)
    assert judged(values, eager, eager[:1])[0] == "wrong_shape"  # allclose would broadcast it
    assert judged(values, eager, values)[0] == "wrong_dtype"
    assert judged(values, eager, 3.0)[0] == "wrong_type"
    assert judged(values, eager, {"tensor": 0, "dtype": "float32", "shape": [10**6]})[0] == "wrong_type"
    assert judged(values, eager, {"tensor": 9, "dtype": "float32", "shape": [1]})[0] == "wrong_type"


def test_a_list_may_stand_for_a_tuple_and_neither_for_a_dict():
    one = tree(np.ones(2), buffers := [])
    several = {"tuple": [one]}
    reference = Reference(several, several, several, buffers)
    assert compare(reference, {"list": [one]}, buffers).mismatch is None
    for other in ({"list": [one, one]}, {"list": 1}, {"dict": {"0": one}}, {}, 3):
        assert (found := compare(reference, other, buffers).mismatch) is not None
        assert found.reason == "wrong_type"


def test_zeros_and_nan_are_wrong_and_undefined_places_are_not_compared(values: np.ndarray):
    eager = values.astype(np.float32)
    assert judged(values, eager, np.zeros_like(eager))[0] == "wrong_values"
    got = eager.copy()
    got[0, 0] = np.nan
    assert judged(values, eager, got)[0] == "non_finite"
    eager[0, 0] = np.inf
    assert judged(values, eager, got)[0] is None


def test_what_has_overflown_may_stay_so_on_its_line_alone(values: np.ndarray):
    """A running product does: torch's on a CPU is in float64 inside, and comes back."""
    eager = values.astype(np.float32)
    got = eager.copy()
    got[0, 2:] = np.inf
    assert judged(values, eager, got)[0] == "non_finite"
    eager[0, 1] = np.inf
    assert judged(values, eager, got)[0] is None
    got[1, 2] = np.nan
    assert judged(values, eager, got)[0] == "non_finite"


def test_integers_are_exact():
    want = np.arange(10)
    assert judged(want, want, want)[0] is None
    assert judged(want, want, want + (want == 9))[0] == "wrong_values"


def test_where_the_reference_is_zero_anything_else_is_wrong():
    want = np.zeros((2, 3))
    assert judged(want, want.astype(np.float32), np.full((2, 3), 0.1, np.float32))[0] == "wrong_values"
    assert judged(want, want.astype(np.float32), want.astype(np.float32))[0] is None

"""When two outputs are alike, and the classes that follow."""

from typing import Any

import pytest

from eval.selection.outputs import agree, classes
from pipeline.judge.outputs import Fingerprint


def of(*elements: Any, dtype: str = "float32", form: str = "f", rms: float = 2.0, finite: int = 3) -> Fingerprint:
    return Fingerprint(form=form, leaves=[{"dtype": dtype, "rms": rms, "finite": finite, "elements": list(elements)}])


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-3), ("float16", 1e-2), ("bfloat16", 4e-2)])
def test_the_error_is_relative_to_the_value_and_the_root_mean_square(dtype: str, tolerance: float):
    y = of(1.0, 0.0, -4.0, dtype=dtype)
    for place, bound in enumerate((3.0, 2.0, 6.0)):  # |y| + s
        for factor in (0.99, 1.01):
            near = [1.0, 0.0, -4.0]
            near[place] += factor * bound * tolerance
            assert agree(of(*near, dtype=dtype), y) == (factor < 1)
    assert agree(of(1.0, 0.0, -4.0, dtype=dtype, rms=2 + 3.9 * tolerance), y)
    assert not agree(of(1.0, 0.0, -4.0, dtype=dtype, rms=2 + 4.1 * tolerance), y)


def test_what_is_not_a_matter_of_degree():
    assert agree(of("nan", "inf", 0.0), of("nan", "inf", 0.0))
    for other in (
        of("nan", "-inf", 0.0),
        of("nan", 1.0, 0.0),
        of("nan", "inf", 0.0, finite=2),
        of("nan", "inf", 0.0, form="g"),
    ):
        assert not agree(other, of("nan", "inf", 0.0))
    assert agree(of(2**53 + 1, dtype="int64"), of(2**53 + 1, dtype="int64"))
    assert not agree(of(2**53, dtype="int64"), of(2**53 + 1, dtype="int64"))
    assert not agree(None, of(0.0))
    assert agree(of(0.0, rms=0.0), of(0.0, rms=0.0))


def test_an_answer_is_of_the_first_class_that_it_agrees_with():
    answers = [[of(1.0), of(5.0)], [None, of(1.0)], [of(1.001), of(5.0)], [of(3.0), None], [of(1.0), of(1.0)]]
    assert classes(answers) == [[0, 0], [None, 1], [0, 0], [1, None], [0, 1]]
    assert classes([]) == []
    with pytest.raises(ValueError, match="zip"):
        classes([[None], []])

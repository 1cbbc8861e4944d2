"""What candidates give on shared inputs: real processes, real builds; and what their processes are never sent."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eval.selection.outputs import agree
from pipeline.judge.config import JudgeConfig
from pipeline.judge.judge import Judge
from pipeline.judge.outputs import PLACES, Fingerprint, fingerprint, shared_cases, shared_settings
from pipeline.judge.settings import Plan
from pipeline.judge.values import BadValueError, only_named
from tests.judge.examples import CALL, HONEST, TASK, WRONG, changed

ANOTHER = changed(
    "largest = fmaxf(largest, x[row * cols + c] * 2.0f + bias[c]);", "largest = 1.0f;"
)  # also a softmax
N = 4


@pytest.fixture(scope="module")
def judge(builds: Path) -> Iterator[Judge]:
    with Judge(JudgeConfig(backend="simt", cache=builds, workers=2, cpu_seconds=3)) as judge:
        yield judge


def test_right_kernels_agree_wrong_ones_do_not_and_a_dead_one_gives_nothing(judge: Judge):
    codes = {
        "honest": HONEST,
        "another": ANOTHER,
        "wrong": WRONG["wrong constant"][0],
        "narrow": changed(CALL, "return ext.fused(x.contiguous(), self.bias).double()"),
        "raises": WRONG["raises"][0],
        "unbuilt": WRONG["C++ error"][0],
        "dies at the second": changed(CALL, "if (x > 8).any():\n            raise ValueError\n        " + CALL),
    }
    given = {
        name: future.result() for name, future in {n: judge.outputs(TASK, c, N) for n, c in codes.items()}.items()
    }
    honest = given["honest"]
    assert None not in honest
    assert all(agree(one, other) for one, other in zip(honest, given["another"], strict=True))
    for name in ("wrong", "narrow"):
        assert not any(agree(one, other) for one, other in zip(honest, given[name], strict=True))
    assert given["raises"] == given["unbuilt"] == [None] * N
    dies = given["dies at the second"]
    assert dies[0] == honest[0]
    assert dies[1] is None  # spiky
    assert dies[2] == honest[2]  # a new process goes on


def test_they_are_the_same_in_another_judge_and_change_no_verdict(judge: Judge):
    with Judge(JudgeConfig(backend="simt", cache=judge.config.cache, workers=1)) as other:
        assert other.outputs(TASK, HONEST, 2).result() == judge.outputs(TASK, HONEST, 2).result()
    before = judge.submit(TASK, HONEST, "h").result()
    judge.outputs(TASK, HONEST, 1).result()
    assert judge.submit(TASK, HONEST, "h").result() == before


def test_the_shared_inputs_of_a_task():
    plan = Plan(TASK.settings, own=True, work={}, left_out={})
    strict = shared_settings(plan, strict=True)
    assert [s.name for s in strict] == ["small", "odd"]
    assert [s.name for s in shared_settings(plan, strict=False)] == ["own"]
    by_work = Plan(TASK.settings, own=True, work={"own": 9, "odd": 1, "small": 5}, left_out={})
    assert [s.name for s in shared_settings(by_work, strict=True)] == ["odd", "small"]
    cases = shared_cases(TASK, strict, 5)
    assert cases[:3] == shared_cases(TASK, strict, 3)
    assert [c.distribution for c in cases] == ["own", "spiky", "shifted", "signed", "own"]
    assert len({c.seed for c in cases}) == 5
    other = TASK.model_copy(update={"reference": TASK.reference + "# \n"})
    assert not {c.seed for c in cases} & {c.seed for c in shared_cases(other, strict, 5)}


def of(*arrays: np.ndarray, seed: int = 0) -> Fingerprint:
    nodes = [{"tensor": i, "dtype": str(a.dtype), "shape": list(a.shape)} for i, a in enumerate(arrays)]
    return fingerprint({"list": nodes}, [a.tobytes() for a in arrays], seed)


def test_a_fingerprint_says_what_is_at_its_places():
    array = np.linspace(-3, 5, 1000, dtype=np.float32).reshape(10, 100)
    (leaf,) = of(array)["leaves"]
    assert leaf["rms"] == pytest.approx(np.sqrt(np.square(array).mean()), rel=1e-6)
    assert len(leaf["elements"]) == PLACES
    assert (leaf["elements"][0], leaf["elements"][-1], leaf["finite"]) == (-3.0, 5.0, 1000)
    assert of(array) == of(array)
    assert of(array)["form"] != of(array.T.copy())["form"]
    assert of(array, seed=1)["leaves"] != of(array)["leaves"]
    odd = of(np.array([np.nan, np.inf, -np.inf, 3e300]), np.array([True, False]), np.array([2**62]), np.zeros((0, 3)))
    assert [leaf["elements"] for leaf in odd["leaves"]] == [["nan", "inf", "-inf", 3e300], [1, 0], [2**62], []]
    assert odd["leaves"][0]["rms"] == 3e300


@pytest.mark.parametrize(
    "tree",
    [
        None,
        {"list": []},
        {"tensor": 1, "dtype": "float32", "shape": [1]},
        {"tensor": 0, "dtype": "float32", "shape": [2]},
        {"list": [{"tensor": 0, "dtype": "float32", "shape": [1]}] * 100},
    ],
)
def test_what_is_no_output_has_none(tree: Any):
    with pytest.raises(BadValueError):
        fingerprint(tree, [bytes(4)], 0)
    deep: Any = {"tensor": 0, "dtype": "float32", "shape": [1]}
    for _ in range(40):
        deep = {"list": [deep]}
    with pytest.raises(BadValueError):
        fingerprint(deep, [bytes(4)], 0)


# --- what a candidate's process holds ---

LOOKING = """import sys
        frame, held = sys._getframe(), []
        while frame is not None:
            held += [len(b) for v in list(frame.f_locals.values()) if isinstance(v, list) for b in v if isinstance(b, bytearray)]
            frame = frame.f_back
        raise ValueError(f"held {sorted(set(held))}")"""


def test_no_expected_result_is_in_a_candidates_process(judge: Judge):
    with Judge(JudgeConfig(backend="simt", cache=judge.config.cache, workers=1, policy="report")) as lax:
        verdict = lax.submit(TASK, changed(CALL, LOOKING), "looks").result()
    assert "held [256, 4096]" in str(verdict.detail)  # the bias and x; a result in float64 would have 8192


def test_only_the_buffers_that_are_named_are_sent():
    tensor = {"dtype": "float32", "shape": [1]}
    tree = {
        "dict": {"tensor": {"tensor": 3, **tensor}, "b": {"list": [{"tensor": 1, **tensor}, 7, {"float": "nan"}]}}
    }
    told, kept = only_named(tree, [b"0", b"1", b"2", b"3"])
    assert kept == [b"3", b"1"]
    assert told["dict"]["tensor"]["tensor"] == 0
    assert told["dict"]["b"] == {"list": [{"tensor": 1, **tensor}, 7, {"float": "nan"}]}
    assert tree["dict"]["tensor"]["tensor"] == 3

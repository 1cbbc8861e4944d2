"""Reference answers made ahead are those that would be asked for one by one, and a refused one costs no other."""

import subprocess
import sys
from dataclasses import replace

import pytest
import torch

from pipeline.judge import reference_worker
from pipeline.judge.ahead import Ahead
from pipeline.judge.inputs import Case, plan
from pipeline.judge.reference_worker import BATCH_BYTES, answer
from pipeline.records import Setting
from tests.judge.examples import TASK

CASES = plan(TASK, TASK.settings, "code", b"key")


def asked(cases: list[Case]) -> tuple[dict, list[bytes]]:
    with torch.no_grad():
        requests = [case.request(TASK) for case in cases]
        header, buffers = answer({"op": "cases", "cases": requests}, "cpu")
    return header, [bytes(b) for b in buffers]


def test_several_answers_are_those_of_each(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(reference_worker, "BATCH_SECONDS", 60.0)
    header, buffers = asked(CASES[:4])
    assert len(header["answers"]) == 4
    for case, one, count in zip(CASES, header["answers"], header["counts"], strict=False):
        alone, raw = asked([case])
        assert alone["answers"] == [one]
        assert [buffers.pop(0) for _ in range(count)] == raw
    assert not buffers


def test_a_refused_case_ends_the_batch_and_is_told_alone():
    refused = replace(CASES[1], setting=Setting(name="bad", sizes={"ROWS": -1}))
    header, _ = asked([CASES[0], refused, CASES[2]])
    assert len(header["answers"]) == 1
    header, _ = asked([refused, CASES[0]])
    assert header["error"] == "task_raises"


def test_a_batch_is_no_larger_than_it_may_be():
    large = replace(CASES[0], setting=Setting(name="large", sizes={"COLS": BATCH_BYTES // 16}))
    header, _ = asked([large, large])
    assert len(header["answers"]) == 1


def test_what_was_not_made_ahead_is_asked_for():
    requests: list[list[Case]] = []

    def ask(cases):
        requests.append(list(cases))
        return [({"seed": case.seed}, []) for case in cases[:2]]

    ahead = Ahead(ask)
    other = replace(CASES[3], weights_seed=1)  # not the one that was expected
    wanted = [CASES[0], CASES[1], other, CASES[5]]
    told = [ahead.answer(case, CASES[CASES.index(case) + 1 :] if case in CASES else [])[0] for case in wanted]
    assert told == [{"seed": case.seed} for case in wanted]
    assert [r[0] for r in requests] == [CASES[0], other, CASES[5]]


GAPS = """
import ctypes
from pipeline.judge.heap import fill_gaps
libc = ctypes.CDLL(None)
libc.sbrk.restype, libc.malloc.restype = ctypes.c_size_t, ctypes.c_size_t
kept = [bytes(100 * (n % 20) + 1) for n in range(20000)]
del kept[::2]
end = libc.sbrk(0)
before = sum(libc.malloc(size) < end for size in range(24, 2000, 16))
fill_gaps()
after = sum(libc.malloc(size) < end for size in range(24, 2000, 16))
print(before > 60, after < 10)
"""


def test_what_is_allocated_later_lies_beyond_the_gaps():
    environment = {"PYTHONMALLOC": "malloc", "PYTHONPATH": ":".join(sys.path)}
    run = subprocess.run([sys.executable, "-c", GAPS], env=environment, capture_output=True, text=True, check=True)
    assert run.stdout == "True True\n"

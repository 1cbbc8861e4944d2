"""Reference answers made ahead or kept are those that would be asked for, and a refused one costs no other."""

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from typing import Any

import pytest
import torch

from pipeline.judge import reference_worker
from pipeline.judge.ahead import ReferenceAnswers
from pipeline.judge.inputs import Case, plan
from pipeline.judge.reference_worker import BATCH_BYTES, answer
from pipeline.records import Setting, Task
from tests.judge.examples import TASK

CASES = plan(TASK, TASK.settings, b"key")


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


class Reference:
    """Answers the first two of the cases that it is asked for, in eight bytes each, and notes the seeds."""

    def __init__(self) -> None:
        self.seeds: list[list[int]] = []

    def __call__(self, _task: Task, request: dict[str, Any]) -> tuple[dict[str, Any], list[bytearray]]:
        asked = request["cases"][:2] if request["op"] == "cases" else [request]
        self.seeds.append([one["seed"] for one in asked])
        answers = [{"seed": one["seed"], "sizes": one["sizes"]} for one in asked]
        buffers = [bytearray(8) for _ in asked]
        return (answers[0] if request["op"] == "case" else {"answers": answers, "counts": [1] * len(asked)}), buffers


def seeds(*cases: Case) -> list[int]:
    return [case.seed for case in cases]


def test_what_was_not_made_ahead_is_asked_for():
    ask = Reference()
    answers = ReferenceAnswers(ask)
    other = replace(CASES[3], weights_seed=1)  # not the one that was expected
    wanted = [CASES[0], CASES[1], other, CASES[5]]
    told = [answers.answer(TASK, c, CASES[CASES.index(c) + 1 :] if c in CASES else [])[0] for c in wanted]
    assert [answer["seed"] for answer in told] == seeds(*wanted)
    assert ask.seeds == [seeds(*CASES[:2]), seeds(other), seeds(*CASES[5:7])]


def test_another_candidate_of_the_task_is_compared_with_the_same_answers():
    ask = Reference()
    answers = ReferenceAnswers(ask)
    first = [answers.answer(TASK, case, CASES[number + 1 :]) for number, case in enumerate(CASES)]
    asked = len(ask.seeds)
    again = [answers.answer(TASK, case, CASES[number + 1 :]) for number, case in enumerate(CASES)]
    assert (again, len(ask.seeds)) == (first, asked)
    other = TASK.model_copy(update={"reference": f"{TASK.reference}\n# another"})
    answers.answer(other, CASES[0])
    resized = replace(CASES[0], setting=Setting(name=CASES[0].setting.name, sizes={"ROWS": 3}))
    assert answers.answer(TASK, resized)[0]["sizes"] == {"ROWS": 3}
    assert len(ask.seeds) == asked + 2


def test_what_was_used_least_recently_goes_when_there_is_too_much():
    ask = Reference()
    answers = ReferenceAnswers(ask, most_bytes=24)
    for case in [*CASES[:3], CASES[0], CASES[3], CASES[0], CASES[1]]:
        answers.answer(TASK, case)
    assert ask.seeds == [seeds(case) for case in (*CASES[:4], CASES[1])]


def test_a_refusal_is_not_kept():
    asked: list[int] = []

    def refuse(_task: Task, request: dict[str, Any]) -> tuple[dict[str, Any], list[bytearray]]:
        asked.append(request["seed"])
        return {"error": "task_dies"}, []

    answers = ReferenceAnswers(refuse)
    assert [answers.answer(TASK, CASES[0])[0] for _ in range(2)] == [{"error": "task_dies"}] * 2
    assert len(asked) == 2


def test_who_wants_what_is_being_made_waits_for_it():
    reference, entered, go = Reference(), threading.Event(), threading.Event()

    def ask(task: Task, request: dict[str, Any]) -> tuple[dict[str, Any], list[bytearray]]:
        entered.set()
        assert go.wait(60)
        return reference(task, request)

    answers = ReferenceAnswers(ask)
    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(answers.answer, TASK, CASES[0])
        assert entered.wait(60)
        other = pool.submit(answers.answer, TASK, CASES[0])
        done, _ = wait([other], timeout=0.3)
        go.set()
        assert not done
        assert one.result() is other.result()
    assert len(reference.seeds) == 1


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


COLLAPSING = """
import os, re
from pathlib import Path
from pipeline.judge.heap import collapse


def huge():
    pages = re.split(r"^(?=[0-9a-f]+-)", Path("/proc/self/smaps").read_text(), flags=re.MULTILINE)
    return sum(int(re.search(r"AnonHugePages: *(\\d+)", part)[1]) for part in pages if "[heap]" in part)


kept = [bytes(100) for _ in range(200_000)]
collapse()
before = huge()
if os.fork() == 0:
    kept = [bytes(1) + part for part in kept]  # counts its references: copies a small page for each
    split = huge()
    collapse()
    print(before, split, huge())
"""


def test_a_forked_process_gets_huge_pages_again():
    environment = {"PYTHONMALLOC": "malloc", "PYTHONPATH": ":".join(sys.path)}
    run = subprocess.run(
        [sys.executable, "-c", COLLAPSING], env=environment, capture_output=True, text=True, check=True
    )
    before, split, after = map(int, run.stdout.split())
    if not before:
        pytest.skip("this kernel makes no huge pages on request")
    assert split < before <= after

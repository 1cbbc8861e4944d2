"""The candidate's process with this backend's device, its tensors on the CPU: all that torch does beside the kernels."""

import socket
from collections.abc import Iterator
from typing import Any

import pytest
import torch

from pipeline.judge.candidate_worker import CandidateModule
from pipeline.judge.channel import Channel
from pipeline.judge.cuda import binding, device
from pipeline.judge.inputs import Case, call_request
from pipeline.judge.judge import _may_be_others_fault
from pipeline.judge.reference_worker import _case
from pipeline.judge.values import only_named
from pipeline.records import Check, Setting, Verdict, VerdictStatus
from tests.judge.examples import REFERENCE, TASK

MOVES = """
import torch
class ModelNew(torch.nn.Module):
    def __init__(self, features):
        super().__init__()
        self.bias = torch.nn.Parameter(torch.zeros(features))
    def forward(self, x):
        return torch.empty_like(x).copy_(x)
"""


@pytest.fixture
def on_the_cpu() -> Iterator[None]:
    binding.use_device(torch.device("cpu"))
    with torch.no_grad():  # a candidate's process turns gradients off for good: here they are back afterwards
        yield
    binding.release_guards()


def test_what_the_judge_asks_of_torch_is_not_the_candidate_s(on_the_cpu: None):
    """Guards are compared by torch's operators, while those of the candidate are noted."""
    case = Case(Setting(name="own", sizes={}), 0, "own", "forward", 1, 2, fresh_weights=False)
    header, buffers = _case(case.request(TASK), "cpu")
    request = call_request(case, header["values"]["dict"], construct=True)
    values, named = only_named(request["values"], buffers)
    ours, theirs = socket.socketpair()
    candidate = CandidateModule(Channel(ours), device)
    candidate.load(MOVES)
    answer: dict[str, Any]
    answer, _ = candidate.call({**request, "values": values}, [bytearray(data) for data in named])
    assert REFERENCE in TASK.reference
    assert (answer["torch_operators"], answer["host_bytes"]) == ([], 0)
    ours.close()
    theirs.close()


@pytest.mark.parametrize(
    ("status", "reason", "detail", "again"),
    [
        ("timeout", "timeout", "did not end within its time", True),
        ("runtime_error", "raises", "OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB", True),
        ("runtime_error", "raises", "RuntimeError: NVML_SUCCESS == r INTERNAL ASSERT FAILED", True),
        ("runtime_error", "out_of_bounds", "CUDA error: an illegal memory access was encountered", False),
        ("incorrect", "wrong_values", "output[0]: expected 1.0, got 2.0", False),
    ],
)
def test_who_may_have_lacked_what_others_took_is_judged_again(
    status: VerdictStatus, reason: str, detail: str, again: bool
):
    checks = (Check(name="run", passed=False, detail=detail),)
    verdict = Verdict(
        candidate_id="1", status=status, reason=reason, checks=checks, backend="cuda", judge_version="1"
    )
    assert _may_be_others_fault(verdict) == again

"""Launches at a task's own sizes, which this machine can't afford: 17 GB an input. Real processes, real builds."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.judge.config import JudgeConfig
from pipeline.judge.judge import Judge
from pipeline.records import Check, Setting, Task, Verdict

REFERENCE = """
import torch
import torch.nn as nn

ROWS = 65600
COLS = 65536


class Model(nn.Module):
    def __init__(self, cols):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(cols))

    def forward(self, x, lengths):
        return x * 2.0 + self.weight


def get_inputs():
    return [torch.rand(ROWS, COLS), torch.full((4,), 7)]


def get_init_inputs():
    return [COLS]
"""
TASK = Task(name="scaled", reference=REFERENCE, settings=(Setting(name="own"),), category="other", source="test")

CODE = '''
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

SOURCE = r"""
#include <torch/extension.h>
#include <cuda_runtime.h>

__global__ void scaled(const float* x, const float* w, float* y, int64_t rows, int cols, bool keep) {
    extern __shared__ float row[];
    for (int64_t r = blockIdx.x + int64_t(blockIdx.y) * gridDim.x; r < rows; r += int64_t(gridDim.x) * gridDim.y)
        for (int64_t c = threadIdx.x; c < cols; c += blockDim.x) {
            float value = x[r * cols + c];
            if (keep) row[c] = value, value = row[c];
            y[r * cols + c] = value * 2.0f + w[c];
        }
}

torch::Tensor f(torch::Tensor x, torch::Tensor w, torch::Tensor lengths) {
    auto y = torch::empty_like(x);
    int64_t rows = x.size(0);
    int cols = x.size(1), bytes = cols * sizeof(float);
    auto run = [&](dim3 grid, int shared) {
        scaled<<<grid, 64, shared>>>(x.data_ptr<float>(), w.data_ptr<float>(), y.data_ptr<float>(), rows, cols, shared > 0);
    };
    LAUNCH
    return y;
}
"""
ext = load_inline(
    name="s",
    cpp_sources="torch::Tensor f(torch::Tensor x, torch::Tensor w, torch::Tensor lengths);",
    cuda_sources=SOURCE,
    functions=["f"],
)


class ModelNew(nn.Module):
    def __init__(self, cols):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(cols))

    def forward(self, x, lengths):
        return ext.f(x, self.weight, lengths)
'''


@pytest.fixture(scope="module")
def strict(builds: Path) -> Iterator[Judge]:
    config = JudgeConfig(backend="simt", cache=builds, workers=1, max_case_mb=1)
    with Judge(config) as judge:
        yield judge


def judged(judge: Judge, launch: str, *changes: tuple[str, str], task: Task = TASK) -> Verdict:
    code = CODE.replace("LAUNCH", launch)
    for old, new in changes:
        assert old in code
        code = code.replace(old, new)
    return judge.submit(task, code, "c").result()


def rehearsal(verdict: Verdict) -> Check:
    return next(check for check in verdict.checks if check.name == "launches:own")


HONEST = "run(rows, 0);"
CHECKED = "\n    TORCH_CHECK(cudaGetLastError() == cudaSuccess);"
IMPOSSIBLE = {
    "shared memory": ("run(rows, bytes);", "262144 bytes of dynamic shared memory"),
    "shared memory, and it says so": ("run(rows, bytes);" + CHECKED, "262144 bytes of dynamic shared memory"),
    "shared memory, and it exits": (
        "run(rows, bytes);\n    if (cudaGetLastError() != cudaSuccess) exit(1);",
        "262144 bytes of dynamic shared memory",
    ),
    "a limit over all limits": (
        "cudaFuncSetAttribute(scaled, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes);\n    run(rows, bytes);",
        "262144 bytes of dynamic shared memory",
    ),
    "a limit over all limits, and it says so": (
        "TORCH_CHECK(!cudaFuncSetAttribute(scaled, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes)); run(rows, bytes);",
        "no GPU lets a block have 262144 bytes",
    ),
    "grid.y": ("run(dim3(1, rows), 0);", "a grid dimension over its limit: grid (1, 65600, 1)"),
    "an overflow": ("int half = x.numel() / 2;\n    run(half / 256 + 1, 0);", "a grid dimension over its limit"),
    "the first of two": ("run(dim3(1, rows), 0);\n    run(dim3(1), 0);", "a grid dimension over its limit"),
}


@pytest.mark.parametrize(("launch", "detail"), IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_a_launch_that_is_impossible_at_the_task_s_own_sizes_rejects(strict: Judge, launch: str, detail: str):
    verdict = judged(strict, launch)
    assert (verdict.status, verdict.reason) == ("runtime_error", "launch_error"), verdict
    assert detail in (rehearsal(verdict).detail or "")
    assert "scaled" in (rehearsal(verdict).detail or "")


RAISE_ONCE = """
    static bool raised = false;
    auto* pointer = scaled;
    if (!raised) cudaFuncSetAttribute(scaled, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes * 3 / 4);
    raised = true;
    run(rows, bytes * 3 / 4);
    run(rows, 0);
"""
FALLBACK = "run(rows, bytes);\n    if (cudaGetLastError() != cudaSuccess) run(rows, 0);"
ASKS_FIRST = """
    if (cudaFuncSetAttribute(scaled, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes) == cudaSuccess) run(rows, bytes);
    else cudaGetLastError(), run(rows, 0);
"""
MAKES_TENSORS = """
    auto zeros = torch::zeros_like(x), copy = x.t().contiguous();
    zeros.copy_(x);
    float* buffer;
    cudaMalloc(&buffer, bytes * 1000);
    cudaMemset(buffer, 0, bytes * 1000);
    run(rows, 0);
    cudaFree(buffer);
"""
POSSIBLE = {
    "nothing special": (HONEST + CHECKED, 1),
    "a limit that is raised once": (RAISE_ONCE, 2),
    "a limit that is raised by another name": (RAISE_ONCE.replace("(scaled", "(pointer"), 2),
    "another launch where one fails": (FALLBACK, 1),
    "another launch where a limit can't be raised": (ASKS_FIRST, 1),
    "tensors and buffers": (MAKES_TENSORS, 1),
}


@pytest.mark.parametrize(("launch", "launches"), POSSIBLE.values(), ids=POSSIBLE)
def test_what_can_be_launched_is_accepted(strict: Judge, launch: str, launches: int):
    verdict = judged(strict, launch, ("keep) row[c]", "keep && c < 8) row[c]"))
    assert verdict.accepted, verdict
    assert rehearsal(verdict).detail is None, rehearsal(verdict)
    assert rehearsal(verdict).figures["launches"] == launches


READING = {
    "C++'s item": "run(dim3(1, rows * lengths[0].item<int64_t>() / 7), 0);",
    "a copy": """
    int64_t length;
    cudaMemcpy(&length, lengths.data_ptr<int64_t>(), 8, cudaMemcpyDeviceToHost);
    run(rows * length / 7, 0);""",
}


@pytest.mark.parametrize("launch", READING.values(), ids=READING)
def test_a_launch_whose_size_comes_from_a_value_is_not_decided(strict: Judge, launch: str):
    verdict = judged(strict, launch)
    assert verdict.accepted, verdict
    assert (rehearsal(verdict).detail or "").startswith("not rehearsed: ")


def test_what_python_reads_is_not_decided_either(strict: Judge):
    changed = (
        "ext.f(x, self.weight, lengths)",
        "ext.f(x[:, :max(1, lengths[0].item()) * 2**20], self.weight, lengths)",
    )
    verdict = judged(strict, "run(dim3(1, rows), 0);", changed)
    assert verdict.accepted, verdict
    assert "_local_scalar_dense" in (rehearsal(verdict).detail or "")


def test_what_goes_on_and_on_is_not_decided(strict: Judge):
    verdict = judged(strict, "if (rows > 60000) for (volatile int64_t i = 0; ; i = i + 1) {}\n    " + HONEST)
    assert verdict.accepted, verdict
    assert "not rehearsed: timeout" in (rehearsal(verdict).detail or "")


def test_policy_makes_no_difference(strict: Judge):
    code = CODE.replace("LAUNCH", "run(dim3(1, rows), 0);")
    assert strict.submit(TASK, code, "c", policy="report").result().reason == "launch_error"


BACKWARD = """
class Scaled(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, w):
        ctx.save_for_backward(torch.zeros_like(w))
        return ext.f(x, w, w, False)

    @staticmethod
    def backward(ctx, upstream):
        (none,) = ctx.saved_tensors
        return ext.f(upstream.contiguous(), none, none, True), None


class ModelNew"""


def test_the_way_back_is_rehearsed_too(strict: Judge):
    """The launch of the way there is possible, the one of the way back is not."""
    reference = REFERENCE.replace("nn.Parameter(torch.randn(cols))", "torch.zeros(cols)").replace(", lengths", "")
    reference = reference.replace(", torch.full((4,), 7)]", "]")
    task = Task(**{**TASK.model_dump(exclude={"id"}), "reference": reference, "direction": "backward"})
    changes = (
        ("class ModelNew", BACKWARD.lstrip()),
        ("nn.Parameter(torch.randn(cols))", "torch.zeros(cols)"),
        ("forward(self, x, lengths)", "forward(self, x)"),
        ("ext.f(x, self.weight, lengths)", "Scaled.apply(x, self.weight)"),
        ("torch::Tensor lengths", "torch::Tensor lengths, bool back"),
    )
    possible = judged(strict, HONEST, *changes, task=task)
    assert possible.accepted, possible
    assert rehearsal(possible).figures["launches"] == 2
    impossible = judged(strict, "run(back ? dim3(1, rows) : dim3(rows), 0);", *changes, task=task)
    assert (impossible.reason, impossible.checks[-1].name) == ("launch_error", "launches:own")


MEASURED = """
import resource


def used():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


class ModelNew(nn.Module):
    def __init__(self, cols):
        super().__init__()
        before = used()
        self.first, self.second = nn.Linear(cols, cols), nn.Conv2d(cols, 64, 3)
        self.table = torch.randn(cols, 4096).softmax(-1)
        self.weight = nn.Parameter(torch.randn(cols))
        self.used = used() - before

    def forward(self, x, lengths):
        if len(x) > 60000:
            raise RuntimeError(f"{self.used} MB more")
"""


def test_weights_of_a_constructor_take_no_memory(strict: Judge):
    """17 GB of them, some initialised at random, some computed."""
    changes = (CODE[CODE.index("class ModelNew") : CODE.index("        return ext.f")], MEASURED.lstrip())
    code = CODE.replace("LAUNCH", HONEST).replace(*changes)
    verdict = strict.submit(TASK, code, "c", policy="report").result()
    assert verdict.accepted, verdict.detail
    told = rehearsal(verdict).detail or ""
    assert int(told.split("RuntimeError: ")[1].split(" MB more")[0]) < 16, told


INSTEAD = """
        try:
            return ext.f(x, self.weight, lengths)
        except RuntimeError:
            return x * 2.0 + self.weight
"""


def test_torch_may_do_what_could_not_be_launched(strict: Judge):
    """Only policy report lets it; there the answer has a result on a GPU."""
    code = CODE.replace("LAUNCH", "run(dim3(1, rows), 0);" + CHECKED)
    code = code.replace("        return ext.f(x, self.weight, lengths)\n", INSTEAD.lstrip("\n"))
    verdict = strict.submit(TASK, code, "c", policy="report").result()
    assert verdict.accepted, verdict
    assert "torch may have done its work" in (rehearsal(verdict).detail or "")


def test_what_torch_would_do_at_the_task_s_own_sizes_is_told_and_strictly_rejected(strict: Judge):
    code = CODE.replace("LAUNCH", HONEST).replace(
        "return ext.f", "return x * 2.0 + self.weight if len(x) > 60000 else ext.f"
    )
    check = rehearsal(strict.submit(TASK, code, "c", policy="report").result())
    assert check.figures == {"launches": 0, "torch_operators": "add, mul"}
    rejected = strict.submit(TASK, code, "c").result()
    assert (rejected.status, rejected.reason) == ("cheating", "torch_computes")
    assert rejected.detail == "at the task's own sizes forward computes with torch: add, mul"

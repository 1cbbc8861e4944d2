"""A bare .cu is judged wherever a module is, called as its task says."""

import json
from pathlib import Path

import pytest

from pipeline.judge.bare import NotCallableError, is_bare, module_of
from pipeline.judge.judge import Judge
from pipeline.records import Task
from tests.judge.examples import HONEST
from tests.judge.test_commands import judge as command
from tests.judge.test_settings import judge as judge  # noqa: PLC0414  (the fixture)

WEIGHTLESS = """
import torch

ROWS = 8


class Model(torch.nn.Module):
    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def forward(self, x):
        return x * self.factor


def get_inputs():
    return [torch.randn(ROWS, 8)]


def get_init_inputs():
    return [3]
"""
WITH_A_LAYER = WEIGHTLESS.replace("self.factor = factor", "self.factor = factor; self.same = torch.nn.Identity()")
FUNCTIONAL = """
import torch
import torch.nn as nn


class AutogradFunction(torch.autograd.Function):
    backward_fn = None

    @staticmethod
    def forward(ctx, x, w):
        ctx.save_for_backward(x, w)
        return forward_fn(x, w)

    @staticmethod
    def backward(ctx, grad):
        return tuple(AutogradFunction.backward_fn(grad, *ctx.saved_tensors))


def forward_fn(x, w):
    return torch.mul(x, w)


class Model(nn.Module):
    def __init__(self, width):
        super(Model, self).__init__()
        self.w = nn.Parameter(torch.randn(width))

    def forward(self, x, fn=forward_fn):
        return fn(x, self.w)


WIDTH = 16


def get_inputs():
    return [torch.randn(8, WIDTH)]


def get_init_inputs():
    return [WIDTH]
"""
SCALE = """
#include <torch/extension.h>
__global__ void scale(const float* x, float* y, int n, float factor) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = x[i] * factor;
}
torch::Tensor forward(torch::Tensor x, double factor) {
    auto y = torch::empty_like(x);
    scale<<<(x.numel() + 255) / 256, 256>>>(x.data_ptr<float>(), y.data_ptr<float>(), x.numel(), factor);
    return y;
}
"""
BOTH = """
#include <torch/extension.h>
__global__ void times(const float* x, const float* w, float* y, int n, int width) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = x[i] * w[i % width];
}
__global__ void columns(const float* grad, const float* x, float* sums, int rows, int width) {
    int j = blockIdx.x * blockDim.x + threadIdx.x;
    if (j >= width) return;
    float sum = 0;
    for (int i = 0; i < rows; ++i) sum += grad[i * width + j] * x[i * width + j];
    sums[j] = sum;
}
torch::Tensor forward(torch::Tensor x, torch::Tensor w) {
    auto y = torch::empty_like(x);
    int n = x.numel(), width = w.numel();
    times<<<(n + 255) / 256, 256>>>(x.data_ptr<float>(), w.data_ptr<float>(), y.data_ptr<float>(), n, width);
    return y;
}
std::vector<torch::Tensor> backward(torch::Tensor grad, torch::Tensor x, torch::Tensor w) {
    auto sums = torch::empty_like(w);
    auto g = grad.contiguous();
    int width = w.numel();
    columns<<<(width + 31) / 32, 32>>>(g.data_ptr<float>(), x.data_ptr<float>(), sums.data_ptr<float>(), x.numel() / width, width);
    return {forward(g, w), sums};
}
PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) { m.def("forward", &forward); m.def("backward", &backward); }
"""


def posed(source: str, direction: str = "forward") -> Task:
    return Task.model_validate(
        {"name": "t", "reference": source, "category": "other", "source": "test", "direction": direction}
    )


@pytest.mark.parametrize(
    ("cuda", "source", "direction", "status"),
    [
        (SCALE, WEIGHTLESS, "forward", "correct"),
        (SCALE, WITH_A_LAYER, "forward", "correct"),
        (SCALE.replace("* factor;", "* (factor + 1);"), WEIGHTLESS, "forward", "incorrect"),
        (BOTH, FUNCTIONAL, "forward", "correct"),
        (BOTH, FUNCTIONAL, "backward", "correct"),
        (BOTH.replace("sum += grad", "sum -= grad"), FUNCTIONAL, "backward", "incorrect"),
        (BOTH.replace("{forward(g, w), sums}", "{g * w, sums}"), FUNCTIONAL, "backward", "cheating"),
    ],
    ids=[
        "weightless",
        "a layer without weights",
        "wrong",
        "functional",
        "backward",
        "wrong gradient",
        "torch in the extension",
    ],
)
def test_it_is_called_as_the_task_says(judge: Judge, cuda: str, source: str, direction: str, status: str):
    verdict = judge.submit(posed(source, direction), cuda, cuda).result()
    assert verdict.status == status, verdict


@pytest.mark.parametrize(
    ("cuda", "source", "direction", "message"),
    [
        (SCALE.replace("Tensor forward", "Tensor scaled"), WEIGHTLESS, "forward", "neither forward nor backward"),
        (SCALE, FUNCTIONAL.replace("fn=forward_fn", "fn=None"), "forward", "without weights"),
        (BOTH, FUNCTIONAL.replace("AutogradFunction", "Mine"), "backward", "AutogradFunction"),
        (SCALE, WEIGHTLESS, "backward", "takes the function"),
    ],
)
def test_what_can_t_be_called_is_said_in_a_line(cuda: str, source: str, direction: str, message: str):
    with pytest.raises(NotCallableError, match=message):
        module_of(cuda, posed(source, direction))


def test_what_can_t_be_called_is_a_verdict(judge: Judge):
    verdict = judge.submit(posed(WEIGHTLESS), SCALE.replace("Tensor forward", "Tensor scaled"), "c").result()
    assert (verdict.status, verdict.reason) == ("malformed", "not_callable")
    verdict = judge.submit(posed(FUNCTIONAL.replace("fn=forward_fn", "fn=None")), SCALE, "c").result()
    assert (verdict.status, verdict.reason) == ("unsupported", "not_callable")


def test_a_module_s_own_text_is_never_taken_for_a_bare_one():
    assert is_bare(SCALE)
    assert not any(map(is_bare, (HONEST, HONEST.replace("class ModelNew", "class ModelNew("), "", "int x;")))


def test_the_command_takes_a_file_or_a_row(tmp_path: Path):
    task, new, pairs, out = (tmp_path / name for name in ("task.py", "new.cu", "pairs.jsonl", "out.jsonl"))
    task.write_text(WEIGHTLESS)
    new.write_text(SCALE)
    one = command("--task", task, "--candidate", new, "--json")
    assert (one.returncode, json.loads(one.stdout)["accepted"]) == (0, True), one.stderr
    pairs.write_text(json.dumps({"id": "a", "task": WEIGHTLESS, "candidate": SCALE}) + "\n")
    assert command("--pairs", pairs, "--out", out).returncode == 0
    assert json.loads(out.read_text())["accepted"]
    new.write_text(SCALE.replace("forward", "other"))
    refused = command("--task", task, "--candidate", new)
    assert (refused.returncode, refused.stderr) == (1, "")
    assert "rejected: malformed, not_callable" in refused.stdout

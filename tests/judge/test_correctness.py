"""What candidates are called with, and what follows from how they answer: real processes, real builds."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.judge.config import JudgeConfig
from pipeline.judge.judge import Judge
from pipeline.judge.settings import fixed_sizes
from pipeline.records import Setting, Task, Verdict
from tests.judge.examples import CALL, HONEST, MODULE, REFERENCE, TASK, changed


@pytest.fixture(scope="module")
def strict(builds: Path) -> Iterator[Judge]:
    with Judge(JudgeConfig(backend="simt", cache=builds, workers=2, cpu_seconds=5)) as judge:
        yield judge


@pytest.fixture(scope="module")
def report(strict: Judge) -> Iterator[Judge]:
    with Judge(JudgeConfig(backend="simt", cache=strict.config.cache, workers=2, policy="report")) as judge:
        yield judge


def figures(verdict: Verdict, name: str) -> dict:
    return next(c.figures for c in verdict.checks if c.name == name)


def detail(verdict: Verdict, name: str) -> str:
    return next(c.detail or "" for c in verdict.checks if c.name == name)


# --- what is kept between calls ---

SIXTH = """
        self.calls = getattr(self, "calls", 0) + 1
        if self.calls == 6:
            self.kept = ext.fused(x.contiguous(), self.bias)
        return self.kept if self.calls > 6 else ext.fused(x.contiguous(), self.bias)
"""
RENAMED = HONEST.replace("self.bias", "self.other")


def test_a_kernel_that_drifts_after_some_calls(strict: Judge):
    assert strict.submit(TASK, changed(CALL, SIXTH.strip()), "drift").result().reason == "drift"


PACKED = HONEST.replace("nn.Parameter(torch.randn(cols))", "nn.Parameter(torch.randn(cols)[None])").replace(
    "self.bias)", "self.bias[0])"
)


def test_weights_are_given_by_name_by_value_or_by_seed(strict: Judge):
    for code, how in ((RENAMED, "by_value"), (PACKED, "by_seed")):
        verdict = strict.submit(TASK, code, how).result()
        assert verdict.accepted, verdict
        assert figures(verdict, "own_kernels")["weights"] == how
    assert figures(strict.submit(TASK, HONEST, "h").result(), "own_kernels")["weights"] == "by_name"


ODD_BUFFERS = """
        self.late = torch.zeros(3)
        self.register_buffer("later", self.ratio / self.ratio)
        self.ratio = self.ratio * 0.99999999 + self.none
        return torch"""


def test_a_reference_s_odd_buffers_are_no_trouble(strict: Judge):
    """One that comes to be in a call, one that is NaN, one that rounds to what it was in float32 alone."""
    reference = TASK.reference.replace(
        "torch.randn(cols))",
        "torch.randn(cols))\n        self.register_buffer('ratio', torch.ones(()))\n"
        "        self.register_buffer('none', torch.zeros(()))\n        self.register_buffer('late', torch.tensor(torch.nan))",
    ).replace("\n        return torch", ODD_BUFFERS)
    assert "later" in reference
    task = Task(**{**TASK.model_dump(exclude={"id"}), "reference": reference})
    verdict = strict.submit(task, HONEST, "by seed").result()
    assert verdict.accepted, verdict
    buffers = reference.split("torch.randn(cols))")[1].split("\n\n")[0]
    code = HONEST.replace("torch.randn(cols))", f"torch.randn(cols)){buffers}")
    verdict = strict.submit(task, code, "by name").result()
    assert verdict.reason == "wrong_buffers", verdict  # it leaves them as they are


def test_renaming_the_weights_hides_no_cache(strict: Judge):
    old = "return ext.fused(x.contiguous(), self.other)"
    new = f"self.kept = getattr(self, 'kept', None)\n        if self.kept is None:\n            self.kept = {old[7:]}\n        return self.kept"
    assert strict.submit(TASK, RENAMED.replace(old, new), "cache").result().reason == "stale"


MOSTLY_ZERO = Task(
    **{
        **TASK.model_dump(exclude={"id"}),
        "reference": REFERENCE.replace(
            "torch.softmax(x * 2.0 + self.bias, dim=-1)", "torch.relu(x + self.bias - 30.0)"
        ),
    }
)
INTO_ZEROS = MODULE.replace(
    "KERNEL",
    """
__global__ void k(const float* x, const float* bias, float* y, int cols) {
    for (int c = threadIdx.x; c < cols; c += blockDim.x)
        y[blockIdx.x * cols + c] = fmaxf(x[blockIdx.x * cols + c] + bias[c] - 30.0f, 0.0f);
}
torch::Tensor fused(torch::Tensor x, torch::Tensor bias) {
    auto y = torch::zeros_like(x);
    k<<<x.size(0), 32>>>(x.data_ptr<float>(), bias.data_ptr<float>(), y.data_ptr<float>(), x.size(1));
    return y;
}
""",
)


def test_a_result_that_is_there_without_kernels_for_some_inputs_is_not_called_kept(strict: Judge):
    verdict = strict.submit(MOSTLY_ZERO, INTO_ZEROS, "zeros").result()
    assert verdict.accepted, verdict


MANY_LAUNCHES = (
    CALL.replace("return ", "for _ in range(100):\n            result = ").rstrip() + "\n        return result\n"
)


def test_thousands_of_launches_are_no_trouble(strict: Judge):
    verdict = strict.submit(TASK, changed(CALL, MANY_LAUNCHES), "many").result()
    assert verdict.accepted, verdict
    assert figures(verdict, "own_kernels")["launches"] == 100


def test_kernels_without_effect_are_decoys(strict: Judge, report: Judge):
    code = changed(CALL, "ext.fused(x.contiguous(), self.bias)\n        return (x * 2.0 + self.bias).softmax(-1)")
    for judge in (strict, report):
        assert judge.submit(TASK, code, "decoy").result().reason == "decoy_kernels"


def test_each_run_draws_its_seeds_and_a_verdict_tells_them(strict: Judge):
    verdict = strict.submit(TASK, HONEST, "h").result()
    assert verdict.seeds == strict.seeds
    with Judge(strict.config) as other, Judge(strict.config.model_copy(update={"seeds": strict.seeds})) as same:
        errors = [figures(judge.submit(TASK, HONEST, "h").result(), "correct:own") for judge in (strict, other, same)]
    assert errors[0] == errors[2] != errors[1]


# --- the two policies ---

FIXED = changed("y.data_ptr<float>(), x.size(1)", "y.data_ptr<float>(), 64")
HUGE = REFERENCE.replace("ROWS = 16", "ROWS = 65536").replace("COLS = 64", "COLS = 8192")
HUGE_TASK = Task(name="huge", reference=HUGE, category="softmax", source="test")


def test_a_kernel_for_the_tasks_own_sizes_is_right_in_a_report(strict: Judge, report: Judge):
    assert strict.submit(TASK, FIXED, "fixed").result().reason == "out_of_bounds"
    verdict = report.submit(TASK, FIXED, "fixed").result()
    assert verdict.accepted, verdict
    assert "out_of_bounds" in detail(verdict, "specialised:small")
    wrong = changed("* 2.0f + bias[c] - largest) / ", "* 2.1f + bias[c] - largest) / ")
    assert report.submit(TASK, wrong, "wrong").result().reason == "wrong_values"


def test_at_sizes_beyond_this_backend_a_general_kernel_is_judged_at_smaller_ones(strict: Judge, report: Judge):
    for judge in (strict, report):
        verdict = judge.submit(HUGE_TASK, HONEST, "honest").result()
        assert verdict.accepted, verdict
        assert {"skipped:own", "correct:reduced", "correct:reduced_odd"} <= {c.name for c in verdict.checks}


LARGE_PRODUCT = Task(
    name="product",
    reference="""
import torch

ROWS, DEPTH, COLS = 1024, 16384, 8


class Model(torch.nn.Module):
    def forward(self, a, b):
        return a @ b


def get_inputs():
    return [torch.randn(ROWS, DEPTH), torch.randn(DEPTH, COLS)]


def get_init_inputs():
    return []
""",
    category="matmul",
    source="test",
)
NO_DEEPER_THAN = """
import torch
from torch.utils.cpp_extension import load_inline

source = '''
#include <torch/extension.h>

__global__ void product_kernel(const float* a, const float* b, float* y, int depth, int cols) {
    float sum = 0.0f;
    for (int k = 0; k < min(depth, MOST); ++k) sum += a[blockIdx.x * depth + k] * b[k * cols + threadIdx.x];
    y[blockIdx.x * cols + threadIdx.x] = sum;
}

torch::Tensor product(torch::Tensor a, torch::Tensor b) {
    auto y = torch::empty({a.size(0), b.size(1)}, a.options());
    product_kernel<<<a.size(0), b.size(1)>>>(a.data_ptr<float>(), b.data_ptr<float>(), y.data_ptr<float>(),
                                             a.size(1), b.size(1));
    return y;
}
'''
ext = load_inline("product", "torch::Tensor product(torch::Tensor a, torch::Tensor b);", source, functions=["product"])


class ModelNew(torch.nn.Module):
    def forward(self, a, b):
        return ext.product(a.contiguous(), b.contiguous())
"""


def test_a_kernel_that_has_no_room_for_one_of_the_tasks_own_sizes_is_wrong(strict: Judge):
    at_all = strict.submit(LARGE_PRODUCT, NO_DEEPER_THAN.replace("MOST", "1 << 20"), "at_all").result()
    assert at_all.accepted, at_all
    assert "correct:long_DEPTH" in {check.name for check in at_all.checks}
    capped = strict.submit(LARGE_PRODUCT, NO_DEEPER_THAN.replace("MOST", "8192"), "capped").result()
    assert capped.reason == "wrong_values"
    assert capped.checks[-1].name == "correct:long_DEPTH/0/own/random"


def test_a_kernel_that_fixes_only_what_was_not_reduced_is_right_in_a_report(report: Judge):
    code = changed("y.data_ptr<float>(), x.size(1)", "y.data_ptr<float>(), 8192")
    assert report.submit(HUGE_TASK, code, "fixed").result().accepted


def test_at_sizes_beyond_this_backend_a_kernel_that_fixes_them_is_undecided_in_a_report(strict: Judge, report: Judge):
    code = changed("<<<x.size(0), 32>>>", "<<<65536, 32>>>")
    assert strict.submit(HUGE_TASK, code, "fixed").result().status == "runtime_error"
    verdict = report.submit(HUGE_TASK, code, "fixed").result()
    assert (verdict.status, verdict.reason) == ("unsupported", "fixed_sizes")
    assert "65536" in str(verdict.detail)
    wrong = changed("* 2.0f + bias[c] - largest) / ", "* 2.1f + bias[c] - largest) / ")
    assert report.submit(HUGE_TASK, wrong, "wrong").result().reason == "wrong_values"


def test_a_kernel_that_a_cpu_has_no_time_for_is_undecided_if_it_was_right_at_smaller_sizes(strict: Judge):
    loop = "volatile float lost = 0; for (int i = 0; i < (gridDim.x > 10 ? 2000000000 : 0); ++i) lost = i;"
    slow = changed("int row = blockIdx.x;", f"int row = blockIdx.x; {loop}")
    verdict = strict.submit(TASK, slow, "slow").result()
    assert (verdict.status, verdict.reason) == ("unsupported", "too_slow")
    assert "right at small, odd" in str(verdict.detail)
    always = slow.replace("gridDim.x > 10", "true")
    assert strict.submit(TASK, always, "slower").result().status == "timeout"


def test_sizes_in_the_text_are_numbers_of_their_own():
    assert fixed_sizes(HUGE, "constexpr int N = 8192; int m = 655360;") == "8192"
    assert fixed_sizes(HUGE, "x81920 = n8192") == ""


# --- backward ---

SCALED = """
import torch
import torch.nn as nn

ROWS = 12
COLS = 40


class Model(nn.Module):
    def __init__(self, cols):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(cols))

    def forward(self, x):
        return torch.sin(x) * self.weight


def get_inputs():
    return [torch.randn(ROWS, COLS)]


def get_init_inputs():
    return [COLS]
"""
SCALED_KERNELS = '''
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

cuda_source = r"""
#include <torch/extension.h>
__global__ void forward_kernel(const float* x, const float* w, float* y, int rows, int cols) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < rows * cols) y[i] = sinf(x[i]) * w[i % cols];
}
__global__ void input_kernel(const float* g, const float* x, const float* w, float* gx, int rows, int cols) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < rows * cols) gx[i] = g[i] * cosf(x[i]) * w[i % cols];
}
__global__ void weight_kernel(const float* g, const float* x, float* gw, int rows, int cols) {
    int c = blockIdx.x * blockDim.x + threadIdx.x;
    if (c >= cols) return;
    float total = 0;
    for (int r = 0; r < rows; r++) total += g[r * cols + c] * sinf(x[r * cols + c]);
    gw[c] = total;
}
torch::Tensor forward(torch::Tensor x, torch::Tensor w) {
    auto y = torch::empty_like(x);
    int n = x.numel();
    forward_kernel<<<(n + 127) / 128, 128>>>(x.data_ptr<float>(), w.data_ptr<float>(), y.data_ptr<float>(), x.size(0), x.size(1));
    return y;
}
std::vector<torch::Tensor> backward(torch::Tensor g, torch::Tensor x, torch::Tensor w) {
    auto gx = torch::empty_like(x);
    auto gw = torch::empty_like(w);
    int n = x.numel();
    input_kernel<<<(n + 127) / 128, 128>>>(g.data_ptr<float>(), x.data_ptr<float>(), w.data_ptr<float>(), gx.data_ptr<float>(), x.size(0), x.size(1));
    weight_kernel<<<(w.numel() + 127) / 128, 128>>>(g.data_ptr<float>(), x.data_ptr<float>(), gw.data_ptr<float>(), x.size(0), x.size(1));
    return {gx, gw};
}
"""
cpp_source = """
torch::Tensor forward(torch::Tensor x, torch::Tensor w);
std::vector<torch::Tensor> backward(torch::Tensor g, torch::Tensor x, torch::Tensor w);
"""
ext = load_inline(name="scaled", cpp_sources=cpp_source, cuda_sources=cuda_source, functions=["forward", "backward"])


class Scaled(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, w):
        ctx.save_for_backward(x, w)
        return ext.forward(x, w)

    @staticmethod
    def backward(ctx, g):
        x, w = ctx.saved_tensors
        gx, gw = ext.backward(g.contiguous(), x, w)
        return gx, gw


class ModelNew(nn.Module):
    def __init__(self, cols):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(cols))

    def forward(self, x):
        return Scaled.apply(x, self.weight)
'''
SETTINGS = (Setting(name="own"), Setting(name="odd", sizes={"ROWS": 7, "COLS": 33}))
BACKWARD = Task(
    name="scaled", reference=SCALED, settings=SETTINGS, direction="backward", category="elementwise", source="test"
)


def test_gradients_of_inputs_and_parameters_are_right(strict: Judge):
    verdict = strict.submit(BACKWARD, SCALED_KERNELS, "honest").result()
    assert verdict.accepted, verdict


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("gx[i] = g[i] * cosf(x[i])", "gx[i] = g[i] * sinf(x[i])", "wrong_values"),
        ("gw[c] = total", "gw[c] = 0", "wrong_values"),
        ("sinf(x[i]) * w[i % cols];", "sinf(x[i]) * w[i % cols] + 1;", "wrong_values"),
        ("return gx, gw\n", "return gx, None\n", "wrong_type"),
        ("return Scaled.apply(x, self.weight)", "return Scaled.apply(x, self.weight).detach()", "raises"),
        ("return gx, gw\n", "return g * x.cos() * w, gw\n", "torch_computes"),
        ("return Scaled.apply", "ext.forward(x, self.weight); return Scaled.apply", None),
    ],
)
def test_wrong_gradients_are_found(strict: Judge, old: str, new: str, reason: str | None):
    assert old in SCALED_KERNELS
    assert strict.submit(BACKWARD, SCALED_KERNELS.replace(old, new), "x").result().reason == reason


# --- 16 bits ---

HALVES = Task(
    name="halves",
    reference=SCALED.replace("torch.randn(ROWS, COLS)", "torch.randn(ROWS, COLS).half()").replace(
        "ones(cols)", "ones(cols).half()"
    ),
    settings=SETTINGS,
    category="elementwise",
    source="test",
)


def test_a_16_bit_task_has_the_tolerance_of_16_bits(strict: Judge):
    code = SCALED_KERNELS.replace("torch.ones(cols)", "torch.ones(cols).half()")
    code = code.replace("Scaled.apply(x, self.weight)", "ext.forward(x.float(), self.weight.float()).half()")
    verdict = strict.submit(HALVES, code, "halves").result()
    assert verdict.accepted, verdict
    assert figures(verdict, "correct:own")["bound"] >= 2e-3
    wrong = code.replace("sinf(x[i]) * w", "1.01f * sinf(x[i]) * w")
    assert strict.submit(HALVES, wrong, "wrong").result().reason == "wrong_values"


# --- bad input ---


@pytest.mark.parametrize(
    ("code", "status", "reason"),
    [
        ("", "malformed", "no_model"),
        ("\0\1\2", "malformed", "python_syntax"),
        ("x = '\udcff'", "malformed", "python_syntax"),
        ("#" * 1_000_001, "malformed", "too_long"),
        ("(" * 5000, "malformed", "python_syntax"),
        ("ModelNew = 3", "malformed", "no_model"),
        ("x = [" + "0, " * 300_000 + "]", "malformed", "no_model"),
    ],
)
def test_what_is_no_candidate_is_malformed(strict: Judge, code: str, status: str, reason: str):
    verdict = strict.submit(TASK, code, "bad").result()
    assert (verdict.status, verdict.reason) == (status, reason)

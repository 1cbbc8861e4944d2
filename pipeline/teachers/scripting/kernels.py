"""From a plan to the module with ``ModelNew``: constant text around one line of CUDA per operator.

The text is a function of the plan alone, so that a small student can learn it line by line.
"""

from pipeline.teachers.scripting.plan import Plan

GUARD = "    if (i >= n) return;\n"
BARRIER = "__syncthreads();\n"
ROW_BLOCK = 128

# What a row operator starts from, how it joins two values, and what it makes of the result.
REDUCTIONS = {
    "sum": ("0.0f", "{a} + {b}", "shared[0]"),
    "mean": ("0.0f", "{a} + {b}", "shared[0] / cols"),
    "amax": ("-INFINITY", "fmaxf({a}, {b})", "shared[0]"),
    "amin": ("INFINITY", "fminf({a}, {b})", "shared[0]"),
}
SOFTMAXES = {"softmax": "expf(out[j] - largest) / shared[0]", "log_softmax": "out[j] - largest - logf(shared[0])"}


def write_module(plan: Plan) -> str:
    """Return the source of a KernelBench answer for the plan; its kernel is right at every size above zero."""
    tensors = ", ".join(f"torch::Tensor {name}" for name in plan.variables)
    if plan.row_operator is None:
        kernel, launch = _elementwise(plan)
    elif plan.row_operator in SOFTMAXES:
        kernel, launch = _softmax(SOFTMAXES[plan.row_operator]), _launch_rows("torch::empty_like(x)")
    else:
        kernel = _reduction(*REDUCTIONS[plan.row_operator])
        launch = _launch_rows("torch::empty({x.size(0)}, x.options())")
    arguments = ", ".join([*plan.inputs, *([f"self.{plan.parameter}"] if plan.parameter else [])])
    first = plan.inputs[0]
    return f'''\
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

cpp_source = "torch::Tensor fused({tensors});"

cuda_source = """
#include <torch/extension.h>
#include <cuda_runtime.h>

__device__ float chain({", ".join(f"float {name}" for name in plan.variables)}) {{
{"".join(f"    {step.code}" + chr(10) for step in plan.steps)}    return {first};
}}

{kernel}
torch::Tensor fused({tensors}) {{
{"".join(f"    {name} = {name}.contiguous();" + chr(10) for name in plan.variables)}{launch}    return out;
}}
"""

module = load_inline(name="fused", cpp_sources=cpp_source, cuda_sources=cuda_source, functions=["fused"])


class ModelNew(nn.Module):
    {plan.constructor}

    def forward(self, {", ".join(plan.inputs)}):
        return module.fused({arguments})
'''


def _elementwise(plan: Plan) -> tuple[str, str]:
    first, parameter = plan.inputs[0], plan.parameter
    pointers = ", ".join(f"const float* {name}" for name in plan.variables)
    elements = ", ".join(f"{name}[i % cols]" if name == parameter else f"{name}[i]" for name in plan.variables)
    passed = ", ".join(f"{name}.data_ptr<float>()" for name in (*plan.variables, "out"))
    extra = (", int cols", f", {parameter}.numel()") if parameter else ("", "")
    kernel = f"""\
__global__ void fused_kernel({pointers}, float* out, int n{extra[0]}) {{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
{GUARD}    out[i] = chain({elements});
}}
"""
    launch = f"""\
    auto out = torch::empty_like({first});
    int n = {first}.numel();
    fused_kernel<<<(n + 255) / 256, 256>>>({passed}, n{extra[1]});
"""
    return kernel, launch


def _reduction(start: str, join: str, result: str) -> str:
    return f"""\
__global__ void fused_kernel(const float* x, float* out, int cols) {{
    __shared__ float shared[{ROW_BLOCK}];
    int t = threadIdx.x;
    x += blockIdx.x * cols;
    float value = {start};
    for (int j = t; j < cols; j += {ROW_BLOCK}) value = {join.format(a="value", b="chain(x[j])")};
{_tree("value", join)}    if (t == 0) out[blockIdx.x] = {result};
}}
"""


def _softmax(result: str) -> str:
    return f"""\
__global__ void fused_kernel(const float* x, float* out, int cols) {{
    __shared__ float shared[{ROW_BLOCK}];
    int t = threadIdx.x;
    x += blockIdx.x * cols;
    out += blockIdx.x * cols;
    float largest = -INFINITY;
    for (int j = t; j < cols; j += {ROW_BLOCK}) {{
        out[j] = chain(x[j]);
        largest = fmaxf(largest, out[j]);
    }}
{_tree("largest", "fmaxf({a}, {b})")}    largest = shared[0];
    {BARRIER}\
    float total = 0.0f;
    for (int j = t; j < cols; j += {ROW_BLOCK}) total += expf(out[j] - largest);
{_tree("total", "{a} + {b}")}    for (int j = t; j < cols; j += {ROW_BLOCK}) out[j] = {result};
}}
"""


def _tree(value: str, join: str) -> str:
    """Return the joining of one value per thread into ``shared[0]``, visible to all threads at its end."""
    return f"""\
    shared[t] = {value};
    {BARRIER}\
    for (int s = {ROW_BLOCK // 2}; s > 0; s /= 2) {{
        if (t < s) shared[t] = {join.format(a="shared[t]", b="shared[t + s]")};
        {BARRIER}\
    }}
"""


def _launch_rows(output: str) -> str:
    return f"""\
    auto out = {output};
    int cols = x.size(1);
    fused_kernel<<<x.size(0), {ROW_BLOCK}>>>(x.data_ptr<float>(), out.data_ptr<float>(), cols);
"""

"""A task with weights, an honest candidate for it, and candidates that are wrong in one way each."""

from pipeline.records import Setting, Task

REFERENCE = """
import torch
import torch.nn as nn

ROWS = 16
COLS = 64


class Model(nn.Module):
    def __init__(self, cols):
        super().__init__()
        self.bias = nn.Parameter(torch.randn(cols))

    def forward(self, x):
        return torch.softmax(x * 2.0 + self.bias, dim=-1)


def get_inputs():
    return [torch.randn(ROWS, COLS)]


def get_init_inputs():
    return [COLS]
"""

TASK = Task(
    name="bias_softmax",
    reference=REFERENCE,
    settings=(
        Setting(name="own"),
        Setting(name="odd", sizes={"ROWS": 7, "COLS": 77}),
        Setting(name="small", sizes={"ROWS": 2, "COLS": 5}),
    ),
    category="softmax",
    source="test",
)

KERNEL = """
#include <torch/extension.h>
#include <cuda_runtime.h>

__global__ void fused_kernel(const float* x, const float* bias, float* y, int cols) {
    __shared__ float buffer[32];
    int row = blockIdx.x;
    int t = threadIdx.x;
    float largest = -INFINITY;
    for (int c = t; c < cols; c += blockDim.x) {
        largest = fmaxf(largest, x[row * cols + c] * 2.0f + bias[c]);
    }
    buffer[t] = largest;
    __syncthreads();
    for (int s = blockDim.x / 2; s > 0; s /= 2) {
        if (t < s) buffer[t] = fmaxf(buffer[t], buffer[t + s]);
        __syncthreads();
    }
    largest = buffer[0];
    __syncthreads();
    float total = 0.0f;
    for (int c = t; c < cols; c += blockDim.x) {
        total += expf(x[row * cols + c] * 2.0f + bias[c] - largest);
    }
    buffer[t] = total;
    __syncthreads();
    for (int s = blockDim.x / 2; s > 0; s /= 2) {
        if (t < s) buffer[t] += buffer[t + s];
        __syncthreads();
    }
    for (int c = t; c < cols; c += blockDim.x) {
        y[row * cols + c] = expf(x[row * cols + c] * 2.0f + bias[c] - largest) / buffer[0];
    }
}

torch::Tensor fused(torch::Tensor x, torch::Tensor bias) {
    auto y = torch::empty_like(x);
    fused_kernel<<<x.size(0), 32>>>(x.data_ptr<float>(), bias.data_ptr<float>(), y.data_ptr<float>(), x.size(1));
    return y;
}
"""

MODULE = '''
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

cuda_source = r"""KERNEL"""
cpp_source = "torch::Tensor fused(torch::Tensor x, torch::Tensor bias);"
ext = load_inline(name="fused", cpp_sources=cpp_source, cuda_sources=cuda_source, functions=["fused"], verbose=False)


class ModelNew(nn.Module):
    def __init__(self, cols):
        super().__init__()
        self.bias = nn.Parameter(torch.randn(cols))

    def forward(self, x):
        return ext.fused(x.contiguous(), self.bias)
'''

CALL = "return ext.fused(x.contiguous(), self.bias)"
HONEST = MODULE.replace("KERNEL", KERNEL)


def changed(old: str, new: str) -> str:
    """Return the honest candidate with one piece of text replaced; the piece must be there."""
    if old not in HONEST:
        raise ValueError(f"{old!r} is not in the honest candidate")
    return HONEST.replace(old, new)


LAST_BARRIER = "buffer[t] += buffer[t + s];\n        __syncthreads();"

# name: (candidate, status, reason)
WRONG: dict[str, tuple[str, str, str]] = {
    "wrong constant": (changed("* 2.0f + bias[c] - largest) / ", "* 2.1f + bias[c] - largest) / "), "incorrect", "wrong_values"),
    "weights left out": (changed("x[row * cols + c] * 2.0f + bias[c]", "x[row * cols + c] * 2.0f"), "incorrect", "wrong_values"),
    "missing barrier": (changed(LAST_BARRIER, LAST_BARRIER.replace("__syncthreads();", "")), "incorrect", "race"),
    "fixed sizes": (changed("y.data_ptr<float>(), x.size(1)", "y.data_ptr<float>(), 64"), "runtime_error", "out_of_bounds"),
    "missing guard": (changed("for (int c = t; c < cols; c += blockDim.x) {\n        y", "for (int c = t; c < cols + 32; c += blockDim.x) {\n        y"), "runtime_error", "out_of_bounds"),
    "shared overflow": (changed("buffer[t] = largest;", "buffer[t + 1] = largest;"), "runtime_error", "out_of_bounds"),
    "C++ error": (changed("int row = blockIdx.x;", "int row = blockIdx.x"), "compile_error", "compile_error"),
    "Python error": (changed("super().__init__()", "super().__init__("), "malformed", "python_syntax"),
    "no ModelNew": (changed("class ModelNew", "class Other"), "malformed", "no_model"),
    "raises": (changed(CALL, "raise ValueError('no')"), "runtime_error", "raises"),
    "constructor": (changed("def __init__(self, cols):", "def __init__(self):"), "runtime_error", "raises"),
    "torch does the work": (changed(CALL, "return (x * 2.0 + self.bias).softmax(-1)"), "cheating", "no_kernel"),
    "torch helps": (changed(CALL, "return ext.fused(x.contiguous(), self.bias) + 0.0 * x"), "cheating", "torch_computes"),
    "decoy kernel": (changed(CALL, "ext.fused(x.contiguous(), self.bias)\n        return (x * 2.0 + self.bias).softmax(-1)"), "cheating", "decoy_kernels"),
    "torch helps in C++": (changed("return y;\n}", "return at::relu(y);\n}"), "cheating", "rule:library_computes"),
    "writes its input": (changed("return y;\n}", "cudaMemset(x.data_ptr<float>(), 0, 4);\n    return y;\n}"), "incorrect", "inputs_changed"),
    "returns its input": (changed("auto y = torch::empty_like(x);", "auto y = x;"), "incorrect", "inputs_changed"),
    "smaller output": (changed(CALL, "return ext.fused(x.contiguous(), self.bias)[:1]"), "incorrect", "wrong_shape"),
    "other dtype": (changed(CALL, "return ext.fused(x.contiguous(), self.bias).double()"), "incorrect", "wrong_dtype"),
    "caches by address": (
        changed(CALL, "if getattr(self, 'seen', None) != x.data_ptr():\n            self.seen, self.kept = x.data_ptr(), ext.fused(x.contiguous(), self.bias)\n        return self.kept"),
        "cheating", "rule:cache_key",
    ),
    "16 bits": (changed(CALL, "return ext.fused(x.contiguous(), self.bias).half().float()"), "incorrect", "wrong_values"),
    "fallback": (changed(CALL, "try:\n            return ext.fused(x.contiguous(), self.bias)\n        except RuntimeError:\n            return torch.softmax(x * 2.0 + self.bias, -1)"), "cheating", "rule:fallback"),
    "endless Python": (changed(CALL, "while True:\n            pass"), "timeout", "timeout"),
    "endless kernel": (changed("int row = blockIdx.x;", "volatile int row = blockIdx.x; while (row < 99999) row = 0;"), "timeout", "timeout"),
    "ends the process": (changed("auto y =", "_exit(0); auto y ="), "runtime_error", "crash"),
    "wild pointer": (changed("int row = blockIdx.x;", "int row = blockIdx.x; *(volatile int*)16 = 1;"), "runtime_error", "out_of_bounds"),
    "host code reads a tensor": (changed("return y;\n}", "float first = *x.data_ptr<float>(); TORCH_CHECK(first == first); return y;\n}"), "runtime_error", "host_access"),
    "host code writes a tensor": (changed("return y;\n}", "for (int i = 0; i < y.numel(); i++) y.data_ptr<float>()[i] = 0; return y;\n}"), "runtime_error", "host_access"),
    "opens device memory": (changed("#include <cuda_runtime.h>", "#include <cuda_runtime.h>\nnamespace simt { void device_open(); }").replace("return y;\n}", "simt::device_open(); y.data_ptr<float>()[0] = 0; return y;\n}"), "cheating", "rule:native_calls"),
    "unprotects memory": (changed("#include <cuda_runtime.h>", '#include <cuda_runtime.h>\n#define PASTE(a, b) a##b\nextern "C" int PASTE(mpro, tect)(void*, size_t, int);').replace("return y;\n}", "PASTE(mpro, tect)(y.data_ptr<float>(), 8192, 3); return y;\n}"), "cheating", "rule:macro"),
    "computes on the host": (changed("return y;\n}", "std::vector<float> h(x.numel()); cudaMemcpy(h.data(), y.data_ptr<float>(), 4 * h.size(), cudaMemcpyDeviceToHost); cudaMemcpy(y.data_ptr<float>(), h.data(), 4 * h.size(), cudaMemcpyHostToDevice); return y;\n}"), "cheating", "host_computes"),
    "computes in managed memory": (changed("return y;\n}", "float* h; cudaMallocManaged(&h, 4 * y.numel()); cudaMemcpy(h, y.data_ptr<float>(), 4 * y.numel(), cudaMemcpyDefault); cudaMemcpy(y.data_ptr<float>(), h, 4 * y.numel(), cudaMemcpyDefault); cudaFree(h); return y;\n}"), "cheating", "host_computes"),
    "computes in Python": (changed(CALL, "y = ext.fused(x.contiguous(), self.bias)\n        return torch.tensor([[float(v) for v in row] for row in y])"), "cheating", "host_computes"),
    "reads files while it is compiled": (changed("#include <cuda_runtime.h>", '#include <cuda_runtime.h>\n#include "/etc/passwd"'), "cheating", "rule:include"),
    "another language": (changed("import torch\n", "import torch\nimport triton.language as tl\n"), "malformed", "not_cuda"),
    "library from outside": (changed("#include <cuda_runtime.h>", "#include <cuda_runtime.h>\nusing Values = thrust::device_vector<float>;"), "unsupported", "unsupported:thrust"),
}  # fmt: skip

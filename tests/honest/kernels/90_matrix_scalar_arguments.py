"""alpha * A + beta with Python numbers as call arguments, one of them an integer exponent."""
import torch
import torch.nn as nn

CATEGORY = "elementwise"
M = 31
N = 52


class Model(nn.Module):
    def forward(self, A, alpha: float, power: int, invert: bool):
        y = alpha * A**power
        return -y if invert else y


def get_inputs():
    return [torch.randn(M, N), 3.14, 3, True]


def get_init_inputs():
    return []
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

cuda_source = r"""
#include <torch/extension.h>

__device__ __host__ inline float integer_power(float v, int p) {
    float result = 1.f;
    for (int i = 0; i < p; ++i) result *= v;
    return result;
}

__global__ void scale_kernel(const float* a, float* out, float alpha, int power, bool invert, size_t n) {
    const size_t step = (size_t)blockDim.x * gridDim.x;
    for (size_t i = (size_t)blockIdx.x * blockDim.x + threadIdx.x; i < n; i += step) {
        const float v = alpha * integer_power(a[i], power);
        out[i] = invert ? -v : v;
    }
}

torch::Tensor scale(torch::Tensor a, float alpha, int64_t power, bool invert) {
    TORCH_CHECK(power >= 0, "power must not be negative");
    auto out = torch::empty_like(a);
    const size_t n = a.numel();
    const int blocks = std::min<size_t>((n + 255) / 256, 65535);
    scale_kernel<<<blocks, 256>>>(a.data_ptr<float>(), out.data_ptr<float>(), alpha, (int)power, invert, n);
    return out;
}
"""

ext = load_inline(
    name="matrix_scalar",
    cpp_sources="torch::Tensor scale(torch::Tensor a, float alpha, int64_t power, bool invert);",
    cuda_sources=cuda_source,
    functions=["scale"],
)


class ModelNew(nn.Module):
    def forward(self, A, alpha: float, power: int, invert: bool):
        return ext.scale(A.contiguous(), alpha, power, invert)

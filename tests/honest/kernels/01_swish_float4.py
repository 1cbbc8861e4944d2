"""Swish, float4 loads over a grid-stride loop and a scalar tail."""
import torch
import torch.nn as nn

CATEGORY = "activation"
ROWS = 33
COLS = 130


class Model(nn.Module):
    def forward(self, x):
        return x * torch.sigmoid(x)


def get_inputs():
    return [torch.randn(ROWS, COLS)]


def get_init_inputs():
    return []
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

cuda_source = r"""
#include <torch/extension.h>
#include <cuda_runtime.h>

__device__ __forceinline__ float swish(float v) { return v / (1.0f + __expf(-v)); }

__global__ void swish_kernel(const float* __restrict__ x, float* __restrict__ y, int64_t n) {
    const int64_t stride = (int64_t)gridDim.x * blockDim.x;
    const int64_t first = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
    const int64_t vectors = n / 4;
    const float4* x4 = reinterpret_cast<const float4*>(x);
    float4* y4 = reinterpret_cast<float4*>(y);
    for (int64_t i = first; i < vectors; i += stride) {
        float4 v = x4[i];
        v.x = swish(v.x);
        v.y = swish(v.y);
        v.z = swish(v.z);
        v.w = swish(v.w);
        y4[i] = v;
    }
    for (int64_t i = vectors * 4 + first; i < n; i += stride) y[i] = swish(x[i]);
}

torch::Tensor swish_cuda(torch::Tensor x) {
    TORCH_CHECK(x.is_cuda(), "x must be on the GPU");
    TORCH_CHECK(x.scalar_type() == torch::kFloat32, "x must be float32");
    auto input = x.contiguous();
    auto y = torch::empty_like(input);
    const int64_t n = input.numel();
    const int threads = 256;
    const int blocks = (int)std::min<int64_t>((n / 4 + threads - 1) / threads + 1, 1024);
    swish_kernel<<<blocks, threads>>>(input.data_ptr<float>(), y.data_ptr<float>(), n);
    return y;
}
"""

cpp_source = "torch::Tensor swish_cuda(torch::Tensor x);"

swish = load_inline(
    name="swish_vectorised",
    cpp_sources=cpp_source,
    cuda_sources=cuda_source,
    functions=["swish_cuda"],
    extra_cuda_cflags=["-O3", "--use_fast_math"],
    verbose=False,
)


class ModelNew(nn.Module):
    def __init__(self):
        super().__init__()
        self.swish = swish

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.swish.swish_cuda(x)

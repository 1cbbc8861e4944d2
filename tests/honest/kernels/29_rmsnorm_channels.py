"""RMSNorm over the channels of an NCHW tensor."""
import torch
import torch.nn as nn

CATEGORY = "norm"
BATCH = 3
FEATURES = 18
DIM1 = 9
DIM2 = 14


class Model(nn.Module):
    def __init__(self, num_features: int, eps: float = 1e-5):
        super().__init__()
        self.num_features = num_features
        self.eps = eps

    def forward(self, x):
        rms = torch.sqrt(torch.mean(x**2, dim=1, keepdim=True) + self.eps)
        return x / rms


def get_inputs():
    return [torch.randn(BATCH, FEATURES, DIM1, DIM2)]


def get_init_inputs():
    return [FEATURES]
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

cuda_source = r"""
#include <torch/extension.h>
#include <ATen/cuda/CUDAContext.h>
#include <c10/cuda/CUDAGuard.h>

__global__ void rmsnorm_kernel(const float* __restrict__ x, float* __restrict__ y, const int features,
                               const int inner, const float eps) {
    const int position = blockIdx.x * blockDim.x + threadIdx.x;
    if (position >= inner) return;
    const size_t base = (size_t)blockIdx.y * features * inner + position;
    float squares = 0.0f;
#pragma unroll 4
    for (int f = 0; f < features; ++f) {
        const float v = x[base + (size_t)f * inner];
        squares += v * v;
    }
    const float scale = rsqrtf(squares / features + eps);
#pragma unroll 4
    for (int f = 0; f < features; ++f) y[base + (size_t)f * inner] = x[base + (size_t)f * inner] * scale;
}

torch::Tensor rmsnorm_cuda(torch::Tensor x, double eps) {
    const at::cuda::OptionalCUDAGuard device_guard(at::device_of(x));
    const auto batch = x.size(0), features = x.size(1);
    const auto inner = x.numel() / (batch * features);
    auto y = torch::empty_like(x);
    const int threads = 256;
    const dim3 grid((inner + threads - 1) / threads, batch);
    rmsnorm_kernel<<<grid, threads, 0, at::cuda::getCurrentCUDAStream()>>>(x.data_ptr<float>(), y.data_ptr<float>(),
                                                                        features, inner, (float)eps);
    C10_CUDA_KERNEL_LAUNCH_CHECK();
    return y;
}
"""

ext = load_inline(
    name="rmsnorm_channels",
    cpp_sources="torch::Tensor rmsnorm_cuda(torch::Tensor x, double eps);",
    cuda_sources=cuda_source,
    functions=["rmsnorm_cuda"],
)


class ModelNew(nn.Module):
    def __init__(self, num_features: int, eps: float = 1e-5):
        super().__init__()
        self.num_features = num_features
        self.eps = eps

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return ext.rmsnorm_cuda(x.contiguous(), self.eps)

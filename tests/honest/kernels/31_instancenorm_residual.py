"""InstanceNorm without weights, a residual and ReLU in the same kernel."""
import torch
import torch.nn as nn

CATEGORY = "norm"
BATCH = 2
CHANNELS = 10
SIZE = 13


class Model(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.norm = nn.InstanceNorm2d(channels)

    def forward(self, x, residual):
        return torch.relu(self.norm(x) + residual)


def get_inputs():
    return [torch.randn(BATCH, CHANNELS, SIZE, SIZE), torch.randn(BATCH, CHANNELS, SIZE, SIZE)]


def get_init_inputs():
    return [CHANNELS]
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

cuda_source = r"""
#include <torch/extension.h>

template <int BLOCK>
__global__ void instance_norm_kernel(const float* __restrict__ x, const float* __restrict__ residual,
                                     float* __restrict__ y, int n, float eps) {
    __shared__ float buffer[BLOCK];
    __shared__ float mean, rstd;
    const size_t base = (size_t)blockIdx.x * n;
    float acc = 0.f;
    for (int i = threadIdx.x; i < n; i += BLOCK) acc += x[base + i];
    buffer[threadIdx.x] = acc;
    __syncthreads();
    for (int s = BLOCK / 2; s; s >>= 1) {
        if (threadIdx.x < s) buffer[threadIdx.x] += buffer[threadIdx.x + s];
        __syncthreads();
    }
    if (threadIdx.x == 0) mean = buffer[0] / n;
    __syncthreads();
    acc = 0.f;
    for (int i = threadIdx.x; i < n; i += BLOCK) {
        const float d = x[base + i] - mean;
        acc += d * d;
    }
    buffer[threadIdx.x] = acc;
    __syncthreads();
    for (int s = BLOCK / 2; s; s >>= 1) {
        if (threadIdx.x < s) buffer[threadIdx.x] += buffer[threadIdx.x + s];
        __syncthreads();
    }
    if (threadIdx.x == 0) rstd = rsqrtf(buffer[0] / n + eps);
    __syncthreads();
    for (int i = threadIdx.x; i < n; i += BLOCK)
        y[base + i] = fmaxf((x[base + i] - mean) * rstd + residual[base + i], 0.f);
}

torch::Tensor instance_norm(torch::Tensor x, torch::Tensor residual, float eps) {
    auto y = torch::empty_like(x);
    const int planes = x.size(0) * x.size(1), n = x.size(2) * x.size(3);
    instance_norm_kernel<128><<<planes, 128>>>(x.data_ptr<float>(), residual.data_ptr<float>(), y.data_ptr<float>(), n,
                                               eps);
    return y;
}
"""

ext = load_inline(
    name="instance_norm",
    cpp_sources="torch::Tensor instance_norm(torch::Tensor x, torch::Tensor residual, float eps);",
    cuda_sources=cuda_source,
    functions=["instance_norm"],
)


class ModelNew(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.eps = 1e-5

    def forward(self, x, residual):
        return ext.instance_norm(x.contiguous(), residual.contiguous(), self.eps)

"""Mean squared error: block sums, one double atomicAdd a block, the mean taken in a second kernel."""
import torch
import torch.nn as nn

CATEGORY = "loss"
BATCH = 16
DIM = 130


class Model(nn.Module):
    def forward(self, predictions, targets):
        return torch.mean((predictions - targets) ** 2)


def get_inputs():
    return [torch.rand(BATCH, DIM), torch.rand(BATCH, DIM)]


def get_init_inputs():
    return []
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

cuda_source = r"""
#include <torch/extension.h>
#include <cuda_runtime.h>

__global__ void squared_error(const float* __restrict__ p, const float* __restrict__ t, double* total, int64_t n) {
    __shared__ double warp_sums[8];
    double sum = 0.0;
    for (int64_t i = blockIdx.x * (int64_t)blockDim.x + threadIdx.x; i < n; i += (int64_t)gridDim.x * blockDim.x) {
        const float d = p[i] - t[i];
        sum += (double)(d * d);
    }
    for (int o = 16; o > 0; o >>= 1) sum += __shfl_down_sync(0xffffffff, sum, o);
    if (threadIdx.x % 32 == 0) warp_sums[threadIdx.x / 32] = sum;
    __syncthreads();
    if (threadIdx.x < 32) {
        sum = threadIdx.x < blockDim.x / 32 ? warp_sums[threadIdx.x] : 0.0;
        for (int o = 4; o > 0; o >>= 1) sum += __shfl_down_sync(0xffffffff, sum, o);
        if (threadIdx.x == 0) atomicAdd(total, sum);
    }
}

__global__ void finish(const double* total, float* out, int64_t n) { *out = (float)(*total / (double)n); }

torch::Tensor mse(torch::Tensor p, torch::Tensor t) {
    TORCH_CHECK(p.sizes() == t.sizes(), "shapes differ");
    auto total = torch::zeros({1}, p.options().dtype(torch::kFloat64));
    auto out = torch::empty({}, p.options());
    const int64_t n = p.numel();
    const int blocks = (int)std::min<int64_t>(32, (n + 255) / 256);
    squared_error<<<blocks, 256>>>(p.data_ptr<float>(), t.data_ptr<float>(), total.data_ptr<double>(), n);
    finish<<<1, 1>>>(total.data_ptr<double>(), out.data_ptr<float>(), n);
    return out;
}
"""

ext = load_inline(
    name="mse_loss",
    cpp_sources="torch::Tensor mse(torch::Tensor p, torch::Tensor t);",
    cuda_sources=cuda_source,
    functions=["mse"],
)


class ModelNew(nn.Module):
    def forward(self, predictions, targets):
        return ext.mse(predictions.contiguous(), targets.contiguous())

"""Smooth L1 loss, reduction on the device with Kahan summation in a single block."""
import torch
import torch.nn as nn
import torch.nn.functional as F

CATEGORY = "loss"
BATCH = 18
DIM = 64


class Model(nn.Module):
    def __init__(self, beta):
        super().__init__()
        self.beta = beta

    def forward(self, predictions, targets):
        return F.smooth_l1_loss(predictions, targets, beta=self.beta)


def get_inputs():
    return [torch.randn(BATCH, DIM), torch.randn(BATCH, DIM)]


def get_init_inputs():
    return [0.5]
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

cuda_source = r"""
#include <torch/extension.h>

__device__ float smooth_l1(float d, float beta) {
    d = fabsf(d);
    return d < beta ? 0.5f * d * d / beta : d - 0.5f * beta;
}

__global__ void huber_kernel(const float* p, const float* t, float* out, int n, float beta) {
    __shared__ float sums[512];
    float sum = 0.f, lost = 0.f;
    for (int i = threadIdx.x; i < n; i += blockDim.x) {
        const float v = __fadd_rn(smooth_l1(p[i] - t[i], beta), -lost);
        const float next = __fadd_rn(sum, v);
        lost = __fadd_rn(__fadd_rn(next, -sum), -v);
        sum = next;
    }
    sums[threadIdx.x] = sum;
    __syncthreads();
    for (int s = blockDim.x / 2; s > 32; s >>= 1) {
        if (threadIdx.x < s) sums[threadIdx.x] += sums[threadIdx.x + s];
        __syncthreads();
    }
    if (threadIdx.x < 32) {
        sum = sums[threadIdx.x] + sums[threadIdx.x + 32];
        for (int o = 16; o; o >>= 1) sum += __shfl_down_sync(0xffffffff, sum, o);
        if (threadIdx.x == 0) *out = sum / n;
    }
}

torch::Tensor huber(torch::Tensor p, torch::Tensor t, double beta) {
    auto out = torch::empty({}, p.options());
    huber_kernel<<<1, 512>>>(p.data_ptr<float>(), t.data_ptr<float>(), out.data_ptr<float>(), (int)p.numel(), beta);
    return out;
}
"""

ext = load_inline(
    name="huber_loss",
    cpp_sources="torch::Tensor huber(torch::Tensor p, torch::Tensor t, double beta);",
    cuda_sources=cuda_source,
    functions=["huber"],
)


class ModelNew(nn.Module):
    def __init__(self, beta):
        super().__init__()
        self.beta = beta

    def forward(self, predictions, targets):
        return ext.huber(predictions.contiguous(), targets.contiguous(), self.beta)

"""Kullback-Leibler divergence of distributions, batchmean, with log taken in the kernel."""
import torch
import torch.nn as nn
import torch.nn.functional as F

CATEGORY = "loss"
BATCH = 12
DIM = 70


class Model(nn.Module):
    def forward(self, predictions, targets):
        return F.kl_div(torch.log(predictions), targets, reduction="batchmean")


def get_inputs():
    return [torch.randn(BATCH, DIM).softmax(dim=-1), torch.randn(BATCH, DIM).softmax(dim=-1)]


def get_init_inputs():
    return []
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

cuda_source = r"""
#include <torch/extension.h>

__inline__ __device__ float warp_sum(float v) {
    for (int mask = 16; mask > 0; mask /= 2) v += __shfl_xor_sync(0xFFFFFFFF, v, mask);
    return v;
}

__global__ void kl_rows(const float* __restrict__ p, const float* __restrict__ t, float* __restrict__ rows, int dim) {
    const size_t base = (size_t)blockIdx.x * dim;
    float sum = 0.f;
    for (int i = threadIdx.x; i < dim; i += 32) {
        const float target = t[base + i];
        if (target > 0.f) sum += target * (logf(target) - logf(p[base + i]));
    }
    sum = warp_sum(sum);
    if (threadIdx.x == 0) rows[blockIdx.x] = sum;
}

__global__ void kl_total(const float* rows, float* out, int batch) {
    float sum = 0.f;
    for (int i = threadIdx.x; i < batch; i += 32) sum += rows[i];
    sum = warp_sum(sum);
    if (threadIdx.x == 0) *out = sum / batch;
}

torch::Tensor kl(torch::Tensor p, torch::Tensor t) {
    const int batch = p.size(0), dim = p.size(1);
    auto rows = torch::empty({batch}, p.options());
    auto out = torch::empty({}, p.options());
    kl_rows<<<batch, 32>>>(p.data_ptr<float>(), t.data_ptr<float>(), rows.data_ptr<float>(), dim);
    kl_total<<<1, 32>>>(rows.data_ptr<float>(), out.data_ptr<float>(), batch);
    return out;
}
"""

ext = load_inline(
    name="kl_div",
    cpp_sources="torch::Tensor kl(torch::Tensor p, torch::Tensor t);",
    cuda_sources=cuda_source,
    functions=["kl"],
)


class ModelNew(nn.Module):
    def forward(self, predictions, targets):
        return ext.kl(predictions.contiguous(), targets.contiguous())

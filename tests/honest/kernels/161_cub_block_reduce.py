"""Rows centred and normalised: cub::BlockReduce twice on one storage, a barrier in between."""
import torch
import torch.nn as nn

CATEGORY = "norm"


class Model(nn.Module):
    """Mean over the last dimension subtracted, then L2 normalised."""
    def __init__(self):
        super(Model, self).__init__()

    def forward(self, x):
        x = x - x.mean(dim=-1, keepdim=True)
        return x / torch.norm(x, p=2, dim=-1, keepdim=True).clamp_min(1e-6)

rows = 12
cols = 300

def get_inputs():
    return [torch.randn(rows, cols)]

def get_init_inputs():
    return []
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

source = r"""
#include <torch/extension.h>
#include <cub/cub.cuh>

template <int THREADS>
__global__ void centre_and_normalise(const float* __restrict__ x, float* __restrict__ y, int cols) {
    using BlockReduce = cub::BlockReduce<float, THREADS>;
    __shared__ typename BlockReduce::TempStorage storage;
    __shared__ float shared_value;
    const float* in = x + (size_t)blockIdx.x * cols;
    float* out = y + (size_t)blockIdx.x * cols;
    float s = 0.f;
    for (int i = threadIdx.x; i < cols; i += THREADS) s += in[i];
    s = BlockReduce(storage).Sum(s);
    if (threadIdx.x == 0) shared_value = s / cols;
    __syncthreads();
    const float mean = shared_value;
    float q = 0.f;
    for (int i = threadIdx.x; i < cols; i += THREADS) q += (in[i] - mean) * (in[i] - mean);
    __syncthreads();
    q = BlockReduce(storage).Sum(q);
    if (threadIdx.x == 0) shared_value = fmaxf(sqrtf(q), 1e-6f);
    __syncthreads();
    const float norm = shared_value;
    for (int i = threadIdx.x; i < cols; i += THREADS) out[i] = (in[i] - mean) / norm;
}

torch::Tensor forward(torch::Tensor x) {
    x = x.contiguous();
    auto y = torch::empty_like(x);
    centre_and_normalise<256><<<x.size(0), 256>>>(x.data_ptr<float>(), y.data_ptr<float>(), x.size(1));
    return y;
}
"""
ext = load_inline(name="centre_cub", cpp_sources="torch::Tensor forward(torch::Tensor x);", cuda_sources=source, functions=["forward"])


class ModelNew(nn.Module):
    def forward(self, x):
        return ext.forward(x)

"""Rows to int8 with a scale of their own, which a row of zeros has too."""
import torch
import torch.nn as nn
import torch.nn.functional as F

CATEGORY = "elementwise"
ROWS = 26
COLS = 130


class Model(nn.Module):
    def forward(self, x):
        scale = x.abs().amax(dim=-1, keepdim=True).clamp(min=1e-8) / 127.0
        return torch.round(x / scale).clamp(-127, 127).to(torch.int8), scale.squeeze(-1)


def get_inputs():
    return [torch.randn(ROWS, COLS)]


def get_init_inputs():
    return []
# --- candidate ---
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.cpp_extension import load_inline

cuda_source = r"""
#include <torch/extension.h>
#include <cuda.h>
#include <cuda_runtime.h>

__global__ void quantise_kernel(const float* __restrict__ x, int8_t* __restrict__ q, float* __restrict__ scales, int cols) {
    __shared__ float peaks[4];
    const float* row = x + (size_t)blockIdx.x * cols;
    float peak = 0.f;
    for (int c = threadIdx.x; c < cols; c += blockDim.x) peak = fmaxf(peak, fabsf(row[c]));
    #pragma unroll
    for (int o = 16; o > 0; o /= 2) peak = fmaxf(peak, __shfl_down_sync(0xffffffff, peak, o));
    if (threadIdx.x % 32 == 0) peaks[threadIdx.x / 32] = peak;
    __syncthreads();
    peak = fmaxf(fmaxf(peaks[0], peaks[1]), fmaxf(peaks[2], peaks[3]));
    float scale = fmaxf(peak, 1e-8f) / 127.0f;
    for (int c = threadIdx.x; c < cols; c += blockDim.x)
        q[(size_t)blockIdx.x * cols + c] = static_cast<int8_t>(fminf(fmaxf(rintf(row[c] / scale), -127.f), 127.f));
    if (threadIdx.x == 0) scales[blockIdx.x] = scale;
}
std::vector<torch::Tensor> quantise(torch::Tensor x) {
    x = x.contiguous();
    auto q = torch::empty(x.sizes(), x.options().dtype(torch::kChar));
    auto scales = torch::empty({x.size(0)}, x.options());
    quantise_kernel<<<x.size(0), 128>>>(x.data_ptr<float>(), q.data_ptr<int8_t>(), scales.data_ptr<float>(), x.size(1));
    return {q, scales};
}

"""

cpp_source = r"""
std::vector<torch::Tensor> quantise(torch::Tensor x);
"""

ext = load_inline(
    name="h30",
    cpp_sources=cpp_source,
    cuda_sources=cuda_source,
    functions=["quantise"],
    extra_cuda_cflags=["-O3"],
    verbose=False,
)


class ModelNew(nn.Module):
    def forward(self, x):
        q, scales = ext.quantise(x)
        return q, scales

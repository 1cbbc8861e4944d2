"""Two results as the extension returns them: a list, where the task has a tuple."""
import torch
import torch.nn as nn
import torch.nn.functional as F

CATEGORY = "reduction"
ROWS = 40
COLS = 150


class Model(nn.Module):
    def forward(self, x):
        values, indices = torch.max(x, dim=1)
        return values, indices


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

__global__ void max_kernel(const float* __restrict__ x, float* __restrict__ values, int64_t* __restrict__ indices, int cols) {
    __shared__ float sv[128];
    __shared__ int si[128];
    const float* row = x + (size_t)blockIdx.x * cols;
    float best = -INFINITY;
    int at = 0x7fffffff;
    for (int i = threadIdx.x; i < cols; i += blockDim.x)
        if (row[i] > best || at == 0x7fffffff) { best = row[i]; at = i; }
    sv[threadIdx.x] = best; si[threadIdx.x] = at;
    __syncthreads();
    for (int s = blockDim.x / 2; s > 0; s >>= 1) {
        if (threadIdx.x < s) {
            float v = sv[threadIdx.x + s];
            int j = si[threadIdx.x + s];
            if (v > sv[threadIdx.x] || (v == sv[threadIdx.x] && j < si[threadIdx.x])) { sv[threadIdx.x] = v; si[threadIdx.x] = j; }
        }
        __syncthreads();
    }
    if (threadIdx.x == 0) { values[blockIdx.x] = sv[0]; indices[blockIdx.x] = si[0]; }
}
std::vector<torch::Tensor> row_max(torch::Tensor x) {
    x = x.contiguous();
    auto values = torch::empty({x.size(0)}, x.options());
    auto indices = torch::empty({x.size(0)}, x.options().dtype(torch::kLong));
    max_kernel<<<x.size(0), 128>>>(x.data_ptr<float>(), values.data_ptr<float>(), indices.data_ptr<int64_t>(), x.size(1));
    return {values, indices};
}

"""

cpp_source = r"""
std::vector<torch::Tensor> row_max(torch::Tensor x);
"""

ext = load_inline(
    name="h10",
    cpp_sources=cpp_source,
    cuda_sources=cuda_source,
    functions=["row_max"],
    extra_cuda_cflags=["-O3"],
    verbose=False,
)


class ModelNew(nn.Module):
    def forward(self, x):
        return ext.row_max(x)

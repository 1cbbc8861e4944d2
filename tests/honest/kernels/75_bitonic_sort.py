"""Rows sorted by a bitonic network in shared memory, padded to a power of two with infinity."""
import torch
import torch.nn as nn

CATEGORY = "selection"
ROWS = 10
COLS = 90


class Model(nn.Module):
    def forward(self, x):
        return torch.sort(x, dim=1, descending=True)[0]


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

__global__ void bitonic_sort(const float* x, float* y, int cols, int padded) {
    extern __shared__ float keys[];
    for (int i = threadIdx.x; i < padded; i += blockDim.x)
        keys[i] = i < cols ? x[(size_t)blockIdx.x * cols + i] : -INFINITY;
    __syncthreads();
    for (int size = 2; size <= padded; size <<= 1) {
        for (int stride = size >> 1; stride > 0; stride >>= 1) {
            for (int i = threadIdx.x; i < padded; i += blockDim.x) {
                const int partner = i ^ stride;
                if (partner > i) {
                    const bool descending = (i & size) == 0;
                    const float a = keys[i], b = keys[partner];
                    if ((a < b) == descending) {
                        keys[i] = b;
                        keys[partner] = a;
                    }
                }
            }
            __syncthreads();
        }
    }
    for (int i = threadIdx.x; i < cols; i += blockDim.x) y[(size_t)blockIdx.x * cols + i] = keys[i];
}

torch::Tensor sort_descending(torch::Tensor x) {
    const int cols = x.size(1);
    int padded = 1;
    while (padded < cols) padded *= 2;
    TORCH_CHECK(padded * sizeof(float) <= 48 * 1024, "rows of up to 12288 elements");
    auto y = torch::empty_like(x);
    bitonic_sort<<<x.size(0), 64, padded * sizeof(float)>>>(x.data_ptr<float>(), y.data_ptr<float>(), cols, padded);
    return y;
}
"""

ext = load_inline(
    name="bitonic_sort",
    cpp_sources="torch::Tensor sort_descending(torch::Tensor x);",
    cuda_sources=cuda_source,
    functions=["sort_descending"],
)


class ModelNew(nn.Module):
    def forward(self, x):
        return ext.sort_descending(x.contiguous())

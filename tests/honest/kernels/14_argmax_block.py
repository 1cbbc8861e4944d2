"""argmax of each row by a block: value and index reduced together, ties to the lower index."""
import torch
import torch.nn as nn

CATEGORY = "reduction"
ROWS = 12
COLS = 500


class Model(nn.Module):
    def forward(self, x):
        return torch.argmax(x, dim=1)


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
#include <cfloat>
#include <climits>

struct Best {
    float value;
    int index;
};

__device__ __forceinline__ Best better(Best a, Best b) {
    if (b.value > a.value || (b.value == a.value && b.index < a.index)) return b;
    return a;
}

template <int THREADS>
__global__ void argmax_kernel(const float* __restrict__ x, long long* __restrict__ out, int cols) {
    __shared__ Best shared[THREADS];
    const float* row = x + (size_t)blockIdx.x * cols;
    Best best = {-FLT_MAX, INT_MAX};
    for (int c = threadIdx.x; c < cols; c += THREADS) best = better(best, Best{row[c], c});
    shared[threadIdx.x] = best;
    __syncthreads();
    for (int half = THREADS / 2; half > 0; half >>= 1) {
        if (threadIdx.x < half) shared[threadIdx.x] = better(shared[threadIdx.x], shared[threadIdx.x + half]);
        __syncthreads();
    }
    if (threadIdx.x == 0) out[blockIdx.x] = shared[0].index;
}

torch::Tensor argmax_cuda(torch::Tensor x) {
    auto out = torch::empty({x.size(0)}, torch::TensorOptions().dtype(torch::kLong).device(x.device()));
    argmax_kernel<128><<<x.size(0), 128>>>(x.data_ptr<float>(), reinterpret_cast<long long*>(out.data_ptr<int64_t>()),
                                           x.size(1));
    return out;
}
"""

ext = load_inline(
    name="argmax_rows",
    cpp_sources="torch::Tensor argmax_cuda(torch::Tensor x);",
    cuda_sources=cuda_source,
    functions=["argmax_cuda"],
)


class ModelNew(nn.Module):
    def forward(self, x):
        return ext.argmax_cuda(x.contiguous())

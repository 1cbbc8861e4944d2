"""logsumexp with a running maximum: one pass over the row."""
import torch
import torch.nn as nn

CATEGORY = "reduction"
ROWS = 14
COLS = 333


class Model(nn.Module):
    def forward(self, x):
        return torch.logsumexp(x, dim=1, keepdim=True)


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

__device__ __forceinline__ void combine(float& m, float& s, float other_m, float other_s) {
    const float top = fmaxf(m, other_m);
    if (top == -INFINITY) return;  // both are empty: exp(-inf + inf) would be NaN
    s = s * expf(m - top) + other_s * expf(other_m - top);
    m = top;
}

__global__ void logsumexp_kernel(const float* x, float* y, int cols) {
    __shared__ float ms[8], ss[8];
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    float m = -INFINITY, s = 0.f;
    for (int c = threadIdx.x; c < cols; c += blockDim.x) combine(m, s, x[blockIdx.x * cols + c], 1.f);
    for (int o = 16; o > 0; o >>= 1) {
        const float other_m = __shfl_down_sync(~0u, m, o);
        const float other_s = __shfl_down_sync(~0u, s, o);
        combine(m, s, other_m, other_s);
    }
    if (lane == 0) {
        ms[warp] = m;
        ss[warp] = s;
    }
    __syncthreads();
    if (threadIdx.x == 0) {
        for (int w = 1; w < blockDim.x / 32; ++w) combine(m, s, ms[w], ss[w]);
        y[blockIdx.x] = m + logf(s);
    }
}

torch::Tensor logsumexp_cuda(torch::Tensor x) {
    auto y = torch::empty({x.size(0), 1}, x.options());
    logsumexp_kernel<<<x.size(0), 256>>>(x.data_ptr<float>(), y.data_ptr<float>(), (int)x.size(1));
    return y;
}
"""

ext = load_inline(
    name="logsumexp_online",
    cpp_sources="torch::Tensor logsumexp_cuda(torch::Tensor x);",
    cuda_sources=cuda_source,
    functions=["logsumexp_cuda"],
)


class ModelNew(nn.Module):
    def forward(self, x):
        return ext.logsumexp_cuda(x.contiguous())

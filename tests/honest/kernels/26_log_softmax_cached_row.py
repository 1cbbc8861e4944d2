"""log_softmax by a block that keeps its row in dynamic shared memory; rows too long for it go a slower way."""
import torch
import torch.nn as nn

CATEGORY = "softmax"
BATCH = 9
DIM = 500


class Model(nn.Module):
    def forward(self, x):
        return torch.log_softmax(x, dim=-1)


def get_inputs():
    return [torch.randn(BATCH, DIM)]


def get_init_inputs():
    return []
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

cuda_source = r"""
#include <torch/extension.h>

template <bool MAX>
__device__ float block_reduce(float v, float* scratch) {
    const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
    for (int o = 16; o > 0; o >>= 1) {
        const float other = __shfl_xor_sync(0xffffffffu, v, o);
        v = MAX ? fmaxf(v, other) : v + other;
    }
    __syncthreads();  // scratch may still be read from the reduction before
    if (lane == 0) scratch[warp] = v;
    __syncthreads();
    v = scratch[0];
    for (int w = 1; w < blockDim.x / 32; ++w) v = MAX ? fmaxf(v, scratch[w]) : v + scratch[w];
    return v;
}

template <bool CACHED>
__global__ void log_softmax_kernel(const float* __restrict__ x, float* __restrict__ y, int cols) {
    extern __shared__ float shared[];
    float* scratch = shared;
    float* row = shared + 32;
    const float* in = x + (size_t)blockIdx.x * cols;
    float top = -INFINITY;
    for (int c = threadIdx.x; c < cols; c += blockDim.x) {
        const float v = in[c];
        if (CACHED) row[c] = v;
        top = fmaxf(top, v);
    }
    top = block_reduce<true>(top, scratch);
    float sum = 0.f;
    for (int c = threadIdx.x; c < cols; c += blockDim.x) sum += expf((CACHED ? row[c] : in[c]) - top);
    sum = block_reduce<false>(sum, scratch);
    const float shift = top + logf(sum);
    for (int c = threadIdx.x; c < cols; c += blockDim.x)
        y[(size_t)blockIdx.x * cols + c] = (CACHED ? row[c] : in[c]) - shift;
}

torch::Tensor log_softmax(torch::Tensor x) {
    auto y = torch::empty_like(x);
    const int cols = x.size(-1), rows = x.numel() / cols, threads = 128;
    const size_t bytes = (32 + cols) * sizeof(float);
    if (bytes <= 48 * 1024) {
        log_softmax_kernel<true><<<rows, threads, bytes>>>(x.data_ptr<float>(), y.data_ptr<float>(), cols);
    } else {
        log_softmax_kernel<false><<<rows, threads, 32 * sizeof(float)>>>(x.data_ptr<float>(), y.data_ptr<float>(), cols);
    }
    return y;
}
"""

ext = load_inline(
    name="log_softmax_cached",
    cpp_sources="torch::Tensor log_softmax(torch::Tensor x);",
    cuda_sources=cuda_source,
    functions=["log_softmax"],
)


class ModelNew(nn.Module):
    def forward(self, x):
        return ext.log_softmax(x.contiguous())

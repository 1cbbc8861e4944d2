"""The k-th largest of a row by radix selection on the bits of the floats."""
import torch
import torch.nn as nn

CATEGORY = "selection"


class Model(nn.Module):
    """Sum of the k largest of each row."""
    def __init__(self, k):
        super().__init__()
        self.k = k
    def forward(self, x):
        return torch.topk(x, self.k, dim=-1).values.sum(dim=-1)
rows = 11
cols = 777
k = 20


def get_inputs():
    return [torch.randn(rows, cols)]


def get_init_inputs():
    return [k]
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline
src = r"""
#include <torch/extension.h>

__device__ __forceinline__ unsigned to_ordered(float f) {
    const unsigned u = __float_as_uint(f);
    return u ^ ((u >> 31) ? 0xffffffffu : 0x80000000u);
}

constexpr int RADIX_BITS = 8, BINS = 1 << RADIX_BITS, THREADS = 256;

__global__ void topk_sum_kernel(const float* __restrict__ x, float* __restrict__ out, int cols, int k) {
    __shared__ int hist[BINS];
    __shared__ unsigned s_prefix;
    __shared__ int s_remaining;
    __shared__ float s_sum[THREADS / 32];
    const float* row = x + (size_t)blockIdx.x * cols;
    if (threadIdx.x == 0) { s_prefix = 0u; s_remaining = k; }
    unsigned known = 0u;
    for (int shift = 32 - RADIX_BITS; shift >= 0; shift -= RADIX_BITS) {
        hist[threadIdx.x] = 0;
        __syncthreads();
        const unsigned prefix = s_prefix;
        for (int i = threadIdx.x; i < cols; i += blockDim.x) {
            const unsigned key = to_ordered(row[i]);
            if ((key & known) == prefix) atomicAdd(&hist[(key >> shift) & (BINS - 1)], 1);
        }
        __syncthreads();
        if (threadIdx.x == 0) {
            int left = s_remaining, bin = BINS - 1;
            while (bin > 0 && hist[bin] < left) left -= hist[bin--];
            s_prefix = prefix | ((unsigned)bin << shift);
            s_remaining = left;
        }
        known |= (unsigned)(BINS - 1) << shift;
        __syncthreads();
    }
    const unsigned kth = s_prefix;
    float sum = 0.f;
    for (int i = threadIdx.x; i < cols; i += blockDim.x) {
        const float v = row[i];
        if (to_ordered(v) > kth) sum += v;
    }
    for (int o = 16; o; o >>= 1) sum += __shfl_down_sync(~0u, sum, o);
    if ((threadIdx.x & 31) == 0) s_sum[threadIdx.x >> 5] = sum;
    __syncthreads();
    if (threadIdx.x == 0) {
        float total = 0.f;
        for (int w = 0; w < THREADS / 32; ++w) total += s_sum[w];
        const unsigned bits = (kth >> 31) ? (kth ^ 0x80000000u) : ~kth;
        out[blockIdx.x] = total + s_remaining * __uint_as_float(bits);
    }
}

torch::Tensor topk_sum(torch::Tensor x, int64_t k) {
    TORCH_CHECK(k >= 1 && k <= x.size(-1), "selected index k out of range");
    auto sizes = x.sizes().vec();
    sizes.pop_back();
    auto out = x.new_empty(sizes);
    topk_sum_kernel<<<out.numel(), THREADS>>>(x.data_ptr<float>(), out.data_ptr<float>(), (int)x.size(-1), (int)k);
    return out;
}
"""
ext = load_inline(name="radix_select", cpp_sources="torch::Tensor topk_sum(torch::Tensor x, int64_t k);", cuda_sources=src, functions=["topk_sum"])
class ModelNew(nn.Module):
    def __init__(self, k):
        super().__init__()
        self.k = k
    def forward(self, x):
        return ext.topk_sum(x.contiguous(), self.k)

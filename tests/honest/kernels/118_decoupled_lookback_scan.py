"""A scan in a single pass: blocks take tickets and look back at those before them."""
import torch
import torch.nn as nn

CATEGORY = "scan"
N = 2500


class Model(nn.Module):
    def forward(self, x):
        return torch.cumsum(x, 0)


def get_inputs():
    return [torch.rand(N)]


def get_init_inputs():
    return []
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

src = r"""
#include <torch/extension.h>
// Single-pass scan with decoupled look-back; blocks take tickets, so that those before one always run.
struct State { float value; unsigned flag; };
__device__ unsigned long long pack(float v, unsigned f) { return ((unsigned long long)f << 32) | __float_as_uint(v); }
__global__ void lookback(const float* x, float* y, volatile unsigned long long* state, unsigned* ticket, int n) {
    __shared__ int tile; __shared__ float warp_sums[4], prefix;
    if (threadIdx.x == 0) tile = atomicAdd(ticket, 1u);
    __syncthreads();
    const int i = tile * 128 + threadIdx.x, lane = threadIdx.x & 31, w = threadIdx.x >> 5;
    float v = i < n ? x[i] : 0.f;
    #pragma unroll
    for (int o = 1; o < 32; o <<= 1) { float u = __shfl_up_sync(0xffffffffu, v, o); if (lane >= o) v += u; }
    if (lane == 31) warp_sums[w] = v;
    __syncthreads();
    float before = 0.f, total = 0.f;
    for (int k = 0; k < 4; ++k) { if (k < w) before += warp_sums[k]; total += warp_sums[k]; }
    if (threadIdx.x == 0) {
        if (tile == 0) { state[0] = pack(total, 2); prefix = 0.f; }
        else {
            state[tile] = pack(total, 1);
            __threadfence();
            float p = 0.f; int t = tile - 1;
            while (true) { unsigned long long s = state[t]; unsigned f = s >> 32; if (f == 0) continue; p += __uint_as_float((unsigned)s); if (f == 2) break; --t; }
            state[tile] = pack(p + total, 2);
            __threadfence();
            prefix = p;
        }
    }
    __syncthreads();
    if (i < n) y[i] = prefix + before + v;
}
torch::Tensor scan(torch::Tensor x) {
    int n = x.numel(), tiles = (n + 127) / 128;
    auto y = torch::empty_like(x); auto state = torch::zeros({tiles}, x.options().dtype(torch::kInt64)); auto ticket = torch::zeros({1}, x.options().dtype(torch::kInt32));
    lookback<<<tiles, 128>>>(x.data_ptr<float>(), y.data_ptr<float>(), reinterpret_cast<volatile unsigned long long*>(state.data_ptr<int64_t>()), reinterpret_cast<unsigned*>(ticket.data_ptr<int>()), n);
    return y;
}
"""
ext = load_inline("lookback", "torch::Tensor scan(torch::Tensor x);", src, functions=["scan"])


class ModelNew(nn.Module):
    def forward(self, x):
        return ext.scan(x)

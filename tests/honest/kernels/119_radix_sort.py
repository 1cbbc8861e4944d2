"""A stable radix sort of floats, four bits a pass, with their indices."""
import torch
import torch.nn as nn

CATEGORY = "selection"
N = 900


class Model(nn.Module):
    def forward(self, x):
        return torch.sort(x, stable=True)


def get_inputs():
    return [torch.randn(N)]


def get_init_inputs():
    return []
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

src = r"""
#include <torch/extension.h>
__device__ __forceinline__ unsigned flip(float f) { unsigned u = __float_as_uint(f); return u ^ ((u >> 31) ? 0xffffffffu : 0x80000000u); }
__device__ __forceinline__ float unflip(unsigned u) { return __uint_as_float(u ^ ((u >> 31) ? 0x80000000u : 0xffffffffu)); }
__global__ void encode(const float* x, unsigned* k, int64_t* v, int n) { int i = blockIdx.x * blockDim.x + threadIdx.x; if (i < n) { k[i] = flip(x[i] == 0.f ? 0.f : x[i]); v[i] = i; } }
__global__ void histogram(const unsigned* k, unsigned* h, int n, int shift, int blocks) {
    __shared__ unsigned s[16]; if (threadIdx.x < 16) s[threadIdx.x] = 0; __syncthreads();
    int i = blockIdx.x * blockDim.x + threadIdx.x; if (i < n) atomicAdd(&s[(k[i] >> shift) & 15], 1u); __syncthreads();
    if (threadIdx.x < 16) h[threadIdx.x * blocks + blockIdx.x] = s[threadIdx.x];
}
__global__ void offsets(unsigned* h, int n) { unsigned t = 0; for (int i = 0; i < n; ++i) { unsigned c = h[i]; h[i] = t; t += c; } }
__global__ void scatter(const unsigned* k, const int64_t* v, unsigned* k2, int64_t* v2, const unsigned* h, int n, int shift, int blocks) {
    __shared__ unsigned digit[256]; int i = blockIdx.x * blockDim.x + threadIdx.x;
    unsigned d = i < n ? (k[i] >> shift) & 15 : 16; digit[threadIdx.x] = d; __syncthreads();
    if (i >= n) return;
    unsigned rank = 0; for (int t = 0; t < threadIdx.x; ++t) rank += digit[t] == d;
    unsigned to = h[d * blocks + blockIdx.x] + rank; k2[to] = k[i]; v2[to] = v[i];
}
__global__ void decode(const unsigned* k, const int64_t* v, const float* x, float* y, int n) { int i = blockIdx.x * blockDim.x + threadIdx.x; if (i < n) y[i] = x[v[i]]; }
std::tuple<torch::Tensor, torch::Tensor> sort(torch::Tensor x) {
    int n = x.numel(), T = 256, blocks = (n + T - 1) / T; auto io = x.options().dtype(torch::kInt32);
    auto k = torch::empty({2, n}, io), v = torch::empty({2, n}, x.options().dtype(torch::kLong)), h = torch::empty({16 * blocks}, io), y = torch::empty_like(x);
    auto kp = [&](int i) { return reinterpret_cast<unsigned*>(k.data_ptr<int>()) + i * n; }; auto vp = [&](int i) { return v.data_ptr<int64_t>() + i * n; };
    auto hp = reinterpret_cast<unsigned*>(h.data_ptr<int32_t>());
    encode<<<blocks, T>>>(x.data_ptr<float>(), kp(0), vp(0), n);
    int cur = 0;
    for (int shift = 0; shift < 32; shift += 4, cur ^= 1) {
        histogram<<<blocks, T>>>(kp(cur), hp, n, shift, blocks);
        offsets<<<1, 1>>>(hp, 16 * blocks);
        scatter<<<blocks, T>>>(kp(cur), vp(cur), kp(cur ^ 1), vp(cur ^ 1), hp, n, shift, blocks);
    }
    decode<<<blocks, T>>>(kp(cur), vp(cur), x.data_ptr<float>(), y.data_ptr<float>(), n);
    return {y, v.select(0, cur).contiguous()};
}
"""
ext = load_inline("radix", "std::tuple<torch::Tensor, torch::Tensor> sort(torch::Tensor x);", src, functions=["sort"])


class ModelNew(nn.Module):
    def forward(self, x):
        values, indices = ext.sort(x)
        return values, indices

"""Causal flash attention with grouped heads, a warp's halves for the rows of a tile."""
import torch
import torch.nn as nn
import torch.nn.functional as F

CATEGORY = "attention"
B = 2
HQ = 4
S = 33
D = 16


class Model(nn.Module):
    def forward(self, q, k, v):
        h = q.shape[1] // k.shape[1]
        k = k.repeat_interleave(h, 1); v = v.repeat_interleave(h, 1)
        return F.scaled_dot_product_attention(q, k, v, is_causal=True)


def get_inputs():
    return [torch.randn(B, HQ, S, D), torch.randn(B, 2, S, D), torch.randn(B, 2, S, D)]


def get_init_inputs():
    return []
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

src = r"""
#include <torch/extension.h>
template <int BR, int BC>
__global__ void flash(const float* __restrict__ Q, const float* __restrict__ K, const float* __restrict__ V, float* __restrict__ O, int HQ, int HK, int S, int D, float scale) {
    extern __shared__ float sm[];
    float* Qs = sm; float* Ks = Qs + BR * D; float* Vs = Ks + BC * D; float* P = Vs + BC * D;
    const int b = blockIdx.z, h = blockIdx.y, q0 = blockIdx.x * BR, t = threadIdx.x;
    const int kh = h / (HQ / HK);
    const float* q = Q + ((size_t)(b * HQ + h) * S) * D; const float* k = K + ((size_t)(b * HK + kh) * S) * D; const float* v = V + ((size_t)(b * HK + kh) * S) * D;
    for (int e = t; e < BR * D; e += blockDim.x) Qs[e] = (q0 + e / D < S) ? q[(q0 + e / D) * D + e % D] * scale : 0.f;
    const int row = t / BC, col = t % BC;
    float m = -1e30f, l = 0.f; float acc[8] = {0.f};
    const int last = min(S, q0 + BR);
    for (int k0 = 0; k0 < last; k0 += BC) {
        __syncthreads();
        for (int e = t; e < BC * D; e += blockDim.x) { bool in = k0 + e / D < S; Ks[e] = in ? k[(k0 + e / D) * D + e % D] : 0.f; Vs[e] = in ? v[(k0 + e / D) * D + e % D] : 0.f; }
        __syncthreads();
        float s = 0.f;
        for (int d = 0; d < D; ++d) s += Qs[row * D + d] * Ks[col * D + d];
        const bool ok = k0 + col < S && k0 + col <= q0 + row;
        s = ok ? s : -1e30f;
        float mx = s;
        #pragma unroll
        for (int o = BC / 2; o; o >>= 1) mx = fmaxf(mx, __shfl_xor_sync(0xffffffff, mx, o, BC));
        const float mn = fmaxf(m, mx);
        const float p = ok ? expf(s - mn) : 0.f;
        float sum = p;
        #pragma unroll
        for (int o = BC / 2; o; o >>= 1) sum += __shfl_xor_sync(0xffffffff, sum, o, BC);
        const float corr = expf(m - mn);
        l = l * corr + sum; m = mn;
        P[row * BC + col] = p;
        __syncwarp();
        int i = 0;
        for (int d = col; d < D; d += BC, ++i) { float a = acc[i] * corr; for (int c = 0; c < BC; ++c) a += P[row * BC + c] * Vs[c * D + d]; acc[i] = a; }
        __syncwarp();
    }
    if (q0 + row < S) { int i = 0; for (int d = col; d < D; d += BC, ++i) O[((size_t)(b * HQ + h) * S + q0 + row) * D + d] = acc[i] / l; }
}
torch::Tensor attention(torch::Tensor q, torch::Tensor k, torch::Tensor v) {
    TORCH_CHECK(q.size(1) % k.size(1) == 0, "heads of the queries must be a multiple of the keys'");
    TORCH_CHECK(q.size(3) <= 128);
    constexpr int BR = 8, BC = 16;
    const int B = q.size(0), HQ = q.size(1), S = q.size(2), D = q.size(3);
    auto o = torch::empty_like(q);
    const size_t smem = (BR * D + 2 * BC * D + BR * BC) * sizeof(float);
    flash<BR, BC><<<dim3((S + BR - 1) / BR, HQ, B), BR * BC, smem>>>(q.data_ptr<float>(), k.data_ptr<float>(), v.data_ptr<float>(), o.data_ptr<float>(), HQ, k.size(1), S, D, 1.0f / std::sqrt((float)D));
    return o;
}
"""
ext = load_inline("gqa", "torch::Tensor attention(torch::Tensor q, torch::Tensor k, torch::Tensor v);", src, functions=["attention"])


class ModelNew(nn.Module):
    def forward(self, q, k, v):
        return ext.attention(q.contiguous(), k.contiguous(), v.contiguous())

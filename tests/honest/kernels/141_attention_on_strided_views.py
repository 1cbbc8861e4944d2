"""Self-attention of a fused projection whose parts are read through their strides, unbound in C++."""
import torch
import torch.nn as nn

CATEGORY = "attention"


class Model(nn.Module):
    def __init__(self, heads, dim):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)
    def forward(self, x):
        b, n, c = x.shape
        q, k, v = self.qkv(x).view(b, n, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4)
        a = torch.softmax(q @ k.transpose(-2, -1) * (c // self.heads) ** -0.5, dim=-1)
        return self.proj((a @ v).transpose(1, 2).reshape(b, n, c))
B = 2
N = 12
HEADS = 3
DIM = 24


def get_inputs():
    return [torch.randn(B, N, DIM)]


def get_init_inputs():
    return [HEADS, DIM]
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline
src = r"""
#include <torch/extension.h>
__global__ void gemm_bias(const float* __restrict__ a, const float* __restrict__ w, const float* __restrict__ b, float* __restrict__ c, int M, int N, int K) {
    const int n = blockIdx.x * blockDim.x + threadIdx.x, m = blockIdx.y;
    if (n >= N) return;
    float acc = b[n];
    for (int k = 0; k < K; ++k) acc += a[(size_t)m * K + k] * w[(size_t)n * K + k];
    c[(size_t)m * N + n] = acc;
}
struct View { const float* p; int64_t sb, sh, sn, sd; __device__ float at(int b, int h, int n, int d) const { return p[b * sb + h * sh + n * sn + d * sd]; } };
static View view_of(const torch::Tensor& t) { return {t.data_ptr<float>(), t.stride(0), t.stride(1), t.stride(2), t.stride(3)}; }
__global__ void attend(View q, View k, View v, float* __restrict__ out, int H, int N, int D, float scale) {
    extern __shared__ float p[];
    const int n = blockIdx.x, h = blockIdx.y, b = blockIdx.z;
    float m = -INFINITY;
    for (int j = threadIdx.x; j < N; j += 32) {
        float s = 0.f;
        for (int d = 0; d < D; ++d) s += q.at(b, h, n, d) * k.at(b, h, j, d);
        p[j] = s * scale;
        m = fmaxf(m, p[j]);
    }
    for (int o = 16; o; o >>= 1) m = fmaxf(m, __shfl_xor_sync(~0u, m, o));
    float s = 0.f;
    for (int j = threadIdx.x; j < N; j += 32) s += (p[j] = expf(p[j] - m));
    for (int o = 16; o; o >>= 1) s += __shfl_xor_sync(~0u, s, o);
    __syncwarp();
    for (int d = threadIdx.x; d < D; d += 32) {
        float acc = 0.f;
        for (int j = 0; j < N; ++j) acc += p[j] * v.at(b, h, j, d);
        out[((size_t)(b * N + n) * H + h) * D + d] = acc / s;
    }
}
torch::Tensor linear(const torch::Tensor& x, const torch::Tensor& w, const torch::Tensor& b) {
    const int M = x.numel() / x.size(-1), K = x.size(-1), N = w.size(0);
    auto sizes = x.sizes().vec();
    sizes.back() = N;
    auto y = torch::empty(sizes, x.options());
    gemm_bias<<<dim3((N + 63) / 64, M), 64>>>(x.data_ptr<float>(), w.data_ptr<float>(), b.data_ptr<float>(), y.data_ptr<float>(), M, N, K);
    return y;
}
torch::Tensor mhsa(torch::Tensor x, torch::Tensor wqkv, torch::Tensor bqkv, torch::Tensor wp, torch::Tensor bp, int64_t heads) {
    const int64_t B = x.size(0), N = x.size(1), C = x.size(2), D = C / heads;
    auto qkv = ::linear(x, wqkv, bqkv).view({B, N, 3, heads, D}).permute({2, 0, 3, 1, 4});
    auto parts = qkv.unbind(0);
    auto o = torch::empty({B, N, C}, x.options());
    attend<<<dim3(N, heads, B), 32, N * sizeof(float)>>>(view_of(parts[0]), view_of(parts[1]), view_of(parts[2]), o.data_ptr<float>(), heads, N, D, 1.f / std::sqrt((float)D));
    return ::linear(o, wp, bp);
}
"""
ext = load_inline(name="mhsa", cpp_sources="torch::Tensor mhsa(torch::Tensor x, torch::Tensor wqkv, torch::Tensor bqkv, torch::Tensor wp, torch::Tensor bp, int64_t heads);", cuda_sources=src, functions=["mhsa"])
class ModelNew(nn.Module):
    def __init__(self, heads, dim):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)
    def forward(self, x):
        return ext.mhsa(x.contiguous(), self.qkv.weight, self.qkv.bias, self.proj.weight, self.proj.bias, self.heads)

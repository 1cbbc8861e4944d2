"""LayerNorm over the last axes: float4 where the row allows it, one element at a time where not."""
import torch
import torch.nn as nn

CATEGORY = "norm"
BATCH = 14
FEATURES = 16
DIM = 20


class Model(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.ln = nn.LayerNorm(shape)

    def forward(self, x):
        return self.ln(x)


def get_inputs():
    return [torch.randn(BATCH, FEATURES, DIM)]


def get_init_inputs():
    return [(FEATURES, DIM)]
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

cuda_source = r"""
#include <torch/extension.h>
#include <cuda_runtime.h>

constexpr int THREADS = 128;

__device__ __forceinline__ float2 block_sum2(float2 v) {
    __shared__ float2 partial[THREADS / 32];
    for (int o = 16; o > 0; o >>= 1) {
        v.x += __shfl_xor_sync(0xffffffffu, v.x, o);
        v.y += __shfl_xor_sync(0xffffffffu, v.y, o);
    }
    __syncthreads();
    if ((threadIdx.x & 31) == 0) partial[threadIdx.x >> 5] = v;
    __syncthreads();
    float2 total = make_float2(0.f, 0.f);
    for (int w = 0; w < THREADS / 32; ++w) {
        total.x += partial[w].x;
        total.y += partial[w].y;
    }
    return total;
}

__global__ void layernorm_kernel(const float* __restrict__ x, const float* __restrict__ gamma,
                                 const float* __restrict__ beta, float* __restrict__ y, int n, float eps) {
    const float* in = x + (size_t)blockIdx.x * n;
    float* out = y + (size_t)blockIdx.x * n;
    const int vectors = n % 4 == 0 ? n / 4 : 0;  // a row of another length does not start at 16 bytes
    const float4* in4 = reinterpret_cast<const float4*>(in);
    float2 sums = make_float2(0.f, 0.f);
    for (int i = threadIdx.x; i < vectors; i += THREADS) {
        const float4 v = in4[i];
        sums.x += v.x + v.y + v.z + v.w;
    }
    for (int i = vectors * 4 + threadIdx.x; i < n; i += THREADS) sums.x += in[i];
    const float mean = block_sum2(sums).x / n;
    sums = make_float2(0.f, 0.f);
    for (int i = threadIdx.x; i < n; i += THREADS) {
        const float d = in[i] - mean;
        sums.y += d * d;
    }
    const float rstd = rsqrtf(block_sum2(sums).y / n + eps);
    for (int i = threadIdx.x; i < n; i += THREADS) out[i] = (in[i] - mean) * rstd * gamma[i] + beta[i];
}

torch::Tensor layernorm(torch::Tensor x, torch::Tensor gamma, torch::Tensor beta, double eps) {
    TORCH_CHECK(x.is_contiguous() && gamma.is_contiguous() && beta.is_contiguous(), "contiguous tensors expected");
    TORCH_CHECK(x.numel() % gamma.numel() == 0, "shape mismatch");
    auto y = torch::empty_like(x);
    const int n = gamma.numel();
    const int rows = x.numel() / n;
    layernorm_kernel<<<rows, THREADS>>>(x.data_ptr<float>(), gamma.data_ptr<float>(), beta.data_ptr<float>(),
                                        y.data_ptr<float>(), n, static_cast<float>(eps));
    return y;
}
"""

ext = load_inline(
    name="layernorm_vectorised",
    cpp_sources="torch::Tensor layernorm(torch::Tensor x, torch::Tensor gamma, torch::Tensor beta, double eps);",
    cuda_sources=cuda_source,
    functions=["layernorm"],
)


class ModelNew(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.ln = nn.LayerNorm(shape)

    def forward(self, x):
        return ext.layernorm(x.contiguous(), self.ln.weight, self.ln.bias, self.ln.eps)

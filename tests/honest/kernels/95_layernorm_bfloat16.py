"""LayerNorm of bfloat16 rows with bfloat16 weights, statistics in float."""
import torch
import torch.nn as nn

CATEGORY = "norm"
ROWS = 12
DIM = 160


class Model(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.norm = nn.LayerNorm(dim, dtype=torch.bfloat16)

    def forward(self, x):
        return self.norm(x)


def get_inputs():
    return [torch.randn(ROWS, DIM, dtype=torch.bfloat16)]


def get_init_inputs():
    return [DIM]
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

cuda_source = r"""
#include <torch/extension.h>
#include <cuda_bf16.h>

using bf16 = __nv_bfloat16;

__device__ __forceinline__ float warp_sum(float v) {
    for (int o = 16; o > 0; o >>= 1) v += __shfl_xor_sync(0xffffffffu, v, o);
    return v;
}

__global__ void layernorm_bf16(const bf16* x, const bf16* w, const bf16* b, bf16* y, int rows, int dim, float eps) {
    const int row = blockIdx.x * blockDim.y + threadIdx.y;
    if (row >= rows) return;
    const bf16* in = x + (size_t)row * dim;
    float sum = 0.f;
    for (int i = threadIdx.x; i < dim; i += 32) sum += __bfloat162float(in[i]);
    const float mean = warp_sum(sum) / dim;
    float square = 0.f;
    for (int i = threadIdx.x; i < dim; i += 32) {
        const float d = __bfloat162float(in[i]) - mean;
        square += d * d;
    }
    const float rstd = rsqrtf(warp_sum(square) / dim + eps);
    for (int i = threadIdx.x; i < dim; i += 32) {
        const float v = (__bfloat162float(in[i]) - mean) * rstd;
        y[(size_t)row * dim + i] = __float2bfloat16(v * __bfloat162float(w[i]) + __bfloat162float(b[i]));
    }
}

torch::Tensor layernorm(torch::Tensor x, torch::Tensor w, torch::Tensor b, double eps) {
    auto y = torch::empty_like(x);
    const int rows = x.size(0), dim = x.size(1);
    auto p = [](torch::Tensor& t) { return reinterpret_cast<bf16*>(t.data_ptr<at::BFloat16>()); };
    layernorm_bf16<<<(rows + 3) / 4, dim3(32, 4)>>>(p(x), p(w), p(b), p(y), rows, dim, (float)eps);
    return y;
}
"""

ext = load_inline(
    name="layernorm_bf16",
    cpp_sources="torch::Tensor layernorm(torch::Tensor x, torch::Tensor w, torch::Tensor b, double eps);",
    cuda_sources=cuda_source,
    functions=["layernorm"],
)


class ModelNew(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.norm = nn.LayerNorm(dim, dtype=torch.bfloat16)

    def forward(self, x):
        return ext.layernorm(x.contiguous(), self.norm.weight, self.norm.bias, self.norm.eps)

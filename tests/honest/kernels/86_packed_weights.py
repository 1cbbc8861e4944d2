"""Three projections whose weights are packed in the constructor into one buffer of another layout."""
import torch
import torch.nn as nn

CATEGORY = "fused"
BATCH = 6
LENGTH = 11
DIM = 24


class Model(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.q = nn.Linear(dim, dim)
        self.k = nn.Linear(dim, dim)
        self.v = nn.Linear(dim, dim)

    def forward(self, x):
        return self.q(x), self.k(x), self.v(x)


def get_inputs():
    return [torch.randn(BATCH, LENGTH, DIM)]


def get_init_inputs():
    return [DIM]
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

cuda_source = r"""
#include <torch/extension.h>
#include <vector>

__global__ void qkv_kernel(const float* __restrict__ x, const float* __restrict__ wt, const float* __restrict__ bias,
                           float* __restrict__ q, float* __restrict__ k, float* __restrict__ v, int rows, int dim) {
    const int o = blockIdx.x * blockDim.x + threadIdx.x;
    const int row = blockIdx.y;
    if (o >= 3 * dim) return;
    float acc = bias[o];
    for (int i = 0; i < dim; ++i) acc += x[row * dim + i] * wt[i * 3 * dim + o];  // neighbours read neighbours
    float* out = o < dim ? q : (o < 2 * dim ? k : v);
    out[row * dim + o % dim] = acc;
}

std::vector<torch::Tensor> qkv(torch::Tensor x, torch::Tensor wt, torch::Tensor bias) {
    const int dim = x.size(-1), rows = x.numel() / dim;
    auto q = torch::empty_like(x), k = torch::empty_like(x), v = torch::empty_like(x);
    qkv_kernel<<<dim3((3 * dim + 63) / 64, rows), 64>>>(x.data_ptr<float>(), wt.data_ptr<float>(),
                                                        bias.data_ptr<float>(), q.data_ptr<float>(),
                                                        k.data_ptr<float>(), v.data_ptr<float>(), rows, dim);
    return {q, k, v};
}
"""

ext = load_inline(
    name="qkv_packed",
    cpp_sources="#include <vector>\nstd::vector<torch::Tensor> qkv(torch::Tensor x, torch::Tensor wt, torch::Tensor bias);",
    cuda_sources=cuda_source,
    functions=["qkv"],
)


class ModelNew(nn.Module):
    def __init__(self, dim):
        super().__init__()
        layers = [nn.Linear(dim, dim) for _ in range(3)]
        with torch.no_grad():
            packed = torch.cat([layer.weight for layer in layers]).t().contiguous()
            bias = torch.cat([layer.bias for layer in layers]).contiguous()
        self.register_buffer("packed", packed)
        self.register_buffer("bias", bias)

    def forward(self, x):
        q, k, v = ext.qkv(x.contiguous(), self.packed, self.bias)
        return q, k, v

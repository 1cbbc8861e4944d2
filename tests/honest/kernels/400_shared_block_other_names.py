"""A block that the task applies twice, its weights under names of the answer's own."""
import torch
import torch.nn as nn
import torch.nn.functional as F

CATEGORY = "matmul"
BATCH = 18
DIM = 28


class Block(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.linear = nn.Linear(dim, dim)
        self.register_buffer("shift", torch.randn(dim))

    def forward(self, x):
        return torch.relu(self.linear(x)) + self.shift


class Model(nn.Module):
    def __init__(self, dim):
        super().__init__()
        first, second = Block(dim), Block(dim)
        self.blocks = nn.ModuleList([first, second, first])

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return x


def get_inputs():
    return [torch.randn(BATCH, DIM)]


def get_init_inputs():
    return [DIM]
# --- candidate ---
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.cpp_extension import load_inline

cuda_source = r"""
#include <torch/extension.h>
#include <cuda.h>
#include <cuda_runtime.h>

__global__ void block_kernel(const float* __restrict__ x, const float* __restrict__ w, const float* __restrict__ b, const float* __restrict__ shift, float* __restrict__ y, int batch, int dim) {
    __shared__ float xs[16][17], ws[16][17];
    int row = blockIdx.y * 16 + threadIdx.y, col = blockIdx.x * 16 + threadIdx.x;
    float acc = 0.f;
    for (int k = 0; k < dim; k += 16) {
        xs[threadIdx.y][threadIdx.x] = row < batch && k + threadIdx.x < dim ? x[row * dim + k + threadIdx.x] : 0.f;
        int wr = blockIdx.x * 16 + threadIdx.y;
        ws[threadIdx.y][threadIdx.x] = wr < dim && k + threadIdx.x < dim ? w[wr * dim + k + threadIdx.x] : 0.f;
        __syncthreads();
        for (int i = 0; i < 16; ++i) acc = fmaf(xs[threadIdx.y][i], ws[threadIdx.x][i], acc);
        __syncthreads();
    }
    if (row < batch && col < dim) y[row * dim + col] = fmaxf(acc + b[col], 0.f) + shift[col];
}
torch::Tensor block(torch::Tensor x, torch::Tensor w, torch::Tensor b, torch::Tensor shift) {
    x = x.contiguous();
    auto y = torch::empty_like(x);
    int batch = x.size(0), dim = x.size(1);
    block_kernel<<<dim3((dim + 15) / 16, (batch + 15) / 16), dim3(16, 16)>>>(x.data_ptr<float>(), w.data_ptr<float>(), b.data_ptr<float>(), shift.data_ptr<float>(), y.data_ptr<float>(), batch, dim);
    return y;
}

"""

cpp_source = r"""
torch::Tensor block(torch::Tensor x, torch::Tensor w, torch::Tensor b, torch::Tensor shift);
"""

ext = load_inline(
    name="h36",
    cpp_sources=cpp_source,
    cuda_sources=cuda_source,
    functions=["block"],
    extra_cuda_cflags=["-O3"],
    verbose=False,
)


class Block(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.linear = nn.Linear(dim, dim)
        self.register_buffer("shift", torch.randn(dim))

    def forward(self, x):
        return ext.block(x, self.linear.weight, self.linear.bias, self.shift)


class ModelNew(nn.Module):
    def __init__(self, dim):
        super().__init__()
        first, second = Block(dim), Block(dim)
        self.first = first
        self.second = second

    def forward(self, x):
        for block in (self.first, self.second, self.first):
            x = block(x)
        return x


if __name__ == "__main__":
    model = ModelNew(28).cuda()
    print(model(torch.randn(18, 28, device="cuda")).shape)

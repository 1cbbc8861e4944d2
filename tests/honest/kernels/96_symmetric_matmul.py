"""A product of symmetric matrices: both are read by rows, since a column is a row."""
import torch
import torch.nn as nn

CATEGORY = "matmul"
N = 40


class Model(nn.Module):
    def forward(self, A, B):
        return torch.matmul(A, B)


def get_inputs():
    A = torch.randn(N, N)
    B = torch.randn(N, N)
    return [(A + A.T) / 2, (B + B.T) / 2]


def get_init_inputs():
    return []
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

cuda_source = r"""
#include <torch/extension.h>

__global__ void symmetric_matmul(const float* __restrict__ A, const float* __restrict__ B, float* __restrict__ C,
                                 int n) {
    __shared__ float a[16][17], b[16][17];
    const int col = blockIdx.x * 16 + threadIdx.x, row = blockIdx.y * 16 + threadIdx.y;
    const int b_row = blockIdx.x * 16 + threadIdx.y;
    float sum = 0.f;
    for (int k0 = 0; k0 < n; k0 += 16) {
        const int k = k0 + threadIdx.x;
        a[threadIdx.y][threadIdx.x] = row < n && k < n ? A[row * n + k] : 0.f;
        b[threadIdx.y][threadIdx.x] = b_row < n && k < n ? B[b_row * n + k] : 0.f;
        __syncthreads();
        for (int i = 0; i < 16; ++i) sum += a[threadIdx.y][i] * b[threadIdx.x][i];
        __syncthreads();
    }
    if (row < n && col < n) C[row * n + col] = sum;
}

torch::Tensor matmul(torch::Tensor A, torch::Tensor B) {
    const int n = A.size(0);
    auto C = torch::empty_like(A);
    dim3 grid((n + 15) / 16, (n + 15) / 16);
    symmetric_matmul<<<grid, dim3(16, 16)>>>(A.data_ptr<float>(), B.data_ptr<float>(), C.data_ptr<float>(), n);
    return C;
}
"""

ext = load_inline(
    name="symmetric_matmul",
    cpp_sources="torch::Tensor matmul(torch::Tensor A, torch::Tensor B);",
    cuda_sources=cuda_source,
    functions=["matmul"],
)


class ModelNew(nn.Module):
    def forward(self, A, B):
        return ext.matmul(A.contiguous(), B.contiguous())

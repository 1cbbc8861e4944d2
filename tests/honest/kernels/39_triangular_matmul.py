"""Product of lower triangular matrices: only k from the column to the row contributes, the rest stays zero."""
import torch
import torch.nn as nn

CATEGORY = "matmul"
N = 45


class Model(nn.Module):
    def forward(self, A, B):
        return torch.tril(torch.matmul(A, B))


def get_inputs():
    return [torch.tril(torch.randn(N, N)), torch.tril(torch.randn(N, N))]


def get_init_inputs():
    return []
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

cuda_source = r"""
#include <torch/extension.h>

__global__ void tril_matmul(const float* __restrict__ A, const float* __restrict__ B, float* __restrict__ C, int n) {
    const int col = blockIdx.x * blockDim.x + threadIdx.x;
    const int row = blockIdx.y * blockDim.y + threadIdx.y;
    if (row >= n || col >= n) return;
    float sum = 0.f;
    if (col <= row) {
        for (int k = col; k <= row; ++k) sum += A[row * n + k] * B[k * n + col];
    }
    C[row * n + col] = sum;
}

torch::Tensor tril_matmul_cuda(torch::Tensor A, torch::Tensor B) {
    const int n = A.size(0);
    auto C = torch::empty_like(A);
    dim3 block(32, 4), grid((n + 31) / 32, (n + 3) / 4);
    tril_matmul<<<grid, block>>>(A.data_ptr<float>(), B.data_ptr<float>(), C.data_ptr<float>(), n);
    return C;
}
"""

ext = load_inline(
    name="tril_matmul",
    cpp_sources="torch::Tensor tril_matmul_cuda(torch::Tensor A, torch::Tensor B);",
    cuda_sources=cuda_source,
    functions=["tril_matmul_cuda"],
)


class ModelNew(nn.Module):
    def forward(self, A, B):
        return ext.tril_matmul_cuda(A.contiguous(), B.contiguous())

"""A tall inner dimension split over blocks, partial results added with atomicAdd into zeroed memory."""
import torch
import torch.nn as nn

CATEGORY = "matmul"
M = 12
K = 500
N = 15


class Model(nn.Module):
    def forward(self, A, B):
        return torch.matmul(A, B)


def get_inputs():
    return [torch.randn(M, K), torch.randn(K, N)]


def get_init_inputs():
    return []
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

cuda_source = r"""
#include <torch/extension.h>

__global__ void split_k_kernel(const float* A, const float* B, float* C, int M, int N, int K, int per_block) {
    const int col = blockIdx.x * blockDim.x + threadIdx.x;
    const int row = blockIdx.y * blockDim.y + threadIdx.y;
    if (row >= M || col >= N) return;
    const int begin = blockIdx.z * per_block;
    const int end = min(begin + per_block, K);
    float sum = 0.f;
    for (int k = begin; k < end; ++k) sum += A[row * K + k] * B[k * N + col];
    atomicAdd(&C[row * N + col], sum);
}

torch::Tensor split_k(torch::Tensor A, torch::Tensor B, int splits) {
    const int M = A.size(0), K = A.size(1), N = B.size(1);
    auto C = torch::empty({M, N}, A.options());
    cudaMemsetAsync(C.data_ptr<float>(), 0, C.nbytes(), 0);
    const int per_block = (K + splits - 1) / splits;
    dim3 block(8, 8);
    dim3 grid((N + 7) / 8, (M + 7) / 8, splits);
    split_k_kernel<<<grid, block>>>(A.data_ptr<float>(), B.data_ptr<float>(), C.data_ptr<float>(), M, N, K, per_block);
    return C;
}
"""

ext = load_inline(
    name="split_k",
    cpp_sources="torch::Tensor split_k(torch::Tensor A, torch::Tensor B, int splits);",
    cuda_sources=cuda_source,
    functions=["split_k"],
)


class ModelNew(nn.Module):
    def __init__(self):
        super().__init__()
        self.splits = 8

    def forward(self, A, B):
        return ext.split_k(A.contiguous(), B.contiguous(), self.splits)

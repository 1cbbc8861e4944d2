"""A^T B^T of non-contiguous views: the kernel takes strides, nothing is copied."""
import torch
import torch.nn as nn

CATEGORY = "matmul"
M = 33
K = 45
N = 41


class Model(nn.Module):
    def forward(self, A, B):
        return torch.matmul(A.T, B.T)


def get_inputs():
    return [torch.randn(M, K).t(), torch.randn(N, 2 * K)[:, ::2]]


def get_init_inputs():
    return []
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

cuda_source = r"""
#include <torch/extension.h>

__global__ void matmul_strided(const float* A, const float* B, float* C, int M, int N, int K, int64_t a_row,
                               int64_t a_col, int64_t b_row, int64_t b_col) {
    __shared__ float As[8][32];
    __shared__ float Bs[32][9];
    const int col = blockIdx.x * 8 + threadIdx.x, row = blockIdx.y * 8 + threadIdx.y;
    float sum = 0.f;
    for (int k0 = 0; k0 < K; k0 += 32) {
        for (int k = threadIdx.x; k < 32; k += 8)
            As[threadIdx.y][k] = row < M && k0 + k < K ? A[row * a_row + (k0 + k) * a_col] : 0.f;
        for (int k = threadIdx.y; k < 32; k += 8)
            Bs[k][threadIdx.x] = col < N && k0 + k < K ? B[(k0 + k) * b_row + col * b_col] : 0.f;
        __syncthreads();
        for (int k = 0; k < 32; ++k) sum += As[threadIdx.y][k] * Bs[k][threadIdx.x];
        __syncthreads();
    }
    if (row < M && col < N) C[row * N + col] = sum;
}

torch::Tensor matmul_tt(torch::Tensor A, torch::Tensor B) {
    auto At = A.t(), Bt = B.t();
    TORCH_CHECK(At.size(1) == Bt.size(0), "inner sizes differ");
    const int M = At.size(0), K = At.size(1), N = Bt.size(1);
    auto C = torch::empty({M, N}, A.options());
    matmul_strided<<<dim3((N + 7) / 8, (M + 7) / 8), dim3(8, 8)>>>(
        At.data_ptr<float>(), Bt.data_ptr<float>(), C.data_ptr<float>(), M, N, K, At.stride(0), At.stride(1),
        Bt.stride(0), Bt.stride(1));
    return C;
}
"""

ext = load_inline(
    name="matmul_tt",
    cpp_sources="torch::Tensor matmul_tt(torch::Tensor A, torch::Tensor B);",
    cuda_sources=cuda_source,
    functions=["matmul_tt"],
)


class ModelNew(nn.Module):
    def forward(self, A, B):
        return ext.matmul_tt(A, B)

"""Batched matmul, the batch in the grid's third dimension."""
import torch
import torch.nn as nn

CATEGORY = "matmul"
BATCH = 3
M = 20
K = 24
N = 17


class Model(nn.Module):
    def forward(self, A, B):
        return torch.bmm(A, B)


def get_inputs():
    return [torch.randn(BATCH, M, K), torch.randn(BATCH, K, N)]


def get_init_inputs():
    return []
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

cuda_source = r"""
#include <torch/extension.h>
#define TILE_SIZE 8

__global__ void bmm_kernel(const float* A, const float* B, float* C, int M, int N, int K) {
    __shared__ float a_tile[TILE_SIZE][TILE_SIZE];
    __shared__ float b_tile[TILE_SIZE][TILE_SIZE];
    A += (size_t)blockIdx.z * M * K;
    B += (size_t)blockIdx.z * K * N;
    C += (size_t)blockIdx.z * M * N;
    int row = blockIdx.y * TILE_SIZE + threadIdx.y;
    int col = blockIdx.x * TILE_SIZE + threadIdx.x;
    float value = 0.0f;
    int tiles = (K + TILE_SIZE - 1) / TILE_SIZE;
    for (int t = 0; t < tiles; ++t) {
        int a_col = t * TILE_SIZE + threadIdx.x;
        int b_row = t * TILE_SIZE + threadIdx.y;
        if (row < M && a_col < K)
            a_tile[threadIdx.y][threadIdx.x] = A[row * K + a_col];
        else
            a_tile[threadIdx.y][threadIdx.x] = 0.0f;
        if (b_row < K && col < N)
            b_tile[threadIdx.y][threadIdx.x] = B[b_row * N + col];
        else
            b_tile[threadIdx.y][threadIdx.x] = 0.0f;
        __syncthreads();
        for (int k = 0; k < TILE_SIZE; ++k) value += a_tile[threadIdx.y][k] * b_tile[k][threadIdx.x];
        __syncthreads();
    }
    if (row < M && col < N) C[row * N + col] = value;
}

torch::Tensor bmm_cuda(torch::Tensor A, torch::Tensor B) {
    const auto batch = A.size(0), M = A.size(1), K = A.size(2), N = B.size(2);
    auto C = torch::empty({batch, M, N}, A.options());
    dim3 block(TILE_SIZE, TILE_SIZE, 1);
    dim3 grid((N + TILE_SIZE - 1) / TILE_SIZE, (M + TILE_SIZE - 1) / TILE_SIZE, batch);
    bmm_kernel<<<grid, block>>>(A.data_ptr<float>(), B.data_ptr<float>(), C.data_ptr<float>(), M, N, K);
    return C;
}
"""

bmm = load_inline(
    name="bmm",
    cpp_sources="torch::Tensor bmm_cuda(torch::Tensor A, torch::Tensor B);",
    cuda_sources=cuda_source,
    functions=["bmm_cuda"],
)


class ModelNew(nn.Module):
    def forward(self, A, B):
        return bmm.bmm_cuda(A.contiguous(), B.contiguous())
